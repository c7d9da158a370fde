import ArgumentParser
import Events
import Storage

/// `ferry backup`: a copy of the data, also of a server that runs.
struct MakeBackup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the data folder, also while a server uses it.",
        discussion: """
            The backup is a folder. All that was acknowledged before the command began is in it, with how far delivery had \
            come. What it promises, and what restoring means for what came later: docs/operations.md.
            """
    )

    @Argument(help: "The folder of the backup, which must not be there yet.")
    var target: String

    @Option(help: "The data folder.")
    var data = "./ferry-data"

    @Flag(help: "Leave out seal.key, which opens the secrets in the data. Keep it elsewhere then.")
    var withoutKey = false

    func run() throws {
        try Terminal.reportingStorageErrors {
            let start = ContinuousClock.now
            let time = Timestamp.now.iso8601 ?? ""
            let target = target.count > 1 && target.hasSuffix("/") ? String(target.dropLast()) : target
            let backup = try Backup(of: data, into: target, madeAt: time, withKey: !withoutKey)
            let seconds = start.duration(to: .now) / .seconds(1)
            let megabytes = (Double(backup.bytes) / 100_000).rounded() / 10
            Terminal.error(
                "\(target): \(megabytes) MB, up to event \(backup.lastEvent), in \((seconds * 10).rounded() / 10) s"
            )
            Terminal.error(
                backup.hasKey
                    ? "seal.key is in it: whoever has the backup can read the secrets in it"
                    : "seal.key is not in it: without the key the secrets in it can't be read"
            )
        }
    }
}

/// `ferry restore`: a data folder from a backup.
struct RestoreBackup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a data folder from a backup.",
        discussion: "The folder must hold no data, and no server may use it. Every byte is compared first."
    )

    @Argument(help: "The folder of the backup.")
    var backup: String

    @Option(help: "The data folder.")
    var data = "./ferry-data"

    @Flag(help: "Let every integration of the backup wait until ferry resume: nothing is sent before you have looked.")
    var paused = false

    func run() throws {
        try Terminal.reportingStorageErrors {
            let backup = try Backup(reading: backup)
            try backup.restore(from: self.backup, into: data, paused: paused)
            Terminal.error("\(data) is as it was at \(backup.madeAt), up to event \(backup.lastEvent)")
            guard !backup.hasKey else { return }
            Terminal.error(
                "seal.key was not in the backup: put it into \(data) before a server starts, or one is made anew"
            )
        }
    }
}
