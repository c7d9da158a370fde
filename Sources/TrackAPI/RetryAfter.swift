/// The header with which a server says when to come again (track-api.md §3.1, delivery.md F24).
enum RetryAfter {
    /// The wait that a header asks for: whole seconds, or an HTTP date that is counted from `now`, in Unix seconds.
    ///
    /// Clamped to 1 second…1 hour; `nil` for any other text.
    static func wait(_ text: String, now: Int64) -> Duration? {
        let text = text.trimmingWhitespace()
        let digits = text.first == "-" ? text.dropFirst() : text
        if !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) {
            let isNegative = digits.utf8.count < text.utf8.count
            // More digits than a number holds are a long wait all the same.
            return clamped(isNegative ? 0 : Int64(digits) ?? longest)
        }
        return HTTPDate.seconds(String(text)).map { clamped($0 - now) }
    }

    private static let longest: Int64 = 3_600

    private static func clamped(_ seconds: Int64) -> Duration {
        .seconds(min(max(seconds, 1), longest))
    }
}

/// Dates in HTTP headers: `Sun, 06 Nov 1994 08:49:37 GMT`, and the two obsolete forms that a recipient must read too
/// (RFC 9110 §5.6.7): `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
enum HTTPDate {
    /// The Unix seconds of a date from 1970 on; `nil` for any other text.
    static func seconds(_ text: String) -> Int64? {
        guard text.utf8.count <= 40 else { return nil }
        let parts = text.split { " ,-".contains($0) }
        switch parts.count {
        case 6 where parts[5] == "GMT":
            return seconds(day: parts[1], month: parts[2], year: parts[3], time: parts[4])
        case 5:
            return seconds(day: parts[2], month: parts[1], year: parts[4], time: parts[3])
        default:
            return nil
        }
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func seconds(day: Substring, month: Substring, year: Substring, time: Substring) -> Int64? {
        guard let day = number(day), let year = number(year), let month = months.firstIndex(of: String(month)) else {
            return nil
        }
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).compactMap(number)
        // A two-digit year is of this century: the form is obsolete, and a wait never leads into the last one.
        let fullYear = year < 100 ? 2000 + year : year
        guard clock.count == 3, clock[0] < 24, clock[1] < 60, clock[2] <= 60, 1...31 ~= day, 1970...9999 ~= fullYear
        else { return nil }
        let days = daysSince1970(year: fullYear, month: Int64(month) + 1, day: day)
        return days * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
    }

    private static func number(_ text: Substring) -> Int64? {
        guard 1...4 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int64(text)
    }

    /// Days of the Gregorian calendar, counted in years that begin in March so that the leap day is the last.
    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}

extension String {
    fileprivate func trimmingWhitespace() -> Substring {
        var text = self[...]
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
