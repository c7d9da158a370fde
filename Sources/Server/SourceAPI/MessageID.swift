/// Ids for messages that come without one.
package enum MessageID {
    /// A random UUID, version 4, in lower case.
    package static func random() -> String {
        var bits = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        bits.0 = bits.0 & ~0xF000 | 0x4000
        bits.1 = bits.1 & ~(0b11 << 62) | 0b10 << 62
        let digits = hexadecimal(bits.0) + hexadecimal(bits.1)
        var text = ""
        for (position, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(position) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
