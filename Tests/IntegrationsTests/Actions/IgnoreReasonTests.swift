import Integrations
import LosslessJSON
import Testing

/// actions.md §3: the reasons for ignoring.
@Suite struct `Reasons for ignoring` {
    @Test(arguments: [
        (IgnoreReason.noIdentifier, "no identifier"), (.anonymousIdentify, "anonymous identify"),
        (.missing(.objectId), "object_id is missing"), (.missing(.contentAction), "content_action is missing"),
        (.invalid(.metric, value: "seen"), "metric is not valid: seen"), (.samePerson, "same person"),
        (.handled(by: "delete-person"), "handled by delete-person"),
        (.joinedByIdentify, "anonymous id: identify joins it"), (.switchedOff, "switched off by integrations"),
    ])
    func `are exactly those of the page`(reason: IgnoreReason, text: String) {
        #expect(reason.description == text)
    }

    @Test func `are given for each action whose trigger is true, in the order of the page`() throws {
        let outcome = try plan(
            #"{"type":"track","event":"Application Opened","email":" ","anonymousId":" ","userId":" "}"#
        )
        #expect(outcome == Outcome(ignored: ["track-event: no identifier", "create-or-update-device: no identifier"]))
    }

    @Test func `are one an action: the person first, then the fields in the order of its paragraph`() throws {
        let everything = #"type = "track""#
        let outcome = try plan(
            #"{"type":"track","event":" ","anonymousId":" ","properties":{"metric":"x","actionType":"y"}}"#,
            .change("create-or-update-person", trigger: everything),
            .change("track-page-view", trigger: everything),
            .change("track-screen-view", trigger: everything),
            .change("create-or-update-device", trigger: everything),
            .change("delete-device", trigger: everything),
            .change("create-or-update-object", trigger: everything),
            .change("delete-object", trigger: everything),
            .change("delete-relationship", trigger: everything),
            .change("delete-person", trigger: everything),
            .change("merge-people", trigger: everything),
            .change("suppress-person", trigger: everything),
            .change("unsuppress-person", trigger: everything),
            .change("report-delivery-event", trigger: everything),
            .change("report-content-event", trigger: everything)
        )
        #expect(
            outcome
                == Outcome(ignored: [
                    "create-or-update-person: no identifier", "track-event: handled by delete-device",
                    "track-page-view: no identifier", "track-screen-view: no identifier",
                    "create-or-update-device: no identifier", "delete-device: no identifier",
                    "create-or-update-object: object_id is missing", "delete-object: object_id is missing",
                    "delete-relationship: no identifier", "delete-person: no identifier",
                    "merge-people: primary_id is missing", "suppress-person: no identifier",
                    "unsuppress-person: no identifier", "report-delivery-event: delivery_id is missing",
                    "report-content-event: no identifier",
                ])
        )
    }

    @Test func `leave other actions alone`() throws {
        let outcome = try plan(#"{"type":"track","event":"Application Opened","anonymousId":"a1"}"#)
        #expect(outcome.operations.count == 1)
        #expect(outcome.ignored == ["create-or-update-device: no identifier"])
    }
}

