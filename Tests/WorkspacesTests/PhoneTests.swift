import LosslessJSON
import Storage
import Testing
import Workspaces

/// Phone numbers as identifiers, where a workspace says so (track-api.md §6.1).
@Suite(.onBothEngines) struct `Phone numbers` {
    private static let number = #"{"phone":"+14155552671"}"#

    private func playground() throws -> Playground {
        try Playground { $0.identifiesByPhone = true }
    }

    @Test func `identify nobody by default`() async throws {
        let test = try Playground()
        let refusals = try await test.refusals(identify(Self.number))
        #expect(refusals.map(\.field) == ["identifiers.phone"])
        try await test.send(identify(#"{"id":"u1"}"#, Self.number), identify(#"{"id":"u2"}"#, Self.number))
        #expect(try await test.people() == 2)
    }

    @Test func `find whoever has them as an attribute`() async throws {
        let test = try playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, Self.number),
            event(Self.number, "Called"),
            identify(Self.number, #"{"plan":"pro"}"#),
            person("delete", #"{"phone":"+14155550000"}"#)
        )
        #expect(try await test.events("u1") == ["Called"])
        #expect(try await test.attributes("u1") == #"{"phone":"+14155552671","plan":"pro"}"#)
        #expect(try await test.people() == 1)
    }

    @Test(arguments: [identify(number), event(number, "Called")])
    func `make somebody who has nothing else`(item: String) async throws {
        let test = try playground()
        try await test.send(item, item, identify(Self.number, #"{"id":"u1"}"#))
        #expect(try await test.person("u1") == "u1|-")
        #expect(try await test.attributes("u1") == #"{"phone":"+14155552671"}"#)
        #expect(try await test.people() == 1)
    }

    @Test func `are given to whoever is found by another identifier, and stay once they are set`() async throws {
        let test = try playground()
        try await test.send(identify(#"{"email":"a@x.com"}"#), identify(Self.number, #"{"email":"a@x.com"}"#))
        #expect(try await test.attributes("a@x.com") == Self.number)
        try await test.send(identify(#"{"email":"a@x.com"}"#, #"{"phone":"+14155550000"}"#))
        #expect(try await test.attributes("a@x.com") == Self.number)
        #expect(try await test.activity("a@x.com").last == "failed_attribute_change")
        try await test.send(
            identify(#"{"email":"a@x.com"}"#, #"{"phone":null}"#),
            identify(#"{"id":"u2"}"#, Self.number)
        )
        #expect(try await test.person("u2") == "u2|-")
        #expect(try await test.people() == 2)
    }

    @Test func `block and free as other identifiers do`() async throws {
        let test = try playground()
        try await test.send(identify(Self.number), person("suppress", Self.number), identify(Self.number))
        try await test.send(identify(#"{"id":"u1"}"#, Self.number))
        #expect(try await test.people() == 0)
        try await test.send(person("unsuppress", Self.number), identify(Self.number))
        #expect(try await test.people() == 1)
    }

    @Test(arguments: ["14155552671", "+1", "+04155552671", "+1 415 555", "+1234567890123456", "+1415555267x", "phone"])
    func `are in E.164`(text: String) async throws {
        let test = try playground()
        let refusals = try await test.refusals(identify(#"{"phone":"\#(text)"}"#))
        #expect(refusals.map(\.field) == ["identifiers.phone"])
        try await test.send(identify(#"{"id":"u1"}"#, #"{"phone":"\#(text)"}"#))
        #expect(try await test.attributes("u1") == #"{"phone":"\#(text)"}"#)
    }

    @Test func `are an id in a path of version 1`() async throws {
        let test = try playground()
        let call = V1Call.identify(person: "+14155552671")
        #expect(try await test.workspace.carryOut(call, body: .null, now: noon).isEmpty)
        #expect(try await test.person("+14155552671") == "+14155552671|-")
    }
}
