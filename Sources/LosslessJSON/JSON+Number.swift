extension JSON {
    /// A number as its text. The text is what is written out again; arithmetic is done on the exact decimal value.
    package struct Number: Sendable {
        package let text: String

        /// The caller vouches that the text is a JSON number (RFC 8259 §6).
        package init(validText text: String) {
            self.text = text
        }

        /// The number that this text is, or `nil` if it is none by the grammar of RFC 8259 §6.
        package init?(_ text: String) {
            guard case .number(let number)? = try? JSON(parsing: text), number.text.utf8.count == text.utf8.count else {
                return nil
            }
            self = number
        }

        package init(_ value: some BinaryInteger) {
            text = String(value)
        }

        /// The whole value, if it is whole and fits: `3`, `3.0` and `3e0` are all 3.
        package var int64: Int64? {
            Int64(text) ?? text.withBytes { Decimal($0).truncated(requiringWhole: true) }
        }

        /// The value without its fraction, if that fits: `-1.9` is -1.
        package var truncatedInt64: Int64? {
            Int64(text) ?? text.withBytes { Decimal($0).truncated(requiringWhole: false) }
        }

        /// The nearest double; infinite for what is beyond all doubles.
        package var double: Double {
            Double(text) ?? .nan
        }
    }
}

/// Order and equality are those of the exact decimal values: `1.0` equals `1e0`, `-0` equals `0`, and
/// `12345678901234567890` is less than `12345678901234567891`, though their doubles are the same.
extension JSON.Number: Comparable {
    package static func == (left: JSON.Number, right: JSON.Number) -> Bool {
        left.text.hasSameBytes(as: right.text) || left.order(against: right) == 0
    }

    package static func < (left: JSON.Number, right: JSON.Number) -> Bool {
        left.order(against: right) < 0
    }

    /// Negative, zero or positive as this number is less than, equal to or greater than `other`.
    private func order(against other: JSON.Number) -> Int {
        text.withBytes { here in other.text.withBytes { there in Decimal(here).order(against: Decimal(there)) } }
    }
}

/// The decimal value of a number's text, 0.d₁d₂d₃… × 10^exponent with d₁ not zero. It reads the digits where they
/// stand: it must not outlive the text.
///
/// Exponents beyond ±10^17 are taken as that bound: two such numbers may compare as equal.
private struct Decimal {
    private static let exponentBound = 100_000_000_000_000_000

    private let isNegative: Bool
    /// From the first digit that is not zero to the last one; there may be a point among them.
    private let digits: Slice<UnsafeRawBufferPointer>
    private let exponent: Int

    private var isZero: Bool { digits.isEmpty }

    init(_ text: UnsafeRawBufferPointer) {
        let mantissaEnd = text.firstIndex { $0 | 0x20 == UInt8(ascii: "e") } ?? text.endIndex
        let mantissa = text[..<mantissaEnd]
        guard let first = mantissa.firstIndex(where: \.isNonzeroDigit),
            let last = mantissa.lastIndex(where: \.isNonzeroDigit)
        else {
            isNegative = false
            digits = text[..<0]
            exponent = 0
            return
        }
        isNegative = text.first == UInt8(ascii: "-")
        digits = text[first...last]
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissaEnd
        let digitsBeforePoint = point < first ? point - first + 1 : point - first
        exponent = digitsBeforePoint + Self.writtenExponent(text[mantissaEnd...])
    }

    /// The value of `e-12`; 0 if there is none.
    private static func writtenExponent(_ text: Slice<UnsafeRawBufferPointer>) -> Int {
        var value = 0
        var isNegative = false
        for byte in text.dropFirst() {
            switch byte {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "+"): break
            default: value = min(value * 10 + Int(byte & 0x0F), exponentBound)
            }
        }
        return isNegative ? -value : value
    }

    /// Negative, zero or positive as `self` is less than, equal to or greater than `other`.
    func order(against other: Decimal) -> Int {
        if isNegative != other.isNegative { return isNegative ? -1 : 1 }
        let magnitude = magnitudeOrder(against: other)
        return isNegative ? -magnitude : magnitude
    }

    private func magnitudeOrder(against other: Decimal) -> Int {
        if isZero || other.isZero { return (isZero ? 0 : 1) - (other.isZero ? 0 : 1) }
        if exponent != other.exponent { return exponent < other.exponent ? -1 : 1 }
        var here = digits.makeDigitIterator()
        var there = other.digits.makeDigitIterator()
        while true {
            let (left, right) = (here.next(), there.next())
            if left != right { return left ?? -1 < right ?? -1 ? -1 : 1 }
            if left == nil { return 0 }
        }
    }

    func truncated(requiringWhole: Bool) -> Int64? {
        if exponent <= 0 { return isZero || !requiringWhole ? 0 : nil }
        guard exponent <= 19 else { return nil }
        var rest = digits.makeDigitIterator()
        var value: Int64 = 0
        for _ in 0..<exponent {
            let digit = Int64(rest.next() ?? 0)
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, carry) =
                isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            value = next
        }
        return requiringWhole && rest.next() != nil ? nil : value
    }
}

extension UInt8 {
    fileprivate var isNonzeroDigit: Bool { 0x31...0x39 ~= self }
}

extension Slice<UnsafeRawBufferPointer> {
    fileprivate func makeDigitIterator() -> DigitIterator {
        DigitIterator(bytes: makeIterator())
    }
}

/// The digits of a number's text, without the point.
private struct DigitIterator: IteratorProtocol {
    var bytes: Slice<UnsafeRawBufferPointer>.Iterator

    mutating func next() -> Int? {
        while let byte = bytes.next() {
            if byte != UInt8(ascii: ".") { return Int(byte & 0x0F) }
        }
        return nil
    }
}
