import LosslessJSON
import Storage
import Testing
import Workspaces

/// Workspaces that know people by id alone, or by e-mail address alone (track-api.md §5).
@Suite(.onBothEngines) struct `Classic workspaces` {
    private static let address = #"{"email":"a@x.com"}"#
    private static let id = #"{"id":"u1"}"#

    private func words(_ test: Playground, _ call: V1Call, _ body: JSON = .null) async throws -> [String] {
        try await test.workspace.carryOut(call, body: body, now: noon).map(\.words)
    }

    // MARK: By id alone

    @Test func `an address is an attribute as any other where people are known by id`() async throws {
        let test = try Playground { $0.identifiers = .id }
        try await test.send(
            identify(Self.id, #"{"email":"A@x.com","plan":"pro"}"#),
            identify(#"{"id":"u2"}"#, Self.address)
        )
        #expect(try await test.people() == 2, "it is nobody's alone")
        #expect(try await test.person("u1") == "u1|-")
        #expect(try await test.attributes("u1") == #"{"email":"A@x.com","plan":"pro"}"#)
        try await test.send(identify(Self.id, #"{"email":"other@x.com"}"#))
        #expect(try await test.attributes("u1") == #"{"email":"other@x.com","plan":"pro"}"#)
        try await test.send(identify(Self.id, #"{"email":""}"#))
        #expect(try await test.attributes("u1") == #"{"plan":"pro"}"#)
        #expect(try await test.activity("u1") == ["profile_create"] + Array(repeating: "attribute_change", count: 3))
    }

    @Test func `an address in a path is an id where people are known by id`() async throws {
        let test = try Playground { $0.identifiers = .id }
        #expect(try await words(test, .identify(person: "a@x.com"), ["email": "b@x.com"]) == [])
        #expect(try await test.person("a@x.com") == "a@x.com|-")
        #expect(try await test.person("A@x.com") == nil, "an id is compared by its bytes")
        #expect(try await words(test, .submitForm(id: "f"), ["data": ["id": "u9", "email": "c@x.com"]]) == [])
        #expect(try await test.attributes("u9") == #"{"email":"c@x.com"}"#)
        #expect(
            try await words(test, .submitForm(id: "f"), ["data": ["email": "c@x.com"]]) == ["data must contain id"]
        )
    }

    @Test func `a suppressed address blocks nobody who has it as an attribute`() async throws {
        let test = try Playground { $0.identifiers = .id }
        #expect(try await words(test, .suppress(person: "a@x.com")) == [])
        try await test.send(identify(Self.id, Self.address))
        #expect(try await test.attributes("u1") == Self.address)
    }

    // MARK: By e-mail address alone

    @Test func `each person has an id of the workspace's making where people are known by address`() async throws {
        let test = try Playground { $0.identifiers = .email }
        try await test.send(
            identify(Self.address, #"{"id":"u1","plan":"pro"}"#),
            identify(#"{"email":"A@X.com"}"#, #"{"id":"u2","age":1}"#),
            event(#"{"email":"b@x.com"}"#, "Ordered")
        )
        let cioId = try await test.cioId("a@x.com")
        #expect(try await test.person("a@x.com") == "\(cioId)|a@x.com")
        #expect(try await test.person(cioId) == "\(cioId)|a@x.com")
        #expect(try await test.attributes("a@x.com") == #"{"plan":"pro","age":1}"#)
        #expect(try await test.person("u1") == nil)
        #expect(try await test.people() == 2)
        try await test.send(identify(#"{"cio_id":"\#(cioId)"}"#, #"{"email":"new@x.com"}"#))
        #expect(try await test.person("new@x.com") == "\(cioId)|new@x.com")
        try await test.send(identify(#"{"email":"new@x.com"}"#, #"{"email":"other@x.com"}"#))
        #expect(try await test.activity("new@x.com").last == "failed_attribute_change")
        try await test.send(merge(#"{"email":"b@x.com"}"#, #"{"email":"new@x.com"}"#))
        #expect(try await test.person(cioId) == nil)
        #expect(try await test.attributes("b@x.com") == #"{"plan":"pro","age":1}"#)
    }

    @Test(arguments: ["u1", "a@b", "+14155552671", "01000001"])
    func `a path that holds no address is no identifier where people are known by address`(path: String) async throws {
        let test = try Playground { $0.identifiers = .email }
        for call in [V1Call.identify(person: path), .delete(person: path), .event(person: path)] {
            #expect(try await words(test, call, ["name": "x"]) == ["invalid identifier"])
        }
        #expect(try await words(test, .identify(person: "a@x.com"), ["id": 7]) == [])
        #expect(try await words(test, .submitForm(id: "f"), ["data": ["id": "u9", "email": "c@x.com"]]) == [])
        #expect(try await words(test, .submitForm(id: "f"), ["data": ["id": "u9"]]) == ["data must contain email"])
        #expect(try await test.people() == 2)
    }

    @Test func `a segment's entries are of the kind that people are known by`() async throws {
        let test = try Playground { $0.identifiers = .email }
        try await test.send(identify(Self.address))
        let body: JSON = ["ids": ["a@x.com"]]
        #expect(try await words(test, .addToSegment("7", idType: nil), body) == [])
        #expect(try await test.workspace.person("a@x.com")?["segments"] == [7])
        #expect(
            try await words(test, .addToSegment("7", idType: "id"), body) == ["id_type must be email or cio_id"]
        )
        let other = try Playground { $0.identifiers = .id }
        #expect(
            try await words(other, .addToSegment("7", idType: "email"), body) == ["id_type must be id or cio_id"]
        )
    }

    // MARK: Both

    @Test(arguments: [
        (WorkspaceSettings.Identifiers.id, address, "email"), (.email, id, "id"),
    ])
    func `an identifier of the other kind is refused, wherever it stands`(
        identifiers: WorkspaceSettings.Identifiers,
        other: String,
        kind: String
    ) async throws {
        let test = try Playground { $0.identifiers = identifiers }
        for (item, field) in [
            (identify(other), "identifiers"), (event(other, "x"), "identifiers"),
            (person("suppress", other), "identifiers"), (merge(#"{"cio_id":"x"}"#, other), "secondary"),
            (merge(other, #"{"cio_id":"x"}"#), "primary"),
            (object("identify", "o", more: relationship(other)), "cio_relationships.0.identifiers"),
        ] {
            let refusals = try await test.refusals(item)
            #expect(refusals.map(\.field) == ["\(field).\(kind)"], "\(item)")
            #expect(refusals.first?.message == "is not supported as an identifier here")
        }
        #expect(try await test.people() == 0)
    }

    @Test func `spaces around an event's name are a part of it where the workspace says so`() async throws {
        let test = try Playground { $0.trimsEventNames = false }
        try await test.send(event(Self.id, " Ordered "))
        #expect(try await words(test, .event(person: "u1"), ["name": " Paid"]) == [])
        #expect(try await test.events("u1") == [" Ordered ", " Paid"])
        #expect(try await test.refusals(event(Self.id, "  ")).map(\.field) == ["name"])
    }
}
