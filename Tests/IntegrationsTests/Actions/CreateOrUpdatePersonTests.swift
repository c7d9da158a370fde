import Integrations
import LosslessJSON
import Testing

/// actions.md §3, Create or Update Person.
@Suite struct `Create or Update Person` {
    private func attributes(_ members: String, _ settings: Setting...) throws -> String? {
        let plan = try integration(settings).plan(try event(#"{"type":"identify","userId":"u1",\#(members)}"#))
        return plan.operations.first?.body["attributes"]?.description
    }

    @Test func `identify becomes person identify with everything that it says`() throws {
        let outcome = try plan(
            #"""
            {"type":"identify","messageId":"m1","userId":"u1","anonymousId":"a1","timestamp":"2024-02-29T12:34:56.789Z",
            "traits":{"email":"anna@example.com","createdAt":"2020-01-01T00:00:00Z","plan":"pro","logins":1.10,
            "objectId":"acme","objectTypeId":2,"relationshipAttributes":{"role":"admin"}}}
            """#
        )
        let expected = try sends(
            "create-or-update-person",
            #"""
            {"type":"person","action":"identify","identifiers":{"id":"u1"},"timestamp":1709210096,
            "attributes":{"email":"anna@example.com","plan":"pro","logins":1.10,"created_at":1577836800,
            "anonymous_id":"a1"},
            "cio_relationships":[{"identifiers":{"object_type_id":"2","object_id":"acme"},
            "relationship_attributes":{"role":"admin"}}]}
            """#
        )
        #expect(outcome == Outcome(operations: [expected]))
    }

    @Test func `attributes are always there, everything else only when it is known`() throws {
        let expected = try sends(
            "create-or-update-person",
            #"{"type":"person","action":"identify","identifiers":{"id":"u1"},"attributes":{}}"#
        )
        #expect(try plan(#"{"type":"identify","userId":"u1"}"#) == Outcome(operations: [expected]))
        #expect(try plan(#"{"type":"identify","userId":"u1","traits":null}"#) == Outcome(operations: [expected]))
    }

    @Test(arguments: [
        (#""userId":"u1","traits":{"email":"e@x.co"}"#, #"{"id":"u1"}"#),
        (#""userId":"","traits":{"email":"e@x.co"}"#, #"{"email":"e@x.co"}"#),
        (#""traits":{"email":"e@x.co"}"#, #"{"email":"e@x.co"}"#),
        (#""anonymousId":"a1","traits":{"email":"e@x.co"}"#, #"{"email":"e@x.co"}"#),
        (#""userId":"b@x.co","traits":{"email":"e@x.co"}"#, #"{"email":"b@x.co"}"#),
        (#""userId":"cio_1a","traits":{"email":"e@x.co"}"#, #"{"cio_id":"1a"}"#),
    ])
    func `a person is named by id or by e-mail, whichever exists`(members: String, identifiers: String) throws {
        let body = try body(#"{"type":"identify",\#(members)}"#)
        #expect(body["identifiers"]?.description == identifiers)
        #expect(body[at: "attributes.email"] == "e@x.co")
    }

    @Test(arguments: [
        (#""traits":{"email":"e@x.co","k":1}"#, #"{"email":"e@x.co","k":1}"#),
        (#""traits":{"k":1},"email":"e@x.co""#, #"{"k":1,"email":"e@x.co"}"#),
        (#""traits":{"email":"","k":1},"email":"e@x.co""#, #"{"email":"e@x.co","k":1}"#),
        (#""traits":{"k":1},"context":{"traits":{"email":"e@x.co"}}"#, #"{"k":1,"email":"e@x.co"}"#),
        (#""traits":{"email":42}"#, #"{"email":"42"}"#),
        (#""traits":{"email":""}"#, #"{"email":""}"#),
        (#""traits":{"email":null}"#, #"{"email":null}"#),
    ])
    func `email is an attribute when it is known, else as traits have it`(members: String, expected: String) throws {
        #expect(try attributes(members) == expected)
    }

    @Test(arguments: [
        (#""anonymousId":"a1","traits":{"k":1}"#, #"{"k":1,"anonymous_id":"a1"}"#),
        (#""anonymousId":7,"traits":{}"#, #"{"anonymous_id":"7"}"#),
        (#""anonymousId":"a1","traits":{"anonymous_id":"other"}"#, #"{"anonymous_id":"a1"}"#),
        (#""anonymousId":" ","traits":{"k":1}"#, #"{"k":1}"#),
    ])
    func `an anonymous id beside a known identifier goes along as the attribute anonymous_id`(
        members: String,
        expected: String
    ) throws {
        #expect(try attributes(members) == expected)
    }

    @Test(arguments: [
        #"{"type":"identify","anonymousId":"a1","traits":{"plan":"free"}}"#,
        #"{"type":"identify","anonymousId":"a1","userId":" ","traits":{"email":""}}"#,
    ])
    func `only an anonymous id is ignored: anonymous identify`(message: String) throws {
        #expect(try plan(message) == Outcome(ignored: ["create-or-update-person: anonymous identify"]))
    }

    @Test func `no identifier at all is ignored: no identifier`() throws {
        let outcome = try plan(#"{"type":"identify","userId":" ","anonymousId":" ","traits":{"k":1}}"#)
        #expect(outcome == Outcome(ignored: ["create-or-update-person: no identifier"]))
    }
}

/// actions.md §3, Create or Update Person: attributes.
@Suite struct `Attributes of a person` {
    private func outcome(_ members: String) throws -> (attributes: String?, warnings: [String]) {
        let plan = try integration().plan(try event(#"{"type":"identify",\#(members)}"#))
        let attributes = plan.operations.first?.body["attributes"]?.description
        return (attributes, plan.warnings.map(\.message))
    }

    @Test(arguments: [
        "createdAt", "created_at", "objectId", "objectTypeId", "object_type_id", "relationshipAttributes",
    ])
    func `what has a place of its own is no attribute`(key: String) throws {
        let outcome = try outcome(#""userId":"u1","traits":{"a":1,"\#(key)":{},"b":2}"#)
        #expect(outcome.attributes == #"{"a":1,"b":2}"#)
    }

    @Test(arguments: ["cio_id", "_update", "_timestamp", "cio_relationships"])
    func `control words of the API are taken out, which is a warning`(word: String) throws {
        for value in ["true", "null", #""""#, "[1]"] {
            let outcome = try outcome(#""userId":"u1","traits":{"a":1,"\#(word)":\#(value),"b":2}"#)
            #expect(outcome.attributes == #"{"a":1,"b":2}"#)
            #expect(outcome.warnings == ["the attribute \(word) is a control word of the Track API and is not sent"])
        }
    }

    @Test(arguments: [#""u1""#, "null", #""""#, #"" ""#])
    func `the attribute id is taken out silently when it is the person's id or empty`(id: String) throws {
        let outcome = try outcome(#""userId":"u1","traits":{"id":\#(id),"a":1}"#)
        #expect(outcome.attributes == #"{"a":1}"#)
        #expect(outcome.warnings.isEmpty)
    }

    @Test(arguments: [
        (#""userId":"u1""#, #""u2""#), (#""userId":"u1""#, "1"), (#""userId":"u1""#, #""U1""#),
        (#""userId":"caf\u00e9""#, #""cafe\u0301""#), (#""email":"e@x.co""#, #""u1""#), (#""userId":"u1""#, "{}"),
    ])
    func `a differing id is taken out, which is a warning`(person: String, id: String) throws {
        let outcome = try outcome(#"\#(person),"traits":{"id":\#(id),"a":1}"#)
        #expect(outcome.attributes?.contains(#""id""#) == false)
        #expect(outcome.warnings == ["the attribute id differs from the person's id and is not sent"])
    }

    @Test func `the id 5 is the person 5, whichever of them is a number`() throws {
        #expect(try outcome(#""userId":5,"traits":{"id":"5"}"#).warnings.isEmpty)
        #expect(try outcome(#""userId":"5","traits":{"id":5}"#).warnings.isEmpty)
    }

    @Test(arguments: ["Id", "_Update", "cioId", "CIO_ID", "timestamp", "type", "action", "identifiers"])
    func `other names are ordinary attributes`(key: String) throws {
        let outcome = try outcome(#""userId":"u1","traits":{"\#(key)":"v"}"#)
        #expect(outcome.attributes == #"{"\#(key)":"v"}"#)
        #expect(outcome.warnings.isEmpty)
    }

    @Test func `null and "" are sent, because that is how Customer.io removes an attribute`() throws {
        let outcome = try outcome(#""userId":"u1","traits":{"a":null,"b":"","c":" ","d":[null],"e":{"f":null}}"#)
        #expect(outcome.attributes == #"{"a":null,"b":"","c":" ","d":[null],"e":{"f":null}}"#)
    }

    @Test(arguments: [
        (#""traits":{"created_at":100,"createdAt":200},"created_at":300"#, "100"),
        (#""traits":{"createdAt":200},"created_at":300"#, "200"),
        (#""traits":{},"created_at":300"#, "300"),
        (#""traits":{"created_at":null,"createdAt":""},"created_at":300"#, "300"),
        (#""traits":{"created_at":"2020-01-01"}"#, "1577836800"),
        (#""traits":{"created_at":"2020-01-01T00:00:00.1234567Z"}"#, "1577836800"),
        (#""traits":{"created_at":1577836800123}"#, "1577836800"),
        (#""traits":{"created_at":"1577836800"}"#, "1577836800"),
    ])
    func `created_at comes from traits or the top level and is always seconds`(members: String, seconds: String) throws
    {
        let outcome = try outcome(#""userId":"u1",\#(members)"#)
        #expect(outcome.attributes == #"{"created_at":\#(seconds)}"#)
        #expect(outcome.warnings.isEmpty)
    }
}

/// actions.md §3, Create or Update Person: the timestamp.
@Suite struct `Timestamp of a person` {
    @Test(arguments: [
        // timestamp, which is the same as originalTimestamp without a sentAt
        (#""timestamp":"2024-01-01T00:00:00Z""#, "2024-01-01T00:00:09Z", "1704067200"),
        // a clock that runs ahead: receivedAt is earlier
        (#""timestamp":"2024-01-01T00:00:10Z""#, "2024-01-01T00:00:09Z", "1704067209"),
        // corrected for skew, timestamp is 5 seconds before receivedAt; what the sender wrote is earlier still
        (
            #""timestamp":"2024-01-01T00:00:00Z","sentAt":"2024-01-01T00:00:05Z""#, "2024-01-01T00:00:09Z",
            "1704067200"
        ),
        // corrected for skew, timestamp is the earliest
        (
            #""timestamp":"2024-01-01T01:00:00Z","sentAt":"2024-01-01T01:00:05Z""#, "2024-01-01T00:00:09Z",
            "1704067204"
        ),
        (#""timestamp":"2024-01-01T00:00:00Z","originalTimestamp":"2023-01-01""#, "2024-01-01T00:00:09Z", "1672531200"),
        // one that can't be read is not the earliest
        (#""originalTimestamp":"soon""#, "2024-01-01T00:00:09Z", "1704067209"),
        (#""k":1"#, "2024-01-01T00:00:09Z", "1704067209"),
    ])
    func `is the earliest of timestamp, originalTimestamp and receivedAt that can be read`(
        members: String,
        receivedAt: String,
        seconds: String
    ) throws {
        let body = try body(#"{"type":"identify","userId":"u1",\#(members)}"#, receivedAt: receivedAt)
        #expect(body["timestamp"]?.description == seconds)
    }

    @Test func `is left out when no time is known`() throws {
        #expect(try body(#"{"type":"identify","userId":"u1"}"#)["timestamp"] == nil)
    }
}

/// actions.md §3, Create or Update Person: the object.
@Suite struct `Object of a person` {
    private func relationships(_ members: String) throws -> String? {
        try body(#"{"type":"identify","userId":"u1",\#(members)}"#)["cio_relationships"]?.description
    }

    @Test(arguments: [
        (#""traits":{"objectId":"t"},"context":{"objectId":"c"}"#, #"{"object_type_id":"1","object_id":"t"}"#),
        (#""traits":{"objectId":""},"context":{"objectId":"c"}"#, #"{"object_type_id":"1","object_id":"c"}"#),
        (#""context":{"objectId":"c"}"#, #"{"object_type_id":"1","object_id":"c"}"#),
        (#""traits":{"objectId":0,"objectTypeId":0}"#, #"{"object_type_id":"0","object_id":"0"}"#),
        (
            #""traits":{"objectId":"t","objectTypeId":"a","object_type_id":"b"},"context":{"objectTypeId":"c"}"#,
            #"{"object_type_id":"a","object_id":"t"}"#
        ),
        (
            #""traits":{"objectId":"t","object_type_id":"b"},"context":{"objectTypeId":"c"}"#,
            #"{"object_type_id":"b","object_id":"t"}"#
        ),
        (
            #""traits":{"objectId":"t"},"context":{"objectTypeId":"c","object_type_id":"d"}"#,
            #"{"object_type_id":"c","object_id":"t"}"#
        ),
        (
            #""traits":{"objectId":"t"},"context":{"object_type_id":"d"}"#,
            #"{"object_type_id":"d","object_id":"t"}"#
        ),
    ])
    func `an object id, in traits or in the context, adds a relationship`(members: String, object: String) throws {
        #expect(try relationships(members) == #"[{"identifiers":\#(object)}]"#)
    }

    @Test(arguments: [
        (
            #""traits":{"objectId":"t","relationshipAttributes":{"a":1}},"context":{"relationshipAttributes":{"b":2}}"#,
            #"{"a":1}"#
        ),
        (
            #""traits":{"objectId":"t","relationshipAttributes":"x"},"context":{"relationshipAttributes":{"b":2}}"#,
            #"{"b":2}"#
        ),
        (#""traits":{"objectId":"t"},"context":{"relationshipAttributes":{"b":2}}"#, #"{"b":2}"#),
        (#""traits":{"objectId":"t","relationshipAttributes":{"a":null,"b":""}}"#, #"{"a":null,"b":""}"#),
    ])
    func `relationship attributes come from traits, else from the context`(members: String, attributes: String) throws {
        #expect(
            try relationships(members)
                == #"[{"identifiers":{"object_type_id":"1","object_id":"t"},"relationship_attributes":\#(attributes)}]"#
        )
    }

    @Test func `relationship attributes are there only when non-empty`() throws {
        let bare = #"[{"identifiers":{"object_type_id":"1","object_id":"t"}}]"#
        #expect(try relationships(#""traits":{"objectId":"t","relationshipAttributes":{}}"#) == bare)
        #expect(try relationships(#""traits":{"objectId":"t","relationshipAttributes":null}"#) == bare)
    }

    @Test(arguments: [
        #""traits":{"objectTypeId":"2","relationshipAttributes":{"a":1}}"#, #""traits":{"objectId":null}"#,
        #""traits":{"objectId":" "}"#, #""traits":{"objectId":true}"#,
    ])
    func `there is no relationship without an object id`(members: String) throws {
        #expect(try relationships(members) == nil)
    }
}
