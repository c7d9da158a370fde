/// Ids for messages that come without one.
package enum MessageID {
    /// A random UUID, version 4, in lower case.
    package static func random() -> String {
        var bits = UInt128.random(in: .min ... .max)
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
