import AsyncHTTPClient
import Foundation
import LosslessJSON
import Server
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Journal of a workspace` {
    static func event(_ name: String, of id: String = "u1") -> String { TrackAPI.event(name, id: id) }

    private typealias TrackAPI = `Track API of a workspace`

    @Test func `has each request byte for byte, and its answer, without credentials`() async throws {
        try await PrivateServer.with { workspace async throws in
            let body = "{ \"type\":\"person\", \"action\":\"identify\",\"identifiers\":{\"id\":\"Zoë\"},\"x\":1.50 }\n"
            _ = try await workspace.server.send(
                "POST",
                "/api/v2/entity?from=test",
                headers: [basic("one-site:one-key"), ("Cookie", "secret=1"), ("X-Retry-Count", "2")],
                body: .bytes(Array(body.utf8))
            )
            let page = try #require(try await workspace.read("requests").json)
            let request = try #require(page["items"]?.arrayValue?.first)
            #expect(request["body"] == .string(body) && request["bodyBase64"] == .null)
            #expect(request["path"] == "/api/v2/entity?from=test" && request["method"] == "POST")
            #expect(request["answer"] == ["status": 200, "body": "{}\n", "bodyBase64": .null])
            #expect(request["fault"] == .null && request["number"] == 1)
            let headers = request["headers"]?.arrayValue ?? []
            #expect(headers.contains(["X-Retry-Count", "2"]))
            let key = Data("one-site:one-key".utf8).base64EncodedString()
            #expect(!page.description.contains(key) && !page.description.contains("secret=1"))
            #expect(try await workspace.read("requests/1").json == request)
            #expect(try await workspace.read("requests/2").status == 404)
        }
    }

    @Test func `has bytes that are no text`() async throws {
        try await PrivateServer.with { workspace async throws in
            let bytes: [UInt8] = [0xff, 0x00, 0x7b]
            let answer = try await workspace.server.send(
                "POST",
                "/api/v2/entity",
                headers: [basic("one-site:one-key")],
                body: .bytes(bytes)
            )
            #expect(answer.status == 400)
            let request = try await workspace.read("requests/1").json
            #expect(request?["body"] == .null)
            #expect(request?["bodyBase64"] == .string(Data(bytes).base64EncodedString()))
        }
    }

    @Test func `is filtered and counted`() async throws {
        try await PrivateServer.with { workspace async throws in
            for (name, id) in [("A", "u1"), ("B", "u1"), ("A", "u2")] {
                _ = try await workspace.track("/api/v2/entity", Self.event(name, of: id))
            }
            _ = try await workspace.track("/api/v2/batch", #"{"batch":[\#(Self.event("A", of: "u1"))]}"#)
            _ = try await workspace.track("/api/v2/entity", "nonsense")
            _ = try await workspace.track("/api/v1/nowhere", "{}")
            for (query, count) in [
                ("", 6), ("name=A", 3), ("name=A&identifier=u1", 2), ("action=event&identifier=u2", 1),
                ("path=/api/v2/*", 5), ("path=//api/v2/batch", 1), ("path=/api/v2", 0), ("status=400", 1),
                ("status=404", 1), ("method=post", 6), ("method=GET", 0), ("name=A&identifier=u9", 0),
            ] {
                let answer = try await workspace.read("requests/count?\(query)")
                #expect(answer.json == ["count": .number(JSON.Number(count))], "\(query)")
            }
        }
    }

    @Test func `is gone through page by page, the newest first`() async throws {
        try await PrivateServer.with { workspace async throws in
            for number in 1...7 { _ = try await workspace.track("/api/v2/entity", Self.event("E\(number)")) }
            var numbers: [Int64] = []
            var cursor: String?
            repeat {
                let page = try await workspace.read("requests?limit=3\(cursor.map { "&cursor=\($0)" } ?? "")").json
                numbers += (page?["items"]?.arrayValue ?? []).compactMap { $0["number"]?.numberValue?.int64 }
                cursor = page?["next"]?.stringValue
            } while cursor != nil
            #expect(numbers == [7, 6, 5, 4, 3, 2, 1])
        }
    }

    @Test(arguments: [
        (#"{"name":"Ordered"}"#, 1, nil),
        (#"{"name":"Orderd"}"#, 0, #"no request with name "Orderd"; closest is "Ordered""#),
        (
            #"{"name":"Orderd","identifier":"u1"}"#, 0,
            #"of identifier "u1" there is none with name "Orderd"; closest is "Ordered""#
        ),
        (
            #"{"name":"Ordered","identifier":"u2"}"#, 0,
            #"of name "Ordered" there is none with identifier "u2"; closest is "u1""#
        ),
        (#"{"name":"Ordered","status":400}"#, 0, #"of name "Ordered" there is none with status "400"; there is "200""#),
        (#"{"name":"Cancelled","identifier":"zoe@example.com"}"#, 0, "differs in two things or more"),
    ])
    func `says what is closest to what is not there`(body: String, count: Int, nearMiss: String?) async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.track("/api/v2/entity", Self.event("Ordered"))
            let answer = try await workspace.ask("requests/find", body)
            #expect(answer.json?["count"] == .number(JSON.Number(count)))
            let said = answer.json?["nearMiss"]?.stringValue
            if let nearMiss {
                #expect(said?.contains(nearMiss) == true, "\(said ?? "")")
            } else {
                #expect(said == nil)
            }
        }
    }

    @Test func `keeps those of unknown credentials apart, and says that they came`() async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.server.post("/api/v2/entity", Self.event("A"), [basic("one-site:wrong")])
            #expect(answer.status == 401)
            #expect(try await workspace.read("requests/count").json == ["count": 0])
            #expect(try await workspace.read("requests/count?credentials=unknown").json == ["count": 1])
            let found = try await workspace.ask("requests/find", #"{"name":"A"}"#).json
            #expect(
                found?["nearMiss"]?.stringValue?.contains("1 request came with credentials that nobody knows") == true
            )
        }
    }

    @Test func `keeps the newest ten thousand`() async throws {
        try await PrivateServer.with { workspace async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        for _ in 0..<510 { _ = try await workspace.track("/api/v2/entity", "") }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await workspace.read("requests/count").json == ["count": 10_000])
            #expect(try await workspace.read("requests/1").status == 404)
            #expect(try await workspace.read("requests/10200").status == 200)
        }
    }

    @Test func `keeps no more than its bytes`() async throws {
        try await PrivateServer.with { workspace async throws in
            let large = String(repeating: "x", count: 1_000_000)
            for _ in 1...40 { _ = try await workspace.track("/api/v2/batch", large) }
            let kept = try await workspace.read("requests/count").json?["count"]?.numberValue?.int64 ?? 0
            #expect(kept >= 30 && kept <= 34)
            #expect(try await workspace.delete("requests").json == ["cleared": true])
            #expect(try await workspace.read("requests/count").json == ["count": 0])
        }
    }

    @Test(arguments: [
        "requests?limit=0", "requests?cursor=x", "requests?status=ok", "requests?status=99", "requests/x",
        "requests?credentials=known",
    ])
    func `refuses what it can't understand`(path: String) async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.read(path).status == 400)
        }
    }

    @Test(arguments: ["", "[]", #"{"nam":"A"}"#, #"{"name":1}"#, #"{"status":"200"}"#])
    func `refuses to find what it can't understand`(body: String) async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.ask("requests/find", body).status == 400)
        }
    }
}
