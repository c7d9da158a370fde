import AsyncHTTPClient
import CZlib
import Events
import LosslessJSON
import NIOCore
import Server
import Storage
import Testing

/// source-api.md §1.3.
@Suite struct `Compressed bodies` {
    static let track = #"{"event":"Zipped","userId":"u1"}"#

    @Test(arguments: ["gzip", "x-gzip", "GZIP", "identity", "deflate", nil], [false, true])
    func `gzip is read by its first bytes, whatever the header says`(encoding: String?, isChunked: Bool) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.post("/v1/track", gzip(Self.track), encoding: encoding, isChunked: isChunked)
            #expect(answer.status == 200)
            #expect(try await source.events.map(\.message["event"]) == ["Zipped"])
        }
    }

    @Test func `a body that is not compressed is read though the header says gzip`() async throws {
        try await SourceServer.with { source async throws in
            #expect(try await source.post("/v1/track", Array(Self.track.utf8), encoding: "gzip").status == 200)
            #expect(try await source.events.count == 1)
        }
    }

    @Test func `several gzip members in a row are one body`() async throws {
        try await SourceServer.with { source async throws in
            let (head, tail) = (Self.track.prefix(10), Self.track.dropFirst(10))
            let answer = try await source.post("/v1/track", gzip(String(head)) + gzip(String(tail)), encoding: "gzip")
            #expect(answer.status == 200)
            #expect(try await source.events.count == 1)
        }
    }

    @Test(arguments: [1, 9, 20])
    func `a stream that ends too early is answered 400`(missing: Int) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.post("/v1/track", Array(gzip(Self.track).dropLast(missing)), encoding: "gzip")
            #expect(answer.status == 400)
            #expect(answer.json?["code"] == "invalid_json")
            #expect(answer.json?["message"]?.stringValue?.contains("no whole gzip stream") == true)
            #expect(try await source.events.isEmpty)
            let kept = try #require(try await source.refused.first)
            #expect(kept.isCut && Self.track.hasPrefix(String(decoding: kept.raw, as: UTF8.self)) && kept.raw.count > 5)
        }
    }

    /// Inflated, its beginning would tell the key that a refused message is kept without.
    @Test func `nothing is kept of a stream that is too large before it is inflated`() async throws {
        try await SourceServer.with { source async throws in
            let bytes = gzip(#"{"writeKey":"key-web","event":"E"}"#) + [UInt8](repeating: 7, count: 5 << 20)
            #expect(try await source.post("/v1/track", bytes, encoding: "gzip").status == 400)
            let kept = try #require(try await source.refused.first)
            #expect(kept.isCut && kept.raw.isEmpty)
        }
    }

    @Test func `a stream with a wrong checksum is answered 400`() async throws {
        try await SourceServer.with { source async throws in
            var bytes = gzip(Self.track)
            bytes[bytes.count - 6] ^= 1
            #expect(try await source.post("/v1/track", bytes, encoding: "gzip").status == 400)
        }
    }

    @Test func `another compression is named`() async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.post("/v1/track", [0x8B, 0x02, 0x80], encoding: "br")
            #expect(answer.status == 400)
            #expect(answer.json?["message"]?.stringValue?.contains("gzip alone is understood") == true)
        }
    }

    /// A megabyte of compressed spaces would be a gigabyte.
    @Test(arguments: [(0, 200), (1, 400)])
    func `the limit holds for what is inflated`(beyond: Int, status: Int) async throws {
        try await SourceServer.with { source async throws in
            let limit = SourceLimits().bodyBytes
            let padding = String(repeating: " ", count: limit + beyond - Self.track.utf8.count)
            #expect(try await source.post("/v1/track", gzip(Self.track + padding), encoding: "gzip").status == status)
            #expect(try await source.events.count == (beyond == 0 ? 1 : 0))
        }
    }

    @Test func `a bomb is left at the limit and gives its memory back`() async throws {
        var limits = SourceLimits()
        limits.bytesInFlight = 5 << 20
        try await SourceServer.with(limits: limits) { source async throws in
            let bomb = gzip(String(repeating: " ", count: 256 << 20))
            #expect(bomb.count < 1 << 20)
            for _ in 0..<20 {
                let answer = try await source.post("/v1/batch", bomb, encoding: "gzip")
                #expect(answer.status == 400)
                #expect(answer.json?["code"] == "batch_too_large")
            }
            #expect(try await source.post("/v1/track", gzip(Self.track), encoding: "gzip").status == 200)
        }
    }
}

extension SourceServer {
    fileprivate func post(
        _ path: String,
        _ bytes: [UInt8],
        encoding: String?,
        isChunked: Bool = false
    ) async throws -> Answered {
        let encodings = encoding.map { [("Content-Encoding", $0)] } ?? []
        let buffer = ByteBuffer(bytes: bytes)
        let stream = AsyncStream { continuation in
            continuation.yield(buffer)
            continuation.finish()
        }
        return try await server.send(
            "POST",
            path,
            headers: [basic("key-web:")] + encodings,
            body: isChunked ? .stream(stream, length: .unknown) : .bytes(buffer)
        )
    }
}

/// The text as one gzip member.
func gzip(_ text: String) -> [UInt8] {
    var stream = z_stream()
    let size = CInt(MemoryLayout<z_stream>.size)
    var input = Array(text.utf8)
    var output = [UInt8](repeating: 0, count: input.count / 2 + 1024)
    return withUnsafeMutablePointer(to: &stream) { stream in
        deflateInit2_(stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
        defer { deflateEnd(stream) }
        return input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_in = input.baseAddress
                stream.pointee.avail_in = CUnsignedInt(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = CUnsignedInt(output.count)
                precondition(deflate(stream, Z_FINISH) == Z_STREAM_END)
                return Array(output.prefix(output.count - Int(stream.pointee.avail_out)))
            }
        }
    }
}
