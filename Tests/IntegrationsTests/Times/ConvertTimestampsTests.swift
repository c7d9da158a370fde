import Integrations
import LosslessJSON
import Testing

/// actions.md §4, Convert Timestamps.
@Suite struct `Convert Timestamps` {
    private func converted(_ value: String) throws -> String {
        let object = try #require(try json(#"{"v":\#(value)}"#).objectValue)
        return try #require(ConvertTimestamps.convert(object)["v"]).description
    }

    @Test(arguments: [
        ("2023-05-18T22:58:45+00:00", "1684450725"), ("2025-08-13T15:45:17.451Z", "1755099917"),
        ("2024-02-29T12:34:56Z", "1709210096"), ("2024-02-29T12:34:56.7Z", "1709210096"),
        ("2024-02-29T12:34:56.78Z", "1709210096"), ("2024-02-29T12:34:56.789Z", "1709210096"),
    ])
    func `turns ISO 8601 date-times with 0 to 3 digits of fraction into whole seconds`(text: String, seconds: String)
        throws
    {
        #expect(try converted(#""\#(text)""#) == seconds)
    }

    @Test(arguments: [
        ("1969-12-31T23:59:59.5Z", "-1"), ("1969-12-31T23:59:59Z", "-1"), ("1969-12-31T23:59:58.999Z", "-2"),
        ("1970-01-01T00:00:00.999Z", "0"),
    ])
    func `rounds down`(text: String, seconds: String) throws {
        #expect(try converted(#""\#(text)""#) == seconds)
    }

    @Test(arguments: [
        ("2024-02-29T12:34", "1709210040"), ("2024-02-29T12:34:56", "1709210096"), ("2024-02-29T12:34Z", "1709210040"),
        ("2024-02-29T12:34:56+01:00", "1709206496"), ("2024-02-29T12:34:56+0100", "1709206496"),
        ("2024-02-29T12:34:56-23:59", "1709296436"), ("2024-02-29T12:34:56-00:00", "1709210096"),
    ])
    func `reads no offset as UTC, Z and offsets up to 23:59, seconds may be missing`(text: String, seconds: String)
        throws
    {
        #expect(try converted(#""\#(text)""#) == seconds)
    }

    @Test(arguments: [
        "2025-08-13T02:08:40.1418726Z", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-02-29T24:00:00Z",
        "2024-02-29T23:59:60Z", "1614556800", "1614556800000", "2024-02-29", "2024-02-29t12:34:56Z",
        "2024-02-29T12:34:56z", "2024-02-29T12:34:56.1234Z", "2024-02-29T12:34:56+24:00", "2024-02-29T12:34:56+01",
        "2024-02-29 12:34:56Z", " 2024-02-29T12:34:56Z", "2024-02-29T12:34:56Z ", "29 Feb 2024", "2024-02-29T12Z", "",
    ])
    func `leaves everything else as it is`(text: String) throws {
        #expect(try converted(#""\#(text)""#) == #""\#(text)""#)
    }

    @Test(arguments: ["1709210096", "1709210096789", "1.50", "true", "null", "{}", "[]"])
    func `leaves other types as they are`(value: String) throws {
        #expect(try converted(value) == value)
    }

    @Test func `goes into nested objects, never into a list, at any depth`() throws {
        let date = #""2024-02-29T12:34:56Z""#
        let seconds = "1709210096"
        #expect(
            try converted(#"{"a":{"b":{"c":\#(date)},"d":\#(date)}}"#)
                == #"{"a":{"b":{"c":\#(seconds)},"d":\#(seconds)}}"#
        )
        for list in [
            #"[\#(date)]"#, #"[{"a":\#(date)}]"#, #"[[\#(date)]]"#, #"[{"a":{"b":\#(date)}},{"c":[\#(date)]}]"#,
        ] {
            #expect(try converted(list) == list)
            #expect(try converted(#"{"deep":\#(list)}"#) == #"{"deep":\#(list)}"#)
        }
    }

