import AsyncHTTPClient
import LosslessJSON
import Server
import Storage
import Testing

/// The table of source-api.md §2.6, row by row in both modes.
@Suite(.timeLimit(.minutes(2))) struct `Validation over HTTP` {
    struct Row: Sendable, CustomTestStringConvertible {
        let path: String
        let body: String
        /// The code; `nil` when the message is accepted.
        var code: String?
        /// Whether even permissive mode answers 400.
        var isUnreadable = false
        /// Whether only strict mode refuses.
        var isStrictOnly = false

        var testDescription: String { "\(path) \(body.prefix(120))" }

        init(_ path: String, _ body: String, _ code: String? = nil, unreadable: Bool = false, strictOnly: Bool = false)
        {
            self.path = path
            self.body = body
            self.code = code
            isUnreadable = unreadable
            isStrictOnly = strictOnly
        }
    }

    static let rows: [Row] = [
        Row("/v1/track", "", "invalid_json", unreadable: true),
        Row("/v1/track", "  \n", "invalid_json", unreadable: true),
        Row("/v1/track", "{", "invalid_json", unreadable: true),
        Row("/v1/track", #"{"event":"E","userId":"u1"} x"#, "invalid_json", unreadable: true),
        Row("/v1/track", #"{"event":"E",}"#, "invalid_json", unreadable: true),
        Row("/v1/track", "[]", "invalid_json", unreadable: true),
        Row("/v1/track", "null", "invalid_json", unreadable: true),
        Row("/v1/track", #""text""#, "invalid_json", unreadable: true),
        Row("/v1/batch", "[]", "invalid_json", unreadable: true),
        Row("/v1/track", String(repeating: "[", count: 100_000), "invalid_json", unreadable: true),
        Row(
            "/v1/track",
            #"{"event":"E","userId":"u1","p":"# + String(repeating: #"{"a":"#, count: 200) + "1"
                + String(repeating: "}", count: 201),
            "invalid_json",
            unreadable: true
        ),
        Row("/v1/batch", #"{"event":"E","userId":"u1","type":"track"}"#, "invalid_request", unreadable: true),
        Row("/v1/batch", #"{"batch":{}}"#, "invalid_request", unreadable: true),
        Row("/v1/batch", #"{"batch":null}"#, "invalid_request", unreadable: true),
        Row("/v1/track", #"{"batch":[{"event":"E","userId":"u1"}]}"#, "invalid_request", unreadable: true),
        Row("/v1/track", #"{"event":"E","userId":"u1","batch":"no list"}"#),
        Row("/v1/identify", "{}", "no_user_anon_id"),
        Row("/v1/page", "{}", "no_user_anon_id"),
        Row("/v1/screen", #"{"userId":""}"#, "no_user_anon_id"),
        Row("/v1/track", #"{"event":"E"}"#, "no_user_anon_id"),
        Row("/v1/track", #"{"event":"E","email":" "}"#, "no_user_anon_id"),
        Row("/v1/track", #"{"event":"E","properties":{"email":"a@b.c"}}"#),
        Row("/v1/page", #"{"context":{"traits":{"email":"a@b.c"}}}"#),
        Row("/v1/identify", #"{"traits":{"email":"a@b.c"}}"#),
        Row("/v1/identify", #"{"email":"a@b.c"}"#),
        Row("/v1/track", #"{"event":"Object Deleted"}"#),
        Row("/v1/track", #"{"event":"Report Delivery Event","anonymousId":"d1","properties":{"metric":"opened"}}"#),
        Row("/v1/track", #"{"event":"Report Content Event"}"#),
        Row("/v1/group", #"{"groupId":"g1"}"#),
        Row("/v1/identify", #"{"userId":123}"#),
        Row("/v1/identify", #"{"userId":{}}"#, "invalid_request"),
        Row("/v1/identify", #"{"userId":[1]}"#, "invalid_request"),
        Row("/v1/identify", #"{"userId":true}"#, "invalid_request"),
        Row("/v1/track", #"{"userId":"u1"}"#, "missing_event_name"),
        Row("/v1/track", #"{"userId":"u1","event":""}"#, "missing_event_name"),
        Row("/v1/track", #"{"userId":"u1","event":5}"#, "missing_event_name"),
        Row("/v1/group", #"{"userId":"u1"}"#, "invalid_request"),
        Row("/v1/alias", #"{"userId":"u1"}"#, "invalid_request"),
        Row("/v1/alias", #"{"previousId":"u1"}"#, "invalid_request"),
        Row("/v1/alias", #"{"previousId":"u1","id":"u2"}"#),
        Row("/v1/track", #"{"event":"E","userId":"u1","properties":null,"context":null,"traits":null}"#),
        Row("/v1/track", #"{"event":"E","userId":"u1","properties":[]}"#, "invalid_request"),
        Row("/v1/identify", #"{"userId":"u1","traits":"x"}"#, "invalid_request"),
        Row("/v1/track", #"{"event":"E","userId":"u1","context":7}"#, "invalid_request"),
        Row("/v1/track", #"{"event":"E","userId":"u1","integrations":7}"#, "invalid_request", strictOnly: true),
        Row("/v1/batch", #"{"batch":[{"type":"nonsense","userId":"u1"}]}"#, "invalid_request"),
        Row("/v1/batch", #"{"batch":[{"type":"Track","event":"E","userId":"u1"}]}"#, "invalid_request"),
        Row("/v1/batch", #"{"batch":[{"event":"E","userId":"u1"}]}"#, "invalid_request"),
        Row("/v1/batch", #"{"batch":["text"]}"#, "invalid_request"),
        Row("/v1/track", #"{"event":"E","userId":"u1","type":"identify"}"#),
        Row(
            "/v1/track",
            #"{"event":"E","userId":"u1","messageId":"\#(String(repeating: "m", count: 101))"}"#,
            "invalid_request",
            strictOnly: true
        ),
        Row("/v1/track", #"{"event":"E","userId":"u1","timestamp":"yesterday"}"#),
    ]

    @Test(arguments: rows)
    func `permissive mode answers 400 to what it cannot read and 200 to what it refuses, and keeps both`(row: Row)
        async throws
    {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.call(row.path, row.body)
            let isRefused = row.code != nil && !row.isStrictOnly
            #expect(answer.status == (row.isUnreadable ? 400 : 200))
            #expect(answer.json?["success"] == .bool(!row.isUnreadable))
            let refused = try await source.refused
            #expect(refused.map(\.code) == (isRefused ? [row.code] : []))
            #expect(refused.allSatisfy { $0.source == "web" && !$0.reason.isEmpty })
            #expect(try await source.events.count == (isRefused ? 0 : 1))
        }
    }

    @Test(arguments: rows)
    func `strict mode answers 400 to all of them and keeps nothing`(row: Row) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.call(row.path, row.body, strict: true)
            #expect(answer.status == (row.code == nil ? 200 : 400))
            #expect(answer.json?["code"]?.stringValue == row.code)
            #expect(try await source.refused.isEmpty)
            #expect(try await source.events.count == (row.code == nil ? 1 : 0))
        }
    }

    @Test(arguments: ["0", "true", "", "11", " 1 x"])
    func `strict mode is on for exactly 1`(value: String) async throws {
        try await SourceServer.with { source async throws in
            let headers = [basic("key-web:"), ("X-Strict-Mode", value)]
            #expect(try await source.server.post("/v1/track", "{}", headers).status == 200)
        }
    }

    static let mixed = batch([
        #"{"type":"track","event":"E1","userId":"u1"}"#, #"{"type":"track","event":"","userId":"u1"}"#,
        #"{"type":"track","event":"E2","userId":"u1"}"#, "5", #"{"type":"identify"}"#,
        #"{"type":"track","event":"E3","userId":"u1"}"#,
    ])

    @Test func `bad messages of a batch do not take their neighbours with them, and are kept as they were sent`()
        async throws
    {
        try await SourceServer.with { source async throws in
            #expect(try await source.server.call("/v1/batch", Self.mixed).status == 200)
            let messages = try await source.events.map(\.message)
            #expect(messages.map { $0["event"] } == ["E1", "E2", "E3"])
            let refused = try await source.refused
            #expect(refused.map(\.code) == ["missing_event_name", "invalid_request", "no_user_anon_id"])
            let raw = refused.map { String(decoding: $0.raw, as: UTF8.self) }
            #expect(raw == [#"{"type":"track","event":"","userId":"u1"}"#, "5", #"{"type":"identify"}"#])
        }
    }

    @Test func `strict mode refuses the whole batch and names each bad message`() async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.call("/v1/batch", Self.mixed, strict: true)
            #expect(answer.status == 400)
            #expect(answer.json?["code"] == "missing_event_name")
            let errors = try #require(answer.json?["meta"]?["errors"]?.arrayValue).compactMap(\.stringValue)
            #expect(errors.count == 3)
            for (error, start) in zip(errors, ["batch[1]: event", "batch[3]: ", "batch[4]: "]) {
                #expect(error.hasPrefix(start))
            }
            #expect(try await source.events.isEmpty)
            #expect(try await source.refused.isEmpty)
        }
    }

    @Test func `a strict batch that is all bad names a hundred and counts the rest`() async throws {
        try await SourceServer.with { source async throws in
            let all = batch(Array(repeating: "{}", count: 250))
            let answer = try await source.server.call("/v1/batch", all, strict: true)
            let errors = try #require(answer.json?["meta"]?["errors"]?.arrayValue)
            #expect(errors.count == 101)
            #expect(errors.last == "and 150 more")
        }
    }

    @Test(arguments: [(400, "{"), (401, ""), (404, ""), (405, "")])
    func `every error has the members that the SDKs read`(status: Int, body: String) async throws {
        try await SourceServer.with { source async throws in
            let answer =
                switch status {
                case 400: try await source.server.call("/v1/track", body)
                case 401: try await source.server.post("/v1/track", "{}", [("X-Strict-Mode", "1")])
                case 404: try await source.server.post("/v1/nothing", "{}")
                default: try await source.server.send("GET", "/v1/track")
                }
            #expect(answer.status == status)
            #expect(answer["content-type"] == "application/json")
            let json = try #require(answer.json?.objectValue)
            #expect(json["success"] == false)
            let message = try #require(json["message"]?.stringValue)
            #expect(json["code"]?.stringValue?.isEmpty == false)
            #expect(json["error"]?.stringValue == message)
            #expect(json["meta"] == ["error": .string(message), "errors": [.string(message)]])
        }
    }
}
