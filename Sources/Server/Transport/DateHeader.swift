import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The `Date` header of answers that Hummingbird does not write (RFC 9110 §5.6.7 and §6.6.1).
enum DateHeader {
    private static let last = Mutex((second: -1, text: ""))

    /// The machine's time. The text is made once a second.
    static var now: String {
        let second = time(nil)
        return last.withLock { last in
            if last.second != second { last = (second, text(of: second)) }
            return last.text
        }
    }

    static func text(of second: time_t) -> String {
        var second = second
        var parts = tm()
        gmtime_r(&second, &parts)
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let text = buffer.bindMemory(to: CChar.self)
            // English, since nobody chooses a locale for the process.
            let count = text.baseAddress.map { strftime($0, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts) } ?? 0
            return String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }
}
