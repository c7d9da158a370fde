import AsyncHTTPClient
import Events
import Foundation
import LosslessJSON
import NIOCore
import Server
import Storage
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Source API` {
    static let track = #"{"type":"track","event":"E","userId":"u1","messageId":"m1"}"#

    @Test(arguments: [
        ("/v1/identify", "identify", #"{"userId":"u1"}"#), ("/v1/i", "identify", #"{"userId":"u1"}"#),
        ("/v1/track", "track", #"{"userId":"u1","event":"E"}"#), ("/v1/t", "track", #"{"userId":"u1","event":"E"}"#),
        ("/v1/page", "page", #"{"userId":"u1"}"#), ("/v1/p", "page", #"{"userId":"u1"}"#),
        ("/v1/screen", "screen", #"{"userId":"u1"}"#), ("/v1/s", "screen", #"{"userId":"u1"}"#),
        ("/v1/group", "group", #"{"groupId":"g1"}"#), ("/v1/g", "group", #"{"groupId":"g1"}"#),
        ("/v1/alias", "alias", #"{"previousId":"a","userId":"b"}"#),
        ("/v1/a", "alias", #"{"previousId":"a","userId":"b"}"#),
        ("/v1/track/", "track", #"{"userId":"u1","event":"E","type":"page"}"#),
        ("//v1//track", "track", #"{"userId":"u1","event":"E"}"#),
        ("/v1/%74rack?x=1", "track", #"{"userId":"u1","event":"E"}"#),
    ])
    func `each path of a single call stores the call that it names`(path: String, type: String, body: String)
        async throws
    {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.call(path, body)
            #expect(answer.status == 200)
            #expect(answer.text == #"{"success":true}"#)
            #expect(answer["content-type"] == "application/json")
            let events = try await source.events
            #expect(events.map(\.source) == ["web"])
            #expect(events.map { $0.message["type"] } == [.string(type)])
        }
    }

    @Test(arguments: ["/v1/batch", "/v1/b", "/v1/import", "/v1/import/", "//v1/batch", "/beacon/v1/batch"])
    func `each batch path stores the messages in their order`(path: String) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.call(
                path,
                batch((1...5).map { #"{"type":"track","event":"E\#($0)","userId":"u1"}"# })
            )
            #expect(answer.status == 200)
            let messages = try await source.events.map(\.message)
            #expect(messages.map { $0["event"] } == ["E1", "E2", "E3", "E4", "E5"])
        }
    }

    @Test func `an empty batch is accepted`() async throws {
        try await SourceServer.with { source async throws in
            #expect(try await source.server.call("/v1/batch", batch([])).status == 200)
            #expect(try await source.refused.isEmpty)
        }
    }

    @Test func `the envelope's context, integrations and sentAt hold for each message, whose own win`() async throws {
        try await SourceServer.with { source async throws in
            let more = """
                ,"context":{"library":{"name":"analytics-go"},"locale":"de"},"integrations":{"All":false},\
                "sentAt":"2023-11-14T22:13:19Z"
                """
            let own = #"{"type":"track","event":"E","userId":"u1","context":{"locale":"fr"},"timestamp":1699999990}"#
            #expect(try await source.server.call("/v1/batch", batch([own], more)).status == 200)
            let message = try #require(try await source.events.first?.message)
            #expect(message["context"] == ["library": ["name": "analytics-go"], "locale": "fr"])
            #expect(message["integrations"] == ["All": false])
            #expect(message["timestamp"] == "2023-11-14T22:13:11.000Z")
            #expect(message["receivedAt"] == "2023-11-14T22:13:20.000Z")
        }
    }

    @Test func `a message without an id gets a lower-case UUID, each its own, and is never a duplicate`() async throws {
        try await SourceServer.with { source async throws in
            for _ in 1...2 {
                _ = try await source.server.call("/v1/track", #"{"event":"E","userId":"u1","messageId":" "}"#)
            }
            let ids = try await source.events.compactMap { $0.message["messageId"]?.stringValue }
            #expect(Set(ids).count == 2)
            for id in ids {
                #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            }
        }
    }

    @Test func `an id that the server made is not taken for the sender's`() async throws {
        try await SourceServer.with { source async throws in
            let data = source.data
            try await RunningServer.with { logger in
                SourceAPI(
                    writeKeys: SourceServer.keys,
                    intake: Intake(data),
                    logger: logger,
                    now: { SourceServer.now },
                    makeMessageId: { "the same" }
                )
            } _: { server async throws in
                for _ in 1...2 { _ = try await server.call("/v1/track", #"{"event":"E","userId":"u1"}"#) }
            }
            let messages = try await source.events.map(\.message)
            #expect(messages.map { $0["messageId"] } == ["the same", "the same"])
        }
    }

    @Test func `a repeated message is answered 200 and stored once`() async throws {
        try await SourceServer.with { source async throws in
            for _ in 1...3 {
                #expect(try await source.server.call("/v1/track", Self.track).text == #"{"success":true}"#)
            }
            #expect(try await source.events.count == 1)
        }
    }

    @Test func `the sender's address becomes the ip of client-side events alone`() async throws {
        try await SourceServer.with { source async throws in
            let clientSide = #"{"event":"E","userId":"u1","context":{"library":{"name":"analytics.js"}}}"#
            _ = try await source.server.call("/v1/track", clientSide)
            _ = try await source.server.call("/v1/track", #"{"event":"E","userId":"u1"}"#)
            let messages = try await source.events.map(\.message)
            #expect(messages.map { $0["context"]?["ip"] } == ["127.0.0.1", nil])
        }
    }

    @Test(arguments: ["application/json", "application/json; charset=utf-8", "text/plain", "nonsense", nil])
    func `the content type is ignored`(type: String?) async throws {
        try await SourceServer.with { source async throws in
            var headers = [basic("key-web:")]
            if let type { headers.append(("Content-Type", type)) }
            let answer = try await source.server.send(
                "POST",
                "/v1/track",
                headers: headers,
                body: .bytes(Array("\u{FEFF}\(Self.track)".utf8))
            )
            #expect(answer.status == 200)
            #expect(try await source.events.count == 1)
        }
    }

    @Test func `numbers keep their text, and huge ones and NUL do no harm`() async throws {
        try await SourceServer.with { source async throws in
            let properties = #"{"a":1.10,"b":12345678901234567890123,"c":1e999,"d":"\u0000","e":"💥"}"#
            _ = try await source.server.call("/v1/track", #"{"event":"E","userId":"u1","properties":\#(properties)}"#)
            #expect(try await source.events.first?.message["properties"]?.description == properties)
        }
    }

    @Test func `a thousand posts at the same time are all stored exactly once`() async throws {
        try await SourceServer.with { source async throws in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        try await source.server.call(
                            "/v1/track",
                            #"{"event":"E","userId":"u\#(number)","messageId":"m\#(number)"}"#
                        ).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 200, count: 1000))
            let ids = try await source.events.compactMap { $0.message["messageId"]?.stringValue }
            #expect(ids.count == 1000)
            #expect(Set(ids).count == 1000)
        }
    }

    @Test func `what was answered 200 is there after a restart, and is still known`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await SourceServer.with(.folder(folder)) { source async throws in
            #expect(try await source.server.call("/v1/track", Self.track).status == 200)
        }
        try await SourceServer.with(.folder(folder)) { source async throws in
            let messages = try await source.events.map(\.message)
            #expect(messages.map { $0["messageId"] } == ["m1"])
            #expect(try await source.server.call("/v1/track", Self.track).status == 200)
            #expect(try await source.events.count == 1)
        }
    }

    @Test func `a database that fails is answered 503, and logged without the message`() async throws {
        try await SourceServer.with { source async throws in
            try source.data.close()
            let answer = try await source.server.call("/v1/track", #"{"event":"Secret thing","userId":"u1"}"#)
            #expect(answer.status == 503)
            #expect(answer.json?["code"] == "internal")
            #expect(answer.json?["meta"]?["errors"]?.arrayValue?.count == 1)
            #expect(answer["access-control-allow-origin"] == "*")
            let refusal = try await source.server.call("/v1/track", #"{"event":""}"#)
            #expect(refusal.status == 503)
            #expect(source.server.logs.text.contains("Messages cannot be stored"))
            #expect(!source.server.logs.text.contains("Secret thing"))
        }
    }

    @Test func `refused messages that push out others are logged as such`() async throws {
        let crowded = Intake(
            store: { _, stored in stored(.success(())) },
            refuse: { (_, _) async throws(Intake.Failure) in 3 }
        )
        try await RunningServer.with { logger in
            SourceAPI(writeKeys: SourceServer.keys, intake: crowded, logger: logger, now: { SourceServer.now })
        } _: { server async throws in
            #expect(try await server.call("/v1/track", #"{"event":""}"#).status == 200)
            let line = "Refused messages are gone for good: newer ones needed the room"
            #expect(server.logs.text.contains(line))
        }
    }

    @Test func `overload is answered 429 with whole seconds to wait`() async throws {
        let full = Intake(
            store: { _, stored in stored(.failure(.overloaded(retryAfterSeconds: 7))) },
            refuse: { (_, _) async throws(Intake.Failure) in 0 }
        )
        try await RunningServer.with { logger in
            SourceAPI(writeKeys: SourceServer.keys, intake: full, logger: logger, now: { SourceServer.now })
        } _: { server async throws in
            let answer = try await server.call("/v1/track", Self.track)
            #expect(answer.status == 429)
            #expect(answer["retry-after"] == "7")
            #expect(answer["x-ratelimit-reset"] == "1700000007")
            #expect(answer["access-control-expose-headers"] == "Retry-After, X-RateLimit-Reset")
            #expect(answer.json?["code"] == "rate_limited")
            let origin = "https://shop.example"
            let page = try await server.send(
                "POST",
                "/v1/track",
                headers: [basic("key-web:"), ("Origin", origin)],
                body: .bytes(Array(Self.track.utf8))
            )
            #expect(page.status == 429 && page["access-control-allow-origin"] == origin)
        }
    }

    @Test func `bodies beyond the memory for them are asked to come again`() async throws {
        var limits = SourceLimits()
        limits.bytesInFlight = 1000
        try await SourceServer.with(limits: limits) { source async throws in
            #expect(try await source.server.call("/v1/track", message(bytes: 1001)).status == 429)
            for _ in 1...3 { #expect(try await source.server.call("/v1/track", message(bytes: 1000)).status == 200) }
        }
    }

    @Test func `keys, bodies and headers are in no log, whatever the level`() async throws {
        try await SourceServer.with { source async throws in
            let server = source.server
            _ = try await server.call("/v1/track?writeKey=key-query", #"{"event":"","userId":"person-1"}"#)
            _ = try await server.post("/v1/track", Self.track, [basic("key-unknown:"), ("X-Secret", "header-value")])
            _ = try await server.post("/v1/track", #"{"writeKey":"key-body","event":"event-name"}"#)
            _ = try await server.call("/v1/track", "{broken-json")
            try source.data.close()
            _ = try await server.call("/v1/track", Self.track)
            #expect(server.logs.text.contains("Messages were refused"))
            for secret in ["key-", "person-1", "header-value", "event-name", "broken-json", "Basic"] {
                #expect(!server.logs.text.contains(secret), "\(secret) is in the log")
            }
        }
    }
}
