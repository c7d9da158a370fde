import ArgumentParser
import Diagnostics
import LosslessJSON

/// `ferry events`: the events of a running server, and what became of them.
struct EventCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Find events in a running server's log, and show what became of each.",
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List events, the newest first.",
            discussion: """
                --state is one of delivered, failed, retrying, sending, waiting, ignored, "not for this integration", erased.
                """
        )

        @OptionGroup var server: ServerOptions

        @Option(help: "Only of this source.")
        var source: String?

        @Option(help: "Only of this type: identify, track, page, screen, group, alias.")
        var type: String?

        @Option(help: "Only track calls of this name.")
        var name: String?

        @Option(help: "Only of this userId.")
        var userId: String?

        @Option(help: "Only of this anonymousId.")
        var anonymousId: String?

        @Option(help: "Only those that name this e-mail address.")
        var email: String?

        @Option(help: "Only the one of this messageId.")
        var messageId: String?

        @Option(help: "Only what this integration made of them.")
        var integration: String?

        @Option(help: "Only those that this action took, or ignored.")
        var action: String?

        @Option(help: "Only those of which this became.")
        var state: String?

        @Option(help: "From this time of receipt on: 2026-11-25T10:00:00Z, or 7d, 12h, 30m ago.")
        var from: String?

        @Option(help: "Before this time of receipt.")
        var until: String?

        @Option(help: "How many at most.")
        var limit = 50

        @Flag(help: "The admin API's JSON, a line for each.")
        var json = false

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit must be 1 or more") }
        }

        func run() async throws {
            let client = try server.client()
            let query: [(String, String?)] = [
                ("source", source), ("type", type), ("name", name), ("user_id", userId),
                ("anonymous_id", anonymousId), ("email", email), ("message_id", messageId),
                ("integration", integration), ("action", action), ("state", state),
                ("from", try from.map { try Replay.time($0, "--from") }),
                ("until", try until.map { try Replay.time($0, "--until") }),
            ]
            try await AdminClient.reportingFailures {
                let (count, _) = try await client.forEachItem(of: "/admin/v1/events", query, limit: limit) { item in
                    Terminal.print(json ? item.description : EventCommands.line(item))
                }
                if count == 0 { Terminal.error("no event is like that") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the whole story of an event: what each integration made of it, every request, and why not."
        )

        @Argument(help: "The event's number.")
        var number: Int64

        @OptionGroup var server: ServerOptions

        @Flag(help: "The admin API's JSON.")
        var json = false

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                let story = try await client.get("/admin/v1/events/\(number)")
                json ? Terminal.print(story.description) : EventCommands.show(story)
            }
        }
    }

    private static func line(_ event: JSON) -> String {
        let number = event["number"]?.description ?? ""
        let who = event["userId"]?.stringValue ?? event["anonymousId"]?.stringValue.map { "anonymous \($0)" } ?? ""
        let what = [event["type"]?.stringValue, event["name"]?.stringValue].compactMap(\.self).joined(separator: " ")
        let at = event["receivedAt"]?.stringValue ?? ""
        let line = "\(at)  \(event["source"]?.stringValue ?? "")  \(what)  \(who)".onOneLine(upTo: 300)
        return "\(Terminal.styled(number, .bold))  \(line)"
    }

    private static func show(_ story: JSON) {
        let source = story["source"]?.stringValue ?? ""
        Terminal.print(
            "event \(story["number"]?.description ?? "") of \(source), \(story["receivedAt"]?.stringValue ?? "")"
        )
        if let words = story["words"]?.stringValue { Terminal.print(words) }
        if let message = story["message"], !message.isNull { Terminal.print(message.description) }
        for delivery in story["integrations"]?.arrayValue ?? [] { show(delivery: delivery) }
    }

    private static func show(delivery: JSON) {
        let name = (delivery["integration"]?.stringValue ?? "").onOneLine(upTo: 60)
        let revision = delivery["revision"].map { ", revision \($0)" } ?? ""
        Terminal.print("\n\(Terminal.styled(name, .bold))\(revision): \(delivery["state"]?.stringValue ?? "")")
        for operation in delivery["operations"]?.arrayValue ?? [] {
            let words = operation["words"]?.stringValue.map { ": \($0)" } ?? ""
            let state = "\(operation["state"]?.stringValue ?? "")\(words)"
            Terminal.print("  \(operation["action"]?.stringValue ?? "")  \(state)".onOneLine(upTo: 400))
            Terminal.print("    \(operation["body"] ?? .null)")
            for attempt in operation["attempts"]?.arrayValue ?? [] {
                let status = attempt["status"].map { $0.isNull ? "no answer" : $0.description } ?? ""
                let words = attempt["words"]?.stringValue.map { ": \($0)" } ?? ""
                let trace = attempt["trace"]?.stringValue.map { " (trace \($0))" } ?? ""
                Terminal.print(
                    "    sent \(attempt["sentAt"]?.stringValue ?? "")\(trace): \(status)\(words)".onOneLine(upTo: 440)
                )
            }
        }
        for ignored in delivery["ignored"]?.arrayValue ?? [] {
            let action = ignored["action"]?.stringValue ?? "the event"
            Terminal.print("  \(action)  ignored: \(ignored["reason"]?.stringValue ?? "")".onOneLine(upTo: 300))
        }
        for trace in delivery["trace"]?.arrayValue ?? [] where trace["trigger"]?["matches"] == false {
            let clause = trace["trigger"]?["clause"]?.stringValue ?? ""
            let reason = trace["trigger"]?["reason"]?.stringValue ?? ""
            let line = "  \(trace["action"]?.stringValue ?? "")  not this one: \(clause): \(reason)"
            Terminal.print(Terminal.styled(line.onOneLine(upTo: 300), .dim))
        }
    }
}
