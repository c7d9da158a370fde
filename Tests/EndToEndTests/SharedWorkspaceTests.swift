import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOHTTP1
import PostgresServer
import Testing

/// Several Ferries over one database share the embedded workspaces.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `Workspaces of many nodes` {
    private func cluster() async throws -> Cluster {
        try await Cluster(
            text: """
                sources: { web: { write_key: ferry-local } }
                create_on_first_use: true
                integrations:
                  main: { type: customerio, sources: [web], settings: { endpoint: workspace } }
                """
        )
    }

    private func call(
        _ node: RunningFerry,
        _ path: String,
        _ credentials: String,
        _ method: HTTPMethod = .PUT
    ) async throws -> UInt {
        var request = HTTPClientRequest(url: node.privateURL + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Basic \(Data(credentials.utf8).base64EncodedString())")
        request.headers.add(name: "Content-Type", value: "application/json")
        if method == .PUT { request.body = .bytes(Array(#"{"plan":"pro"}"#.utf8)) }
        return try await node.answer(to: request).status
    }

    @Test func `are the same from each, whoever delivers, also when that one is killed`() async throws {
        let cluster = try await cluster()
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        let (holder, other) = try await cluster.holder(of: "main", nodes)
        // Who waits at the node that does not deliver hears of it.
        async let waited = other.get("/admin/v1/workspace/people/late?workspace=main&wait=20")
        for number in Int64(1)...40 { try await cluster.send(number, to: nodes[Int(number) % 2]) }
        try await cluster.send(0, to: other, user: "late")
        #expect(try await waited.status == 200)
        for node in nodes {
            let list = try await node.get("/admin/v1/workspace/people/u1/activity?workspace=main&type=event&limit=100")
            let numbers = (list.body?["items"]?.arrayValue ?? []).compactMap { $0["data"]?["n"]?.numberValue?.int64 }
            #expect(numbers.reversed() == Array(1...40), "\(list)")
        }
        holder.kill()
        for number in Int64(41)...60 { try await cluster.send(number, to: other) }
        _ = try await other.get("/admin/v1/workspace/activity?workspace=main&type=event&limit=100") { list in
            let numbers = (list["items"]?.arrayValue ?? []).compactMap { $0["data"]?["n"]?.numberValue?.int64 }
            return Set(numbers) == Set(0...60)
        }
        // A person is erased where they are, from whichever node; and no node has a request of theirs in its journal.
        let again = try await cluster.start(holder === nodes[0] ? "first" : "second")
        for node in [other, again] {
            #expect(try await call(node, "/api/v1/customers/u1", "shop:secret") == 200)
        }
        let shop = { (node: RunningFerry) in
            try await node.get("/admin/v1/workspace/requests/count?workspace=shop").body?["count"]
        }
        for node in [other, again] { #expect(try await shop(node) == 1) }
        let asked = try await again.postAdmin("/admin/v1/erasures", ["userId": "u1"])
        let number = try #require(asked.body?["number"]?.numberValue?.text, "\(asked)")
        _ = try await other.get("/admin/v1/erasures/\(number)") { $0["stage"] == "done" }
        for node in [other, again] {
            _ = try await node.get("/admin/v1/workspace/requests/count?workspace=shop") { $0["count"] == 0 }
            #expect(try await node.get("/admin/v1/workspace/people/u1?workspace=main").status == 404)
            let left = try await node.get("/admin/v1/workspace/people?workspace=main")
            #expect(left.body?["items"]?.arrayValue?.count == 1, "\(left)")
            #expect(node.stop() == 0)
        }
    }

    @Test func `are opened at all of them by who made them at one, and by nobody else`() async throws {
        let cluster = try await cluster()
        var nodes = [try await cluster.start("first"), try await cluster.start("second")]
        let path = "/api/v1/customers/u1"
        #expect(try await call(nodes[0], path, "shop:secret") == 200)
        #expect(try await call(nodes[1], path, "shop:secret") == 200)
        #expect(try await call(nodes[1], path, "shop:another") == 401)
        let wish: JSON = [
            "name": "asked", "siteId": "a", "apiKey": "b", "region": "eu", "settings": ["identifiers": "email"],
        ]
        #expect(try await nodes[1].postAdmin("/admin/v1/workspaces", wish).status == 200)
        #expect(try await nodes[0].postAdmin("/admin/v1/workspaces", wish).status == 400)
        let names = { (node: RunningFerry) in
            try await node.get("/admin/v1/workspaces").body?["items"]?.arrayValue?.compactMap {
                $0["name"]?.stringValue
            }
        }
        for node in nodes { #expect(try await Set(names(node) ?? []) == ["main", "shop", "asked"]) }
        #expect(try await nodes[0].get("/admin/v1/workspace/people/u1?workspace=shop").status == 200)
        for node in nodes { #expect(node.stop() == 0) }
        // After a restart, too.
        nodes = [try await cluster.start("first")]
        #expect(try await call(nodes[0], path, "shop:secret") == 200)
        #expect(try await call(nodes[0], "/api/v1/accounts/region", "a:b", .GET) == 200)
        // People are known by their address there.
        #expect(try await call(nodes[0], "/api/v1/customers/u@x.com", "a:b") == 200)
        #expect(try await nodes[0].get("/admin/v1/workspace/people/u@x.com?workspace=asked").status == 200)
        for node in nodes { #expect(node.stop() == 0) }
    }
}