/// actions.md §3: several operations of one event.
@Suite struct `Several operations of one event` {
    /// Every action, true for one event, with all that it requires.
    private static func all(_ trigger: String) -> [Setting] {
        [
            .change("create-or-update-person", trigger: trigger), .change("track-event", trigger: trigger),
            .change("track-page-view", trigger: trigger, mapping: #"{"name":"n"}"#),
            .change("track-screen-view", trigger: trigger, mapping: #"{"name":"n"}"#),
            .change("create-or-update-device", trigger: trigger), .change("delete-device", trigger: trigger),
            .change("create-or-update-object", trigger: trigger, mapping: #"{"object_id":"o"}"#),
            .change("delete-object", trigger: trigger), .change("delete-relationship", trigger: trigger),
            .change("delete-person", trigger: trigger),
            .change("merge-people", trigger: trigger, mapping: #"{"secondary_id":"u2"}"#),
            .change("suppress-person", trigger: trigger), .change("unsuppress-person", trigger: trigger),
            .change("report-delivery-event", trigger: trigger), .change("report-content-event", trigger: trigger),
        ]
    }

    private static let message = #"""
        {"type":"track","event":"X","userId":"u1","anonymousId":"a1","properties":{"token":"t","objectId":"o",
        "deliveryId":"d","metric":"opened","actionType":"viewed_content"}}
        """#

    @Test func `go out in the order of the page`() throws {
        let plan = try integration(Self.all(#"event = "X""#)).plan(try event(Self.message))
        #expect(plan.ignored.isEmpty)
        #expect(
            plan.operations.map(\.action) == [
                "create-or-update-person", "create-or-update-object", "create-or-update-device", "track-event",
                "track-page-view", "track-screen-view", "report-content-event", "report-delivery-event",
                "delete-device", "delete-relationship", "merge-people", "unsuppress-person", "delete-object",
                "delete-person", "suppress-person",
            ]
        )
    }

    @Test func `go out among equals in the order of the page, then of the file`() throws {
        let own: [Setting] = [
            .own("z", uses: "track-event", trigger: #"event = "X""#),
            .own("b", uses: "create-or-update-person", trigger: #"event = "X""#),
            .own("a", uses: "track-event", trigger: #"event = "X""#),
            .own("s", uses: "suppress-person", trigger: #"event = "X""#),
        ]
        let plan = try integration(Self.all(#"event = "X""#) + own).plan(try event(Self.message))
        #expect(
            plan.operations.map(\.action) == [
                "create-or-update-person", "b", "create-or-update-object", "create-or-update-device", "track-event",
                "track-page-view", "track-screen-view", "z", "a", "report-content-event", "report-delivery-event",
                "delete-device", "delete-relationship", "merge-people", "unsuppress-person", "delete-object",
                "delete-person", "suppress-person", "s",
            ]
        )
    }

    @Test func `one ignored leaves the others`() throws {
        let settings = Self.all(#"event = "X""#)
        let message = #"{"type":"track","event":"X","userId":"u1","properties":{"metric":"seen","deliveryId":"d"}}"#
        let plan = try integration(settings).plan(try event(message))
        #expect(
            plan.operations.map(\.action) == [
                "create-or-update-person", "create-or-update-object", "track-event", "track-page-view",
                "track-screen-view", "merge-people", "unsuppress-person", "delete-person", "suppress-person",
            ]
        )
        #expect(
            Outcome(plan).ignored == [
                "create-or-update-device: token is missing", "delete-device: token is missing",
                "delete-object: object_id is missing", "delete-relationship: object_id is missing",
                "report-delivery-event: metric is not valid: seen", "report-content-event: no identifier",
            ]
        )
    }
}

/// actions.md §3: the message is a command then, as the default names are.
@Suite struct `Commands take their events from track-event` {
    private static let closed = #"{"type":"track","event":"Account Closed","userId":"u1","anonymousId":"a1"}"#

    @Test(arguments: [
        "delete-device", "delete-object", "delete-relationship", "delete-person", "suppress-person",
        "unsuppress-person", "report-delivery-event", "report-content-event",
    ])
    func `while it has its default trigger, also when the command itself is ignored`(name: String) throws {
        let outcome = try plan(Self.closed, .change(name, trigger: #"event = "Account Closed""#))
        #expect(outcome.ignored.first == "track-event: handled by \(name)")
        #expect(!outcome.operations.contains { $0.hasPrefix("track-event ") })
    }

    @Test(arguments: ["create-or-update-person", "create-or-update-device", "create-or-update-object", "merge-people"])
    func `only Delete, Suppress, Unsuppress and Report are commands`(name: String) throws {
        let outcome = try plan(Self.closed, .change(name, trigger: #"event = "Account Closed""#))
        #expect(outcome.operations.contains { $0.hasPrefix("track-event ") })
    }

    @Test func `the first such action is named`() throws {
        let trigger = #"event = "Account Closed""#
        let outcome = try plan(
            Self.closed,
            .own("wipe", uses: "delete-person", trigger: trigger),
            .change("suppress-person", trigger: trigger),
            .change("delete-person", trigger: #"event = "Other""#)
        )
        #expect(outcome.ignored == ["track-event: handled by suppress-person"])
        #expect(outcome.operations.count == 2)
    }

    @Test func `an action of one's own made from such a definition is one`() throws {
        let outcome = try plan(
            Self.closed,
            .own("wipe", uses: "delete-person", trigger: #"event = "Account Closed""#)
        )
        let expected = try sends("wipe", #"{"type":"person","action":"delete","identifiers":{"id":"u1"}}"#)
        #expect(outcome == Outcome(operations: [expected], ignored: ["track-event: handled by wipe"]))
    }

    @Test func `a disabled command takes nothing`() throws {
        let outcome = try plan(Self.closed, .off("delete-person", trigger: #"event = "Account Closed""#))
        #expect(outcome.operations.map { $0.prefix(12) } == ["track-event "])
        #expect(outcome.ignored.isEmpty)
    }

    @Test func `a command whose trigger is false takes nothing`() throws {
        let outcome = try plan(Self.closed, .change("delete-person", trigger: #"event = "Other""#))
        #expect(outcome.operations.map { $0.prefix(12) } == ["track-event "])
    }

    @Test func `a command with its definition's default trigger takes nothing`() throws {
        let uninstalled =
            #"{"type":"track","event":"Application Uninstalled","userId":"u1","properties":{"token":"t"}}"#
        #expect(try plan(uninstalled).operations.count == 2)
        let definition = try #require(ActionDefinition.named("delete-device"))
        let outcome = try plan(
            uninstalled,
            .own("again", uses: "delete-device"),
            .change("delete-device", trigger: definition.trigger)
        )
        #expect(outcome.operations.count == 3)
        #expect(outcome.ignored.isEmpty)
    }

    @Test func `with another trigger, track-event sends the event all the same`() throws {
        let outcome = try plan(
            Self.closed,
            .change("delete-person", trigger: #"event = "Account Closed""#),
            .change("track-event", trigger: #"type = "track""#)
        )
        #expect(outcome.operations.count == 2)
        #expect(outcome.ignored.isEmpty)
    }

    @Test func `other events keep going out`() throws {
        let outcome = try plan(
            #"{"type":"track","event":"Order Completed","userId":"u1"}"#,
            .change("delete-person", trigger: #"event = "Account Closed""#)
        )
        #expect(outcome.operations.count == 1)
    }

    @Test func `page and screen views are never taken`() throws {
        let outcome = try plan(
            #"{"type":"page","name":"Bye","userId":"u1"}"#,
            .change("delete-person", trigger: #"name = "Bye""#)
        )
        #expect(outcome.operations.count == 2)
        #expect(outcome.ignored.isEmpty)
    }
}
