/// Texts are compared and searched as UTF-8, byte by byte, as Customer.io and the SDKs do.
extension String {
    /// Calls `body` with the UTF-8 bytes, which are gone when it returns.
    ///
    /// Inlined, this is a few instructions, while `utf8.span` is a call into the standard library.
    @inline(__always)
    func withUTF8Bytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        utf8.withContiguousStorageIfAvailable(body) ?? Array(utf8).withUnsafeBufferPointer(body)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these bytes go on with others from an offset on.
    @inline(__always)
    func hasBytes(_ others: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        guard count &- start >= others.count else { return false }
        for offset in 0..<others.count where self[start &+ offset] != others[offset] { return false }
        return true
    }

    /// Whether others stand somewhere in these bytes. None at all stand in every text.
    func contains(_ others: UnsafeBufferPointer<UInt8>) -> Bool {
        offset(of: others, from: 0) != nil
    }

    /// The first offset, not before `start`, at which others stand.
    func offset(of others: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard let first = others.first else { return start }
        var offset = start
        while offset &+ others.count <= count {
            if self[offset] == first, hasBytes(others, at: offset) { return offset }
            offset &+= 1
        }
        return nil
    }
}
