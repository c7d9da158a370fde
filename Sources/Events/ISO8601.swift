/// A date or date-time as ISO 8601 writes it, in the forms of actions.md §4 and source-api.md §2.4.
///
/// `YYYY-MM-DD`, or that followed by `Thh:mm[:ss[.fraction]]` and nothing (UTC), `Z`, `±hh:mm` or `±hhmm`. `T` and `Z`
/// are upper case, offsets go up to 23:59. Impossible dates, 24:00 and second 60 are not dates.
package struct ISO8601: Sendable {
    /// Since 1970, rounded down.
    package let milliseconds: Int64
    /// The number of digits after the point; 0 without a fraction.
    package let fractionDigits: Int
    /// Whether there is a time behind the date.
    package let hasTime: Bool

    /// `nil` if the text is anything else, be it only a space more.
    package init?(_ text: String) {
        // Nearly every text that is asked is no date; most are too short.
        guard text.utf8.count >= 10 else { return nil }
        // Makes the bytes contiguous if they are not; they always are, but for strings that Foundation lends.
        var text = text
        let parsed = text.withUTF8 { bytes -> ISO8601? in
            // Of the others, two bytes tell.
            guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
            var reader = Reader(bytes: bytes)
            return reader.dateTime()
        }
        guard let parsed else { return nil }
        self = parsed
    }

    private init(milliseconds: Int64, fractionDigits: Int, hasTime: Bool) {
        self.milliseconds = milliseconds
        self.fractionDigits = fractionDigits
        self.hasTime = hasTime
    }

    /// Goes through the bytes from left to right and never beyond their end.
    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func dateTime() -> ISO8601? {
            guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2),
                let date = CivilDate(year: year, month: month, day: day)
            else { return nil }
            let midnight = Int64(date.daysSince1970) * 86_400_000
            if isAtEnd { return ISO8601(milliseconds: midnight, fractionDigits: 0, hasTime: false) }
            guard skip("T"), let hour = digits(2), hour < 24, skip(":"), let minute = digits(2), minute < 60 else {
                return nil
            }
            var second = 0
            var fraction = (milliseconds: 0, digits: 0)
            if skip(":") {
                guard let written = digits(2), written < 60 else { return nil }
                second = written
                if skip(".") {
                    guard let written = self.fraction() else { return nil }
                    fraction = written
                }
            }
            guard let offset = offsetInMinutes(), isAtEnd else { return nil }
            let minutes = Int64(hour * 60 + minute - offset)
            return ISO8601(
                milliseconds: midnight + minutes * 60_000 + Int64(second * 1000 + fraction.milliseconds),
                fractionDigits: fraction.digits,
                hasTime: true
            )
        }

        private mutating func digits(_ count: Int) -> Int? {
            guard position + count <= bytes.count else { return nil }
            var value = 0
            for _ in 0..<count {
                guard 0x30...0x39 ~= bytes[position] else { return nil }
                value = value * 10 + Int(bytes[position] & 0x0F)
                position += 1
            }
            return value
        }

        private mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        private mutating func fraction() -> (milliseconds: Int, digits: Int)? {
            let start = position
            var milliseconds = 0
            var weight = 100
            while position < bytes.count, 0x30...0x39 ~= bytes[position] {
                milliseconds += weight * Int(bytes[position] & 0x0F)
                weight /= 10
                position += 1
            }
            return position > start ? (milliseconds, position - start) : nil
        }

        private mutating func offsetInMinutes() -> Int? {
            if isAtEnd || skip("Z") { return 0 }
            let sign: Int
            if skip("+") {
                sign = 1
            } else if skip("-") {
                sign = -1
            } else {
                return nil
            }
            guard let hours = digits(2), hours < 24 else { return nil }
            _ = skip(":")
            guard let minutes = digits(2), minutes < 60 else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }
}
