import LosslessJSON
import Storage
import Testing
import Workspaces

private let ulid = "01BX5ZZKBKACTAV9WEVGEMMVRY"
private let minute: Int64 = 60
private let day: Int64 = 24 * 60 * 60

/// track-api.md §12.
@Suite(.onBothEngines) struct `Events` {
    @Test(arguments: ["event", "page", "screen"])
    func `are logged for the person with name, time and data`(action: String) async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#),
            person(
                action,
                #"{"id":"u1"}"#,
                more: #","name":" Pricing ","timestamp":1600000000,"attributes":{"z":1.10,"a":""}"#
            )
        )
        let entry = try #require(try await test.log(action).first)
        #expect(entry[action == "page" ? "url" : "name"] == "Pricing")
        #expect(entry["timestamp"] == 1_600_000_000)
        #expect(entry["data"]?.description == #"{"z":1.10,"a":""}"#)
        #expect(entry["customer_id"] == "u1")
    }

    @Test func `are no attributes of the person`() async throws {
        let test = try Playground()
        try await test.send(event(#"{"id":"u1"}"#, "Buy", more: #","attributes":{"plan":"pro","email":"a@x.com"}"#))
        #expect(try await test.attributes("u1") == "{}")
        #expect(try await test.person("u1") == "u1|-")
    }

    @Test(arguments: [(#"{"id":"new"}"#, "new|-"), (#"{"email":"new@x.com"}"#, "-|new@x.com")])
    func `make an unknown person with that identifier alone`(identifiers: String, expected: String) async throws {
        let test = try Playground()
        try await test.send(event(identifiers, "Buy"))
        #expect(try await test.people() == 1)
        #expect(try await test.person(expected.hasPrefix("-") ? "new@x.com" : "new") == expected)
    }

    @Test func `of an unknown cio_id are dropped`() async throws {
        let test = try Playground()
        try await test.send(event(#"{"cio_id":"0100000f"}"#, "Buy"))
        #expect(try await test.counts() == .init())
        #expect(try await test.drops() == ["event: nobody has this cio_id, and a cio_id makes nobody"])
    }

    @Test func `of a suppressed person are dropped, and their id stays unknown`() async throws {
        let test = try Playground()
        try await test.send(
            person("suppress", #"{"id":"u1"}"#),
            event(#"{"id":"u1"}"#, "Buy", more: #","id":"\#(ulid)""#),
            person("unsuppress", #"{"id":"u1"}"#),
            event(#"{"id":"u1"}"#, "Buy", more: #","id":"\#(ulid)""#)
        )
        #expect(try await test.events("u1") == ["Buy"])
    }

    @Test func `of one ULID count once, whoever sends it and in whatever case`() async throws {
        let test = try Playground()
        try await test.send(
            event(#"{"id":"u1"}"#, "Buy", more: #","id":"\#(ulid)""#),
            event(#"{"id":"u1"}"#, "Buy", more: #","id":"\#(ulid)""#),
            event(#"{"id":"u2"}"#, "Buy", more: #","id":"\#(ulid.lowercased())""#),
            event(#"{"anonymous_id":"a1"}"#, "Buy", more: #","id":"\#(ulid)""#)
        )
        #expect(try await test.workspace.counts().events == 1)
        #expect(try await test.people() == 1)
    }

    @Test(
        arguments: [
            "not-a-ulid", "", "81BX5ZZKBKACTAV9WEVGEMMVRY", "01BX5ZZKBKACTAV9WEVGEMMVRU", "01BX5ZZKBKACTAV9WEVGEMMVR",
        ]
    )
    func `with an id that is no ULID are accepted and not deduplicated`(id: String) async throws {
        let test = try Playground()
        for _ in 0..<2 {
            try await test.send(event(#"{"id":"u1"}"#, "Buy", more: #","id":"\#(id)""#))
        }
        #expect(try await test.events("u1") == ["Buy", "Buy"])
    }

    @Test func `without attributes or with null have no data`() async throws {
        let test = try Playground()
        try await test.send(event(#"{"id":"u1"}"#, "A"), event(#"{"id":"u1"}"#, "B", more: #","attributes":null"#))
        #expect(try await test.log("event").map { $0["data"]?.description } == ["{}", "{}"])
    }

    @Test(arguments: [("1600000000", 1_600_000_000), (#""1600000000.9""#, 1_600_000_000), ("null", noon)])
    func `have a time as a number or a numeric text, else that of receipt`(time: String, expected: Int64) async throws {
        let test = try Playground()
        try await test.send(event(#"{"id":"u1"}"#, "A", more: #","timestamp":\#(time)"#))
        #expect(try await test.log("event").first?["timestamp"] == .number(JSON.Number(expected)))
    }

    @Test(arguments: ["viewed_content", "clicked_content"])
    func `of content are logged under their action`(action: String) async throws {
        let test = try Playground()
        try await test.send(
            person(action, #"{"anonymous_id":"a1"}"#, more: #","name":"\#(action)","attributes":{"contentId":7}"#),
            person(action, #"{"id":"u1"}"#)
        )
        let entries = try await test.log(action)
        #expect(entries.map { $0["name"]?.stringValue } == [action, action])
        #expect(entries.first?["data"]?.description == #"{"contentId":7}"#)
        #expect(entries.map { $0["customer_id"]?.stringValue } == [nil, "u1"])
    }
}

/// track-api.md §13.
@Suite(.onBothEngines) struct `Anonymous activity` {
    private let anonymous = #"{"anonymous_id":"a1"}"#
    private let joining = identify(#"{"id":"u1"}"#, #"{"anonymous_id":"a1"}"#)

    @Test func `makes nobody and is shown in the log`() async throws {
        let test = try Playground()
        try await test.send(event(anonymous, "Look"))
        #expect(try await test.people() == 0)
        let entry = try #require(try await test.log("event").first)
        #expect(entry["anonymous_id"] == "a1")
        #expect(entry["customer_identifiers"]?.description == #"{"id":null,"email":null,"cio_id":null}"#)
        #expect(try await test.workspace.counts().anonymousEvents == 1)
    }

    @Test func `is joined by an identify with the attribute anonymous_id`() async throws {
        let test = try Playground()
        try await test.send(
            event(anonymous, "A"),
            event(#"{"anonymous_id":"a2"}"#, "B"),
            event(anonymous, "C"),
            joining
        )
        #expect(try await test.events("u1") == ["A", "C"])
        #expect(try await test.attributes("u1") == #"{"anonymous_id":"a1"}"#)
        #expect(try await test.activity("u1").contains("anon_merge"))
        #expect(try await test.workspace.counts().anonymousEvents == 1)
    }

    @Test(arguments: [(30 * day, ["Look"]), (30 * day + 1, [])])
    func `is joined when it is 30 days old, not when it is older`(age: Int64, expected: [String]) async throws {
        let test = try Playground()
        try await test.send(event(anonymous, "Look"), at: noon - age)
        try await test.send(joining)
        #expect(try await test.events("u1") == expected)
    }

    @Test func `is gone after 30 days`() async throws {
        let test = try Playground()
        try await test.send(event(anonymous, "Old"), at: noon - 30 * day - 1)
        try await test.send(event(anonymous, "New"))
        #expect(try await test.log("event").count == 1)
    }

    @Test(arguments: [(Int64(0), ["Late"]), (5 * minute, ["Late"]), (5 * minute + 1, [])])
    func `that arrives within five minutes of the identify is attached`(later: Int64, expected: [String]) async throws {
        let test = try Playground()
        try await test.send(joining)
        try await test.send(event(anonymous, "Late"), at: noon + later)
        #expect(try await test.events("u1") == expected)
        try await test.send(joining, at: noon + 10 * minute)
        #expect(try await test.events("u1") == ["Late"])
    }

    @Test func `that was joined stays with its person when somebody else comes with the id`() async throws {
        let test = try Playground()
        try await test.send(event(anonymous, "First"), joining)
        try await test.send(event(anonymous, "Second"), at: noon + 10 * minute)
        try await test.send(identify(#"{"id":"u2"}"#, #"{"anonymous_id":"a1"}"#), at: noon + 11 * minute)
        #expect(try await test.events("u1") == ["First"])
        #expect(try await test.events("u2") == ["Second"])
    }

    @Test func `of a person who was deleted is anonymous again`() async throws {
        let test = try Playground()
        try await test.send(joining, person("delete", #"{"id":"u1"}"#), event(anonymous, "Look"))
        #expect(try await test.workspace.counts().anonymousEvents == 1)
    }

    @Test func `ids are compared byte for byte`() async throws {
        let test = try Playground()
        try await test.send(event(#"{"anonymous_id":"A1"}"#, "Look"), joining)
        #expect(try await test.events("u1") == [])
    }

    @Test(arguments: [true, false])
    func `relationships become real at the identify, in both spellings`(isNested: Bool) async throws {
        let test = try Playground()
        let entry =
            isNested
            ? #"{"identifiers":{"anonymous_id":"a1"},"relationship_attributes":{"role":"admin"}}"#
            : #"{"anonymous_id":"a1","relationship_attributes":{"role":"admin"}}"#
        try await test.send(object("identify_anonymous", "acme", more: #","cio_relationships":[\#(entry)]"#))
        #expect(try await test.workspace.counts().relationships == 0)
        try await test.send(joining)
        #expect(
            try await test.workspace.person("u1")?["relationships"]?.description
                == #"[{"identifiers":\#(acme()),"relationship_attributes":{"role":"admin"}}]"#
        )
    }

    @Test func `relationships go with their object`() async throws {
        let test = try Playground()
        try await test.send(
            object("identify_anonymous", "acme", more: relationship(anonymous)),
            object("delete", "acme"),
            joining
        )
        #expect(try await test.workspace.person("u1")?["relationships"] == [])
    }

    @Test(arguments: ["no ulid", "01BX5ZZKBKACTAV9WEVGEMMVRU", "81BX5ZZKBKACTAV9WEVGEMMVRY"])
    func `an id that is no ULID is refused where a workspace asks for one`(id: String) async throws {
        let item = event(#"{"id":"u1"}"#, "Buy", more: #","id":"\#(id)""#)
        let lenient = try Playground()
        try await lenient.send(item, item)
        #expect(try await lenient.events("u1") == ["Buy", "Buy"])
        let strict = try Playground { $0.asksForULIDs = true }
        #expect(try await strict.refusals(item).map(\.field) == ["id"])
        let body = try JSON(parsing: #"{"name":"Buy","id":"\#(id)"}"#)
        let refusals = try await strict.workspace.carryOut(.event(person: "u1"), body: body, now: noon)
        #expect(refusals.map(\.words) == ["id must be a ULID"])
    }
}
