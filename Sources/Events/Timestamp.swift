package import LosslessJSON

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z; negative before.
    package let milliseconds: Int64

    /// The point in time so many milliseconds after 1970-01-01T00:00:00Z.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Earlier is less.
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Whole Unix seconds, rounded down: 1969-12-31T23:59:59.5Z is -1.
    package var seconds: Int64 {
        milliseconds >= 0 || milliseconds % 1000 == 0 ? milliseconds / 1000 : milliseconds / 1000 - 1
    }

    /// Reads one of a call's own times (actions.md §4): an ISO 8601 date-time with any fraction, a bare date, or Unix
    /// time as a number or a digit string.
    ///
    /// Eleven digits or more before the point are milliseconds, fewer are seconds; a fraction of a number is dropped.
    /// `nil` for everything else, and for numbers beyond 64 bits.
    package init?(callTime value: JSON) {
        switch value {
        case .string(let text):
            if let time = ISO8601(text) {
                self.init(milliseconds: time.milliseconds)
            } else {
                guard let number = Self.digitString(text) else { return nil }
                self.init(unix: number)
            }
        case .number(let number): self.init(unix: number)
        default: return nil
        }
    }

    private init?(unix number: JSON.Number) {
        guard let whole = number.truncatedInt64 else { return nil }
        let isMilliseconds = whole.magnitude >= 10_000_000_000
        self.init(milliseconds: isMilliseconds ? whole : whole * 1000)
    }

    /// Up to 30 digits with an optional sign and fraction. Zeros in front are allowed and add nothing to the value.
    private static func digitString(_ text: String) -> JSON.Number? {
        var bytes = text.utf8[...]
        let sign = bytes.first == UInt8(ascii: "-") ? "-" : ""
        if !sign.isEmpty { bytes.removeFirst() }
        let isDigit: (UInt8) -> Bool = { 0x30...0x39 ~= $0 }
        let whole = bytes.prefix(while: isDigit)
        let rest = bytes[whole.endIndex...]
        let isFraction = rest.first == UInt8(ascii: ".") && rest.count > 1 && rest.dropFirst().allSatisfy(isDigit)
        guard !whole.isEmpty, whole.count <= 30, rest.isEmpty || isFraction else { return nil }
        let significant = whole.drop { $0 == UInt8(ascii: "0") }
        return JSON.Number(validText: significant.isEmpty ? "0" : sign + String(Substring(significant)))
    }

    /// `YYYY-MM-DDTHH:MM:SS.mmmZ`, `nil` outside the years 0000 to 9999.
    package var iso8601: String? {
        guard -62_167_219_200_000...253_402_300_799_999 ~= milliseconds else { return nil }
        let seconds = seconds
        let day = seconds >= 0 ? seconds / 86_400 : (seconds + 1) / 86_400 - 1
        let secondOfDay = Int(seconds - day * 86_400)
        let date = CivilDate(daysSince1970: Int(day))
        return String(unsafeUninitializedCapacity: 24) { text in
            var position = 0
            func put(_ value: Int, digits: Int, then separator: Unicode.Scalar) {
                var rest = value
                for place in stride(from: position + digits - 1, through: position, by: -1) {
                    text.initializeElement(at: place, to: UInt8(ascii: "0") + UInt8(rest % 10))
                    rest /= 10
                }
                text.initializeElement(at: position + digits, to: UInt8(ascii: separator))
                position += digits + 1
            }
            put(date.year, digits: 4, then: "-")
            put(date.month, digits: 2, then: "-")
            put(date.day, digits: 2, then: "T")
            put(secondOfDay / 3600, digits: 2, then: ":")
            put(secondOfDay / 60 % 60, digits: 2, then: ":")
            put(secondOfDay % 60, digits: 2, then: ".")
            put(Int(milliseconds - seconds * 1000), digits: 3, then: "Z")
            return position
        }
    }
}
