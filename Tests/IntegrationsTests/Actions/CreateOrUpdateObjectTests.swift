import Integrations
import LosslessJSON
import Testing

/// actions.md §3, Create or Update Object.
@Suite struct `Create or Update Object` {
    private func attributes(_ traits: String) throws -> String? {
        try body(#"{"type":"group","groupId":"acme","userId":"u1","traits":\#(traits)}"#)["attributes"]?.description
    }

    @Test func `a group call becomes object identify with everything that it says`() throws {
        let outcome = try plan(
            #"""
            {"type":"group","groupId":"acme","userId":"u1","anonymousId":"a1","timestamp":"2024-02-29T12:34:56.789Z",
            "traits":{"plan":"pro","object_type_id":"2","createdAt":"2020-01-01T00:00:00Z","seats":5.0,
            "relationshipAttributes":{"role":"owner"}}}
            """#
        )
        let expected = try sends(
            "create-or-update-object",
            #"""
            {"type":"object","action":"identify","identifiers":{"object_type_id":"2","object_id":"acme"},
            "attributes":{"plan":"pro","seats":5.0,"created_at":1577836800},
            "cio_relationships":[{"identifiers":{"id":"u1"},"relationship_attributes":{"role":"owner"}}]}
            """#
        )
        #expect(outcome == Outcome(operations: [expected]))
    }

    @Test func `with only an anonymous id it is identify_anonymous`() throws {
        let expected = try sends(
            "create-or-update-object",
            #"""
            {"type":"object","action":"identify_anonymous","identifiers":{"object_type_id":"1","object_id":"acme"},
            "attributes":{},"cio_relationships":[{"identifiers":{"anonymous_id":"a1"}}]}
            """#
        )
        #expect(
            try plan(#"{"type":"group","groupId":"acme","anonymousId":"a1","traits":{}}"#)
                == Outcome(operations: [expected])
        )
    }

    @Test func `without a person it is identify without relationships`() throws {
        let expected = try sends(
            "create-or-update-object",
            #"""
            {"type":"object","action":"identify","identifiers":{"object_type_id":"1","object_id":"acme"},
            "attributes":{}}
            """#
        )
        #expect(
            try plan(#"{"type":"group","groupId":"acme","traits":{"relationshipAttributes":{"role":"owner"}}}"#)
                == Outcome(operations: [expected])
        )
    }

    @Test(arguments: [
        (#""userId":"u1","anonymousId":"a1""#, #"{"id":"u1"}"#), (#""userId":"e@x.co""#, #"{"email":"e@x.co"}"#),
        (#""userId":"cio_1a""#, #"{"cio_id":"1a"}"#), (#""email":"e@x.co","anonymousId":"a1""#, #"{"email":"e@x.co"}"#),
    ])
    func `a known person is related to it`(members: String, person: String) throws {
        let body = try body(#"{"type":"group","groupId":"acme",\#(members)}"#)
        #expect(body["action"] == "identify")
        #expect(body["cio_relationships"]?.description == #"[{"identifiers":\#(person)}]"#)
    }

    @Test(arguments: [
        (#""acme""#, #"{"object_type_id":"9"}"#, #"{"object_type_id":"9","object_id":"acme"}"#),
        (#""acme""#, #"{"objectTypeId":8}"#, #"{"object_type_id":"8","object_id":"acme"}"#),
        (#""acme""#, #"{"objectTypeId":8,"object_type_id":"9"}"#, #"{"object_type_id":"9","object_id":"acme"}"#),
        (#""acme""#, #"{"objectTypeId":8,"object_type_id":""}"#, #"{"object_type_id":"8","object_id":"acme"}"#),
        ("9007199254740993", "{}", #"{"object_type_id":"1","object_id":"9007199254740993"}"#),
    ])
    func `its id is the groupId, its type stands in traits`(groupId: String, traits: String, object: String) throws {
        let body = try body(#"{"type":"group","groupId":\#(groupId),"userId":"u1","traits":\#(traits)}"#)
        #expect(body["identifiers"]?.description == object)
    }

    @Test func `without a groupId it is ignored, whoever it is about`() throws {
        #expect(
            try plan(#"{"type":"group","groupId":" ","anonymousId":" "}"#)
                == Outcome(ignored: ["create-or-update-object: object_id is missing"])
        )
    }

    @Test func `attributes are all of traits but what has a place of its own`() throws {
        #expect(
            try attributes(
                #"""
                {"a":null,"object_type_id":"2","b":"","objectTypeId":"3","relationshipAttributes":{"r":1},
                "objectAttributes":{},"email":"acme@x.co","name":"Acme","id":"kept","createdAt":null}
                """#
            ) == #"{"a":null,"b":"","email":"acme@x.co","name":"Acme","id":"kept"}"#
        )
    }

    @Test(arguments: ["cio_id", "_update", "_timestamp", "cio_relationships"])
    func `control words but id are taken out, which is a warning`(word: String) throws {
        let expected = [
            "create-or-update-object: the attribute \(word) is a control word of the Track API and is not sent"
        ]
        for traits in [#"{"\#(word)":1,"a":1}"#, #"{"a":1,"objectAttributes":{"\#(word)":1}}"#] {
            #expect(try attributes(traits) == #"{"a":1}"#)
            let outcome = try plan(#"{"type":"group","groupId":"acme","userId":"u1","traits":\#(traits)}"#)
            #expect(outcome.warnings == expected)
        }
    }

    @Test func `objectAttributes are laid over them key by key`() throws {
        #expect(
            try attributes(#"{"a":1,"b":{"x":1},"objectAttributes":{"b":{"y":2},"c":3,"id":"i"},"d":4}"#)
                == #"{"a":1,"b":{"y":2},"d":4,"c":3,"id":"i"}"#
        )
    }

    @Test(arguments: [#""str""#, "5", "null", "[1]", "true"])
    func `objectAttributes of another type stay an attribute`(value: String) throws {
        #expect(try attributes(#"{"a":1,"objectAttributes":\#(value)}"#) == #"{"a":1,"objectAttributes":\#(value)}"#)
    }

    @Test(arguments: [
        (#"{"created_at":"2020-01-01","createdAt":5}"#, "1577836800"), (#"{"createdAt":1577836800123}"#, "1577836800"),
        (#"{"createdAt":"2020-01-01T00:00:00.1234567Z"}"#, "1577836800"),
        (#"{"createdAt":7,"objectAttributes":{"created_at":"never"}}"#, "7"),
    ])
    func `created_at is in seconds`(traits: String, seconds: String) throws {
        #expect(try attributes(traits) == #"{"created_at":\#(seconds)}"#)
    }

    @Test func `relationship attributes are there only when non-empty`() throws {
        let traits = #"{"relationshipAttributes":{}}"#
        let body = try body(#"{"type":"group","groupId":"acme","userId":"u1","traits":\#(traits)}"#)
        #expect(body["cio_relationships"]?.description == #"[{"identifiers":{"id":"u1"}}]"#)
    }
}

/// actions.md §3, Delete Object.
@Suite struct `Delete Object` {
    @Test func `it becomes object delete and needs no person`() throws {
        let expected = try sends(
            "delete-object",
            #"{"type":"object","action":"delete","identifiers":{"object_type_id":"2","object_id":"acme"}}"#
        )
        let properties = #""properties":{"objectId":"acme","objectTypeId":"2","color":"red"}"#
        for person in ["", #""userId":"u1","#, #""anonymousId":"a1","#] {
            let message = #"{"type":"track","event":"Object Deleted",\#(person)\#(properties)}"#
            #expect(try plan(message) == Outcome(operations: [expected]))
        }
    }

    @Test(arguments: [
        (#"{"objectId":"a","object_id":"b","objectTypeId":"c","object_type_id":"d"}"#, "c", "a"),
        (#"{"objectId":"","object_id":"b","objectTypeId":null,"object_type_id":"d"}"#, "d", "b"),
        (#"{"object_id":"b"}"#, "1", "b"),
    ])
    func `its id and type stand in properties, in either spelling`(properties: String, type: String, id: String) throws
    {
        let body = try body(#"{"type":"track","event":"Object Deleted","properties":\#(properties)}"#)
        #expect(body["identifiers"]?.description == #"{"object_type_id":"\#(type)","object_id":"\#(id)"}"#)
    }

    @Test func `without an id it is ignored`() throws {
        #expect(
            try plan(#"{"type":"track","event":"Object Deleted","groupId":"acme","properties":{}}"#)
                == Outcome(ignored: ["delete-object: object_id is missing"])
        )
    }
}

/// actions.md §3, Delete Relationship.
@Suite struct `Delete Relationship` {
    @Test(arguments: [
        (#""userId":"u1""#, #"{"id":"u1"}"#), (#""userId":"u1","email":"e@x.co""#, #"{"id":"u1"}"#),
        (#""email":"e@x.co""#, #"{"email":"e@x.co"}"#),
    ])
    func `it becomes object delete_relationships, the person by userId, else e-mail`(
        person: String,
        identifiers: String
    ) throws {
        let message = #"""
            {"type":"track","event":"Relationship Deleted",\#(person),
            "properties":{"object_id":"acme","object_type_id":2,"relationshipAttributes":{"role":"x"}}}
            """#
        let expected = try sends(
            "delete-relationship",
            #"""
            {"type":"object","action":"delete_relationships","identifiers":{"object_type_id":"2","object_id":"acme"},
            "cio_relationships":[{"identifiers":\#(identifiers)}]}
            """#
        )
        #expect(try plan(message) == Outcome(operations: [expected]))
    }

    @Test func `the person is missing before the object is`() throws {
        #expect(
            try plan(#"{"type":"track","event":"Relationship Deleted","anonymousId":"a1"}"#)
                == Outcome(ignored: ["delete-relationship: no identifier"])
        )
        #expect(
            try plan(#"{"type":"track","event":"Relationship Deleted","userId":"u1"}"#)
                == Outcome(ignored: ["delete-relationship: object_id is missing"])
        )
    }
}
