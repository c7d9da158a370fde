import CZlib
import NIOCore

/// What became of a compressed body.
enum Inflation {
    case whole(ByteBuffer)
    /// More than was allowed; all but the beginning is thrown away.
    case tooLarge(beginning: ByteBuffer)
    /// No gzip or zlib stream, or one that ends too early; what came out of it until then begins so.
    case damaged(beginning: ByteBuffer)
}

extension ByteBuffer {
    /// Whether this is gzip by its own first bytes. Headers are no proof: proxies remove them and clients forget them
    /// (source-api.md §1.3). No JSON text begins so.
    var isGzip: Bool { readableBytesView.prefix(2).elementsEqual([0x1F, 0x8B]) }

    /// Undoes gzip or zlib, several gzip members in a row included.
    ///
    /// Stops as soon as there are more than `limit` bytes, so that a small body does not become a large one.
    func inflated(upTo limit: Int) -> Inflation {
        withUnsafeReadableBytes { compressed in
            // zlib refuses a stream that has moved in memory, as a local variable may.
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            defer { stream.deallocate() }
            // 15 bits of window; 32 more recognise gzip and zlib by their headers.
            let size = CInt(MemoryLayout<z_stream>.size)
            guard inflateInit2_(stream, 15 + 32, ZLIB_VERSION, size) == Z_OK else {
                return .damaged(beginning: ByteBuffer())
            }
            defer { inflateEnd(stream) }
            // zlib reads through this pointer and never writes.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: compressed.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = CUnsignedInt(compressed.count)
            return Self.inflate(stream, upTo: limit)
        }
    }

    private static func inflate(_ stream: UnsafeMutablePointer<z_stream>, upTo limit: Int) -> Inflation {
        var result = ByteBuffer()
        var beginning: ByteBuffer { ByteBuffer(bytes: result.readableBytesView.prefix(ReceivedBody.beginningBytes)) }
        while true {
            var status = Z_OK
            let room = min(64 << 10, limit - result.readableBytes + 1)
            result.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
                stream.pointee.next_out = memory.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = CUnsignedInt(room)
                status = CZlib.inflate(stream, Z_NO_FLUSH)
                return room - Int(stream.pointee.avail_out)
            }
            guard result.readableBytes <= limit else { return .tooLarge(beginning: beginning) }
            switch status {
            case Z_OK: continue
            case Z_STREAM_END where stream.pointee.avail_in == 0: return .whole(result)
            case Z_STREAM_END: guard inflateReset(stream) == Z_OK else { return .damaged(beginning: beginning) }
            // Z_BUF_ERROR among them: no more input, and the stream is not at its end.
            default: return .damaged(beginning: beginning)
            }
        }
    }
}
