import Events
import Integrations
import LosslessJSON
import Testing
import TrackAPI

/// actions.md §1: what an instance of the integration is.
@Suite struct `An instance` {
    @Test func `a new one has all fifteen actions, switched on with their defaults`() throws {
        let actions = try integration().actions
        #expect(actions.count == 15)
        #expect(actions.map(\.name) == ActionDefinition.catalog.map(\.name))
        for action in actions {
            #expect(action.isEnabled)
            #expect(action.hasDefaultTrigger)
            #expect(action.options == Action.Options())
        }
    }

    @Test(arguments: [
        (#"{"type":"identify","userId":"u1"}"#, "create-or-update-person"),
        (#"{"type":"track","event":"X","userId":"u1"}"#, "track-event"),
        (#"{"type":"page","name":"X","userId":"u1"}"#, "track-page-view"),
        (#"{"type":"screen","name":"X","userId":"u1"}"#, "track-screen-view"),
        (#"{"type":"group","groupId":"g1","userId":"u1"}"#, "create-or-update-object"),
        (#"{"type":"alias","previousId":"u2","userId":"u1"}"#, "merge-people"),
    ])
    func `each of the six calls becomes an operation`(message: String, action: String) throws {
        let plan = try integration().plan(try event(message))
        #expect(plan.operations.map(\.action) == [action])
        #expect(plan.ignored.isEmpty)
        #expect(plan.warnings.isEmpty)
    }

    @Test func `the account region is US by default and chooses the host`() {
        #expect(Endpoint(region: .US).url(for: "/api/v2/batch") == "https://track.customer.io/api/v2/batch")
        #expect(Endpoint(region: .EU).url(for: "/api/v2/batch") == "https://track-eu.customer.io/api/v2/batch")
    }

    @Test func `it takes the events of its sources, or of every source`() {
        #expect(Integration.Sources.all.contain("anything"))
        #expect(Integration.Sources.only(["web", "backend"]).contain("backend"))
        #expect(!Integration.Sources.only(["web"]).contain("Web"))
        #expect(!Integration.Sources.only([]).contain("web"))
        #expect(Integration.Sources.only(["web", "backend"]).first == "web")
        #expect(Integration.Sources.all.first == nil)
        #expect(!Integration.Sources.only(["caf\u{E9}"]).contain("cafe\u{301}"))
    }

    @Test func `a disabled action neither sends nor is mentioned`() throws {
        let outcome = try plan(#"{"type":"track","event":"X","userId":"u1"}"#, .off("track-event"))
        #expect(outcome == Outcome())
    }

    @Test func `an event for which no trigger is true becomes nothing`() throws {
        let outcome = try plan(
            #"{"type":"track","event":"X","userId":"u1"}"#,
            .change("track-event", trigger: #"event = "Y""#)
        )
        #expect(outcome == Outcome())
    }
}
