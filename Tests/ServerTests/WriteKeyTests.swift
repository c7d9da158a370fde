import Foundation
import LosslessJSON
import Server
import Storage
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Write keys` {
    /// One way of sending keys: headers, path, body, and whose message it is (`nil`: refused, with the code).
    struct Form: Sendable, CustomTestStringConvertible {
        let name: String
        var headers: [(String, String)] = []
        var path = "/v1/track"
        var body = #"{"event":"E","userId":"u1"}"#
        var source: String?
        var code: String?

        var testDescription: String { name }
    }

    private static let withBackendKey = #"{"event":"E","userId":"u1","writeKey":"key-backend"}"#
    private static let firstItem = #"{"batch":[{"type":"page","userId":"u1","writeKey":"key-backend"}]}"#

    private static func header(_ value: String) -> [(String, String)] { [("Authorization", value)] }

    private static func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    static let forms: [Form] = [
        Form(name: "Basic with a colon", headers: [basic("key-web:")], source: "web"),
        Form(name: "Basic without a colon", headers: [basic("key-web")], source: "web"),
        Form(name: "Basic with a password", headers: [basic("key-web:x:y")], source: "web"),
        Form(name: "Basic in lower case", headers: header("basic \(encoded("key-web:"))"), source: "web"),
        Form(name: "Basic with more spaces", headers: header("BASIC   \(encoded("key-web:"))"), source: "web"),
        Form(
            name: "Basic without padding",
            headers: header("Basic \(encoded("key-web:").replacing("=", with: ""))"),
            source: "web"
        ),
        Form(name: "Bearer with a key", headers: header("Bearer key-web"), source: "web"),
        Form(
            name: "Bearer with a key wins over the body",
            headers: header("bearer key-web"),
            body: withBackendKey,
            source: "web"
        ),
        Form(
            name: "Bearer with an access token, key in the body",
            headers: header("Bearer t0k3n"),
            body: withBackendKey,
            source: "backend"
        ),
        Form(name: "Bearer with an unknown key alone", headers: header("Bearer nobody"), code: "invalid_write_key"),
        Form(name: "the body", body: withBackendKey, source: "backend"),
        Form(
            name: "the envelope",
            path: "/v1/batch",
            body: #"{"batch":[{"type":"page","userId":"u1","writeKey":"key-backend"}],"writeKey":"key-web"}"#,
            source: "web"
        ),
        Form(name: "the first item", path: "/v1/batch", body: firstItem, source: "backend"),
        Form(name: "the query", path: "/v1/track?writeKey=key%2Dweb&x=1", source: "web"),
        Form(
            name: "the body wins over the query",
            path: "/v1/track?writeKey=key-web",
            body: withBackendKey,
            source: "backend"
        ),
        Form(name: "Basic wins over the body", headers: [basic("key-web:")], body: withBackendKey, source: "web"),
        Form(
            name: "an unknown Basic key wins too",
            headers: [basic("nobody:")],
            body: withBackendKey,
            code: "invalid_write_key"
        ),
        Form(name: "an empty Basic key does not", headers: [basic(":")], body: withBackendKey, source: "backend"),
        Form(
            name: "a Basic token that is not base64 does not",
            headers: header("Basic !!!"),
            body: withBackendKey,
            source: "backend"
        ),
        Form(
            name: "another scheme does not",
            headers: header("Digest key-web"),
            body: withBackendKey,
            source: "backend"
        ),
        Form(
            name: "an empty body key does not",
            path: "/v1/track?writeKey=key-web",
            body: #"{"event":"E","userId":"u1","writeKey":""}"#,
            source: "web"
        ),
        Form(name: "no key", code: "missing_write_key"),
        Form(name: "a beginning of a key", headers: [basic("key-we:")], code: "invalid_write_key"),
        Form(name: "a key and more", headers: [basic("key-webx:")], code: "invalid_write_key"),
        Form(name: "a key twice", headers: [basic("key-webkey-web:")], code: "invalid_write_key"),
        Form(name: "a source that is off", headers: [basic("key-old:")], code: "invalid_write_key"),
        Form(name: "a key that is not UTF-8", headers: header("Basic //79"), code: "invalid_write_key"),
        Form(name: "a very long key", headers: [basic(String(repeating: "k", count: 5000))], code: "invalid_write_key"),
    ]

    @Test(arguments: forms)
    func `the first key that is not empty tells the source, and is not stored`(form: Form) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.post(form.path, form.body, form.headers)
            #expect(answer.status == 200)
            #expect(answer.text == #"{"success":true}"#)
            let events = try await source.events
            #expect(events.map(\.source) == [form.source].compactMap(\.self))
            #expect(events.allSatisfy { $0.message["writeKey"] == nil })
            #expect(try await source.refused.map(\.code) == [form.code].compactMap(\.self))
        }
    }

    @Test(arguments: forms)
    func `strict mode answers 401 to a missing or unknown key and keeps nothing`(form: Form) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.post(form.path, form.body, form.headers + [("X-Strict-Mode", "1")])
            #expect(answer.status == (form.code == nil ? 200 : 401))
            #expect(answer.json?["code"]?.stringValue == form.code)
            #expect(try await source.refused.isEmpty)
            #expect(try await source.events.count == (form.code == nil ? 1 : 0))
        }
    }

    @Test func `a refused key's message is kept as it was sent, with its source if it is known`() async throws {
        try await SourceServer.with { source async throws in
            _ = try await source.server.post("/v1/track", #"{ "event" : "E" }"#, [basic("nobody:")])
            _ = try await source.server.post("/v1/track", #"{"event":"E"}"#, [basic("key-old:")])
            let refused = try await source.refused
            #expect(refused.map(\.source) == [nil, "old"])
            #expect(
                refused.map { String(decoding: $0.raw, as: UTF8.self) } == [#"{ "event" : "E" }"#, #"{"event":"E"}"#]
            )
            #expect(refused.map(\.receivedAt) == [1_700_000_000_000, 1_700_000_000_000])
        }
    }
}
