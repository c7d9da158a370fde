extension String {
    /// Whether both strings are the same bytes.
    ///
    /// Swift's `==` holds texts equal that Unicode holds equivalent (`é` as one scalar or as two). Identifiers, keys
    /// and trigger literals are compared by Customer.io and by every SDK byte for byte, so everything here is.
    @inlinable
    package func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && hasSameBytes(asEquallyLong: other)
    }

    /// Never inlined: its many ways would burden the loops that call it, which most often do not.
    @usableFromInline @inline(never)
    func hasSameBytes(asEquallyLong other: String) -> Bool {
        withBytes { left in other.withBytes { right in left.hasSameBytes(as: right) } }
    }

    /// Calls `body` with the UTF-8 bytes, which are gone when it returns.
    ///
    /// Inlined, this is a few instructions; `utf8.span` is a call into the standard library and was a quarter of the
    /// time of a key lookup.
    @inlinable @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
            ?? withCopiedBytes(body)
    }

    /// For strings whose storage is not Swift's own; on Linux there are none.
    @usableFromInline @inline(never)
    func withCopiedBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Array(utf8).withUnsafeBytes(body)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both pieces of memory hold the same bytes.
    func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            if word(at: offset) != other.word(at: offset) { return false }
            offset &+= 8
        }
        while offset < count {
            if self[offset] != other[offset] { return false }
            offset &+= 1
        }
        return true
    }

    /// The eight bytes from an offset on, the first of them lowest. The caller has made sure that there are eight.
    @inlinable @inline(__always)
    func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Seven bytes or fewer as one number, the first of them lowest. The loads overlap rather than loop.
    @inlinable @inline(__always)
    var packedWord: UInt64 {
        if count >= 4 {
            let head = UInt32(littleEndian: loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            let tail = UInt32(littleEndian: loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
            return UInt64(head) | UInt64(tail) &<< UInt64(truncatingIfNeeded: 8 &* (count &- 4))
        }
        guard count > 0 else { return 0 }
        let middle = count &>> 1
        return UInt64(self[0])
            | UInt64(self[middle]) &<< UInt64(truncatingIfNeeded: 8 &* middle)
            | UInt64(self[count &- 1]) &<< UInt64(truncatingIfNeeded: 8 &* (count &- 1))
    }
}

/// A string as a dictionary key, equal and hashed by its bytes.
package struct ExactText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.hasSameBytes(as: right.text)
    }

    package func hash(into hasher: inout Hasher) {
        text.withBytes { hasher.combine(bytes: $0) }
    }
}
