import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1
import Server
import Storage
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Waiting for a workspace` {
    private static func identify(_ id: String, _ attributes: String = "{}") -> String {
        #"{"type":"person","action":"identify","identifiers":{"id":"\#(id)"},"attributes":\#(attributes)}"#
    }

    @Test func `ends when the person is there`() async throws {
        try await PrivateServer.with { workspace async throws in
            async let waited = workspace.read("people/u1?wait=20")
            try await Task.sleep(for: .milliseconds(200))
            let start = ContinuousClock.now
            _ = try await workspace.track("/api/v2/entity", Self.identify("u2"))
            _ = try await workspace.track("/api/v2/entity", Self.identify("u1"))
            #expect(try await waited.json?["identifiers"]?["id"] == "u1")
            #expect(start.duration(to: .now) < .seconds(20))
        }
    }

    @Test(arguments: [
        ("attributes.plan=pro", true), ("attributes.plan=free", false), ("attributes.age=42", true),
        ("attributes.address.city=%C5%81%C3%B3d%C5%BA", true), ("attributes.vip=true&attributes.plan=pro", true),
        ("attributes.vip=false&attributes.plan=pro", false), ("attributes.nothing=", false), ("attributes.=", false),
    ])
    func `is for attributes, too`(query: String, isThere: Bool) async throws {
        try await PrivateServer.with { workspace async throws in
            let attributes = #"{"plan":"pro","age":42,"vip":true,"address":{"city":"Łódź"}}"#
            _ = try await workspace.track("/api/v2/entity", Self.identify("u1", attributes))
            #expect(try await workspace.read("people/u1?\(query)").status == (isThere ? 200 : 404))
            #expect(try await workspace.read("people/u1?\(query)&wait=0.1").status == (isThere ? 200 : 404))
        }
    }

    @Test func `says what is there instead`() async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.read("people/u1?wait=0").text.contains("there is nobody yet"))
            let event = `Track API of a workspace`.event("Order Completed")
            _ = try await workspace.track("/api/v2/entity", Self.identify("u1", #"{"plan":"free"}"#))
            _ = try await workspace.track("/api/v2/entity", event)
            for (path, words) in [
                ("people/u11?wait=0.1", #"after 0.1 s there is no person \"u11\"; closest is \"u1\""#),
                ("people/u1?wait=0.1&attributes.plan=pro", #"\"u1\" has plan \"free\", not \"pro\""#),
                ("people/u1?attributes.plam=pro", #"has no attribute \"plam\"; closest is \"plan\""#),
                (
                    "activity?wait=0.1&type=event&name=Order%20Complete",
                    #"there is no event named \"Order Complete\"; closest is \"Order Completed\""#
                ),
                ("activity?wait=0.1&type=evnt", #"there is no evnt entry; closest is \"event\""#),
                ("people/u1/activity?wait=0.1&name=X", #"named \"X\" of \"u1\"; there is \"Order Completed\""#),
                ("people/u9/activity?wait=0.1&name=X", #"there is no person \"u9\""#),
            ] {
                let answer = try await workspace.read(path)
                #expect(answer.status == 404 && answer.text.contains(words), "\(path): \(answer.text)")
            }
        }
    }

    @Test func `is for entries of the activity log`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.track("/api/v2/entity", `Track API of a workspace`.event("A"))
            async let ofAll = workspace.read("activity?wait=20&type=event&name=B")
            async let ofOne = workspace.read("people/u2/activity?wait=20&name=B")
            try await Task.sleep(for: .milliseconds(100))
            _ = try await workspace.track("/api/v2/entity", `Track API of a workspace`.event("B", id: "u2"))
            for answer in [try await ofAll, try await ofOne] {
                let items = answer.json?["items"]?.arrayValue ?? []
                #expect(items.count == 1 && items.first?["name"] == "B" && items.first?["customer_id"] == "u2")
            }
            #expect(try await workspace.read("activity?name=A").json?["items"]?.arrayValue?.count == 1)
            #expect(try await workspace.read("activity?name=Z").json?["items"] == [])
        }
    }

    @Test(arguments: ["1e9", "-1", "31", "soon", "", "nan", "inf", "1e400"])
    func `is from 0 to 30 seconds`(wait: String) async throws {
        try await PrivateServer.with { workspace async throws in
            for path in ["people/u1", "people/u1/activity", "activity"] {
                let answer = try await workspace.read("\(path)?wait=\(wait)")
                #expect(answer.status == 400 && answer.text.contains("from 0 to 30"))
            }
        }
    }

    @Test func `a thousand wait, and each sees what it waits for`() async throws {
        try await PrivateServer.with { workspace async throws in
            let start = ContinuousClock.now
            // Each holds a connection.
            var configuration = HTTPClient.Configuration()
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 2000
            configuration.timeout.connect = .seconds(60)
            let client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
            let root = "http://127.0.0.1:\(workspace.server.address.port)/admin/v1/workspace"
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        let request = HTTPClientRequest(url: "\(root)/people/u\(number)?wait=30")
                        return Int(try await client.execute(request, timeout: .seconds(60)).status.code)
                    }
                }
                group.addTask {
                    try await Task.sleep(for: .milliseconds(500))
                    for first in stride(from: 0, to: 1000, by: 100) {
                        let batch = (first..<first + 100).map { Self.identify("u\($0)") }.joined(separator: ",")
                        _ = try await workspace.track("/api/v2/batch", #"{"batch":[\#(batch)]}"#)
                    }
                    return 200
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { $0 == 200 } && statuses.count == 1001)
            try await client.shutdown()
            print("a thousand waits: \(start.duration(to: .now))")
        }
    }

    @Test func `ends in time where nothing comes`() async throws {
        try await PrivateServer.with { workspace async throws in
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<50 { group.addTask { try await workspace.read("people/u\(number)?wait=1").status } }
                for try await status in group { #expect(status == 404) }
            }
            #expect(start.duration(to: .now) >= .seconds(1))
        }
    }
}
