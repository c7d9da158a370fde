import ArgumentParser
import Diagnostics
import LosslessJSON

/// `ferry erase`: a person leaves the log, the failed operations, the workspace and the free pages.
struct Erase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Erase a person from a running server, and print a receipt.",
        discussion: """
            Every event goes whose userId, anonymousId, e-mail address, previousId or id is one that is given, or an \
            anonymous id that an identify of theirs carried; an address is compared without case. In all other texts the \
            given values are replaced by [erased]. Nothing of it is sent any more, and nothing can be brought back. With \
            --send the integrations are told to delete or suppress the person too.
            """
    )

    @OptionGroup var server: ServerOptions

    @Option(help: "Their userId.")
    var userId: String?

    @Option(help: "Their e-mail address.")
    var email: String?

    @Option(help: "An anonymousId of theirs.")
    var anonymousId: String?

    @Option(help: "Also tell the integrations: delete, or suppress.")
    var send: String?

    @Option(help: "Tell only this integration.")
    var integration: String?

    @Flag(help: "Do it. It can't be undone.")
    var yes = false

    @Flag(help: "Start it, and don't wait for its end.")
    var detach = false

    @Flag(help: "The admin API's JSON.")
    var json = false

    func validate() throws {
        if [userId, email, anonymousId].allSatisfy({ ($0 ?? "").allSatisfy(\.isWhitespace) }) {
            throw ValidationError("say whom: --user-id, --email or --anonymous-id, or several of one person")
        }
        if let send, !["delete", "suppress"].contains(send) {
            throw ValidationError("--send must be delete or suppress")
        }
        if integration != nil, send == nil { throw ValidationError("--integration says where to --send to") }
        if !yes { throw ValidationError("an erasure can't be undone: confirm it with --yes. Nothing was changed") }
    }

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            let asked = try await client.post("/admin/v1/erasures", .object(wish))
            let erasure = try await follow(asked, client)
            json ? Terminal.print(erasure.description) : Self.show(erasure)
            if !detach, !Self.isDone(well: erasure) { throw ExitCode.failure }
        }
    }

    private var wish: JSON.Object {
        var wish = JSON.Object()
        let texts = [
            ("userId", userId), ("email", email), ("anonymousId", anonymousId), ("send", send),
            ("integration", integration),
        ]
        for (name, text) in texts { if let text { wish[name] = .string(text) } }
        return wish
    }

    private func follow(_ asked: JSON, _ client: AdminClient) async throws -> JSON {
        var erasure = asked
        var words = ""
        while !detach, erasure["state"]?.stringValue != "done" {
            let news = erasure["words"]?.stringValue ?? ""
            if news != words {
                Terminal.error("erasure \(erasure["number"] ?? .null): \(news)")
                words = news
            }
            try await Task.sleep(for: .milliseconds(100))
            erasure = try await client.get("/admin/v1/erasures/\(erasure["number"] ?? .null)")
        }
        return erasure
    }

    /// Whether something was erased, and every integration that was told took it.
    private static func isDone(well erasure: JSON) -> Bool {
        let told = erasure["sent"]?.arrayValue ?? []
        let wasFound =
            (erasure["receipt"]?.objectValue ?? [:]).contains { $0.value != 0 }
            || erasure["send"]?.stringValue != nil
        return wasFound && told.allSatisfy { $0["answer"] == "taken" }
    }

    private static func show(_ erasure: JSON) {
        let count = { (name: String) in erasure["receipt"]?[name] ?? .null }
        let text = { (name: String) in erasure[name]?.stringValue ?? "–" }
        Terminal.print("Erasure \(erasure["number"] ?? .null), \(text("startedAt")) to \(text("endedAt"))")
        Terminal.print("  \(text("words"))")
        Terminal.print("  events removed from the log        \(count("events"))")
        Terminal.print("  failed operations removed          \(count("failedOperations"))")
        Terminal.print("  people removed from workspaces     \(count("people"))")
        Terminal.print("  activities removed from workspaces \(count("activities"))")
        Terminal.print("  places in other texts replaced     \(count("replaced"))")
        for told in erasure["sent"]?.arrayValue ?? [] {
            let (name, answer) = (told["integration"]?.stringValue ?? "", told["answer"]?.stringValue ?? "")
            let command = told["command"]?.stringValue ?? ""
            let words = told["words"]?.stringValue.map { ": \($0)" } ?? ""
            Terminal.print("  " + "\(name)  \(command) \(answer)\(words)".onOneLine(upTo: 300))
        }
    }
}
