import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ids for messages that come without one.
package enum MessageID {
    private static let randomness = Mutex(SystemRandomness())

    /// A random UUID, version 4, in lower case.
    package static func random() -> String {
        var bits = randomness.withLock { UInt128.random(in: .min ... .max, using: &$0) }
        bits = bits & ~(0xF << 76) | 0x4 << 76
        bits = bits & ~(0b11 << 62) | 0b10 << 62
        return String(unsafeUninitializedCapacity: 36) { text in
            for position in stride(from: 35, through: 0, by: -1) {
                let isDash = position == 8 || position == 13 || position == 18 || position == 23
                let digit = UInt8(truncatingIfNeeded: bits & 0xF)
                let letter = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                text.initializeElement(at: position, to: isDash ? UInt8(ascii: "-") : letter)
                if !isDash { bits >>= 4 }
            }
            return 36
        }
    }
}

/// The system's random numbers, of which it is asked for many at a time: each time is a call of the kernel.
private struct SystemRandomness: RandomNumberGenerator {
    private var words: [UInt64] = []

    mutating func next() -> UInt64 {
        if words.isEmpty { words = Self.fresh() }
        return words.removeLast()
    }

    private static func fresh() -> [UInt64] {
        // 256 bytes are what one call gives at most.
        var words = [UInt64](repeating: 0, count: 32)
        let isFilled = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) == 0 }
        var system = SystemRandomNumberGenerator()
        return isFilled ? words : [system.next()]
    }
}
