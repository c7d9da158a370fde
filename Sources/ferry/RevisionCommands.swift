import ArgumentParser
import Diagnostics
import LosslessJSON

/// `ferry revisions`: what an integration of a running server was, and is.
struct RevisionCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revisions",
        abstract: "List, show and put back what an integration's configuration was.",
        subcommands: [List.self, Show.self, PutBack.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the revisions of an integration, newest first.")

        @Argument(help: "The integration.")
        var integration: String

        @Option(help: "How many at most.")
        var limit = 100

        @OptionGroup var server: ServerOptions

        @Flag(help: "The admin API's JSON, a line for each.")
        var json = false

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit must be 1 or more") }
        }

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                let path = AdminClient.path(ofIntegration: integration) + "/revisions"
                let (count, last) = try await client.forEachItem(of: path, [], limit: limit) { item in
                    json ? Terminal.print(item.description) : Terminal.print(RevisionCommands.line(item))
                }
                if last["next"]?.stringValue != nil { Terminal.error("\(count) shown; there are older ones: --limit") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a revision, and what it changed of the one before."
        )

        @Argument(help: "The integration.")
        var integration: String

        @Argument(help: "The revision's number.")
        var number: Int64

        @OptionGroup var server: ServerOptions

        @Flag(help: "The admin API's JSON.")
        var json = false

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                let revision = try await client.get(
                    AdminClient.path(ofIntegration: integration) + "/revisions/\(number)"
                )
                guard !json else { return Terminal.print(revision.description) }
                Terminal.print(RevisionCommands.line(revision))
                ChangeReport.printDifference(revision["difference"]?.stringValue)
            }
        }
    }

    struct PutBack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a revision of before hold again, as a new revision."
        )

        @Argument(help: "The integration.")
        var integration: String

        @Argument(help: "The number of the revision that is to hold again.")
        var number: Int64

        @OptionGroup var server: ServerOptions
        @OptionGroup var reach: Reach

        @Flag(help: "The admin API's JSON.")
        var json = false

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                let path = AdminClient.path(ofIntegration: integration) + "/revisions/\(number)/put-back"
                let answer = try await client.post(path, ["waiting": .bool(reach.waiting)])
                ChangeReport(answer).print(asJSON: json)
            }
        }
    }

    fileprivate static func line(_ revision: JSON) -> String {
        let number = revision["number"].map(\.description) ?? ""
        let first = revision["firstEvent"].map(\.description) ?? ""
        let at = revision["at"]?.stringValue ?? ""
        let author = revision["author"]?.stringValue ?? ""
        return "\(Terminal.styled(number, .bold))  \(at)  by \(author), from event \(first) on"
    }
}
