import LosslessJSON
import Testing
import Workspaces

/// What nothing public settles, as settings (track-api.md §24); their defaults are tested elsewhere.
@Suite(.onBothEngines) struct `Open questions` {
    private static let day: Int64 = 86_400

    @Test func `an object of an unknown type is refused where the types are named`() async throws {
        let test = try Playground { $0.objectTypes = .only([1, 3]) }
        try await test.send(object("identify", "acme"))
        let other = #"{"object_type_id":"2","object_id":"acme"}"#
        for (item, field) in [
            (#"{"type":"object","action":"identify","identifiers":\#(other)}"#, "identifiers.object_type_id"),
            (
                identify(#"{"id":"u1"}"#, more: relationship(other)),
                "cio_relationships.0.identifiers.object_type_id"
            ),
        ] {
            let refusals = try await test.refusals(item)
            #expect(refusals.map(\.field) == [field])
            #expect(refusals.map(\.message) == ["there is no such object type"])
        }
        #expect(try await test.people() == 0)
    }

    @Test(arguments: [(Int64(0), true), (day, true), (day + 1, false), (.max, false), (-day, true), (.min, true)])
    func `an event may lie so many days ahead`(ahead: Int64, isRight: Bool) async throws {
        let test = try Playground { $0.futureDays = 1 }
        let time = noon.addingReportingOverflow(ahead)
        let seconds = time.overflow ? ahead : time.partialValue
        let refusals = try await test.refusals(event(#"{"id":"u1"}"#, "Ordered", more: #","timestamp":\#(seconds)"#))
        #expect(refusals.map(\.field) == (isRight ? [] : ["timestamp"]))
        let call = V1Call.event(person: "u1")
        let body: JSON = ["name": "Paid", "timestamp": .number(JSON.Number(seconds))]
        let words = try await test.workspace.carryOut(call, body: body, now: noon).map(\.words)
        #expect(words == (isRight ? [] : ["timestamp cannot lie more than 1 days ahead"]))
    }

    @Test func `an event is known by its id for so many days`() async throws {
        let test = try Playground { $0.eventIdDays = 2 }
        let ordered = event(#"{"id":"u1"}"#, "Ordered", more: #","id":"01BX5ZZKBKACTAV9WEVGEMMVRY""#)
        try await test.send(ordered)
        try await test.send(ordered, at: noon + 2 * Self.day)
        #expect(try await test.events("u1").count == 1)
        try await test.send(ordered, at: noon + 2 * Self.day + 1)
        #expect(try await test.events("u1").count == 2)
        // It is known anew from then on.
        try await test.send(ordered, at: noon + 4 * Self.day)
        #expect(try await test.events("u1").count == 2)
    }
}
