import Events
import LosslessJSON
import Testing

@Suite struct `Points in time` {
    @Test(
        arguments: [
            (0, 0), (999, 0), (1000, 1), (1500, 1), (-1, -1), (-999, -1), (-1000, -1), (-1001, -2), (-1500, -2),
            (1_755_099_917_451, 1_755_099_917), (Int64.max, 9_223_372_036_854_775),
            (Int64.min, -9_223_372_036_854_776),
        ] as [(Int64, Int64)]
    )
    func `seconds are rounded down`(milliseconds: Int64, seconds: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).seconds == seconds)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_709_208_000_007, "2024-02-29T12:00:00.007Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (-62_167_219_200_001, nil),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (253_402_300_800_000, nil),
            (Int64.max, nil), (Int64.min, nil),
        ] as [(Int64, String?)]
    )
    func `a time is written with milliseconds, and not outside the years 0000 to 9999`(
        milliseconds: Int64,
        text: String?
    ) {
        #expect(Timestamp(milliseconds: milliseconds).iso8601 == text)
    }

    /// actions.md §4: eleven digits or more before the point are milliseconds, fewer are seconds.
    @Test(
        arguments: [
            ("0", 0), ("1", 1000), ("-1", -1000), ("1717243200", 1_717_243_200_000), ("9999999999", 9_999_999_999_000),
            ("10000000000", 10_000_000_000), ("-9999999999", -9_999_999_999_000), ("-10000000000", -10_000_000_000),
            ("1717243200123", 1_717_243_200_123), ("1717243200.999", 1_717_243_200_000),
            ("9999999999.9", 9_999_999_999_000), ("1717243200123.9", 1_717_243_200_123),
            ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
        ] as [(String, Int64)]
    )
    func `Unix time is read from numbers and from digit strings alike`(text: String, milliseconds: Int64) throws {
        #expect(Timestamp(callTime: try JSON(parsing: text))?.milliseconds == milliseconds)
        #expect(Timestamp(callTime: .string(text))?.milliseconds == milliseconds)
    }

    @Test(
        arguments: [
            ("1e3", 1_000_000), ("1.5e3", 1_500_000), ("17172432e2", 1_717_243_200_000), ("1e10", 10_000_000_000),
            ("-0", 0), ("-0.9", 0), ("0.9", 0), ("-1.9", -1000), ("1e-400", 0), ("0e99999999999999999999", 0),
            ("1717243200.0000000000000000000000000000000001", 1_717_243_200_000),
        ] as [(String, Int64)]
    )
    func `numbers are read by their exact value`(text: String, milliseconds: Int64) throws {
        #expect(Timestamp(callTime: try JSON(parsing: text))?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775809", "1e19", "1e400", "-1e400", "1e99999999999999999999",
        "18446744073709551616", "true", "false", "null", "[]", "[1717243200]", "{}", #"{"$date":1717243200}"#,
    ])
    func `other values and numbers beyond 64 bits are no time`(text: String) throws {
        #expect(Timestamp(callTime: try JSON(parsing: text)) == nil)
    }

    @Test(arguments: [
        "", " ", "-", ".", "-.5", ".5", "1.", "1.5.5", "+1", "1e9", "1,5", " 1717243200", "1717243200 ", "0x10", "１",
        "١٢٣", "1_000", "NaN", "Infinity", "--1", "1-1", "9223372036854775808", "99999999999999999999999999999999",
        "now", "2024-06-01T25:00:00Z", "2024-02-30", "1717243200\u{0}",
    ])
    func `other texts are no time`(text: String) {
        #expect(Timestamp(callTime: .string(text)) == nil)
    }

    @Test(
        arguments: [("007", 7000), ("0001717243200", 1_717_243_200_000), ("00", 0), ("-0", 0), ("-00.5", 0)]
            as [(String, Int64)]
    )
    func `zeros in front of a digit string add nothing to its value`(text: String, milliseconds: Int64) {
        #expect(Timestamp(callTime: .string(text))?.milliseconds == milliseconds)
    }

    @Test func `a digit string of any length is read in time that grows with it`() {
        #expect(Timestamp(callTime: .string("1717243200." + String(repeating: "9", count: 1_000_000))) != nil)
        #expect(Timestamp(callTime: .string(String(repeating: "9", count: 1_000_000))) == nil)
        #expect(Timestamp(callTime: .string(String(repeating: "0", count: 1_000_000) + "7")) == nil)
    }

    @Test func `dates are read as ISO 8601 reads them`() {
        #expect(Timestamp(callTime: "2024-06-01T12:00:00.123Z") == noon)
        #expect(Timestamp(callTime: "2024-06-01T14:00:00.1239999+0200") == noon)
        #expect(Timestamp(callTime: "2024-06-01")?.milliseconds == 1_717_200_000_000)
    }

    @Test func `times are ordered`() {
        #expect(Timestamp(milliseconds: -1) < Timestamp(milliseconds: 0))
        #expect(!(Timestamp(milliseconds: 1) < Timestamp(milliseconds: 1)))
        #expect(Timestamp(milliseconds: 5) == Timestamp(milliseconds: 5))
    }
}
