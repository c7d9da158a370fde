import Events
import Integrations
import LosslessJSON
import Testing

/// actions.md §4: the call's own times.
@Suite struct `The call's own times` {
    private static let readable = [
        (#""2024-02-29T12:34:56.123456789Z""#, "1709210096"), (#""2024-02-29T12:34:56""#, "1709210096"),
        (#""2024-02-29T12:34:56.789+01:00""#, "1709206496"), (#""2024-02-29T12:34+0100""#, "1709206440"),
        (#""2024-03-01""#, "1709251200"), ("1709210096", "1709210096"), ("1709210096.9", "1709210096"),
        ("1709210096789", "1709210096"), ("1709210096789.9", "1709210096"), (#""1709210096""#, "1709210096"),
        (#""1709210096.9""#, "1709210096"), (#""1709210096789""#, "1709210096"), ("9999999999", "9999999999"),
        ("10000000000", "10000000"), ("0", "0"), ("-1", "-1"), ("-10000000000", "-10000000"), ("1.7e9", "1700000000"),
        (#""20210102""#, "20210102"),
    ]

    private static let unreadable = [
        #""soon""#, #""2024-02-30T00:00:00Z""#, #""2024-02-29T24:00:00Z""#, #""2024-02-29t12:34:56z""#, "true", "{}",
        "[]", #""1e9""#, #""+1709210096""#, #"" 2024-02-29T12:34:56Z""#, "1e30",
    ]

    @Test(arguments: readable)
    func `are sent as whole seconds: timestamp`(time: String, seconds: String) throws {
        for receivedAt in [nil, "2030-01-01T00:00:00Z"] {
            let message = #"{"type":"track","event":"X","userId":"u1","timestamp":\#(time)}"#
            #expect(try body(message, receivedAt: receivedAt)["timestamp"]?.description == seconds)
        }
    }

    @Test(arguments: readable)
    func `are sent as whole seconds: created_at`(time: String, seconds: String) throws {
        let outcome = try plan(#"{"type":"identify","userId":"u1","traits":{"created_at":\#(time)}}"#)
        #expect(outcome.operations.first?.hasSuffix(#""attributes":{"created_at":\#(seconds)}}"#) == true)
        #expect(outcome.warnings.isEmpty)
    }

    @Test(arguments: readable)
    func `are sent as whole seconds: last_used`(time: String, seconds: String) throws {
        let message = #"""
            {"type":"track","event":"Device Created or Updated","userId":"u1","timestamp":\#(time),
            "properties":{"token":"t"}}
            """#
        #expect(try body(message)[at: "device.last_used"]?.description == seconds)
    }

    @Test(arguments: ["track-event", "create-or-update-person", "create-or-update-device"])
    func `are sent as seconds whatever the option`(name: String) throws {
        let messages = [
            "track-event": #"{"type":"track","event":"X","userId":"u1","timestamp":"2024-03-01"}"#,
            "create-or-update-person":
                #"{"type":"identify","userId":"u1","traits":{"created_at":"2024-03-01"}}"#,
            "create-or-update-device":
                #"""
            {"type":"track","event":"Device Created or Updated","userId":"u1","timestamp":"2024-03-01",
            "properties":{"token":"t"}}
            """#,
        ]
        let message = try #require(messages[name])
        let body = try body(message, .change(name, convertTimestamps: false))
        #expect(body.description.contains(":1709251200"), "\(body)")
    }

    @Test(arguments: unreadable)
    func `that can't be read are left out with a warning: created_at`(time: String) throws {
        let outcome = try plan(#"{"type":"identify","userId":"u1","traits":{"created_at":\#(time)}}"#)
        #expect(outcome.operations.first?.hasSuffix(#""attributes":{}}"#) == true)
        #expect(
            outcome.warnings
                == ["create-or-update-person: created_at can't be read as a time: \(time); it is left out"]
        )
    }

    @Test(arguments: unreadable)
    func `that can't be read give way to the time of receipt, with a warning: timestamp`(time: String) throws {
        let message = #"{"type":"track","event":"X","userId":"u1","timestamp":\#(time)}"#
        let outcome = try plan(message, receivedAt: "2024-03-01T00:00:00Z")
        #expect(outcome.operations.first?.contains(#""timestamp":1709251200"#) == true)
        #expect(
            outcome.warnings == ["-: timestamp can't be read as a time: \(time); the time of receipt stands in"]
        )
    }

    @Test func `without a time of receipt an unreadable timestamp is left out, with a warning`() throws {
        let outcome = try plan(#"{"type":"track","event":"X","userId":"u1","timestamp":"soon"}"#)
        #expect(outcome.operations.first?.contains("timestamp") == false)
        #expect(outcome.warnings == [#"-: timestamp can't be read as a time: "soon"; it is left out"#])
    }

    @Test func `an unreadable timestamp is told once, however many actions use it`() throws {
        let message = #"""
            {"type":"track","event":"Application Opened","userId":"u1","timestamp":"soon","properties":{"token":"t"}}
            """#
        let outcome = try plan(message, receivedAt: "2024-03-01T00:00:00Z")
        #expect(outcome.operations.count == 2)
        #expect(outcome.operations.allSatisfy { $0.contains("1709251200") })
        #expect(outcome.warnings.count == 1)
    }

    @Test(arguments: ["null", #""""#, #"" ""#])
    func `that are blank are absent, without a warning`(time: String) throws {
        let message = #"""
            {"type":"identify","userId":"u1","timestamp":\#(time),"traits":{"created_at":\#(time)}}
            """#
        let outcome = try plan(message, receivedAt: "2024-03-01T00:00:00Z")
        let expected = try sends(
            "create-or-update-person",
            #"{"type":"person","action":"identify","identifiers":{"id":"u1"},"timestamp":1709251200,"attributes":{}}"#
        )
        #expect(outcome == Outcome(operations: [expected]))
    }

    @Test func `that a mapping gives and can't be read: the time of receipt stands in for timestamp alone`() throws {
        let message = #"""
            {"type":"track","event":"Application Opened","userId":"u1","properties":{"token":"t"},
            "timestamp":"2024-02-29T12:34:56Z"}
            """#
        let outcome = try plan(
            message,
            .change("track-event", mapping: #"{"timestamp":"soon"}"#),
            .change("create-or-update-device", mapping: #"{"last_used":"soon"}"#),
            receivedAt: "2024-03-01T00:00:00Z"
        )
        #expect(outcome.operations.first?.contains("last_used") == false)
        #expect(outcome.operations.last?.contains(#""timestamp":1709251200"#) == true)
        #expect(
            Set(outcome.warnings) == [
                #"create-or-update-device: last_used can't be read as a time: "soon"; it is left out"#,
                #"track-event: timestamp can't be read as a time: "soon"; the time of receipt stands in"#,
            ]
        )
    }

    @Test(arguments: ["99999999999999999", #""99999999999999999""#, "-99999999999999999"])
    func `that lie beyond the calendar give way to the time of receipt, with a warning`(time: String) throws {
        let message = #"{"type":"track","event":"X","userId":"u1","timestamp":\#(time)}"#
        let outcome = try plan(message, receivedAt: "2024-03-01T00:00:00Z")
        #expect(outcome.operations.first?.contains(#""timestamp":1709251200"#) == true)
        #expect(outcome.warnings.count == 1)
    }

    @Test func `an unreadable time is cut short in its warning`() throws {
        let time = String(repeating: "x", count: 10_000)
        let outcome = try plan(#"{"type":"identify","userId":"u1","traits":{"created_at":"\#(time)"}}"#)
        #expect((outcome.warnings.first?.count ?? .max) < 160)
    }
}
