import LosslessJSON
import Storage
import Testing
import Workspaces

/// design.md, "Two listeners".
@Suite(.onBothEngines) struct `Reading back` {
    @Test func `a person has identifiers, attributes, devices and relationships`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"plan":"pro","n":1.10}"#, more: relationship(acme(), #"{"role":"admin"}"#)),
            person("add_device", #"{"id":"u1"}"#, more: #","device":{"token":"t","platform":"ios","last_used":5}"#)
        )
        let expected =
            #"{"identifiers":{"id":"u1","email":null,"cio_id":"01000001"},"attributes":{"plan":"pro","n":1.10},"#
            + #""devices":[{"token":"t","platform":"ios","last_used":5,"attributes":{}}],"relationships":["#
            + #"{"identifiers":{"object_type_id":"1","object_id":"acme"},"relationship_attributes":{"role":"admin"}}],"#
            + #""segments":[],"unsubscribed":false}"#
        #expect(try await test.workspace.person("u1")?.description == expected)
        let page = try #require(Page())
        #expect(try await test.workspace.people(page).description == #"{"items":[\#(expected)],"next":null}"#)
    }

    @Test func `an object has identifiers, attributes and relationships`() async throws {
        let test = try Playground()
        try await test.send(
            object("identify", "acme", more: #","attributes":{"name":"Acme"}"# + relationship(#"{"id":"u1"}"#))
        )
        let expected =
            #"{"identifiers":{"object_type_id":"1","object_id":"acme","cio_object_id":"ob010101"},"#
            + #""attributes":{"name":"Acme"},"relationships":["#
            + #"{"identifiers":{"id":"u1","email":null,"cio_id":"01000001"},"relationship_attributes":{}}]}"#
        #expect(try await test.workspace.object(type: "1", id: "acme")?.description == expected)
        let page = try #require(Page())
        #expect(try await test.workspace.objects(page).description == #"{"items":[\#(expected)],"next":null}"#)
    }

    @Test(arguments: ["u1", "A@x.COM", "cio_01000001"])
    func `a person is found by id, e-mail and cio_id`(identifier: String) async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#))
        #expect(try await test.person(identifier) == "u1|a@x.com")
    }

    @Test(arguments: [
        ("u1", ["u1", "u10"]), ("DA", ["u1", "u2"]), ("@X.com", ["u1"]), ("lovelace", ["u1"]), ("01000002", ["u2"]),
        ("100%", ["u10"]), ("_", []), ("'", []), ("\"", ["u10"]), ("2024", []), ("name", []), ("nobody", []),
    ])
    func `people are found by a part of an identifier or an attribute`(part: String, found: [String]) async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"email":"Ada@x.com","name":"Ada Lovelace"}"#),
            identify(#"{"id":"u2"}"#, #"{"nick":"the dark one","year":2024}"#),
            identify(#"{"id":"u10"}"#, #"{"motto":"100% \"quoted\""}"#)
        )
        let page = try #require(Page())
        let list = try await test.workspace.people(containing: part, page)
        #expect(list["items"]?.arrayValue?.map { $0["identifiers"]?["id"]?.stringValue } == found)
        #expect(list["next"] == .null)
    }

    @Test func `a search for people goes on behind a page, and behind those that it looked at`() async throws {
        let test = try Playground()
        for number in 0..<5_020 {
            let attributes = number % 1_000 == 7 ? #"{"plan":"Rare"}"# : "{}"
            try await test.send(identify(#"{"id":"p\#(number)"}"#, attributes))
        }
        var (found, pages, cursor) = ([String](), 0, String?.none)
        repeat {
            let list = try await test.workspace.people(containing: "rare", try #require(Page(limit: 2, after: cursor)))
            found += list["items"]?.arrayValue?.compactMap { $0["identifiers"]?["id"]?.stringValue } ?? []
            cursor = list["next"]?.stringValue
            pages += 1
        } while cursor != nil && pages < 10
        #expect(found == ["p7", "p1007", "p2007", "p3007", "p4007", "p5007"])
    }

    @Test func `an id that looks like another kind is found too`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"cio_zebra"}"#), identify(#"{"id":"b@x.com"}"#))
        #expect(try await test.person("cio_zebra") == "cio_zebra|-")
        #expect(try await test.person("b@x.com") == "b@x.com|-")
    }

    @Test func `nothing is found where there is nothing`() async throws {
        let test = try Playground()
        let page = try #require(Page())
        #expect(try await test.workspace.person("u1") == nil)
        #expect(try await test.workspace.activity(of: "u1", page) == nil)
        #expect(try await test.workspace.object(type: "1", id: "x") == nil)
        #expect(try await test.workspace.object(type: "one", id: "x") == nil)
        let empty = #"{"items":[],"next":null}"#
        #expect(try await test.workspace.people(page).description == empty)
        #expect(try await test.workspace.objects(page).description == empty)
        #expect(try await test.workspace.activity(page).description == empty)
        #expect(try await test.workspace.metrics(page).description == empty)
    }

    @Test func `lists go on page by page, each member once`() async throws {
        let test = try Playground()
        for number in 1...7 {
            try await test.send(
                identify(#"{"id":"u\#(number)"}"#),
                object("identify", "o\(number)"),
                event(#"{"id":"u1"}"#, "e\(number)")
            )
        }
        let people = try await all { try await test.workspace.people($0) }
        #expect(people.map { $0["identifiers"]?["id"]?.stringValue } == (1...7).map { "u\($0)" })
        let objects = try await all { try await test.workspace.objects($0) }
        #expect(objects.map { $0["identifiers"]?["object_id"]?.stringValue } == (1...7).map { "o\($0)" })
        let activity = try await all { try await test.workspace.activity($0) }
        #expect(activity.count == 21)
        let ids = activity.compactMap { $0["id"]?.stringValue }
        #expect(ids == ids.sorted(by: >) && Set(ids).count == 21)
        let own = try await all { try await test.workspace.activity(of: "u1", $0) ?? .null }
        #expect(own.compactMap { $0["name"]?.stringValue } == (1...7).reversed().map { "e\($0)" })
    }

    private func all(_ list: (Page) async throws -> JSON) async throws -> [JSON] {
        var items: [JSON] = []
        var next: String?
        repeat {
            let page = try #require(Page(limit: 3, after: next))
            let part = try await list(page)
            let members = try #require(part["items"]?.arrayValue)
            #expect(members.count <= 3)
            items += members
            next = part["next"]?.stringValue
        } while next != nil
        return items
    }

    @Test(arguments: ["x", "", "-1", "0", "1.5", "99999999999999999999"])
    func `a cursor that no page had is none`(cursor: String) {
        #expect(Page(after: cursor) == nil)
    }

    @Test(arguments: [-5, 0, 1, 100_000])
    func `limits are brought inside their bounds`(limit: Int) async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#), identify(#"{"id":"u2"}"#))
        let page = try #require(Page(limit: limit))
        let count = try await test.workspace.people(page)["items"]?.arrayValue?.count
        #expect(count == (limit > 1 ? 2 : 1))
    }

    @Test func `an entry of the log has the fields of the API`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#))
        try await test.send(event(#"{"id":"u1"}"#, "Buy", more: #","timestamp":5,"attributes":{"price":23.40}"#))
        let page = try #require(Page(limit: 1))
        let entry = try #require(try await test.workspace.activity(page)["items"]?.arrayValue?.first)
        #expect(
            entry.description
                == #"{"id":"01HF7YAT000000000000000002","type":"event","timestamp":5,"customer_id":"u1","#
                + #""customer_identifiers":{"id":"u1","email":"a@x.com","cio_id":"01000001"},"name":"Buy","#
                + #""data":{"price":23.40}}"#
        )
    }

    @Test func `reset empties the workspace and never gives a cio_id again`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"anonymous_id":"a1"}"#, more: relationship(acme())),
            person("suppress", #"{"id":"x"}"#),
            event(#"{"id":"u1"}"#, "Buy", more: #","id":"01BX5ZZKBKACTAV9WEVGEMMVRY""#)
        )
        try await test.workspace.reset()
        #expect(try await test.workspace.counts() == .init())
        try await test.send(
            identify(#"{"id":"x"}"#),
            event(#"{"id":"x"}"#, "Buy", more: #","id":"01BX5ZZKBKACTAV9WEVGEMMVRY""#)
        )
        #expect(try await test.cioId("x") == "01000002")
        #expect(try await test.events("x") == ["Buy"])
    }
}
