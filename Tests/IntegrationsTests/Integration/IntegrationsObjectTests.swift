import Events
import Integrations
import LosslessJSON
import Testing

/// actions.md §1 and source-api.md §3: the event's `integrations` object switches an integration off.
@Suite struct `The integrations object` {
    private static let off = Outcome(ignored: ["-: switched off by integrations"])

    private func isOn(_ integrations: String, named name: String = "production") throws -> Bool {
        let message = #"{"type":"track","event":"X","userId":"u1","integrations":\#(integrations)}"#
        let outcome = Outcome(try integration(named: name).plan(try event(message)))
        if outcome.operations.isEmpty { #expect(outcome == Self.off) }
        return !outcome.operations.isEmpty
    }

    @Test func `an event without one is on`() throws {
        #expect(try plan(#"{"type":"track","event":"X","userId":"u1"}"#).operations.count == 1)
    }

    @Test(arguments: [
        ("{}", true),
        (#"{"production":true}"#, true),
        (#"{"production":false}"#, false),
        (#"{"All":false}"#, false),
        (#"{"All":false,"production":true}"#, true),
        (#"{"All":true,"production":false}"#, false),
        (#"{"All":false,"production":{"k":1}}"#, true),
        (#"{"production":{}}"#, true),
        (#"{"all":false}"#, false),
        (#"{"All":false,"all":true}"#, false),
        (#"{"all":false,"All":true}"#, true),
        (#"{"All":"false"}"#, true),
        (#"{"All":"false","all":false}"#, false),
        (#"{"All":{"k":1},"all":false}"#, true),
    ])
    func `each row of the table decides as it says`(integrations: String, isOn expected: Bool) throws {
        #expect(try isOn(integrations) == expected)
    }

    @Test(arguments: ["null", #""true""#, #""false""#, "0", "1", "[]", "[true]"])
    func `what is neither a boolean nor an object falls back to All`(value: String) throws {
        #expect(try isOn(#"{"production":\#(value)}"#))
        #expect(try isOn(#"{"production":\#(value),"All":true}"#))
        #expect(try !isOn(#"{"production":\#(value),"All":false}"#))
    }

    @Test(arguments: [
        (#"{"Actions Customerio":false}"#, false),
        (#"{"Actions Customerio":true,"All":false}"#, true),
        (#"{"Actions Customerio":{},"All":false}"#, true),
        (#"{"production":true,"Actions Customerio":false}"#, true),
        (#"{"production":false,"Actions Customerio":true}"#, false),
        (#"{"production":null,"Actions Customerio":false,"All":true}"#, false),
        (#"{"Actions Customerio":"no","All":false}"#, false),
    ])
    func `the own name comes first, then Actions Customerio, then All`(integrations: String, isOn expected: Bool) throws
    {
        #expect(try isOn(integrations) == expected)
    }

    @Test(arguments: ["Customer.io", "Segment.io", "Customer.io Data Pipelines", "Customerio", "customerio", "staging"])
    func `other names mean nothing`(name: String) throws {
        #expect(try isOn(#"{"\#(name)":false}"#))
        #expect(try !isOn(#"{"\#(name)":true,"All":false}"#))
    }

    @Test(arguments: ["Production", "PRODUCTION", "actions customerio", "Actions CustomerIO", "ALL", "aLL"])
    func `names are case-sensitive`(name: String) throws {
        #expect(try isOn(#"{"\#(name)":false}"#))
    }

    @Test func `names are compared by their bytes`() throws {
        #expect(try !isOn(#"{"caf\u00e9":false}"#, named: "caf\u{E9}"))
        #expect(try isOn(#"{"cafe\u0301":false}"#, named: "caf\u{E9}"))
    }

    @Test func `one event can be on in one instance and off in another`() throws {
        let event = try event(
            #"{"type":"track","event":"X","userId":"u1","integrations":{"All":false,"b":true}}"#
        )
        #expect(Outcome(try integration(named: "a").plan(event)) == Self.off)
        #expect(Outcome(try integration(named: "b").plan(event)).operations.count == 1)
    }

    @Test func `it is evaluated before any trigger, and nothing else is said of the event`() throws {
        let message =
            #"{"type":"alias","userId":"u1","previousId":"u1","timestamp":"soon","integrations":{"All":false}}"#
        #expect(try plan(message) == Self.off)
    }

    @Test func `one that is not an object counts as none where the server is permissive`() throws {
        let event = try event(
            #"{"type":"track","event":"X","userId":"u1","integrations":false}"#,
            strictness: .permissive
        )
        #expect(try integration().plan(event).operations.count == 1)
    }
}
