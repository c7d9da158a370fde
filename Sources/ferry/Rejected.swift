import ArgumentParser
import Diagnostics
import LosslessJSON

/// `ferry rejected`: the messages that a running server refused.
struct Rejected: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the messages that a running server refused, and accept them after all.",
        subcommands: [List.self, Accept.self]
    )

    /// Which refused messages are meant.
    struct Filter: ParsableArguments {
        @Option(help: "Only those of this source.")
        var source: String?

        @Option(help: "Only those that were refused for this reason, for example invalid_write_key.")
        var code: String?
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List refused messages, the oldest first.")

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: Filter

        @Option(help: "How many at most.")
        var limit = 50

        @Flag(help: "One JSON object a line, with the whole message.")
        var json = false

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit must be 1 or more") }
        }

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures { try await list(client) }
        }

        private func list(_ client: AdminClient) async throws {
            let query = [("source", filter.source), ("code", filter.code)]
            let (count, page) = try await client.forEachItem(of: "/admin/v1/rejected", query, limit: limit) { item in
                Terminal.print(json ? item.description : Self.line(item))
            }
            if !json { Terminal.error("\(count) shown, \(page["count"] ?? 0) kept") }
        }

        /// `12  2026-11-25T10:00:00.000Z  web  batch  invalid_request  userId must be …  {"type":…`
        private static func line(_ item: JSON) -> String {
            let fields = ["number", "receivedAt", "source", "path", "code", "reason"].map { name -> String in
                switch item[name] {
                case .string(let text)?: text
                case .number(let number)?: number.text
                default: "–"
                }
            }
            let message = (item["raw"]?.stringValue ?? "").onOneLine(upTo: 120)
            return (fields.map { $0.onOneLine(upTo: 200) } + [message]).joined(separator: "  ")
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accept refused messages: by today's keys and limits, with the time of their receipt.",
            discussion: """
                Names the messages by their numbers, or by --all, --source or --code. What is refused again stays in the \
                list, and the exit code is 1.
                """
        )

        @Argument(help: "The numbers that `ferry rejected list` shows.")
        var numbers: [Int64] = []

        @OptionGroup var server: ServerOptions
        @OptionGroup var filter: Filter

        @Flag(help: "All of them.")
        var all = false

        @Option(name: .customLong("as"), help: "The source that takes them, for those whose write key nobody has.")
        var takenBy: String?

        func validate() throws {
            let isFiltered = all || filter.source != nil || filter.code != nil
            if numbers.isEmpty && !isFiltered {
                throw ValidationError("say which ones: numbers, --all, --source or --code")
            }
            if !numbers.isEmpty && isFiltered {
                throw ValidationError("say either numbers, or --all, --source and --code")
            }
        }

        func run() async throws {
            let client = try server.client()
            try await AdminClient.reportingFailures { try await accept(client) }
        }

        private func accept(_ client: AdminClient) async throws {
            var tally = Tally()
            if numbers.isEmpty {
                var choice: JSON.Object = ["all": true]
                if let source = filter.source { choice["source"] = .string(source) }
                if let code = filter.code { choice["code"] = .string(code) }
                var next: JSON? = 0
                while let after = next, !after.isNull {
                    choice["after"] = after
                    next = tally.add(try await post(choice, client))
                }
            } else {
                for start in stride(from: 0, to: numbers.count, by: 500) {
                    let part = numbers[start..<min(start + 500, numbers.count)]
                    let list = part.map { JSON.number(JSON.Number($0)) }
                    _ = tally.add(try await post(["numbers": .array(list)], client))
                }
            }
            Terminal.progress("")
            Terminal.error(tally.words)
            if tally.refused > 0 { throw ExitCode.failure }
        }

        private func post(_ choice: JSON.Object, _ client: AdminClient) async throws -> JSON {
            var choice = choice
            if let takenBy { choice["as"] = .string(takenBy) }
            return try await client.post("/admin/v1/rejected/accept", .object(choice))
        }
    }

    /// What was accepted so far.
    private struct Tally {
        private var accepted: Int64 = 0
        private var duplicates: Int64 = 0
        private(set) var refused = 0

        var words: String {
            "\(accepted.counting("message")) accepted, \(duplicates) accepted before, \(refused) refused again"
        }

        /// Adds an answer and says where to go on.
        mutating func add(_ answer: JSON) -> JSON? {
            accepted += answer["accepted"]?.numberValue?.int64 ?? 0
            duplicates += answer["duplicates"]?.numberValue?.int64 ?? 0
            for item in answer["refused"]?.arrayValue ?? [] {
                refused += 1
                Terminal.progress("")
                let reason = (item["reason"]?.stringValue ?? "").onOneLine(upTo: 200)
                Terminal.error("\(item["number"] ?? .null) stays refused: \(reason)")
            }
            Terminal.progress(words)
            return answer["next"]
        }
    }
}
