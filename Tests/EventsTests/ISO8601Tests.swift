import Events
import Foundation
import LosslessJSON
import Seeding
import Testing

/// The date forms of actions.md §4 and source-api.md §2.4.
@Suite struct `ISO 8601` {
    /// The vectors are those of *Convert Timestamps*, which leaves alone what has more than three digits of fraction
    /// and what is only a date. Everything else that it converts is a date here, and nothing else is.
    @Test func `the date vectors are read`() throws {
        var converted = 0
        for vector in try vectors("dates") {
            let text = try #require(vector["input"]?.stringValue)
            let time = ISO8601(text)
            if let seconds = vector["output"]?.numberValue?.int64 {
                converted += 1
                #expect(time.map { Timestamp(milliseconds: $0.milliseconds).seconds } == seconds, "\(text)")
                #expect(time?.hasTime == true, "\(text)")
                #expect((time?.fractionDigits ?? 9) <= 3, "\(text)")
            } else if let time {
                #expect(!time.hasTime || time.fractionDigits > 3, "\(text)")
            }
        }
        #expect(converted > 60)
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("1970-01-01T00:00", 0), ("1970-01-01T00:00:00", 0),
            ("1970-01-01T00:00Z", 0), ("1970-01-01T01:00+01:00", 0), ("1970-01-01T01:00:00+0100", 0),
            ("1969-12-31T23:00:00-01:00", 0), ("1969-12-31T23:59-0001", 0), ("1970-01-01T23:59:00+23:59", 0),
            ("1969-12-31T00:01:00-23:59", 0), ("1970-01-01T00:00:00-00:00", 0),
            ("1970-01-01T00:00:00.001Z", 1), ("1970-01-01T00:00:00.1Z", 100), ("1970-01-01T00:00:00.12", 120),
            ("1970-01-01T00:00:00.0019999999999999999999999999Z", 1), ("1969-12-31T23:59:59.9999Z", -1),
            ("1969-12-31T23:59:59.5Z", -500), ("2023-05-18T22:58:45+00:00", 1_684_450_725_000),
            ("2025-08-13T15:45:17.451Z", 1_755_099_917_451), ("2025-08-13T02:08:40.1418726Z", 1_755_050_920_141),
            ("0000-01-01", -62_167_219_200_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("9999-12-31T23:59:59-23:59", 253_402_387_139_000),
            ("0000-01-01T00:00:00+23:59", -62_167_305_540_000), ("2000-02-29", 951_782_400_000),
            ("2024-02-29T12:00Z", 1_709_208_000_000), ("0000-02-29", -62_162_121_600_000),
            ("1582-10-10", -12_219_724_800_000),
        ] as [(String, Int64)]
    )
    func `a date is read to the millisecond, rounded down`(text: String, milliseconds: Int64) {
        #expect(ISO8601(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        ("2021-03-04", false, 0), ("2021-03-04T05:06", true, 0), ("2021-03-04T05:06:07Z", true, 0),
        ("2021-03-04T05:06:07.5Z", true, 1), ("2021-03-04T05:06:07.500", true, 3),
        ("2021-03-04T05:06:07.0000+05:30", true, 4), ("2021-03-04T05:06:07.000000000Z", true, 9),
    ])
    func `it is known whether there was a time and how fine it was`(text: String, hasTime: Bool, digits: Int) {
        #expect(ISO8601(text)?.hasTime == hasTime)
        #expect(ISO8601(text)?.fractionDigits == digits)
    }

    @Test(arguments: [
        "", " ", "T", "2021", "2021-05", "20210304", "2021-3-4", "2021-03-4", "2021-03-04T", "2021-03-04Z",
        "2021-03-04+00:00", "2021-03-04T5:06", "2021-03-04T05", "2021-03-04T05Z", "2021-03-04T0506",
        "2021-03-04T05:06:7", "2021-03-04T05:06:07.", "2021-03-04T05:06:07.Z", "2021-03-04T05:06:07,5Z",
        "2021-03-04T05:06.5Z", "2021-03-04T05:06:07ZZ", "2021-03-04T05:06:07Z+00:00", "2021-03-04T05:06:07+01",
        "2021-03-04T05:06:07+1:00", "2021-03-04T05:06:07+01:0", "2021-03-04T05:06:07+01:000", "2021-03-04T05:06:07+",
        "2021-03-04T05:06:07+24:00", "2021-03-04T05:06:07+00:60", "2021-03-04T05:06:07+99:99",
        "2021-03-04T05:06:07 Z", " 2021-03-04T05:06:07Z", "2021-03-04T05:06:07Z ", "2021-03-04T05:06:07Z\n",
        "2021-03-04T05:06:07Z\u{0}", "2021-03-04 05:06:07Z", "2021-03-04t05:06:07Z", "2021-03-04T05:06:07z",
        "2021-03-04T24:00:00Z", "2021-03-04T23:60:00Z", "2021-03-04T23:59:60Z", "2021-00-04", "2021-13-04",
        "2021-03-00", "2021-03-32", "2021-02-29", "2021-04-31", "2021-06-31", "2021-09-31", "2021-11-31", "1900-02-29",
        "2100-02-29", "0000-00-00", "+2021-03-04", "-2021-03-04", "12021-03-04", "+002021-03-04T05:06:07Z",
        "２０２１-03-04", "2021-03-04T05:06:07\u{301}Z", "2021\u{2010}03\u{2010}04", "2021-03-04T05:06:07−01:00",
        "2021-W05-2", "2021-063", "2021-03-04/2021-03-05", "P1D", "--03-04", "2021-0a-04", "2021-03-04T05:06:07+0a:00",
    ])
    func `nothing looser is a date`(text: String) {
        #expect(ISO8601(text) == nil)
    }

    @Test func `every prefix and every changed byte of a date is read or refused without a trap`() {
        let whole = "2024-02-29T23:59:59.123456+05:30"
        for length in 0...whole.utf8.count {
            let prefix = String(whole.prefix(length))
            // These cuts fall on a whole form: the date, the minute, the second, each digit of fraction, the offset.
            let isDate = [10, 16, 19].contains(length) || 21...26 ~= length || length == 32
            #expect((ISO8601(prefix) != nil) == isDate, "\(prefix)")
        }
        for position in 0..<whole.utf8.count {
            for byte in 0...UInt8(0x7F) {
                var bytes = Array(whole.utf8)
                bytes[position] = byte
                _ = ISO8601(String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    // MARK: The calendar

    /// Walks through all days from 0000-01-01 to 9999-12-31 by the rule for the length of months, and looks at every
    /// 61st of them.
    @Test func `the calendar agrees with one that is counted day by day`() {
        var year = 0
        var month = 1
        var day = 1
        var number: Int64 = -719_528
        while year <= 9999 {
            if number % 61 == 0 || month == 2 && day >= 28 && year % 25 == 0 {
                let text = padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
                let midnight = number * 86_400_000
                #expect(ISO8601(text)?.milliseconds == midnight, "\(text)")
                #expect(Timestamp(milliseconds: midnight).iso8601 == text + "T00:00:00.000Z")
                #expect(Timestamp(milliseconds: midnight + 86_399_999).iso8601 == text + "T23:59:59.999Z")
            }
            let isLeapYear = year % 400 == 0 || year % 4 == 0 && year % 100 != 0
            let lengths = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            day += 1
            number += 1
            if day > lengths[month - 1] {
                day = 1
                month += 1
            }
            if month > 12 {
                month = 1
                year += 1
            }
        }
        #expect(number == 2_932_897)
    }

    /// Foundation's calendar is Julian before 15 October 1582, so random days begin there.
    @Test func `random times agree with Foundation`() throws {
        var generator = SeededGenerator(for: "random times agree with Foundation")
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<4000 {
            let milliseconds = Int64.random(in: -12_219_292_800_000...253_402_300_799_999, using: &generator)
            let text = try #require(Timestamp(milliseconds: milliseconds).iso8601)
            #expect(ISO8601(text)?.milliseconds == milliseconds)
            let whole = milliseconds - (milliseconds % 1000 + 1000) % 1000
            let date = Date(timeIntervalSince1970: Double(whole / 1000))
            let expected = date.formatted(format).replacing(
                ".000Z",
                with: "." + padded(Int(milliseconds - whole), 3) + "Z"
            )
            #expect(text == expected)
        }
    }

    @Test func `a time that is written with an offset is the same time`() throws {
        var generator = SeededGenerator(for: "a time that is written with an offset is the same time")
        for _ in 0..<2000 {
            let minutes = Int64.random(in: -1439...1439, using: &generator)
            let utc = Int64.random(in: -62_000_000_000_000...253_000_000_000_000, using: &generator)
            let local = try #require(Timestamp(milliseconds: utc + minutes * 60_000).iso8601).dropLast()
            let offset = padded(Int(abs(minutes) / 60), 2) + (Bool.random(using: &generator) ? ":" : "")
            let text = local + (minutes < 0 ? "-" : "+") + offset + padded(Int(abs(minutes) % 60), 2)
            #expect(ISO8601(String(text))?.milliseconds == utc, "\(text)")
        }
    }

    private func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
