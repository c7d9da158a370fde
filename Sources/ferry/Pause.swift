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
            _ = try await client.post("/admin/v1/integrations/\(AdminClient.segment(integration))/pause", [:])
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
            _ = try await client.post("/admin/v1/integrations/\(AdminClient.segment(integration))/resume", [:])
            Terminal.error("\(integration) goes on")
        }
    }
}
