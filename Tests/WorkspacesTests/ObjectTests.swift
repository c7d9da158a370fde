import LosslessJSON
import Storage
import Testing
import Workspaces

/// track-api.md §17.
@Suite(.onBothEngines) struct `Objects and relationships` {
    private func stored(_ test: Playground, _ id: String) async throws -> JSON? {
        try await test.workspace.object(type: "1", id: id)
    }

    private func objectIdentify(_ identifiers: String, _ attributes: String) -> String {
        #"{"type":"object","action":"identify","identifiers":\#(identifiers),"attributes":\#(attributes)}"#
    }

    @Test func `are made by type and id, and updated by either form`() async throws {
        let test = try Playground()
        try await test.send(objectIdentify(#"{"object_type_id":1,"object_id":7}"#, #"{"name":"Acme","seats":50}"#))
        let made = try #require(try await stored(test, "7"))
        #expect(
            made["identifiers"]?.description == #"{"object_type_id":"1","object_id":"7","cio_object_id":"ob010101"}"#
        )
        try await test.send(
            objectIdentify(#"{"object_type_id":"1","object_id":"7"}"#, #"{"seats":51}"#),
            objectIdentify(#"{"cio_object_id":"ob010101"}"#, #"{"name":"","plan":"pro"}"#)
        )
        #expect(try await stored(test, "7")?["attributes"]?.description == #"{"seats":51,"plan":"pro"}"#)
        #expect(try await test.workspace.counts().objects == 1)
        #expect(try await test.log("_o:1:create").count == 1)
        #expect(try await test.log("_o:1:attribute_change").count == 3)
    }

    @Test func `an unknown cio_object_id makes nothing`() async throws {
        let test = try Playground()
        try await test.send(objectIdentify(#"{"cio_object_id":"ob0101ff"}"#, #"{"name":"Acme"}"#))
        #expect(try await test.counts() == .init())
        #expect(try await test.drops() == ["identify: there is no such object"])
    }

    @Test func `the same id of another type is another object`() async throws {
        let test = try Playground()
        try await test.send(
            objectIdentify(#"{"object_type_id":"1","object_id":"x"}"#, "{}"),
            objectIdentify(#"{"object_type_id":"2","object_id":"x"}"#, "{}")
        )
        #expect(try await test.workspace.counts().objects == 2)
        #expect(try await test.workspace.object(type: "2", id: "x")?["identifiers"]?["cio_object_id"] == "ob010202")
    }

    @Test func `an older value does not replace a newer one`() async throws {
        let test = try Playground()
        try await test.send(
            object("identify", "acme", more: #","timestamp":200,"attributes":{"seats":2}"#),
            object("identify", "acme", more: #","timestamp":100,"attributes":{"seats":1,"name":"Acme"}"#)
        )
        #expect(try await stored(test, "acme")?["attributes"]?.description == #"{"seats":2,"name":"Acme"}"#)
    }

    @Test func `relate people from both sides, and make the far side when it is missing`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, "{}", more: relationship(acme(), #"{"role":"admin"}"#)),
            person("add_relationships", #"{"email":"b@x.com"}"#, more: relationship(acme())),
            object("identify", "acme", more: relationship(#"{"id":"u3"}"#, #"{"role":"guest"}"#)),
            object("add_relationships", "acme", more: relationship(#"{"email":"d@x.com"}"#))
        )
        let related = try await stored(test, "acme")?["relationships"]?.arrayValue ?? []
        #expect(
            related.map { "\($0["identifiers"]?["id"] ?? .null) \($0["relationship_attributes"] ?? .null)" }
                == [#""u1" {"role":"admin"}"#, "null {}", #""u3" {"role":"guest"}"#, "null {}"]
        )
        #expect(try await test.people() == 4)
        #expect(try await test.log("add_relationship").count == 4)
    }

    @Test func `repeated adding merges the attributes and removes the empty ones`() async throws {
        let test = try Playground()
        try await test.send(
            person("add_relationships", #"{"id":"u1"}"#, more: relationship(acme(), #"{"a":1,"b":2}"#)),
            person("add_relationships", #"{"id":"u1"}"#, more: relationship(acme(), #"{"b":null,"c":3}"#)),
            person("add_relationships", #"{"id":"u1"}"#, more: relationship(acme()))
        )
        let entry = try await test.workspace.person("u1")?["relationships"]?.arrayValue?.first
        #expect(entry?["relationship_attributes"]?.description == #"{"a":1,"c":3}"#)
        #expect(try await test.log("relationship_attribute_change").count == 1)
    }

    @Test func `are taken apart from both sides, and an absent one is accepted`() async throws {
        let test = try Playground()
        try await test.send(
            person("add_relationships", #"{"id":"u1"}"#, more: relationship(acme())),
            person("add_relationships", #"{"id":"u2"}"#, more: relationship(acme())),
            person("delete_relationships", #"{"id":"u1"}"#, more: relationship(acme())),
            person("delete_relationships", #"{"id":"u1"}"#, more: relationship(acme())),
            person("delete_relationships", #"{"id":"nobody"}"#, more: relationship(acme("nothing"))),
            object("delete_relationships", "acme", more: relationship(#"{"id":"u2"}"#)),
            object("delete_relationships", "nothing", more: relationship(#"{"id":"u2"}"#))
        )
        let counts = try await test.workspace.counts()
        #expect((counts.people, counts.objects, counts.relationships) == (2, 1, 0))
        #expect(try await test.log("delete_relationship").count == 2)
    }

    @Test func `a deleted object takes its relationships along, the people stay`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, "{}", more: relationship(acme())),
            object("delete", "acme"),
            object("delete", "acme")
        )
        let counts = try await test.workspace.counts()
        #expect((counts.people, counts.objects, counts.relationships) == (1, 0, 0))
        #expect(try await test.log("_o:1:delete").count == 1)
        try await test.send(object("identify", "acme"))
        #expect(try await stored(test, "acme")?["identifiers"]?["cio_object_id"] == "ob010102")
    }

    @Test func `unknown cio_ids and suppressed people are left out, the others are related`() async throws {
        let test = try Playground()
        try await test.send(person("suppress", #"{"id":"blocked"}"#))
        try await test.send(
            object(
                "identify",
                "acme",
                more:
                    #","cio_relationships":[{"identifiers":{"cio_id":"ffff"}},"#
                    + #"{"identifiers":{"id":"blocked"}},{"identifiers":{"id":"u1"}}]"#
            )
        )
        #expect(try await test.workspace.counts().relationships == 1)
    }

    @Test(arguments: ["[]", "null"])
    func `no relationships are harmless in an identify`(value: String) async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, "{}", more: #","cio_relationships":\#(value)"#))
        #expect(try await test.people() == 1)
    }

    @Test func `all attributes of an object are 100 KB at most`() async throws {
        let test = try Playground()
        let value = String(repeating: "x", count: 990)
        for part in 0..<4 {
            let attributes = (0..<28).map { #""a\#(part)_\#($0)":"\#(value)""# }.joined(separator: ",")
            try await test.send(object("identify", "acme", more: #","attributes":{\#(attributes)}"#))
        }
        let kept = try await stored(test, "acme")?["attributes"]?.objectValue?.count
        #expect(kept == 102)
        #expect(try await test.log("_o:1:failed_attribute_change").count == 1)
    }
}
