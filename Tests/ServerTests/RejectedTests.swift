import AsyncHTTPClient
import Events
import LosslessJSON
import Server
import Storage
import Testing

/// What is refused is kept with its reason, and can be accepted later.
@Suite(.timeLimit(.minutes(2))) struct `Refused messages` {
    /// Sends to a source API, then reads and accepts through the private API over the same data.
    private func refuse(
        _ send: (SourceServer) async throws -> Void,
        writeKeys: WriteKeys = SourceServer.keys,
        then work: (PrivateServer) async throws -> Void
    ) async throws {
        try await SourceServer.with { source async throws in
            try await send(source)
            try await PrivateServer.with(writeKeys: writeKeys, on: source.data) { try await work($0) }
        }
    }

    private func accept(_ server: PrivateServer, _ body: String) async throws -> Answered {
        try await server.server.post("/admin/v1/rejected/accept", body, [("Content-Type", "application/json")])
    }

    private func messages(_ server: PrivateServer) async throws -> [JSON] {
        try await server.data.log.read(after: 0, limit: 100).map { try JSON(parsing: $0.body) }
    }

    @Test func `are listed with reason, source, path and text, the keys in it covered`() async throws {
        let key = #"{"event":"E","userId":"u1","writeKey":"nobody"}"#
        try await refuse { source async throws in
            _ = try await source.server.post("/v1/track", key)
            _ = try await source.server.call("/v1/batch", batch([#"{"type":"track","userId":[]}"#]))
        } then: { server async throws in
            let answer = try await server.server.send("GET", "/admin/v1/rejected")
            #expect(answer.status == 200)
            let items = try #require(answer.json?["items"]?.arrayValue)
            #expect(items.map { $0["code"] } == ["invalid_write_key", "invalid_request"])
            #expect(items.map { $0["source"] } == [.null, "web"])
            #expect(items.map { $0["path"] } == ["track", "batch"])
            #expect(items[0]["raw"] == #"{"event":"E","userId":"u1","writeKey":"••••"}"#)
            #expect(items[1]["raw"] == #"{"type":"track","userId":[]}"#)
            #expect(items[1]["receivedAt"] == "2023-11-14T22:13:20.000Z")
            #expect(answer.json?["count"] == 2)
            #expect(!answer.text.contains("nobody"))
            let filtered = try await server.server.send("GET", "/admin/v1/rejected?code=invalid_request&source=web")
            #expect(filtered.json?["items"]?.arrayValue?.count == 1)
            let first = try await server.server.send("GET", "/admin/v1/rejected?limit=1")
            let next = try #require(first.json?["next"]?.stringValue)
            let second = try await server.server.send("GET", "/admin/v1/rejected?limit=1&cursor=\(next)")
            #expect(second.json?["items"]?.arrayValue?.first == items[1])
            #expect(second.json?["next"] == .null)
        }
    }

    /// The key is one that lets its sender in.
    @Test(
        arguments: [
            ("/v1/track", #"{"writeKey":"key-web","event":7}"#, #"{"writeKey":"••••","event":7}"#),
            (
                "/v1/batch", #"{"writeKey" : "key-web", "batch":[{"type":"track","writeKey":"key-web"},5]}"#,
                #"{"type":"track","writeKey":"••••"}"#
            ),
            ("/v1/track", #"{"writeKey":"key-web","event":"#, #"{"writeKey":"••••","event":"#),
            ("/v1/track", #"{"a":1,"writeKey":"key-w"#, #"{"a":1,"writeKey":"••••"#),
            ("/v1/track", #"{"writeKey":{"writeKey":"a\"key-web"},"b":"#, #"{"writeKey":{"writeKey":"••••"},"b":"#),
        ]
    ) func `are kept without the key that stood in them`(path: String, body: String, expected: String) async throws {
        try await SourceServer.with { source async throws in
            _ = try await source.server.post(path, body, [basic("key-web:")])
            let kept = try await source.refused.map { String(decoding: $0.raw, as: UTF8.self) }
            #expect(kept.first == expected)
            #expect(!kept.joined().contains("key-web"))
        }
    }

    static let keyForms: [(name: String, headers: [(String, String)], key: String)] = [
        ("in the header", [basic("late-key:")], ""), ("as Bearer", [("Authorization", "Bearer late-key")], ""),
        ("in the body", [], #","writeKey":"late-key""#),
    ]

    @Test(arguments: 0..<3)
    func `of an unknown key are accepted once a source has this key, as if they had come then`(form: Int) async throws {
        let (_, headers, key) = Self.keyForms[form]
        let late = WriteKeys([WriteKeys.Entry(key: "late-key", source: "late")])
        try await refuse(
            { source async throws in
                let body = #"{"event":"E","userId":"u1","messageId":"m1"\#(key)}"#
                _ = try await source.server.post("/v1/track", body, headers)
                #expect(try await source.refused.map(\.code) == ["invalid_write_key"])
            },
            writeKeys: late
        ) { server async throws in
            let answer = try await accept(server, #"{"all":true}"#)
            #expect(answer.json == ["accepted": 1, "duplicates": 0, "refused": [], "next": .null])
            let stored = try await server.data.log.read(after: 0, limit: 9)
            #expect(stored.map(\.source) == ["late"])
            let message = try JSON(parsing: try #require(stored.first).body)
            #expect(message["type"] == "track")
            #expect(message["receivedAt"] == "2023-11-14T22:13:20.000Z")
            #expect(message["writeKey"] == nil)
            #expect(try await server.data.refusedMessages.count() == 0)
        }
    }

    @Test func `of an unknown key stay refused as long as nobody has it, unless a source is chosen`() async throws {
        try await refuse { source async throws in
            _ = try await source.server.post("/v1/track", #"{"event":"E","userId":"u1"}"#, [basic("nobody:")])
        } then: { server async throws in
            let refused = try await accept(server, #"{"numbers":[1]}"#)
            let reason = refused.json?["refused"]?.arrayValue?.first?["reason"]?.stringValue
            #expect(reason?.contains("no source has its write key yet") == true)
            let unknown = try await accept(server, #"{"numbers":[1],"as":"wbe"}"#)
            #expect(unknown.text.contains("there is no source wbe"))
            #expect(try await server.data.refusedMessages.count() == 1)
            #expect(try await accept(server, #"{"numbers":[1],"as":"web"}"#).json?["accepted"] == 1)
            #expect(try await accept(server, #"{"numbers":[1]}"#).text.contains("there is none of this number"))
        }
    }

    @Test func `a whole batch of an unknown key is accepted message by message, and the bad ones stay`() async throws {
        let good = #"{"type":"track","event":"E","userId":"u1"}"#
        try await refuse { source async throws in
            let body = batch([good, "7", good], #","context":{"locale":"de"}"#)
            _ = try await source.server.post("/v1/batch", body, [basic("nobody:")])
        } then: { server async throws in
            #expect(try await accept(server, #"{"numbers":[1],"as":"web"}"#).json?["accepted"] == 2)
            #expect(try await messages(server).map { $0["context"]?["locale"] } == ["de", "de"])
            let left = try await server.data.refusedMessages.list(limit: 9).map(\.message)
            #expect(left.map(\.source) == ["web"])
            #expect(left.map { String(decoding: $0.raw, as: UTF8.self) } == ["7"])
        }
    }

    /// Ferry's rules may change; until then the message is as bad as it was.
    @Test func `a bad message stays refused with the reason, and keeps what held for its batch`() async throws {
        try await refuse { source async throws in
            let more = #","context":{"locale":"de"},"sentAt":"2023-11-14T22:13:19Z""#
            _ = try await source.server.call("/v1/batch", batch([#"{"type":"track","userId":"u1"}"#], more))
        } then: { server async throws in
            let answer = try await accept(server, #"{"all":true}"#)
            #expect(answer.json?["accepted"] == 0)
            #expect(answer.text.contains("event is missing"))
            let kept = try #require(try await server.data.refusedMessages.list(limit: 1).first?.message)
            #expect(
                kept.envelope.map { String(decoding: $0, as: UTF8.self) }
                    == #"{"context":{"locale":"de"},"sentAt":"2023-11-14T22:13:19Z"}"#
            )
        }
    }

    @Test func `what was accepted before is not stored again`() async throws {
        let message = #"{"event":"E","userId":"u1","messageId":"m1"}"#
        try await refuse { source async throws in
            _ = try await source.server.post("/v1/track", message, [basic("nobody:")])
            _ = try await source.server.call("/v1/track", message)
        } then: { server async throws in
            let answer = try await accept(server, #"{"all":true,"as":"web"}"#)
            #expect(answer.json == ["accepted": 0, "duplicates": 1, "refused": [], "next": .null])
            #expect(try await messages(server).count == 1)
        }
    }

    @Test func `what was cut can't be accepted`() async throws {
        try await refuse { source async throws in
            let large = #"{"event":"E","userId":"u1","x":"\#(String(repeating: "x", count: 5 << 20))"}"#
            _ = try await source.server.post("/v1/track", large, [basic("key-web:")])
        } then: { server async throws in
            #expect(try await accept(server, #"{"all":true,"as":"web"}"#).text.contains("only its beginning was kept"))
        }
    }

    @Test func `a body as large as may be is kept whole, also of an unknown key`() async throws {
        let messages = (0..<60).map { _ in message(bytes: 64 << 10) }
        try await refuse { source async throws in
            _ = try await source.server.post("/v1/batch", batch(messages), [basic("nobody:")])
        } then: { server async throws in
            #expect(try await accept(server, #"{"numbers":[1],"as":"web"}"#).json?["accepted"] == 60)
            #expect(try await self.messages(server).count == 60)
        }
    }

    @Test func `thousands are accepted page by page`() async throws {
        try await refuse { source async throws in
            for start in [0, 1] {
                let bad = (0..<600).map { #"{"event":"E","userId":"u\#(start * 600 + $0)"}"# }
                _ = try await source.server.call("/v1/batch", batch(bad))
            }
        } then: { server async throws in
            let first = try await accept(server, #"{"source":"web"}"#)
            #expect(first.json?["next"] == 500)
            #expect(first.json?["refused"]?.arrayValue?.count == 500)
            let last = try await accept(server, #"{"source":"web","after":1000}"#)
            #expect(last.json?["next"] == .null)
            #expect(last.json?["refused"]?.arrayValue?.count == 200)
        }
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"numbers":["1"]}"#, #"{"numbers":7}"#, #"{"all":false}"#, #"{"typo":true}"#,
        #"{"as":"web"}"#,
        #"{"after":0}"#, #"{"all":true,"after":0.5}"#,
    ])
    func `a call that does not say which ones is refused`(body: String) async throws {
        try await PrivateServer.with { server async throws in
            #expect(try await accept(server, body).status == 400)
        }
    }

    @Test(arguments: [Int64.min, -1, 0, 1, .max])
    func `a number that none has is answered with a reason`(number: Int64) async throws {
        try await PrivateServer.with { server async throws in
            let answer = try await accept(server, #"{"numbers":[\#(number)]}"#)
            #expect(answer.status == 200 && answer.text.contains("there is none of this number"))
        }
    }

    @Test(
        arguments: [
            [("Content-Type", "text/plain")], [],
            [("Content-Type", "application/json"), ("Origin", "https://evil.example")],
        ] as [[(String, String)]]
    )
    func `a page of another origin can't accept anything`(headers: [(String, String)]) async throws {
        try await PrivateServer.with { server async throws in
            let answer = try await server.server.post("/admin/v1/rejected/accept", #"{"all":true}"#, headers)
            #expect(answer.status == 403)
        }
    }

    @Test func `the log tells how much is in it and how it came there`() async throws {
        try await SourceServer.with { source async throws in
            for event in ["A", "B"] {
                let items = Array(repeating: #"{"type":"track","event":"\#(event)","userId":"u1"}"#, count: 3)
                _ = try await source.server.call("/v1/batch", batch(items))
            }
            try await PrivateServer.with(on: source.data) { server async throws in
                let log = try #require(try await server.server.send("GET", "/admin/v1/log").json)
                #expect(log["events"] == 6 && log["last"] == 6)
                #expect(log["commits"]?["groups"] == 2 && log["commits"]?["events"] == 6)
                #expect(log["commits"]?["calls"] == 2)
                let waited = try #require(log["commits"]?["waitedMicroseconds"]?.numberValue?.int64)
                #expect(waited > 0)
            }
        }
    }

    @Test func `a listener with an admin token asks for it`() async throws {
        try await PrivateServer.with(adminToken: "t0ken") { server async throws in
            #expect(try await server.server.send("GET", "/admin/v1/rejected").status == 401)
            #expect(try await server.server.send("GET", "/admin/v1/log").status == 401)
            #expect(try await accept(server, #"{"all":true}"#).status == 401)
            let headers = [("Authorization", "Bearer t0ken"), ("Content-Type", "application/json")]
            let answer = try await server.server.post("/admin/v1/rejected/accept", #"{"all":true}"#, headers)
            #expect(answer.status == 200)
        }
    }
}
