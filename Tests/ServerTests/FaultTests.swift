import AsyncHTTPClient
import Foundation
import LosslessJSON
import Server
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Faults of a workspace` {
    private static func identify(_ id: String) -> String {
        #"{"type":"person","action":"identify","identifiers":{"id":"\#(id)"}}"#
    }

    @Test func `befall the next calls, and are counted`() async throws {
        try await PrivateServer.with { workspace async throws in
            let fault = #"""
                {"match":{"path":"/api/v2/*"},"times":2,
                 "respond":{"status":429,"retry_after":3,"headers":{"X-Test":"a"},"body":{"meta":{"error":"slow down"}}}}
                """#
            #expect(try await workspace.ask("faults", fault).status == 200)
            for _ in 1...2 {
                let answer = try await workspace.track("/api/v2/entity", Self.identify("u1"))
                #expect(answer.status == 429 && answer["retry-after"] == "3" && answer["x-test"] == "a")
                #expect(answer.text == #"{"meta":{"error":"slow down"}}"#)
                #expect(answer["x-ferry-workspace"] == "one" && answer["status"]?.hasPrefix("429") == true)
            }
            #expect(try await workspace.read("people/u1").status == 404, "it was not carried out")
            #expect(try await workspace.track("/api/v2/entity", Self.identify("u1")).status == 200)
            let listed = try await workspace.read("faults").json?["items"]?.arrayValue?.first
            #expect(listed?["fired"] == 2 && listed?["left"] == 0 && listed?["number"] == 1)
            #expect(listed?["fault"] == (try JSON(parsing: fault)))
            #expect(try await workspace.read("requests/1").json?["fault"] == 1)
            #expect(try await workspace.read("requests/3").json?["fault"] == .null)
        }
    }

    @Test(arguments: [
        (#"{"path":"/api/v2/entity"}"#, true), (#"{"path":"/api/v2/batch"}"#, false), (#"{"method":"POST"}"#, true),
        (#"{"method":"GET"}"#, false), (#"{"identifier":"u1"}"#, true), (#"{"identifier":"u2"}"#, false),
        (#"{"action":"identify"}"#, true), (#"{"action":"identify","identifier":"u2"}"#, false), (#"{}"#, true),
    ])
    func `befall what they are about`(match: String, isHit: Bool) async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            let fault = #"{"match":\#(match),"respond":{"status":503}}"#
            #expect(try await workspace.ask("faults?workspace=one", fault).status == 200)
            let answer = try await workspace.track("/api/v2/entity", Self.identify("u1"))
            #expect(answer.status == (isHit ? 503 : 200))
            #expect(try await workspace.track("/api/v2/entity", Self.identify("u1"), to: "two").status == 200)
        }
    }

    @Test func `can be a request that takes its time`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.ask("faults", #"{"respond":{"latency_ms":300}}"#)
            let start = ContinuousClock.now
            #expect(try await workspace.track("/api/v2/entity", Self.identify("u1")).status == 200)
            #expect(start.duration(to: .now) >= .milliseconds(300))
            #expect(try await workspace.read("people/u1").status == 200)
        }
    }

    @Test(arguments: [false, true])
    func `can be a connection that is reset, before or after the work`(isCarriedOut: Bool) async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.ask("faults", #"{"respond":{"reset":true,"carry_out":\#(isCarriedOut)},"times":1}"#)
            await #expect(throws: (any Error).self) {
                try await workspace.track("/api/v2/entity", Self.identify("u1"))
            }
            #expect(try await workspace.read("people/u1").status == (isCarriedOut ? 200 : 404))
            #expect(try await workspace.read("requests/1").json?["answer"]?["status"] == 0)
            #expect(try await workspace.track("/api/v2/entity", Self.identify("u2")).status == 200)
        }
    }

    @Test func `can be an answer that is cut off`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.ask("faults", #"{"respond":{"truncate":1}}"#)
            let request = """
                GET /auth HTTP/1.1\r\nHost: localhost\r\nAuthorization: \(basic("one-site:one-key").1)\r\n\r\n
                """
            let answer = try await workspace.server.wire(request)
            #expect(answer.lowercased().contains("content-length: 40"))
            #expect(answer.hasSuffix("\r\n\r\n{"), "\(answer)")
        }
    }

    @Test func `can be some operations of a batch, while the others are carried out`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.ask(
                "faults",
                #"{"match":{"identifier":"b"},"respond":{"fail_items":{"reason":"invalid","field":"x","message":"no"}}}"#
            )
            let batch = ["a", "b", "c"].map(Self.identify).joined(separator: ",") + #",{"type":"nothing"}"#
            let answer = try await workspace.track("/api/v2/batch", #"{"batch":[\#(batch)]}"#)
            #expect(answer.status == 207)
            let errors = answer.json?["errors"]?.arrayValue ?? []
            #expect(errors.map { $0["batch_index"] } == [1, 3])
            #expect(errors.first == ["reason": "invalid", "field": "x", "message": "no", "batch_index": 1])
            #expect(try await workspace.read("people/a").status == 200)
            #expect(try await workspace.read("people/b").status == 404)
            #expect(try await workspace.read("people/c").status == 200)
            #expect(try await workspace.track("/api/v2/batch", #"{"batch":[\#(Self.identify("b"))]}"#).status == 400)
            #expect(try await workspace.track("/api/v2/entity", Self.identify("b")).status == 400)
        }
    }

    @Test func `can name the operations by their places`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.ask("faults", #"{"respond":{"fail_items":{"places":[0,2,9]}}}"#)
            let batch = ["a", "b", "c"].map(Self.identify).joined(separator: ",")
            let answer = try await workspace.track("/api/v2/batch", #"{"batch":[\#(batch)]}"#)
            #expect(answer.status == 207)
            #expect(answer.json?["errors"]?.arrayValue?.map { $0["batch_index"] } == [0, 2])
        }
    }

    @Test func `fall the same way with the same seed`() async throws {
        var runs: [[Int]] = []
        for seed in [7, 7, 8] {
            try await PrivateServer.with { workspace async throws in
                _ = try await workspace.ask("faults", #"{"respond":{"status":500},"probability":0.5,"seed":\#(seed)}"#)
                var run: [Int] = []
                for _ in 0..<40 { run.append(try await workspace.track("/api/v2/entity", Self.identify("u1")).status) }
                runs.append(run)
            }
        }
        #expect(runs[0] == runs[1] && runs[0] != runs[2])
        let failed = runs[0].count { $0 == 500 }
        #expect(failed > 8 && failed < 32)
    }

    @Test func `are taken back one by one and all`() async throws {
        try await PrivateServer.with { workspace async throws in
            let both = #"[{"respond":{"status":500},"times":1},{"respond":{"status":501}}]"#
            _ = try await workspace.ask("faults", both)
            #expect(try await workspace.delete("faults/1").json == ["removed": 1])
            #expect(try await workspace.delete("faults/1").status == 404)
            #expect(try await workspace.track("/api/v2/entity", Self.identify("u1")).status == 501)
            #expect(try await workspace.delete("faults").json == ["removed": 1])
            #expect(try await workspace.track("/api/v2/entity", Self.identify("u1")).status == 200)
        }
    }

    @Test(arguments: [
        ("", "a fault, or an array of them"), ("[]", "no fault"), ("1", "must be an object"), ("{}", "respond"),
        (#"{"respond":{}}"#, "status"),
        (#"{"respond":{"status":503},"probabilty":1}"#, #"did you mean "probability"?"#),
        (#"{"respond":{"status":99}}"#, "from 200 to 599"), (#"{"respond":{"latency_ms":1e9}}"#, "latency_ms"),
        (#"{"respond":{"status":503},"probability":1.5}"#, "from 0 to 1"),
        (#"{"respond":{"status":503},"times":0}"#, "times"),
        (#"{"respond":{"status":503,"reset":true}}"#, "at a time"), (#"{"respond":{"retry_after":1}}"#, "status"),
        (#"{"respond":{"status":503,"headers":{"a b":"c"}}}"#, "header"),
        (#"{"respond":{"status":503,"headers":{"X":"a\r\nb"}}}"#, "header"),
        (#"{"respond":{"status":503,"headers":{"Content-Length":"9"}}}"#, "header"),
        (#"{"respond":{"fail_items":{}}}"#, "places"), (#"{"respond":{"fail_items":{"places":[-1]}}}"#, "places"),
        (#"{"match":{"path":"api"},"respond":{"status":503}}"#, "slash"),
        (#"[{"respond":{"status":503}},{"respond":{"status":1}}]"#, "fault 1"),
    ])
    func `that make no sense are refused, all of them`(body: String, words: String) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.ask("faults", body)
            #expect(answer.status == 400 && answer.text.contains(words.replacing("\"", with: "\\\"")), "\(answer.text)")
            #expect(try await workspace.read("faults").json == ["items": []])
        }
    }

    @Test func `of workspaces that are not there are refused`() async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.ask("faults?workspace=two", #"{"respond":{"status":503}}"#)
            #expect(answer.status == 404 && answer.text.contains("may be one of one"))
        }
    }
}