    /// An event of each kind whose attributes hold a date, and where its seconds are to be found.
    private static let kinds = [
        (
            #""type":"identify","traits":{"d":D,"objectId":"o","relationshipAttributes":{"d":D}}"#,
            ["attributes.d", "cio_relationships.0.relationship_attributes.d"]
        ),
        (
            #""type":"group","groupId":"g","traits":{"d":D,"relationshipAttributes":{"d":D}}"#,
            ["attributes.d", "cio_relationships.0.relationship_attributes.d"]
        ),
        (#""type":"track","event":"X","properties":{"d":D}"#, ["attributes.d"]),
        (#""type":"page","properties":{"url":"u","d":D}"#, ["attributes.d"]),
        (#""type":"screen","name":"n","properties":{"d":D}"#, ["attributes.d"]),
        (
            #""type":"track","event":"Device Created or Updated","properties":{"token":"t","d":D}"#,
            ["device.attributes.d"]
        ),
        (
            #"""
            "type":"track","event":"Report Content Event","anonymousId":"a",
            "properties":{"actionType":"viewed_content","d":D}
            """#,
            ["attributes.d"]
        ),
    ]

    @Test(arguments: kinds)
    func `applies to people, objects, relationships, events, devices and content`(members: String, paths: [String])
        throws
    {
        let date = #""2024-02-29T12:34:56Z""#
        let message = #"{"userId":"u1",\#(members.replacing(":D", with: ":" + date))}"#
        let on = try body(message)
        let off = try body(message, convertTimestamps: false)
        for path in paths {
            #expect(on[at: path]?.description == "1709210096", "\(path)")
            #expect(off[at: path]?.description == date, "\(path)")
        }
    }

    private func body(_ message: String, convertTimestamps: Bool = true) throws -> JSON {
        let settings = ActionDefinition.catalog.map {
            Setting.change($0.name, convertTimestamps: convertTimestamps)
        }
        let plan = try integration(settings).plan(try event(message))
        return try #require(plan.operations.first).body
    }

    /// Dates where none is converted: identifiers, e-mails, names and metric fields.
    @Test(arguments: [
        (
            #""type":"track","userId":D,"event":D"#,
            #"{"type":"person","action":"event","identifiers":{"id":D},"name":D,"attributes":{}}"#
        ),
        (
            #""type":"track","email":D,"event":D"#,
            #"{"type":"person","action":"event","identifiers":{"email":D},"name":D,"attributes":{}}"#
        ),
        (
            #""type":"screen","anonymousId":D,"name":D"#,
            #"{"type":"person","action":"screen","identifiers":{"anonymous_id":D},"name":D,"attributes":{}}"#
        ),
        (
            #""type":"identify","userId":"u1","anonymousId":D,"traits":{"email":D}"#,
            #"""
            {"type":"person","action":"identify","identifiers":{"id":"u1"},"attributes":{"email":D,"anonymous_id":D}}
            """#
        ),
        (
            #""type":"group","groupId":D,"userId":D,"traits":{"object_type_id":D}"#,
            #"""
            {"type":"object","action":"identify","identifiers":{"object_type_id":D,"object_id":D},"attributes":{},
            "cio_relationships":[{"identifiers":{"id":D}}]}
            """#
        ),
        (
            #""type":"track","event":"Device Deleted","userId":D,"properties":{"token":D}"#,
            #"{"type":"person","action":"delete_device","identifiers":{"id":D},"device":{"token":D}}"#
        ),
        (
            #""type":"track","event":"Object Deleted","properties":{"objectId":D,"objectTypeId":D}"#,
            #"{"type":"object","action":"delete","identifiers":{"object_type_id":D,"object_id":D}}"#
        ),
        (
            #"""
            "type":"track","event":"Report Delivery Event",
            "properties":{"deliveryId":D,"metric":"opened","recipient":D,"reason":D,"href":D,"actionName":D}
            """#,
            #"""
            {"delivery_id":D,"metric":"opened","recipient":D,"reason":D,"href":D,"metadata":{"action_name":D}}
            """#
        ),
        (
            #""type":"alias","userId":D,"previousId":"p""#,
            #"{"type":"person","action":"merge","primary":{"id":D},"secondary":{"id":"p"}}"#
        ),
    ])
    func `never touches identifiers, e-mails, anonymous ids, names and metric fields`(
        members: String,
        expected: String
    ) throws {
        let date = #""2024-02-29T12:34:56Z""#
        func filled(_ text: String) -> String {
            text.replacing(":D", with: ":" + date)
        }
        #expect(try body(#"{\#(filled(members))}"#).description == json(filled(expected)).description)
    }

    @Test func `applies to each action by its own option`() throws {
        let outcome = try plan(
            #"""
            {"type":"track","event":"Application Opened","userId":"u1",
            "properties":{"token":"t","at":"2024-02-29T12:34:56Z"}}
            """#,
            .change("track-event", convertTimestamps: false)
        )
        #expect(outcome.operations.count == 2)
        #expect(outcome.operations.first?.contains(#""attributes":{"at":1709210096}"#) == true)
        #expect(outcome.operations.last?.contains(#""at":"2024-02-29T12:34:56Z""#) == true)
    }

    @Test func `every row of date-vectors gives the value that it says`() throws {
        let rows = try vectorLines("date-vectors.ndjson")
        #expect(rows.count == 256)
        for (position, line) in rows.enumerated() {
            let row = try json(line)
            let input = try #require(row["input"])
            let output = try #require(row["output"])
            let converted = ConvertTimestamps.convert(["v": input])["v"]
            #expect(converted == output, "row \(position + 1): \(line)")
            // The same through an action, at the top and inside an object.
            let message =
                #"{"type":"track","event":"X","userId":"u1","properties":{"v":\#(input),"o":{"v":\#(input)}}}"#
            let sent = try body(message)
            #expect(sent[at: "attributes.v"] == output, "row \(position + 1): \(line)")
            #expect(sent[at: "attributes.o.v"] == output, "row \(position + 1): \(line)")
        }
    }
}
