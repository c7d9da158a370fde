import LosslessJSON
import Seeding
import Testing

@Suite struct `Numbers` {
    @Test(arguments: [
        ("1", "1.0"), ("1", "1e0"), ("1", "10e-1"), ("1", "0.1e1"), ("1", "1.000000000000000000000000000000"),
        ("100", "1E+2"),
        ("0", "-0"), ("0", "0.000"), ("-0.0", "0e5"), ("0", "0e-999999999999999999999"),
        ("0e0", "-0e999999999999999999999"),
        ("12345678901234567890", "1234567890123456789e1"), ("0.1", "0.10"), ("0.1", "1e-1"), ("0.001", "0.1e-2"),
        ("-1.5", "-15e-1"), ("1e999999999999999999999", "1e999999999999999999999"),
        ("1e400", "10e399"), ("1e05", "1e5"), ("1e00000000000000000000000000005", "100000"), ("10.01", "1001e-2"),
    ])
    func `are equal by their exact value`(left: String, right: String) throws {
        let (left, right) = (try #require(JSON.Number(left)), try #require(JSON.Number(right)))
        #expect(left == right)
        #expect(right == left)
        #expect(!(left < right) && !(right < left))
        #expect(JSON.number(left) == JSON.number(right))
    }

    @Test(arguments: [
        ("1", "2"), ("-2", "-1"), ("-1", "0"), ("-0", "1"), ("0", "1e-999999999999999999999"), ("9", "10"),
        ("-10", "-9"),
        ("0.1", "0.10000000000000000000000000000000000001"), ("0.1", "0.1000000000000000055511151231257827"),
        ("9007199254740992", "9007199254740993"), ("12345678901234567890", "12345678901234567891"),
        ("9223372036854775807", "9223372036854775808"), ("-9223372036854775809", "-9223372036854775808"),
        ("1e400", "1.1e400"), ("1e-401", "1e-400"), ("1", "1.01"), ("1.001", "1.01"), ("-1.01", "-1"), ("-1", "-0.99"),
        ("0.09", "0.1"), ("0.9", "1"), ("99e-1", "10"), ("1e16", "10000000000000001"),
        ("-1e999999999999999999999", "-1e999"), ("1e999", "1e999999999999999999999"),
        ("1e-999999999999999999999", "1e-999"), ("1e999999999999999999999", "2e999999999999999999999"),
    ])
    func `are ordered by their exact value`(smaller: String, greater: String) throws {
        let (smaller, greater) = (try #require(JSON.Number(smaller)), try #require(JSON.Number(greater)))
        #expect(smaller < greater)
        #expect(!(greater < smaller))
        #expect(smaller != greater)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("0.0", 0), ("0e0", 0), ("0e999999999999999999999", 0), ("3", 3), ("3.0", 3),
            ("3e0", 3),
            ("-3", -3), ("30e-1", 3), ("0.3e1", 3), ("1e18", 1_000_000_000_000_000_000), ("1e19", nil), ("-1e19", nil),
            ("0.5", nil), ("-0.5", nil), ("1.5", nil), ("1e-1", nil), ("1e-999999999999999999999", nil),
            ("1e999999999999999999999", nil), ("-1e999999999999999999999", nil), ("9223372036854775807", .max),
            ("9223372036854775807.0", .max), ("9223372036854775807.5", nil), ("922337203685477580.7e1", .max),
            ("9223372036854775808", nil), ("-9223372036854775808", .min), ("-9223372036854775808.000", .min),
            ("-9223372036854775809", nil), ("9223372036854775806", .max - 1), ("-9223372036854775807e0", .min + 1),
            ("0.9223372036854775807e19", .max), ("99999999999999999999", nil), ("10000000000000000000.0", nil),
            ("1000000000000000000000e-3", 1_000_000_000_000_000_000), ("0.000000000000000000001e21", 1),
        ] as [(String, Int64?)]
    )
    func `are whole when their value is`(text: String, value: Int64?) throws {
        #expect(try #require(JSON.Number(text)).int64 == value)
    }

    @Test(
        arguments: [
            ("0.5", 0), ("-0.5", 0), ("1.9", 1), ("-1.9", -1), ("1e-999999999999999999999", 0), ("15e-1", 1),
            ("-0.99e1", -9),
            ("9223372036854775807.9", .max), ("9223372036854775808.0", nil), ("9223372036854775808.1", nil),
            ("-9223372036854775808.9", .min), ("-9223372036854775809", nil), ("1e18", 1_000_000_000_000_000_000),
            ("1e19", nil), ("1.5e18", 1_500_000_000_000_000_000), ("12.999999999999999999999999999999", 12),
            ("1e999999999999999999999", nil), ("0e999999999999999999999", 0), ("7", 7),
        ] as [(String, Int64?)]
    )
    func `lose their fraction when asked`(text: String, value: Int64?) throws {
        #expect(try #require(JSON.Number(text)).truncatedInt64 == value)
    }

    @Test(arguments: [
        ("0.1", 0.1), ("1.10", 1.1), ("-0", -0.0), ("1e400", .infinity), ("-1e400", -.infinity), ("1e-400", 0),
        ("1e999999999999999999999", .infinity), ("-1e999999999999999999999", -.infinity),
        ("1e-999999999999999999999", 0),
        ("12345678901234567890", 12_345_678_901_234_567_168), ("5e-324", .leastNonzeroMagnitude),
        ("1.7976931348623157e308", .greatestFiniteMagnitude),
    ])
    func `have a nearest double`(text: String, value: Double) throws {
        #expect(try #require(JSON.Number(text)).double == value)
    }

    @Test(arguments: [
        "", " 1", "1 ", "\u{FEFF}1", "01", "1.", ".5", "+1", "-", "1e", "0x1", "NaN", "inf", "1,2", "\"1\"", "null",
        "1\u{0}",
        "１", "[1]",
    ])
    func `are not made of other texts`(text: String) {
        #expect(JSON.Number(text) == nil)
    }

    @Test func `are made of integers of every kind`() {
        #expect(JSON.Number(Int64.min).text == "-9223372036854775808")
        #expect(JSON.Number(UInt64.max).text == "18446744073709551615")
        #expect(JSON.Number(UInt8(7)) == JSON.Number(validText: "7.0"))
    }

    /// Against arithmetic that cannot be wrong: integers and powers of ten.
    @Test func `compare and convert like integers, however they are written`() throws {
        var generator = SeededGenerator(for: "Numbers")
        for _ in 0..<1000 {
            let value =
                Int64.random(in: .min...(.max), using: &generator) >> Int64.random(in: 0..<64, using: &generator)
            let other = Bool.random(using: &generator) ? value : value / 10 * 10
            let (left, right) = (written(value, using: &generator), written(other, using: &generator))
            #expect((left < right) == (value < other), "\(left.text) \(right.text)")
            #expect((left == right) == (value == other), "\(left.text) \(right.text)")
            #expect(left.int64 == value, "\(left.text)")
            #expect(left.truncatedInt64 == value, "\(left.text)")
        }
    }

    /// The integer with its point moved and an exponent that moves it back.
    private func written(_ value: Int64, using generator: inout SeededGenerator) -> JSON.Number {
        var digits = Array(String(value.magnitude).utf8)
        var exponent = 0
        if Bool.random(using: &generator) {
            let zeros = Int.random(in: 0...25, using: &generator)
            digits += [UInt8](repeating: 0x30, count: zeros)
            exponent = -zeros
        }
        let point = Int.random(in: 1...digits.count, using: &generator)
        exponent += digits.count - point
        var text = String(decoding: digits[..<point], as: UTF8.self)
        if point < digits.count { text += "." + String(decoding: digits[point...], as: UTF8.self) }
        if text.hasPrefix("0"), !text.hasPrefix("0."), text.utf8.count > 1 { text = "0." + text.dropFirst() }
        if value == 0 { text = Bool.random(using: &generator) ? "0" : "0.00" }
        return JSON.Number(validText: (value < 0 ? "-" : "") + text + "e\(exponent)")
    }
}
