import ArgumentParser
import LosslessJSON

/// `ferry pause`: an integration of a running server sends nothing for now.
struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let everything of an integration wait, also over a restart. Nothing is lost."
    )

    @Argument(help: "The integration.")
    var integration: String

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            _ = try await client.post(AdminClient.path(ofIntegration: integration) + "/pause", [:])
            Terminal.error("\(integration) is paused: what arrives for it waits in the log")
        }
    }
}

/// `ferry resume`: it goes on.
struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let a paused integration go on where it stopped.")

    @Argument(help: "The integration.")
    var integration: String

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            _ = try await client.post(AdminClient.path(ofIntegration: integration) + "/resume", [:])
            Terminal.error("\(integration) goes on")
        }
    }
}

/// `ferry give-up`: lets go of what waits of one event.
struct GiveUp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fail what is still to be delivered of one event, so that those behind it go on.",
        discussion: "It stands among the failed operations then, and can be retried."
    )

    @Argument(help: "The integration.")
    var integration: String

    @Argument(help: "The event's number.")
    var event: Int64

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            let path = AdminClient.path(ofIntegration: integration) + "/give-up"
            let answer = try await client.post(path, ["event": .number(JSON.Number(event))])
            Terminal.error("\(answer["givenUp"]?.description ?? "0") given up")
        }
    }
}
