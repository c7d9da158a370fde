import ArgumentParser
import Diagnostics
import LosslessJSON

/// `ferry failed`: the operations that a destination refused for good.
struct Failed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the operations that failed for good, and let go of them.",
        subcommands: [Groups.self, List.self, Show.self, Export.self, Retry.self, Discard.self]
    )

    private static let path = "/admin/v1/failed"

    /// Which failed operations are meant.
    struct Filter: ParsableArguments {
        @Option(help: "Only those of this integration.")
        var integration: String?

        @Option(help: "Only those of this action.")
        var action: String?

        @Option(help: "Only those that failed with exactly these words.")
        var words: String?

        var isEmpty: Bool { integration == nil && action == nil && words == nil }

        var query: [(String, String?)] { [("integration", integration), ("action", action), ("words", words)] }

        /// As the body of a request.
        var choice: JSON.Object {
            var choice: JSON.Object = isEmpty ? ["all": true] : [:]
            for (name, value) in query { if let value { choice[name] = .string(value) } }
            return choice
        }
    }

    struct Groups: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show why operations failed, the most frequent reason first, and what helps."
        )

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: Filter

        @Flag(help: "One JSON object a line.")
        var json = false

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                let groups = try await client.get("/admin/v1/failed/groups", filter.query)["items"]?.arrayValue ?? []
                for group in groups { json ? Terminal.print(group.description) : Self.show(group) }
                if groups.isEmpty { Terminal.error("nothing failed") }
            }
        }

        private static func show(_ group: JSON) {
            let text = { (name: String) in (group[name]?.stringValue ?? "").onOneLine(upTo: 300) }
            Terminal.print("\(group["count"] ?? .null)  \(text("integration"))  \(text("action"))  \(text("words"))")
            Terminal.print(Terminal.styled("    \(text("remedy")) For example \(text("sample")).", .dim))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List failed operations, in the order of the log.")

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: Filter

        @Option(help: "How many at most.")
        var limit = 50

        @Flag(help: "One JSON object a line.")
        var json = false

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit must be 1 or more") }
        }

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                let (count, _) = try await client.forEachItem(of: Failed.path, filter.query, limit: limit) { item in
                    json ? Terminal.print(item.description) : Self.show(item)
                }
                if !json { Terminal.error("\(count) shown") }
            }
        }

        private static func show(_ item: JSON) {
            let fields = ["id", "failedAt", "integration", "action", "words"]
            Terminal.print(
                fields.map { (item[$0]?.stringValue ?? "–").onOneLine(upTo: 300) }.joined(separator: "  ")
            )
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one failed operation: its event, and what would be sent today."
        )

        @Argument(help: "The id that `ferry failed list` shows.")
        var id: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                Terminal.print(try await client.get("/admin/v1/failed/\(AdminClient.segment(id))").description)
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print failed operations as JSON, one a line, with their events and what would be sent today."
        )

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: Filter

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                _ = try await client.forEachItem(of: Failed.path, filter.query, limit: .max) { item in
                    guard let id = item["id"]?.stringValue else { return }
                    Terminal.print(try await client.get("/admin/v1/failed/\(AdminClient.segment(id))").description)
                }
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send failed operations again, by the configuration of today.",
            discussion: """
                Names one by its id, or several by --all, --integration, --action or --words. They go out in their order, but                 behind what has been delivered since; an identify keeps its own time, so that newer values stay.
                """
        )

        @Argument(help: "The id that `ferry failed list` shows.")
        var id: String?

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: Filter

        @Flag(help: "All of them.")
        var all = false

        @Flag(help: "Also deletes, suppressions and merges, without asking back.")
        var yes = false

        @Flag(help: "Plan each under the configuration of its event's time, and not under today's.")
        var original = false

        @Option(help: "Requests a second, within what the integration may send.")
        var rate: Int?

        @Flag(help: "Start it, and don't wait for its end.")
        var detach = false

        @Flag(help: "The admin API's JSON.")
        var json = false

        func validate() throws {
            if (id == nil) == (!all && filter.isEmpty) {
                throw ValidationError("say which ones: one id, or --all, --integration, --action or --words")
            }
        }

        func run() async throws {
            let client = try server.client()
            var choice = id.map { ["id": .string($0)] } ?? filter.choice
            if let rate { choice["rate"] = .number(JSON.Number(rate)) }
            if yes { choice["includeTakingAway"] = true }
            if original { choice["original"] = true }
            let wish = choice
            try await AdminClient.reportingFailures {
                let jobs = try await client.post("/admin/v1/failed/retry", .object(wish))["items"]?.arrayValue ?? []
                for job in jobs { try await JobCommands.follow(job, client, detach: detach, json: json) }
            }
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let go of failed operations. They are counted as discarded, and can't be retried.",
            discussion: "Names them by their ids, or by --all, --integration, --action or --words."
        )

        @Argument(help: "The ids that `ferry failed list` shows.")
        var ids: [String] = []

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: Filter

        @Flag(help: "All of them.")
        var all = false

        func validate() throws {
            if ids.isEmpty && !all && filter.isEmpty {
                throw ValidationError("say which ones: ids, --all, --integration, --action or --words")
            }
            if !ids.isEmpty && (all || !filter.isEmpty) {
                throw ValidationError("say either ids, or --all, --integration, --action and --words")
            }
        }

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures {
                var discarded: Int64 = 0
                for choice in ids.isEmpty ? [filter.choice] : Self.byID(ids) {
                    var choice = choice
                    var isMore = true
                    while isMore {
                        let answer = try await client.post("/admin/v1/failed/discard", .object(choice))
                        discarded += answer["discarded"]?.numberValue?.int64 ?? 0
                        choice["after"] = answer["next"]
                        isMore = answer["next"]?.stringValue != nil
                    }
                }
                Terminal.error("\(discarded) discarded")
            }
        }

        private static func byID(_ ids: [String]) -> [JSON.Object] {
            stride(from: 0, to: ids.count, by: 500).map { start in
                ["ids": .array(ids[start..<min(start + 500, ids.count)].map(JSON.string))]
            }
        }
    }
}
