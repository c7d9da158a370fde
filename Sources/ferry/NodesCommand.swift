import ArgumentParser
import Diagnostics
import LosslessJSON

/// `ferry nodes`: the processes that share the log of a running server.
struct NodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes",
        abstract: "Show the nodes that share a running server's database, and what each does alone.",
        discussion: """
            Asked of any of them. The exit code is 1 while one that has not left is silent, or nobody delivers to an \
            integration.
            """
    )

    @OptionGroup var server: ServerOptions

    @Flag(help: "The admin API's JSON.")
    var json = false

    func run() async throws {
        let client = try server.client()
        try await AdminClient.reportingFailures {
            let nodes = try await client.get("/admin/v1/nodes")
            if json { return Terminal.print(nodes.description) }
            guard nodes["isShared"] == true else {
                return Terminal.error("the server keeps its log in a folder of its own: there are no other nodes")
            }
            let items = nodes["items"]?.arrayValue ?? []
            for node in items { Self.show(node) }
            let held = items.flatMap { $0["leases"]?.arrayValue ?? [] }.compactMap { $0["name"]?.stringValue }
            let integrations = try await client.get("/admin/v1/integrations")["items"]?.arrayValue ?? []
            let free = integrations.compactMap { $0["name"]?.stringValue }.filter { name in
                !held.contains { $0.hasSameBytes(as: "integration \(name)") }
            }
            for name in free { Terminal.error("nobody delivers to \(name.onOneLine(upTo: 60)) at the moment") }
            if !free.isEmpty || items.contains(where: { $0["isThere"] != true }) { throw ExitCode.failure }
        }
    }

    private static func show(_ node: JSON) {
        func words(_ name: String) -> String { (node[name]?.stringValue ?? "").onOneLine(upTo: 100) }
        let isThere = node["isThere"] == true
        let state = Terminal.styled(isThere ? "there" : "silent", isThere ? .green : .red)
        let this = node["isThis"] == true ? ", the one that answers" : ""
        Terminal.print(
            "\(Terminal.styled(words("host"), .bold)) \(words("id"))  \(state)\(this), version \(words("version"))"
        )
        Terminal.print("  source API  \(words("publicURL"))")
        let leases = (node["leases"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue?.onOneLine(upTo: 100) }
        Terminal.print("  does alone  \(leases.isEmpty ? "nothing" : leases.joined(separator: ", "))")
    }
}
