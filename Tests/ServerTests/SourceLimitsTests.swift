import AsyncHTTPClient
import Integrations
import LosslessJSON
import NIOCore
import Server
import Storage
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Limits of the source API` {
    static let item = 64 << 10

    @Test(arguments: [(item - 1, true), (item, true), (item + 1, false)])
    func `a single message may take 64 KiB`(bytes: Int, isAccepted: Bool) async throws {
        try await SourceServer.with { source async throws in
            #expect(try await source.server.call("/v1/track", message(bytes: bytes)).status == 200)
            #expect(try await source.events.count == (isAccepted ? 1 : 0))
            #expect(try await source.refused.map(\.code) == (isAccepted ? [] : ["message_too_large"]))
            let strict = try await source.server.call("/v1/track", message(bytes: bytes), strict: true)
            #expect(strict.status == (isAccepted ? 200 : 400))
        }
    }

    @Test(arguments: [(item, true), (item + 1, false)])
    func `a message of a batch may too, and white space does not count`(bytes: Int, isAccepted: Bool) async throws {
        try await SourceServer.with { source async throws in
            let large = message(bytes: bytes).replacing(",", with: ",          ")
            let small = #"{"type":"track","event":"S","userId":"u1"}"#
            #expect(try await source.server.call("/v1/batch", batch([small, large, small])).status == 200)
            #expect(try await source.events.count == (isAccepted ? 3 : 2))
            let refused = try await source.refused
            #expect(refused.count == (isAccepted ? 0 : 1))
            #expect(refused.allSatisfy { $0.reason.contains("65537 bytes: 65536 at most") })
        }
    }

    @Test(arguments: [(2500, 2500, 0), (2501, 0, 1)])
    func `a batch may have 2,500 messages, and is refused as a whole beyond`(count: Int, stored: Int, refused: Int)
        async throws
    {
        try await SourceServer.with { source async throws in
            let body = batch((0..<count).map { #"{"type":"track","event":"E","userId":"u\#($0)"}"# })
            #expect(try await source.server.call("/v1/batch", body).status == 200)
            #expect(try await source.events.count == stored)
            #expect(try await source.refused.map(\.code) == Array(repeating: "too_many_events", count: refused))
            let strict = try await source.server.call("/v1/batch", body, strict: true)
            #expect(strict.status == (refused == 0 ? 200 : 400))
        }
    }

    /// A batch of exactly so many bytes: items of 1,000 bytes and white space.
    static func body(bytes: Int) -> String {
        let items = batch((0..<4000).prefix(2000).map { _ in message(bytes: 1000) })
        return items + String(repeating: " ", count: bytes - items.utf8.count)
    }

    @Test(arguments: [false, true])
    func `a body of 4 MiB is read, with or without a length`(isChunked: Bool) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.send(
                "POST",
                "/v1/batch",
                headers: [basic("key-web:")],
                body: isChunked ? chunks(Self.body(bytes: 4 << 20)) : .bytes(Array(Self.body(bytes: 4 << 20).utf8))
            )
            #expect(answer.status == 200)
            #expect(try await source.events.count == 2000)
        }
    }

    @Test(arguments: [("/v1/batch", "batch_too_large"), ("/v1/track", "message_too_large")], [false, true])
    func `a larger body is answered 400, and its beginning is kept`(path: (String, String), isChunked: Bool)
        async throws
    {
        try await SourceServer.with { source async throws in
            let text = Self.body(bytes: (4 << 20) + 1)
            let answer = try await source.server.send(
                "POST",
                path.0,
                headers: [basic("key-web:")],
                body: isChunked ? chunks(text) : .bytes(Array(text.utf8))
            )
            #expect(answer.status == 400)
            #expect(answer.json?["code"]?.stringValue == path.1)
            let refused = try await source.refused
            #expect(refused.map(\.source) == ["web"])
            #expect(refused.map(\.isCut) == [true])
            let kept = String(decoding: refused.first?.raw ?? [], as: UTF8.self)
            #expect(text.hasPrefix(kept) && 1...(16 << 10) ~= kept.utf8.count)
            // The connection is still of use.
            #expect(try await source.server.call("/v1/track", message(bytes: 100)).status == 200)
        }
    }

    /// 408 would make half of the SDKs drop what they have (source-api.md §1.6).
    @Test func `a body that dribbles is asked at its deadline to come again`() async throws {
        var limits = SourceLimits()
        limits.bodySeconds = 1
        try await SourceServer.with(limits: limits) { source async throws in
            let dribble = AsyncStream<ByteBuffer> {
                try? await Task.sleep(for: .milliseconds(200))
                return ByteBuffer(string: " ")
            }
            let answer = try await source.server.send(
                "POST",
                "/v1/track",
                headers: [basic("key-web:")],
                body: .stream(dribble, length: .unknown)
            )
            #expect(answer.status == 503)
            #expect(answer.json?["message"] == "the body did not arrive within 1 s")
            #expect(try await source.refused.isEmpty)
            #expect(try await source.server.call("/v1/track", message(bytes: 100)).status == 200)
        }
    }

    @Test func `all of them are settings`() async throws {
        var settings = Configuration.Limits()
        settings.bodyBytes = 300_000
        settings.messageBytes = 100_000
        settings.batchMessages = 3
        try await SourceServer.with(limits: SourceLimits(settings)) { source async throws in
            for (path, body, status) in [
                ("/v1/track", message(bytes: 100_000), 200), ("/v1/track", message(bytes: 100_001), 400),
                ("/v1/batch", batch(Array(repeating: message(bytes: 99_000), count: 3)), 200),
                ("/v1/batch", batch(Array(repeating: message(bytes: 200), count: 4)), 400),
                ("/v1/track", Self.body(bytes: 3_000_000), 400),
            ] {
                #expect(try await source.server.call(path, body, strict: true).status == status)
            }
        }
    }

    @Test func `an endless body is cut off`() async throws {
        try await SourceServer.with { source async throws in
            let endless = AsyncStream<ByteBuffer> { ByteBuffer(repeating: 0x20, count: 65_536) }
            // A client that reads while it writes sees the refusal before the connection goes, others do not.
            let answer = try? await source.server.send(
                "POST",
                "/v1/track",
                headers: [basic("key-web:")],
                body: .stream(endless, length: .unknown)
            )
            #expect(answer == nil || answer?.status == 400)
            #expect(try await source.server.call("/v1/track", message(bytes: 100)).status == 200)
        }
    }

    @Test func `a context of the envelope that fits into no message makes them too large, and is never merged`()
        async throws
    {
        try await SourceServer.with { source async throws in
            let items = (0..<2000).map { #"{"type":"track","event":"E","userId":"u\#($0)"}"# }
            let context = #","context":{"x":"\#(String(repeating: "y", count: 3 << 20))"}"#
            #expect(try await source.server.call("/v1/batch", batch(items, context)).status == 200)
            #expect(try await source.events.isEmpty)
            let refused = try await source.refused
            #expect(refused.count == 2000)
            #expect(refused.allSatisfy { $0.code == "message_too_large" && $0.reason.contains("context") })
        }
    }

    @Test(arguments: [
        #""context":{"x":"VALUE"}"#, #""integrations":{"x":"VALUE"}"#, #""sentAt":"VALUE""#,
    ])
    func `an envelope does not make a large log of a small body`(envelope: String) async throws {
        try await SourceServer.with { source async throws in
            let items = (0..<2500).map { #"{"type":"track","event":"E","userId":"u\#($0)"}"# }
            let value = String(repeating: "y", count: 30_000)
            let body = batch(items, "," + envelope.replacing("VALUE", with: value))
            #expect(try await source.server.call("/v1/batch", body).status == 200)
            let stored = try await source.events.count
            #expect(stored > 100 && stored < 150)
            #expect(try await source.refused.count == 2500 - stored)
        }
    }

    @Test func `an ordinary envelope takes nothing away from a large batch`() async throws {
        try await SourceServer.with { source async throws in
            let items = (0..<2500).map { #"{"type":"track","event":"E","userId":"u\#($0)"}"# }
            let library = #"{"name":"analytics-go","version":"3.0.0","x":"\#(String(repeating: "y", count: 1000))"}"#
            let context = #","context":{"library":\#(library)}"#
            #expect(try await source.server.call("/v1/batch", batch(items, context)).status == 200)
            #expect(try await source.events.count == 2500)
        }
    }
}

/// A body in chunks, whose length is told nobody beforehand.
func chunks(_ text: String) -> HTTPClientRequest.Body {
    let bytes = Array(text.utf8)
    let pieces = stride(from: 0, to: bytes.count, by: 100_000).map { start in
        ByteBuffer(bytes: bytes[start..<min(start + 100_000, bytes.count)])
    }
    return .stream(pieces.async, length: .unknown)
}

extension Sequence where Self: Sendable, Element: Sendable {
    /// The same elements, one after the other.
    fileprivate var async: AsyncStream<Element> {
        AsyncStream { continuation in
            for element in self { continuation.yield(element) }
            continuation.finish()
        }
    }
}
