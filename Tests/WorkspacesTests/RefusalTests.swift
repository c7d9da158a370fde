import LosslessJSON
import Storage
import Testing
import Workspaces

private func long(_ bytes: Int) -> String {
    // Two bytes a character: what is counted are bytes.
    String(repeating: "é", count: bytes / 2) + String(repeating: "x", count: bytes % 2)
}

/// track-api.md §3.3 and §4: `reason field: message`, one a line.
@Suite(.onBothEngines) struct `Refusals` {
    private func refusals(_ item: String) async throws -> [String] {
        let test = try Playground()
        let refusals = try await test.refusals(item)
        #expect(try await test.workspace.counts() == .init(), "a refused item changes nothing")
        return refusals.map { "\($0.reason.rawValue) \($0.field): \($0.message)" }
    }

    @Test(
        arguments: [
            ("[]", "invalid : must be an object"), ("{}", "required type: is required"),
            (#"{"type":"person"}"#, "required action: is required"),
            (#"{"type":"dog"}"#, "invalid type: is not supported"),
            (#"{"type":7}"#, "invalid type: must be a string"),
            (#"{"type":"person","action":"hug","identifiers":{"id":"1"}}"#, "invalid action: is not supported"),
            (#"{"type":"object","action":"event"}"#, "invalid action: is not supported"),
            (#"{"type":"delivery","action":"identify"}"#, "invalid action: is not supported"),
            (#"{"type":"person","action":null}"#, "required action: is required"),
        ]
    )
    func `of unknown operations`(item: String, expected: String) async throws {
        #expect(try await refusals(item) == [expected])
    }

    @Test(
        arguments: [
            ("null", "required identifiers: is required"), ("7", "invalid identifiers: must be an object"),
            ("{}", "invalid identifiers: must contain exactly one identifier"),
            (#"{"id":"1","email":"a@x.com"}"#, "invalid identifiers: must contain exactly one identifier"),
            (#"{"id":null}"#, "invalid identifiers: must contain exactly one identifier"),
            (#"{"id":true}"#, "invalid identifiers.id: must be a string or a number"),
            (#"{"email":{}}"#, "invalid identifiers.email: must be a string or a number"),
            (#"{"cio_id":" "}"#, "invalid identifiers.cio_id: must not be blank"),
            (#"{"phone":"+14155552671"}"#, "invalid identifiers.phone: is not supported as an identifier here"),
            (#"{"id":"\#(long(151))"}"#, "invalid identifiers.id: cannot be longer than 150 bytes"),
        ],
        ["identify", "event", "delete", "suppress", "unsuppress"]
    )
    func `of identifiers`(case: (identifiers: String, expected: String), action: String) async throws {
        #expect(try await refusals(person(action, `case`.identifiers, more: #","name":"n""#)) == [`case`.expected])
    }

    @Test(arguments: ["delete", "suppress", "unsuppress", "add_device", "delete_device", "add_relationships"])
    func `of anonymous ids where there is no profile to act on`(action: String) async throws {
        let item = person(
            action,
            #"{"anonymous_id":"a1"}"#,
            more: #","device":{"token":"t","platform":"ios"}"# + relationship(acme())
        )
        #expect(
            try await refusals(item) == ["invalid identifiers.anonymous_id: is not supported as an identifier here"]
        )
    }

    @Test func `an identifier of 150 bytes is taken`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"\#(long(150))"}"#), object("identify", long(150)))
    }

    @Test(
        arguments: [
            (merge("{}", #"{"id":"1"}"#), ["invalid primary: must contain exactly one identifier"]),
            (merge(#"{"id":true}"#, #"{"id":"1"}"#), ["invalid primary.id: must be a string or a number"]),
            (
                merge(#"{"id":"1","email":"a@x.com"}"#, "null"),
                ["invalid primary: must contain exactly one identifier", "required secondary: is required"]
            ),
            (
                #"{"type":"person","action":"merge"}"#,
                ["required primary: is required", "required secondary: is required"]
            ),
        ]
    )
    func `of merges`(item: String, expected: [String]) async throws {
        #expect(try await refusals(item) == expected)
    }

    @Test(
        arguments: [
            (#"{"plan":"\#(long(1001))"}"#, "invalid attributes.plan: property value cannot be longer than 1000 bytes"),
            (
                #"{"plan":{"a":"\#(long(993))"}}"#,
                "invalid attributes.plan: property value cannot be longer than 1000 bytes"
            ),
            (
                #"{"\#(long(151))":1}"#,
                "invalid attributes.\(long(151)): attribute name cannot be longer than 150 bytes"
            ),
            ("[]", "invalid attributes: must be an object"), (#""x""#, "invalid attributes: must be an object"),
            (#"{"_relationship":1}"#, "invalid attributes._relationship: is a reserved attribute name"),
            (#"{"id":true}"#, "invalid attributes.id: must be a string or a number"),
            (#"{"email":[]}"#, "invalid attributes.email: must be a string or a number"),
            (#"{"email":"\#(long(151))"}"#, "invalid attributes.email: cannot be longer than 150 bytes"),
            (#"{"_timestamp":"soon"}"#, "invalid attributes._timestamp: must be an integer"),
        ]
    )
    func `of attributes`(attributes: String, expected: String) async throws {
        #expect(try await refusals(identify(#"{"id":"u1"}"#, attributes)) == [expected])
    }

    @Test func `attributes at their limits are taken, 301 are not`() async throws {
        let test = try Playground()
        let many = { (count: Int) in "{" + (0..<count).map { #""a\#($0)":1"# }.joined(separator: ",") + "}" }
        try await test.send(
            identify(#"{"id":"u1"}"#, many(300)),
            identify(#"{"id":"u2"}"#, #"{"\#(long(150))":"\#(long(1000))","n":{"a":"\#(long(992))"}}"#),
            identify(#"{"id":"u3"}"#, String(many(300).dropLast()) + #","id":"u3","email":"a@x.com"}"#)
        )
        #expect(
            try await refusals(identify(#"{"id":"u1"}"#, many(301)))
                == ["invalid attributes: cannot identify more than 300 attributes in one request"]
        )
    }

    @Test(
        arguments: [
            ("", "required name: is required"), (#","name":null"#, "required name: is required"),
            (#","name":" \t""#, "invalid name: event name must not be blank"),
            (#","name":7"#, "invalid name: must be a string"),
            (#","name":"\#(long(101))""#, "invalid name: event name cannot be longer than 100 bytes"),
            (#","name":"n","attributes":[]"#, "invalid attributes: must be an object"),
            (#","name":"n","timestamp":"soon""#, "invalid timestamp: must be an integer"),
            (#","name":"n","timestamp":true"#, "invalid timestamp: must be an integer"),
            (#","name":"n","timestamp":1e300"#, "invalid timestamp: must be an integer"),
        ]
    )
    func `of events`(more: String, expected: String) async throws {
        #expect(try await refusals(person("event", #"{"id":"u1"}"#, more: more)) == [expected])
    }

    @Test func `names of pages and screens have no limit, and the limit counts without white space`() async throws {
        let test = try Playground()
        try await test.send(
            person("page", #"{"id":"u1"}"#, more: #","name":"\#(long(3000))""#),
            person("screen", #"{"id":"u1"}"#, more: #","name":"\#(long(3000))""#),
            event(#"{"id":"u1"}"#, "  \(long(100))  ")
        )
    }

    @Test(
        arguments: [
            ("", ["required device: is required"]), (#","device":"t""#, ["invalid device: must be an object"]),
            (#","device":{}"#, ["required device.token: is required", "required device.platform: is required"]),
            (#","device":{"token":"","platform":"ios"}"#, ["invalid device.token: must not be blank"]),
            (#","device":{"token":"t","platform":" "}"#, ["invalid device.platform: must not be blank"]),
            (
                #","device":{"token":"\#(String(repeating: "t", count: 1001))","platform":"ios"}"#,
                ["invalid device.token: cannot be longer than 1000 bytes"]
            ),
            (#","device":{"token":"t","platform":[]}"#, ["invalid device.platform: must be a string"]),
            (
                #","device":{"token":"t","platform":"ios","last_used":"now","attributes":7}"#,
                ["invalid device.last_used: must be an integer", "invalid device.attributes: must be an object"]
            ),
        ]
    )
    func `of devices`(more: String, expected: [String]) async throws {
        #expect(try await refusals(person("add_device", #"{"id":"u1"}"#, more: more)) == expected)
    }

    @Test(
        arguments: [
            ("null", ["required identifiers: is required"]),
            (
                "{}",
                [
                    "required identifiers.object_type_id: is required", "required identifiers.object_id: is required",
                ]
            ),
            (
                #"{"object_type_id":"x","object_id":"1"}"#,
                ["invalid identifiers.object_type_id: must be a whole number from 1 on"]
            ),
            (
                #"{"object_type_id":0,"object_id":"1"}"#,
                ["invalid identifiers.object_type_id: must be a whole number from 1 on"]
            ),
            (
                #"{"object_type_id":"+1","object_id":"1"}"#,
                ["invalid identifiers.object_type_id: must be a whole number from 1 on"]
            ),
            (
                #"{"object_type_id":"1","object_id":[]}"#,
                ["invalid identifiers.object_id: must be a string or a number"]
            ),
            (
                #"{"object_type_id":"1","object_id":"\#(long(151))"}"#,
                ["invalid identifiers.object_id: cannot be longer than 150 bytes"]
            ),
        ]
    )
    func `of objects`(identifiers: String, expected: [String]) async throws {
        let item = #"{"type":"object","action":"identify","identifiers":\#(identifiers)}"#
        #expect(try await refusals(item) == expected)
    }

    @Test(
        arguments: [
            ("", "required cio_relationships: is required"),
            (#","cio_relationships":{}"#, "invalid cio_relationships: must be an array"),
            (#","cio_relationships":[7]"#, "invalid cio_relationships.0: must be an object"),
            (
                #","cio_relationships":[{"identifiers":{"object_type_id":"1","object_id":"a"}},{}]"#,
                "required cio_relationships.1.identifiers: is required"
            ),
            (
                relationship(acme(), #"{"role":"\#(long(1001))"}"#),
                "invalid cio_relationships.0.relationship_attributes.role: "
                    + "property value cannot be longer than 1000 bytes"
            ),
        ],
        ["add_relationships", "delete_relationships"]
    )
    func `of relationships`(case: (more: String, expected: String), action: String) async throws {
        #expect(try await refusals(person(action, #"{"id":"u1"}"#, more: `case`.more)) == [`case`.expected])
    }

    @Test(
        arguments: [
            (
                "{}",
                [
                    "required identifiers.id: is required", "required name: is required",
                    "required attributes.device_token: is required",
                ]
            ),
            (
                #"{"identifiers":{"id":"d"},"name":"clicked","attributes":{"device_token":7}}"#,
                [
                    "invalid name: is not supported",
                    "invalid attributes.device_token: must be a string that is not blank",
                ]
            ),
        ]
    )
    func `of delivery events`(item: String, expected: [String]) async throws {
        let comma = item == "{}" ? "" : ","
        let whole = #"{"type":"delivery","action":"event"\#(comma)"# + item.dropFirst()
        #expect(try await refusals(whole) == expected)
    }

    @Test func `several errors of one item come at once`() async throws {
        let item = #"{"type":"person","action":"identify","identifiers":{"id":true},"attributes":7,"timestamp":"x"}"#
        #expect(
            try await refusals(item) == [
                "invalid identifiers.id: must be a string or a number", "invalid attributes: must be an object",
                "invalid timestamp: must be an integer",
            ]
        )
    }

    @Test func `as JSON they are what the API answers`() {
        let refusal = Refusal(reason: .invalid, field: "attributes.plan", message: "property value cannot be longer")
        #expect(
            refusal.json().description
                == #"{"reason":"invalid","field":"attributes.plan","message":"property value cannot be longer"}"#
        )
        #expect(refusal.json(batchIndex: 3)["batch_index"] == 3)
    }
}

@Suite(.onBothEngines) struct `Batches and metrics` {
    @Test func `items are carried out in their order`() async throws {
        let test = try Playground()
        let items = [
            identify(#"{"id":"p"}"#), identify(#"{"id":"s"}"#, #"{"plan":"pro"}"#), event(#"{"id":"s"}"#, "Buy"),
            merge(#"{"id":"p"}"#, #"{"id":"s"}"#), identify(#"{"id":"s"}"#), person("delete", #"{"id":"s"}"#),
        ]
        let refused = try await test.workspace.carryOut(batch: try items.map { try JSON(parsing: $0) }, now: noon)
        #expect(refused.isEmpty)
        #expect(try await test.people() == 1)
        #expect(try await test.attributes("p") == #"{"plan":"pro"}"#)
        #expect(try await test.events("p") == ["Buy"])
    }

    @Test func `a bad item does not stop the others, and is named by its position`() async throws {
        let test = try Playground()
        let items = [
            identify(#"{"id":"u1"}"#), "7", event(#"{"id":"u1"}"#, "Buy"),
            #"{"type":"person","action":"add_device","identifiers":{"id":"u1"},"device":{}}"#,
            identify(#"{"id":"u2"}"#),
        ]
        let refused = try await test.workspace.carryOut(batch: try items.map { try JSON(parsing: $0) }, now: noon)
        #expect(refused.map { $0.index } == [1, 3, 3])
        #expect(refused.map { $0.refusal.field } == ["", "device.token", "device.platform"])
        #expect(try await test.people() == 2)
        #expect(try await test.events("u1") == ["Buy"])
    }

    @Test func `unknown keys are ignored`() async throws {
        let test = try Playground()
        try await test.send(
            #"{"type":"person","action":"identify","created_at":1,"identifiers":{"id":"u1","x":1},"y":{}}"#
        )
        #expect(try await test.people() == 1)
    }

    @Test(arguments: ["delivered", "opened", "clicked", "converted", "bounced", "dropped", "deferred", "spammed"])
    func `a metric is recorded`(name: String) async throws {
        let test = try Playground()
        let body = #"{"delivery_id":"RPIL==","metric":"\#(name)","timestamp":7,"recipient":491,"metadata":{"a":1.0}}"#
        #expect(try await test.workspace.carryOut(.metric, body: try JSON(parsing: body), now: noon).isEmpty)
        let page = try #require(Page())
        #expect(
            try await test.workspace.metrics(page).description
                == #"{"items":[{"delivery_id":"RPIL==","metric":"\#(name)","timestamp":7,"recipient":491,"#
                + #""metadata":{"a":1.0}}],"next":null}"#
        )
    }

    @Test(
        arguments: [
            ("[]", [""]), ("{}", ["delivery_id", "metric"]), (#"{"delivery_id":"d","metric":"sent"}"#, ["metric"]),
            (#"{"delivery_id":"","metric":"opened","timestamp":"x"}"#, ["delivery_id", "timestamp"]),
        ]
    )
    func `a bad metric is refused`(body: String, fields: [String]) async throws {
        let test = try Playground()
        let refusals = try await test.workspace.carryOut(.metric, body: try JSON(parsing: body), now: noon)
        #expect(refusals.map(\.field) == fields)
        #expect(try await test.workspace.counts() == .init())
    }

    private func opened(_ token: String) -> String {
        #"{"type":"delivery","action":"event","identifiers":{"id":"d"},"name":"opened","#
            + #""attributes":{"device_token":"\#(token)"}}"#
    }

    @Test func `a push metric is recorded and shown with the device's person`() async throws {
        let test = try Playground()
        try await test.send(
            person("add_device", #"{"id":"u1"}"#, more: #","device":{"token":"t","platform":"ios"}"#),
            opened("t"),
            opened("?")
        )
        #expect(try await test.workspace.counts().metrics == 2)
        #expect(try await test.activity("u1").last == "opened_push")
    }
}
