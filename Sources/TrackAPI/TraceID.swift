/// The id of a trace, as W3C Trace Context has it in the header `traceparent`: by it a line of Ferry's log, a row of its
/// requests and what the other side has logged of a request are found to be about the same.
package struct TraceID: Sendable, Hashable, CustomStringConvertible {
    private let value: UInt128

    /// A new one.
    package static func random() -> TraceID {
        TraceID(value: .random(in: 1 ... .max))
    }

    private init(value: UInt128) {
        self.value = value
    }

    /// The one in a header: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`, of version 00 or, by the standard's
    /// rule for those to come, of a later one that begins in the same way; `nil` for everything else.
    package init?(traceparent text: String) {
        let bytes = Array(text.utf8.prefix(56))
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Self.number(bytes[0..<2]), version != 0xff,
            bytes.count == 55 || version > 0 && bytes[55] == dash,
            let trace = Self.number(bytes[3..<35]), trace != 0,
            let parent = Self.number(bytes[36..<52]), parent != 0,
            Self.number(bytes[53..<55]) != nil
        else { return nil }
        value = trace
    }

    /// Lower-case hexadecimal digits; no others are valid.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt128? {
        var number: UInt128 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt128(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt128(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    /// The header of one request of the trace. It is sampled: Ferry keeps a row of each request.
    func traceparent(span: UInt64) -> String {
        "00-\(self)-\(Self.digits(span, count: 16))-01"
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String { Self.digits(value, count: 32) }

    private static func digits(_ number: some FixedWidthInteger, count: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: count - digits.utf8.count) + digits
    }
}
