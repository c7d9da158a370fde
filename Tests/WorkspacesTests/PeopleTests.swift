import LosslessJSON
import Storage
import Testing
import Workspaces

/// track-api.md §14.
@Suite(.onBothEngines) struct `Merge` {
    @Test func `the primary stays and inherits what it lacks`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"p"}"#, #"{"a":1,"gone":"x"}"#, more: relationship(acme("both"), #"{"role":"p"}"#)),
            identify(#"{"id":"p"}"#, #"{"gone":null}"#),
            identify(
                #"{"id":"s"}"#,
                #"{"a":2,"b":3,"gone":"s","email":"s@x.com"}"#,
                more:
                    #","cio_relationships":[{"identifiers":\#(acme("both")),"relationship_attributes":{"role":"s"}},"#
                    + #"{"identifiers":\#(acme("own"))}]"#
            ),
            event(#"{"id":"s"}"#, "Of s"),
            event(#"{"id":"p"}"#, "Of p"),
            person("add_device", #"{"id":"s"}"#, more: #","device":{"token":"t","platform":"ios"}"#)
        )
        let cioId = try await test.cioId("p")
        try await test.send(merge(#"{"id":"p"}"#, #"{"id":"s"}"#))
        let merged = try #require(try await test.workspace.person("p"))
        #expect(try await test.person("p") == "p|s@x.com")
        #expect(try await test.cioId("p") == cioId)
        #expect(merged["attributes"]?.description == #"{"a":1,"gone":"s","b":3}"#)
        #expect(
            merged["relationships"]?.arrayValue?.map { $0["relationship_attributes"]?.description }
                == [#"{"role":"p"}"#, "{}"]
        )
        #expect(merged["devices"]?.arrayValue?.count == 1)
        #expect(try await test.events("p") == ["Of s", "Of p"])
        #expect(try await test.activity("p").last == "profile_merge")
        #expect(try await test.person("s") == nil)
        #expect(try await test.people() == 1)
        #expect(try await test.log("profile_delete").first?["customer_id"] == "s")
    }

    @Test func `identifiers that are not inherited are free, and the cio_id is gone`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"p"}"#), identify(#"{"id":"s"}"#))
        let cioId = try await test.cioId("s")
        try await test.send(
            merge(#"{"id":"p"}"#, #"{"id":"s"}"#),
            identify(#"{"id":"s"}"#),
            identify(#"{"cio_id":"\#(cioId)"}"#, #"{"plan":"pro"}"#)
        )
        #expect(try await test.people() == 2)
        #expect(try await test.cioId("s") != cioId)
        #expect(try await test.attributes("s") == "{}")
    }

    @Test(
        arguments: [
            (#"{"id":"missing"}"#, #"{"id":"b"}"#, "there is no such person"),
            (#"{"id":"a"}"#, #"{"id":"missing"}"#, "there is no such person"),
            (#"{"id":"a"}"#, #"{"id":"a"}"#, "both are the same person"),
            (#"{"id":"a"}"#, #"{"email":"A@x.com"}"#, "both are the same person"),
            (#"{"id":"blocked"}"#, #"{"id":"b"}"#, "the identifier is suppressed"),
            (#"{"id":"a"}"#, #"{"id":"blocked"}"#, "the identifier is suppressed"),
        ]
    )
    func `without two different people nothing happens`(primary: String, secondary: String, why: String) async throws {
        let test = try Playground()
        try await test.send(
            person("suppress", #"{"id":"blocked"}"#),
            identify(#"{"id":"a"}"#, #"{"email":"a@x.com"}"#),
            identify(#"{"id":"b"}"#)
        )
        let before = try await test.counts()
        try await test.send(merge(primary, secondary))
        #expect(try await test.counts() == before)
        #expect(try await test.drops() == ["merge: \(why)"])
    }

    @Test func `anonymous ids go along`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"p"}"#),
            identify(#"{"id":"s"}"#, #"{"anonymous_id":"a1"}"#),
            merge(#"{"id":"p"}"#, #"{"id":"s"}"#),
            event(#"{"anonymous_id":"a1"}"#, "Late")
        )
        #expect(try await test.events("p") == ["Late"])
    }
}

/// track-api.md §15.
@Suite(.onBothEngines) struct `Delete and suppress` {
    @Test func `a deleted person leaves nothing, and comes back as somebody new`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"plan":"pro","email":"a@x.com"}"#, more: relationship(acme())),
            event(#"{"id":"u1"}"#, "Buy"),
            person("add_device", #"{"id":"u1"}"#, more: #","device":{"token":"t","platform":"ios"}"#)
        )
        let cioId = try await test.cioId("u1")
        try await test.send(person("delete", #"{"email":"A@X.com"}"#))
        var counts = try await test.workspace.counts()
        #expect((counts.people, counts.events, counts.devices, counts.relationships) == (0, 0, 0, 0))
        #expect(counts.objects == 1)
        #expect(try await test.log("profile_delete").first?["customer_identifiers"]?["email"] == "a@x.com")
        try await test.send(identify(#"{"id":"u1"}"#))
        #expect(try await test.attributes("u1") == "{}")
        #expect(try await test.events("u1") == [])
        #expect(try await test.cioId("u1") != cioId)
        counts = try await test.workspace.counts()
        #expect(counts.people == 1)
    }

    @Test(arguments: ["delete", "suppress", "unsuppress"])
    func `an unknown person is accepted`(action: String) async throws {
        let test = try Playground()
        try await test.send(person(action, #"{"id":"u1"}"#))
        #expect(try await test.people() == 0)
    }

    @Test(arguments: [true, false])
    func `suppress deletes the profile and blocks the identifier that was passed`(isKnown: Bool) async throws {
        let test = try Playground()
        if isKnown { try await test.send(identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#)) }
        try await test.send(
            person("suppress", #"{"id":"u1"}"#),
            identify(#"{"id":"u1"}"#),
            event(#"{"id":"u1"}"#, "Buy"),
            person("add_device", #"{"id":"u1"}"#, more: #","device":{"token":"t","platform":"ios"}"#),
            person("add_relationships", #"{"id":"u1"}"#, more: relationship(acme())),
            object("identify", "acme", more: relationship(#"{"id":"u1"}"#)),
            person("delete", #"{"id":"u1"}"#)
        )
        #expect(try await test.people() == 0)
        #expect(try await test.workspace.counts().suppressed == 1)
        try await test.send(identify(#"{"email":"a@x.com"}"#))
        #expect(try await test.people() == 1)
    }

    @Test func `suppress tells nobody whose profile it was`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#), person("suppress", #"{"id":"u1"}"#))
        #expect(
            try await test.log("profile_delete").first?["customer_identifiers"]?.description
                == #"{"id":null,"email":null,"cio_id":null}"#
        )
    }

    @Test func `by cio_id the id and the e-mail are blocked, and freed together`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#))
        let cioId = try await test.cioId("u1")
        try await test.send(
            person("suppress", #"{"cio_id":"\#(cioId)"}"#),
            identify(#"{"id":"u1"}"#),
            identify(#"{"email":"a@x.com"}"#)
        )
        #expect(try await test.people() == 0)
        try await test.send(person("unsuppress", #"{"id":"u1"}"#), identify(#"{"email":"a@x.com"}"#))
        #expect(try await test.people() == 1)
    }

    @Test func `unsuppress frees the identifier and restores nothing`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"plan":"pro"}"#),
            person("suppress", #"{"id":"u1"}"#),
            person("suppress", #"{"id":"u2"}"#),
            person("unsuppress", #"{"id":"u1"}"#)
        )
        #expect(try await test.people() == 0)
        try await test.send(identify(#"{"id":"u1"}"#), identify(#"{"id":"u2"}"#))
        #expect(try await test.attributes("u1") == "{}")
        #expect(try await test.person("u2") == nil)
    }
}

/// track-api.md §16.
@Suite(.onBothEngines) struct `Devices` {
    private func add(_ id: String, _ device: String) -> String {
        person("add_device", #"{"id":"\#(id)"}"#, more: #","device":\#(device)"#)
    }

    private func devices(_ test: Playground, _ id: String) async throws -> String? {
        try await test.workspace.person(id)?["devices"]?.description
    }

    @Test func `are added with their attributes, nested or flat`() async throws {
        let test = try Playground()
        try await test.send(
            add(
                "u1",
                #"{"token":"t","platform":"ios","last_used":1600000000,"flat":true,"#
                    + #""attributes":{"app_version":"2.1","_last_status":"sent"}}"#
            )
        )
        #expect(
            try await devices(test, "u1")
                == #"[{"token":"t","platform":"ios","last_used":1600000000,"#
                + #""attributes":{"app_version":"2.1","flat":true}}]"#
        )
        #expect(try await test.activity("u1") == ["profile_create", "device_change"])
    }

    @Test(arguments: [("null", noon), (#""1600000000.5""#, 1_600_000_000)])
    func `last used is a number or a numeric text, else now`(lastUsed: String, expected: Int64) async throws {
        let test = try Playground()
        try await test.send(add("u1", #"{"token":"t","platform":"ios","last_used":\#(lastUsed),"attributes":null}"#))
        let device = try await test.workspace.person("u1")?["devices"]?.arrayValue?.first
        #expect(device?["last_used"] == .number(JSON.Number(expected)))
    }

    @Test func `of one token are updated`() async throws {
        let test = try Playground()
        try await test.send(
            add("u1", #"{"token":"t","platform":"ios","last_used":1,"attributes":{"a":1,"b":2}}"#),
            add("u1", #"{"token":"t","platform":"android","last_used":2,"attributes":{"b":"","c":3}}"#)
        )
        #expect(
            try await devices(test, "u1")
                == #"[{"token":"t","platform":"android","last_used":2,"attributes":{"a":1,"c":3}}]"#
        )
    }

    @Test func `a token moves to the person who adds it, without the other's attributes`() async throws {
        let test = try Playground()
        try await test.send(
            add("u1", #"{"token":"t","platform":"ios","last_used":1,"attributes":{"a":1}}"#),
            add("u2", #"{"token":"t","platform":"ios","last_used":2}"#)
        )
        #expect(try await devices(test, "u1") == "[]")
        #expect(
            try await devices(test, "u2") == #"[{"token":"t","platform":"ios","last_used":2,"attributes":{}}]"#
        )
    }

    @Test func `are deleted, by their own person alone`() async throws {
        let test = try Playground()
        let delete = { (id: String) in
            person("delete_device", #"{"id":"\#(id)"}"#, more: #","device":{"token":"t"}"#)
        }
        try await test.send(add("u1", #"{"token":"t","platform":"ios"}"#), identify(#"{"id":"u2"}"#), delete("u2"))
        #expect(try await test.workspace.counts().devices == 1)
        try await test.send(delete("u1"), delete("u1"), delete("nobody"))
        #expect(try await test.workspace.counts().devices == 0)
        #expect(try await test.people() == 2)
    }
}
