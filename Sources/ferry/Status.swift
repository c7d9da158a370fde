import ArgumentParser
import Diagnostics
import LosslessJSON

/// `ferry status`: what each integration of a running server does, and the sums of what it did.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a running server delivers, what waits and what failed.",
        discussion: """
            Events are counted once, operations by action; both sums add up at any moment. The exit code is 1 while an \
            integration is paused or can't be reached. With --ready it is 1 while the server does not answer, whatever its \
            integrations do: what a container's health check asks.
            """
    )

    @OptionGroup var server: ServerOptions

    @Argument(help: "Only this integration.")
    var integration: String?

    @Flag(help: "The admin API's JSON.")
    var json = false

    @Flag(help: "Ask only whether the server is ready.")
    var ready = false

    func validate() throws {
        if ready, integration != nil || json { throw ValidationError("--ready stands alone: it asks about the server") }
    }

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            if ready {
                Terminal.print(try await client.get("/readyz")["status"]?.stringValue ?? "")
                return
            }
            if !json, let spool = try? await client.get("/admin/v1/spool") { Self.show(spool: spool) }
            let items: [JSON]
            if let integration {
                items = [try await client.get(AdminClient.path(ofIntegration: integration))]
            } else {
                items = try await client.get("/admin/v1/integrations")["items"]?.arrayValue ?? []
            }
            for item in items { json ? Terminal.print(item.description) : Self.show(item) }
            if items.isEmpty { Terminal.error("the server has no integrations") }
            let states = items.compactMap { $0["health"]?["state"]?.stringValue }
            if states.contains(where: ["paused", "unreachable", "stopped"].contains) { throw ExitCode.failure }
        }
    }

    private static func show(spool: JSON) {
        guard let events = spool["events"]?.numberValue?.int64, events > 0 else { return }
        let since = spool["oldestReceivedAt"]?.stringValue ?? ""
        let words = "\(events) accepted events wait on this machine for the log's database, the first since \(since)"
        Terminal.print(Terminal.styled(words, .yellow))
    }

    private static func show(_ item: JSON) {
        let name = item["name"]?.stringValue ?? ""
        let state = item["health"]?["state"]?.stringValue ?? ""
        let words = (item["health"]?["words"]?.stringValue ?? "").onOneLine(upTo: 300)
        let style: Terminal.Style =
            switch state {
            case "healthy": .green
            case "paused", "unreachable", "stopped": .red
            default: .yellow
            }
        Terminal.print(
            "\(Terminal.styled(name.onOneLine(upTo: 60), .bold))  \(Terminal.styled(state, style)): \(words)"
        )
        Terminal.print("  events      \(counts(item["events"]))")
        for member in item["operations"]?.objectValue ?? [:] {
            Terminal.print("  \(member.key.onOneLine(upTo: 40))  \(counts(member.value))")
        }
        for member in item["ignored"]?.objectValue ?? [:] {
            let reasons = (member.value.objectValue ?? [:]).map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            Terminal.print(Terminal.styled("  \(member.key.onOneLine(upTo: 40))  ignored: \(reasons)", .dim))
        }
    }

    /// `planned 12, delivered 10, failed 2`: the first, which is the sum, and whatever is not 0.
    private static func counts(_ json: JSON?) -> String {
        let members = (json?.objectValue ?? [:]).map { (name: $0.key, count: $0.value.numberValue?.int64 ?? 0) }
        return members.enumerated().filter { $0.offset == 0 || $0.element.count != 0 }
            .map { "\($0.element.name) \($0.element.count)" }.joined(separator: ", ")
    }
}
