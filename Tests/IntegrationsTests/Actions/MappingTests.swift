import Integrations
import LosslessJSON
import Testing

/// actions.md §3: what a mapping does to the fields of an action.
@Suite struct `A mapping` {
    private static let message = #"""
        {"type":"track","event":"X","userId":"u1","email":"e@x.co","anonymousId":"a1",
        "timestamp":"2024-02-29T12:34:56Z",
        "properties":{"who":"w1","mail":"m@x.co","n":1.10,"blank":" ","flag":true,"when":"2020-01-01","o":{"a":null}}}
        """#

    /// The body of track-event with a mapping, without its attributes where these are the default.
    private func event(_ mapping: String) throws -> String {
        let body = try body(Self.message, .change("track-event", mapping: mapping))
        let isDefault = body[at: "attributes.who"] != nil
        return JSON.object((body.objectValue ?? .init()).removing { isDefault && $0 == "attributes" }).description
    }

    @Test(arguments: [
        ("{}", #"{"id":"u1"},"name":"X","timestamp":1709210096}"#),
        (#"{"name":"$.properties.who"}"#, #"{"id":"u1"},"name":"w1","timestamp":1709210096}"#),
        (#"{"name":"signup"}"#, #"{"id":"u1"},"name":"signup","timestamp":1709210096}"#),
        (#"{"name":"{{event}}!"}"#, #"{"id":"u1"},"name":"X!","timestamp":1709210096}"#),
        (#"{"person_id":"$.properties.who"}"#, #"{"id":"w1"},"name":"X","timestamp":1709210096}"#),
        (#"{"timestamp":"$.properties.when"}"#, #"{"id":"u1"},"name":"X","timestamp":1577836800}"#),
        (
            #"{"attributes":"$.properties.o"}"#,
            #"{"id":"u1"},"name":"X","timestamp":1709210096,"attributes":{"a":null}}"#
        ),
        (
            #"{"attributes":{"k":"$.properties.n"}}"#,
            #"{"id":"u1"},"name":"X","timestamp":1709210096,"attributes":{"k":1.10}}"#
        ),
        (#"{"event_id":"01J"}"#, #"{"id":"u1"},"name":"X","id":"01J","timestamp":1709210096}"#),
    ])
    func `replaces the source of the fields that it names, the others keep their default`(
        mapping: String,
        rest: String
    ) throws {
        #expect(try event(mapping) == #"{"type":"person","action":"event","identifiers":\#(rest)"#)
    }

    @Test(arguments: [
        (#"{"person_id":null}"#, #"{"email":"e@x.co"},"name":"X","timestamp":1709210096}"#),
        (#"{"person_id":null,"email":null}"#, #"{"anonymous_id":"a1"},"name":"X","timestamp":1709210096}"#),
        (#"{"timestamp":null}"#, #"{"id":"u1"},"name":"X"}"#),
        (#"{"attributes":null}"#, #"{"id":"u1"},"name":"X","timestamp":1709210096,"attributes":{}}"#),
    ])
    func `leaves a field out with null`(mapping: String, rest: String) throws {
        #expect(try event(mapping) == #"{"type":"person","action":"event","identifiers":\#(rest)"#)
    }

    @Test func `leaves the event id out with null`() throws {
        let message = #"{"type":"track","event":"X","userId":"u1","messageId":"m1","timestamp":"2024-02-29"}"#
        #expect(try body(message)["id"] != nil)
        #expect(try body(message, .change("track-event", mapping: #"{"event_id":null}"#))["id"] == nil)
    }

    @Test(arguments: [
        #"{"name":null}"#, #"{"name":""}"#, #"{"name":" "}"#, #"{"name":"$.properties.missing"}"#,
        #"{"name":"$.properties.blank"}"#, #"{"name":"$.properties.flag"}"#, #"{"name":"$.properties.o"}"#,
        #"{"name":["X"]}"#, #"{"name":true}"#,
    ])
    func `leaves a required field missing`(mapping: String) throws {
        #expect(
            try plan(Self.message, .change("track-event", mapping: mapping))
                == Outcome(ignored: ["track-event: name is missing"])
        )
    }

    @Test(arguments: [
        (#"{"person_id":"cio_1a"}"#, #"{"cio_id":"1a"}"#),
        (#"{"person_id":"$.properties.mail"}"#, #"{"email":"m@x.co"}"#),
        (#"{"person_id":"$.properties.n"}"#, #"{"id":"1.10"}"#), (#"{"person_id":12}"#, #"{"id":"12"}"#),
        (#"{"person_id":"$.properties.flag"}"#, #"{"email":"e@x.co"}"#),
        (#"{"person_id":" ","email":"$.properties.n"}"#, #"{"email":"1.10"}"#),
        (#"{"person_id":null,"email":"cio_1a"}"#, #"{"email":"cio_1a"}"#),
    ])
    func `has its identifiers decided by §2 afterwards`(mapping: String, identifiers: String) throws {
        let body = try body(Self.message, .change("track-event", mapping: mapping))
        #expect(body["identifiers"]?.description == identifiers)
    }

    @Test func `has control words taken out afterwards`() throws {
        let outcome = try plan(
            #"{"type":"identify","userId":"u1","traits":{"id":"x","_update":true,"createdAt":5,"objectId":"o"}}"#,
            .change(
                "create-or-update-person",
                mapping: #"{"attributes":"$.traits","created_at":null,"object_id":null}"#
            )
        )
        let expected = try sends(
            "create-or-update-person",
            #"""
            {"type":"person","action":"identify","identifiers":{"id":"u1"},
            "attributes":{"createdAt":5,"objectId":"o"}}
            """#
        )
        #expect(outcome.operations == [expected])
        #expect(
            outcome.warnings == [
                "create-or-update-person: the attribute id differs from the person's id and is not sent",
                "create-or-update-person: the attribute _update is a control word of the Track API and is not sent",
            ]
        )
    }

    @Test func `has a differing id told by the mapped person`() throws {
        let outcome = try plan(
            #"{"type":"identify","userId":"u1","traits":{"id":"x"}}"#,
            .change("create-or-update-person", mapping: #"{"person_id":"$.traits.id"}"#)
        )
        #expect(outcome.warnings.isEmpty)
    }

    @Test func `has its times converted afterwards, whatever the option`() throws {
        for convert in [true, false] {
            let body = try body(
                #"{"type":"identify","userId":"u1","traits":{"since":"2020-01-01T00:00:00.1234567Z"}}"#,
                .change(
                    "create-or-update-person",
                    mapping: #"{"created_at":"$.traits.since","timestamp":"1577836800123","attributes":{}}"#,
                    convertTimestamps: convert
                )
            )
            #expect(body["timestamp"]?.description == "1577836800")
            #expect(body["attributes"]?.description == #"{"created_at":1577836800}"#)
        }
    }

    @Test func `has its attributes' dates converted afterwards`() throws {
        let mapping = #"{"attributes":{"at":"{{timestamp}}","list":["{{timestamp}}"],"day":"2024-02-29"}}"#
        let body = try body(Self.message, .change("track-event", mapping: mapping))
        #expect(
            body["attributes"]?.description
                == #"{"at":1709210096,"list":["2024-02-29T12:34:56.000Z"],"day":"2024-02-29"}"#
        )
    }

    @Test func `has a platform and a metric lower-cased afterwards`() throws {
        let device = try body(
            #"""
            {"type":"track","event":"Device Created or Updated","userId":"u1","properties":{"token":"t","os":"iPadOS"}}
            """#,
            .change("create-or-update-device", mapping: #"{"platform":"$.properties.os"}"#)
        )
        #expect(device[at: "device.platform"] == "ios")
        let message = #"{"type":"track","event":"Report Delivery Event","properties":{"deliveryId":"d","m":"Opened"}}"#
        let metric = try body(message, .change("report-delivery-event", mapping: #"{"metric":"$.properties.m"}"#))
        #expect(metric["metric"] == "opened")
        #expect(
            try plan(message, .change("report-delivery-event", mapping: #"{"metric":"Seen"}"#))
                == Outcome(ignored: ["report-delivery-event: metric is not valid: Seen"])
        )
    }

    @Test func `falls back to the default object type when it gives none`() throws {
        let body = try body(
            #"{"type":"group","groupId":"g","userId":"u1","traits":{"object_type_id":"7"}}"#,
            .change("create-or-update-object", mapping: #"{"object_type_id":"$.traits.missing"}"#)
        )
        #expect(body[at: "identifiers.object_type_id"] == "1")
    }

    @Test func `can name two people to merge, which are compared afterwards`() throws {
        let message = #"{"type":"alias","userId":"u1","previousId":"u2","anonymousId":"a1","x":"A@b.co"}"#
        let same = #"{"primary_id":"a@b.co","secondary_id":"$.x"}"#
        #expect(try plan(message, .change("merge-people", mapping: same)).ignored == ["merge-people: same person"])
        let joined = #"{"secondary_id":"$.anonymousId"}"#
        #expect(
            try plan(message, .change("merge-people", mapping: joined)).ignored
                == ["merge-people: anonymous id: identify joins it"]
        )
        let missing = #"{"secondary_id":null}"#
        #expect(
            try plan(message, .change("merge-people", mapping: missing)).ignored
                == ["merge-people: secondary_id is missing"]
        )
    }

    @Test(arguments: [
        ("$.properties.who", "a string"), ("$.properties.n", "a number"), ("$.properties.flag", "a boolean"),
    ])
    func `that gives no object for attributes is told`(path: String, kind: String) throws {
        let outcome = try plan(Self.message, .change("track-event", mapping: #"{"attributes":"\#(path)"}"#))
        #expect(outcome.operations.first?.hasSuffix(#""attributes":{}}"#) == true)
        #expect(outcome.warnings == ["track-event: attributes must be an object, not \(kind)"])
    }

    /// A path that is computed must be a text.
    private static let failing = #"{"@path":{"@path":"$.properties"}}"#

    @Test func `that fails leaves its field out and is told once`() throws {
        let outcome = try plan(
            #"{"type":"identify","userId":"u1","properties":{"a":1},"traits":{"email":"e@x.co","id":"u1"}}"#,
            .change("create-or-update-person", mapping: #"{"email":\#(Self.failing),"anonymous_id":\#(Self.failing)}"#)
        )
        #expect(outcome.operations.count == 1)
        #expect(outcome.warnings.count == 2, "\(outcome.warnings)")
        #expect(outcome.warnings.first?.hasPrefix("create-or-update-person: the mapping of email failed: ") == true)
    }

    @Test func `that fails is told once, also where a field is asked for twice`() throws {
        let outcome = try plan(
            #"{"type":"identify","userId":"u1","properties":{"a":1},"traits":{"email":"e@x.co"}}"#,
            .change("create-or-update-person", mapping: #"{"person_id":\#(Self.failing),"email":"m@x.co"}"#)
        )
        #expect(outcome.operations.first?.contains(#""identifiers":{"email":"m@x.co"}"#) == true)
        #expect(outcome.warnings.count == 1, "\(outcome.warnings)")
    }
}
