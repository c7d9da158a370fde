import Events
import LosslessJSON
import Testing

/// Times and clock skew: source-api.md §2.4. The server's clock shows 2024-06-01T12:00:00.123Z.
@Suite struct `Times of a message` {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let members: String
        var envelope = "{}"
        let timestamp: String

        init(_ name: String, _ members: String, envelope: String = "{}", _ timestamp: String) {
            self.name = name
            self.members = members
            self.envelope = envelope
            self.timestamp = timestamp
        }

        var testDescription: String { name }
    }

    static let arrival = "2024-06-01T12:00:00.123Z"

    static let skew: [Case] = [
        Case("nothing sent", "", arrival),
        Case("only sentAt", #""sentAt":"2024-06-01T11:00:00Z""#, arrival),
        Case("only a time", #""timestamp":"2020-02-29T01:02:03.456Z""#, "2020-02-29T01:02:03.456Z"),
        Case("only an original time", #""originalTimestamp":"2020-02-29T01:02:03Z""#, "2020-02-29T01:02:03.000Z"),
        Case(
            "a clock that runs right",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":"2024-06-01T12:00:00Z""#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case(
            "a clock that is an hour late",
            #""timestamp":"2024-06-01T10:59:58Z","sentAt":"2024-06-01T11:00:00Z""#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case(
            "a clock that is a year ahead",
            #""timestamp":"2025-06-01T11:59:58Z","sentAt":"2025-06-01T12:00:00Z""#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case(
            "sent before it happened: the future is not cut off",
            #""timestamp":"2024-06-01T12:00:05Z","sentAt":"2024-06-01T12:00:00Z""#,
            "2024-06-01T12:00:05.123Z"
        ),
        Case(
            "an old event sent late: the past is not cut off",
            #""timestamp":"1999-12-31T23:00:00Z","sentAt":"2024-06-01T12:00:00Z""#,
            "1999-12-31T23:00:00.123Z"
        ),
        Case(
            "the given original time goes before the time",
            #""timestamp":"2001-01-01","originalTimestamp":"2024-06-01T11:00:00Z","sentAt":"2024-06-01T12:00:00Z""#,
            "2024-06-01T11:00:00.123Z"
        ),
        Case(
            "the envelope's sentAt",
            #""timestamp":"2024-06-01T11:59:58Z""#,
            envelope: #"{"sentAt":"2024-06-01T12:00:00Z"}"#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case(
            "the item's sentAt before the envelope's",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":"2024-06-01T11:59:59Z""#,
            envelope: #"{"sentAt":"2030-01-01T00:00:00Z"}"#,
            "2024-06-01T11:59:59.123Z"
        ),
        Case(
            "an item's sentAt that is null",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":null"#,
            envelope: #"{"sentAt":"2024-06-01T12:00:00Z"}"#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case(
            "nanoseconds",
            #""timestamp":"2024-06-01T11:59:58.999999999Z","sentAt":"2024-06-01T12:00:00.000000001Z""#,
            "2024-06-01T11:59:59.122Z"
        ),
        Case(
            "microseconds and an offset, as Python writes them",
            #""timestamp":"2024-06-01T13:59:58.000000+02:00","sentAt":"2024-06-01T12:00:00.000000+00:00""#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case(
            "offsets without a colon, and none at all",
            #""timestamp":"2024-06-01T06:29:58-0530","sentAt":"2024-06-01T12:00:00""#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case("milliseconds as a number", #""timestamp":1582938123456"#, "2020-02-29T01:02:03.456Z"),
        Case("seconds as a number", #""timestamp":1582938123"#, "2020-02-29T01:02:03.000Z"),
        Case("a number with a fraction", #""timestamp":1582938123.999"#, "2020-02-29T01:02:03.000Z"),
        Case("a number with an exponent", #""timestamp":1.582938123456e12"#, "2020-02-29T01:02:03.456Z"),
        Case("milliseconds as digits", #""timestamp":"1582938123456""#, "2020-02-29T01:02:03.456Z"),
        Case("seconds as digits", #""timestamp":"1582938123""#, "2020-02-29T01:02:03.000Z"),
        Case("digits with a fraction", #""timestamp":"1582938123456.9""#, "2020-02-29T01:02:03.456Z"),
        Case(
            "both as numbers",
            #""timestamp":1717243198,"sentAt":1717243200000"#,
            "2024-06-01T11:59:58.123Z"
        ),
        Case("a bare date is midnight UTC", #""timestamp":"2020-02-29""#, "2020-02-29T00:00:00.000Z"),
        Case("the beginning of time", #""timestamp":0"#, "1970-01-01T00:00:00.000Z"),
        Case("before the beginning of time", #""timestamp":-1"#, "1969-12-31T23:59:59.000Z"),
        Case("the year 0", #""timestamp":"0000-01-01T00:00:00Z""#, "0000-01-01T00:00:00.000Z"),
        Case("the year 9999", #""timestamp":"9999-12-31T23:59:59.999Z""#, "9999-12-31T23:59:59.999Z"),
    ]

    @Test(arguments: skew)
    func `the time is that of the sender, moved by how far his clock is off`(_ row: Case) throws {
        let event = try normalised(message(row.members), envelope: row.envelope)
        #expect(event.message["timestamp"]?.stringValue == row.timestamp)
        #expect(event.message["receivedAt"]?.stringValue == Self.arrival)
    }

    static let unreadable: [Case] = [
        Case("a time that is garbage", #""timestamp":"garbage","sentAt":"2024-06-01T12:00:00Z""#, arrival),
        Case("an empty time", #""timestamp":"""#, arrival),
        Case("a boolean", #""timestamp":true"#, arrival),
        Case("an object", #""timestamp":{"$date":1}"#, arrival),
        Case("an impossible day", #""timestamp":"2023-02-29T00:00:00Z""#, arrival),
        Case(
            "a sentAt that is garbage",
            #""timestamp":"2020-02-29T01:02:03Z","sentAt":"yesterday""#,
            "2020-02-29T01:02:03.000Z"
        ),
        Case(
            "a sentAt that is a list",
            #""timestamp":"2020-02-29T01:02:03Z","sentAt":[1]"#,
            "2020-02-29T01:02:03.000Z"
        ),
        Case(
            "an original time that is garbage",
            #""originalTimestamp":"garbage","timestamp":"2020-02-29T01:02:03Z""#,
            arrival
        ),
        Case("a time outside the calendar", #""timestamp":253402300800000"#, arrival),
        Case("a time far outside the calendar", #""timestamp":9223372036854775807"#, arrival),
        Case("a time before the calendar", #""timestamp":-9223372036854775808"#, arrival),
        Case("a number beyond all integers", #""timestamp":1e400"#, arrival),
        Case("a number beyond all exponents", #""timestamp":1e99999999999999999999"#, arrival),
        Case(
            "a difference beyond all integers",
            #""timestamp":-9223372036854775808,"sentAt":9223372036854775807"#,
            arrival
        ),
        Case(
            "a sum beyond all integers",
            #""timestamp":9223372036854775807,"sentAt":0"#,
            arrival
        ),
        Case(
            "a corrected time outside the calendar",
            #""timestamp":"9999-12-31T00:00:00Z","sentAt":"0000-01-01T00:00:00Z""#,
            arrival
        ),
        Case("an offset that leaves the calendar", #""timestamp":"9999-12-31T23:59:59-00:01""#, arrival),
    ]

    @Test(arguments: unreadable)
    func `what can't be read or written counts as absent, in both modes, and stays where it is`(
        _ row: Case
    ) throws {
        let sent = try JSON(parsing: message(row.members))
        for receipt in [Event.Receipt.permissive, .strict] {
            let event = try Event(normalising: sent, receipt: receipt)
            #expect(event.message["timestamp"]?.stringValue == row.timestamp)
            let original = sent["originalTimestamp"] ?? sent["timestamp"]
            #expect(event.message["originalTimestamp"]?.description == original?.description)
            #expect(event.message["sentAt"]?.description == sent["sentAt"]?.description)
        }
    }

    @Test(arguments: [#""2024-06-01T13:59:58.000001+02:00""#, "1717243198.50", "1.717243198e9", #""1717243198""#])
    func `originalTimestamp and sentAt keep the sender's text`(_ time: String) throws {
        let event = try normalised(message(#""timestamp":\#(time),"sentAt":\#(time)"#))
        #expect(event.message["originalTimestamp"]?.description == time)
        #expect(event.message["sentAt"]?.description == time)
        let enveloped = try normalised(message(#""timestamp":\#(time)"#), envelope: #"{"sentAt":\#(time)}"#)
        #expect(enveloped.message["sentAt"]?.description == time)
    }

    @Test func `the server overwrites a receivedAt that was sent`() throws {
        for sent in [#""2001-01-01T00:00:00Z""#, "null", "{}", #""garbage""#] {
            let event = try normalised(message(#""receivedAt":\#(sent)"#))
            #expect(event.message["receivedAt"]?.stringValue == Self.arrival)
            #expect(event.receivedAt == noon)
        }
    }

    @Test func `without an original time none is invented`() throws {
        let event = try normalised(message(""))
        #expect(!event.message.contains("originalTimestamp"))
        #expect(!event.message.contains("sentAt"))
    }

    // MARK: Preview

    static let previews: [Case] = [
        Case(
            "no receivedAt",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":"2020-01-01T00:00:00Z""#,
            "2024-06-01T11:59:58.000Z"
        ),
        Case(
            "its own receivedAt",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":"2024-06-01T12:00:00Z","receivedAt":"2024-06-01T12:00:10Z""#,
            "2024-06-01T12:00:08.000Z"
        ),
        Case(
            "its own receivedAt as a number",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":"2024-06-01T12:00:00Z","receivedAt":1717243210"#,
            "2024-06-01T12:00:08.000Z"
        ),
        Case(
            "an unreadable receivedAt",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":"2020-01-01T00:00:00Z","receivedAt":"now""#,
            "2024-06-01T11:59:58.000Z"
        ),
        Case(
            "a receivedAt outside the calendar",
            #""timestamp":"2024-06-01T11:59:58Z","sentAt":"2020-01-01T00:00:00Z","receivedAt":253402300800000"#,
            "2024-06-01T11:59:58.000Z"
        ),
        Case("only a receivedAt", #""receivedAt":"2024-06-01T12:00:10+00:00""#, "2024-06-01T12:00:10.000Z"),
        Case(
            "an unreadable time beside a receivedAt",
            #""timestamp":"soon","receivedAt":"2024-06-01T12:00:10Z""#,
            "2024-06-01T12:00:10.000Z"
        ),
    ]

    @Test(arguments: previews)
    func `a preview corrects the skew only on lines that carry a receivedAt`(_ row: Case) throws {
        let event = try normalised(message(row.members), receipt: .preview)
        #expect(event.message["timestamp"]?.stringValue == row.timestamp)
    }

    @Test(arguments: ["", #""timestamp":"soon""#, #""receivedAt":"soon""#, #""sentAt":"2024-06-01T12:00:00Z""#])
    func `a preview without a readable time has no timestamp and no receivedAt`(members: String) throws {
        let event = try normalised(message(members), receipt: .preview)
        #expect(!event.message.contains("timestamp"))
        #expect(!event.message.contains("receivedAt"))
        #expect(event.receivedAt == nil)
    }

    @Test func `a preview writes its own receivedAt as the server would`() throws {
        let event = try normalised(message(#""receivedAt":"2024-06-01T14:00:10.1239+02:00""#), receipt: .preview)
        #expect(event.message["receivedAt"] == "2024-06-01T12:00:10.123Z")
    }

    private func message(_ members: String) -> String {
        #"{"type":"page","userId":"u1""# + (members.isEmpty ? "" : "," + members) + "}"
    }
}
