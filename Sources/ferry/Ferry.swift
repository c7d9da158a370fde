import ArgumentParser

/// The command line. Each command reads its arguments, calls one room, and turns outcomes into exit codes: 0, 1 (the work
/// failed), 64 (usage), 74 (a flush of the disk failed: `FailedFlush`), 75 (later), 78 (configuration).
@main
struct Ferry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry",
        abstract: "Takes Segment-style calls, keeps them safely, and lands them in Customer.io.",
        version: BuildInformation.words,
        subcommands: [
            Demo.self, Serve.self, WorkspaceCommand.self, Exec.self, PreviewEvents.self, Check.self, Import.self,
            Send.self,
            Status.self, NodesCommand.self, EventCommands.self, Pause.self, Resume.self,
            GiveUp.self,
            Failed.self, Replay.self,
            JobCommands.self, Export.self, Apply.self, Reload.self, RevisionCommands.self, RemoveIntegration.self,
            Erase.self, Rejected.self, LogCommands.self, Doctor.self, MakeBackup.self, RestoreBackup.self,
        ]
    )
}

extension ExitCode {
    /// The configuration is wrong (EX_CONFIG).
    static let configuration = ExitCode(78)
    /// It can't be done now, and can later (EX_TEMPFAIL).
    static let temporary = ExitCode(75)
}
