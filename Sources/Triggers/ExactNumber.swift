import LosslessJSON

/// A number that can be ordered exactly, and without an allocation while it is of ordinary length.
struct ExactNumber: Sendable {
    private let number: JSON.Number
    private let short: Short?

    init(_ number: JSON.Number) {
        self.number = number
        short = Short(number.text)
    }

    /// Negative, zero or positive as this is less than, equal to or greater than `other`.
    func order(against other: ExactNumber) -> Int {
        if let short, let otherShort = other.short { return short.order(against: otherShort) }
        if number == other.number { return 0 }
        return number < other.number ? -1 : 1
    }

    /// A number of at most 18 digits and without an exponent: `units` / 10^`scale`.
    private struct Short {
        private static let digitLimit = 18
        private var units: Int64 = 0
        private var scale = 0

        init?(_ text: String) {
            var digits = 0
            var isNegative = false
            var isFraction = false
            for byte in text.utf8 {
                switch byte {
                case 0x30...0x39:
                    digits &+= 1
                    guard digits <= Self.digitLimit else { return nil }
                    units = units &* 10 &+ Int64(byte & 0x0F)
                    if isFraction { scale &+= 1 }
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "."): isFraction = true
                default: return nil
                }
            }
            if isNegative { units = -units }
        }

        func order(against other: Short) -> Int {
            if scale == other.scale { return units < other.units ? -1 : units == other.units ? 0 : 1 }
            // Both stay below 10^36, which 128 bits hold.
            var left = Int128(units)
            var right = Int128(other.units)
            for _ in scale..<max(scale, other.scale) { left &*= 10 }
            for _ in other.scale..<max(scale, other.scale) { right &*= 10 }
            return left < right ? -1 : left == right ? 0 : 1
        }
    }
}

extension JSON.Number {
    /// The number that a trigger writes as `[+-] digits [. digits]`, with a text that is a JSON number:
    /// no plus sign, no leading zeros. `nil` for anything else.
    init?(triggerText text: String) {
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let parts = rest.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { 0x30...0x39 ~= $0 } }) else { return nil }
        let significant = rest.drop { $0 == UInt8(ascii: "0") }
        let needsZero = significant.first.map { $0 == UInt8(ascii: ".") } ?? true
        self.init(validText: (isNegative ? "-" : "") + (needsZero ? "0" : "") + String(Substring(significant)))
    }
}
