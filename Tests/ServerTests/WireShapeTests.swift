import AsyncHTTPClient
import LosslessJSON
import NIOCore
import Server
import Testing

/// What SDKs that can't be run here put on the wire, as source-api.md §1 to §2 describe them.
@Suite(.timeLimit(.minutes(1))) struct `SDKs on the wire` {
    /// Sends a body with the headers of an SDK and expects the answer that all of them take for success.
    private func send(
        _ text: String,
        to path: String,
        of source: SourceServer,
        _ headers: [(String, String)],
        isCompressed: Bool = false
    ) async throws -> Answered {
        let bytes = isCompressed ? gzip(text) : Array(text.utf8)
        let stream = AsyncStream { continuation in
            for part in [bytes.prefix(7), bytes.dropFirst(7)] { continuation.yield(ByteBuffer(bytes: part)) }
            continuation.finish()
        }
        let body: HTTPClientRequest.Body = isCompressed ? .stream(stream, length: .unknown) : .bytes(bytes)
        let answer = try await source.server.send("POST", path, headers: headers, body: body)
        #expect(answer.status == 200)
        #expect(answer["content-type"] == "application/json")
        #expect(answer.text == #"{"success":true}"#)
        return answer
    }

    @Test func `Go: the library stands in the envelope alone, and an endpoint with a slash doubles it`() async throws {
        try await SourceServer.with { source async throws in
            let body = """
                {"batch":[{"type":"track","event":"E","userId":"u1","timestamp":"2023-11-14T22:13:10.123456789+01:00",\
                "messageId":"go-1"}],"context":{"library":{"name":"analytics-go","version":"3.0.0"}},\
                "messageId":"of-the-request","sentAt":"2023-11-14T22:13:12+01:00"}
                """
            _ = try await send(body, to: "//v1/batch", of: source, [basic("key-web:"), ("User-Agent", "analytics-go")])
            let message = try #require(try await source.events.first?.message)
            #expect(message["messageId"] == "go-1")
            #expect(message["context"]?["library"]?["name"] == "analytics-go")
            // A server's address says nothing of the customer.
            #expect(message["context"]?["ip"] == nil)
            #expect(message["originalTimestamp"] == "2023-11-14T22:13:10.123456789+01:00")
            #expect(message["timestamp"] == "2023-11-14T22:13:18.123Z")
        }
    }

    @Test func `Kotlin: gzip in chunks without a length, text/plain, the key in the body`() async throws {
        try await SourceServer.with { source async throws in
            let body = """
                {"batch":[{"type":"screen","name":"Home","anonymousId":"a1","messageId":"k-1","_metadata":{"bundled":[]},\
                "context":{"library":{"name":"analytics-kotlin","version":"1.24.1"},"device":{"type":"android"}},\
                "integrations":{}}],"writeKey":"key-web","sentAt":"2023-11-14T22:13:20.000Z"}
                """
            let headers = [("Content-Encoding", "gzip"), ("Content-Type", "text/plain")]
            _ = try await send(body, to: "/v1/b", of: source, headers, isCompressed: true)
            let message = try #require(try await source.events.first?.message)
            #expect(message["type"] == "screen")
            #expect(message["context"]?["ip"] == "127.0.0.1")
            #expect(message["writeKey"] == nil)
        }
    }

    @Test func `Swift: /v1/b with the key in each item`() async throws {
        try await SourceServer.with { source async throws in
            let item = #"{"type":"identify","userId":"u1","traits":{"n":1},"writeKey":"key-web","messageId":"s-1"}"#
            let headers = [("Content-Type", "application/json; charset=utf-8"), ("Accept-Encoding", "gzip")]
            _ = try await send(batch([item]), to: "/v1/b", of: source, headers)
            #expect(try await source.events.map(\.source) == ["web"])
        }
    }

    @Test func `browser: a simple request of text/plain, from a page, with the key in the body`() async throws {
        try await SourceServer.with { source async throws in
            let body = """
                {"type":"page","anonymousId":"a1","properties":{"url":"https://shop.example/"},"messageId":"ajs-next-1",\
                "context":{"library":{"name":"analytics.js"}},"writeKey":"key-web","sentAt":"2023-11-14T22:13:20.000Z"}
                """
            let headers = [("Content-Type", "text/plain"), ("Origin", "https://shop.example")]
            let answer = try await send(body, to: "/v1/p", of: source, headers)
            #expect(answer["access-control-allow-origin"] == "https://shop.example")
            #expect(try await source.events.first?.message["context"]?["ip"] == "127.0.0.1")
        }
    }

    @Test func `browser: each event of the current one is preflighted`() async throws {
        try await SourceServer.with { source async throws in
            let preflight = try await source.server.send(
                "OPTIONS",
                "/v1/t",
                headers: [
                    ("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "authorization,content-type"),
                ]
            )
            #expect(preflight.status == 204)
            #expect(preflight["access-control-allow-headers"]?.contains("authorization") == true)
            let headers = [basic("key-web:"), ("Origin", "https://shop.example"), ("Content-Type", "text/plain")]
            _ = try await send(#"{"type":"track","event":"E","anonymousId":"a"}"#, to: "/v1/t", of: source, headers)
        }
    }

    @Test func `a beacon: no headers at all, the key in the query`() async throws {
        try await SourceServer.with { source async throws in
            let item = #"{"type":"track","event":"Left","anonymousId":"a1"}"#
            _ = try await send(batch([item]), to: "/v1/batch?writeKey=key-web", of: source, [])
            #expect(try await source.events.map(\.source) == ["web"])
        }
    }

    @Test(arguments: ["/v1/import", "/v1/import/"])
    func `Ruby and Java: import, with a slash and without`(path: String) async throws {
        try await SourceServer.with { source async throws in
            let body = batch([#"{"type":"group","groupId":"g1","userId":7,"messageId":"r-1"}"#], #","sequence":1"#)
            _ = try await send(body, to: path, of: source, [basic("key-web:"), ("Accept", "application/json")])
            #expect(try await source.events.first?.message["userId"] == "7")
        }
    }

    @Test func `mobile push receipts: three fields and no type`() async throws {
        try await SourceServer.with { source async throws in
            let body = """
                {"event":"Report Delivery Event","anonymousId":"dl-1",\
                "properties":{"recipient":"token","metric":"delivered","deliveryId":"dl-1"}}
                """
            _ = try await send(body, to: "/v1/track", of: source, [basic("key-web:")])
            let message = try #require(try await source.events.first?.message)
            #expect(message["type"] == "track")
            #expect(message["properties"]?["deliveryId"] == "dl-1")
        }
    }

    @Test func `C#: no Content-Type, gzip, a byte-order mark`() async throws {
        try await SourceServer.with { source async throws in
            let body = "\u{FEFF}" + batch([#"{"type":"track","event":"E","userId":"u1"}"#], #","writeKey":"key-web""#)
            _ = try await send(body, to: "/v1/b", of: source, [("Content-Encoding", "gzip")], isCompressed: true)
            #expect(try await source.events.count == 1)
        }
    }

    @Test func `Rudder: traits in the context, channel, and blank ids`() async throws {
        try await SourceServer.with { source async throws in
            let item = """
                {"type":"identify","userId":"u1","messageId":" ","channel":"server","integrations":{"All":true},\
                "context":{"traits":{"plan":"pro"}}}
                """
            _ = try await send(
                batch([item]),
                to: "/v1/batch",
                of: source,
                [basic("key-web:"), ("AnonymousId", "eA==")]
            )
            let message = try #require(try await source.events.first?.message)
            #expect(message["traits"] == ["plan": "pro"])
            #expect(message["channel"] == "server")
            #expect(message["messageId"]?.stringValue?.count == 36)
        }
    }
}
