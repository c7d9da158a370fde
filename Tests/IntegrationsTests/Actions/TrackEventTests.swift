import Integrations
import LosslessJSON
import Testing

/// actions.md §3, Track Event.
@Suite struct `Track Event` {
    @Test func `a track call becomes person event with everything that it says`() throws {
        let outcome = try plan(
            #"""
            {"type":"track","event":"Order Completed","userId":"u1","anonymousId":"a1",
            "timestamp":"2024-02-29T12:34:56.789Z",
            "properties":{"total":12.50,"nothing":null,"empty":"","items":[{"id":1}],"email":"other@x.co"}}
            """#
        )
        let expected = try sends(
            "track-event",
            #"""
            {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Order Completed","timestamp":1709210096,
            "attributes":{"total":12.50,"nothing":null,"empty":"","items":[{"id":1}],"email":"other@x.co"}}
            """#
        )
        #expect(outcome == Outcome(operations: [expected]))
    }

    @Test func `attributes are always there`() throws {
        let expected = try sends(
            "track-event",
            #"{"type":"person","action":"event","identifiers":{"id":"u1"},"name":"X","attributes":{}}"#
        )
        #expect(try plan(#"{"type":"track","event":"X","userId":"u1"}"#) == Outcome(operations: [expected]))
        #expect(
            try plan(#"{"type":"track","event":"X","userId":"u1","properties":null}"#)
                == Outcome(operations: [expected])
        )
    }

    @Test(arguments: [
        "Relationship Deleted", "User Deleted", "User Suppressed", "User Unsuppressed", "Object Deleted",
        "Report Delivery Event", "Report Content Event", "Device Created or Updated", "Device Deleted",
    ])
    func `the special names are no events`(name: String) throws {
        let plan = try integration().plan(
            try event(#"{"type":"track","event":"\#(name)","userId":"u1","anonymousId":"a1"}"#)
        )
        #expect(!plan.operations.contains { $0.action == "track-event" })
        #expect(!plan.ignored.contains { $0.action == "track-event" })
    }

    @Test(arguments: [
        "user deleted", "User Deleted ", " User Deleted", "User  Deleted", "Users Deleted", "Object Created",
    ])
    func `names that only look like them are`(name: String) throws {
        #expect(
            try plan(#"{"type":"track","event":"\#(name)","userId":"u1"}"#).operations.map { $0.prefix(12) }
                == ["track-event "]
        )
    }

    @Test(arguments: [
        ("Application Installed", "create-or-update-device"), ("Application Opened", "create-or-update-device"),
        ("Application Uninstalled", "delete-device"),
    ])
    func `the names of an application are ordinary events as well as device actions`(name: String, action: String)
        throws
    {
        let message = #"{"type":"track","event":"\#(name)","userId":"u1","properties":{"token":"t"}}"#
        let plan = try integration().plan(try event(message))
        #expect(Set(plan.operations.map(\.action)) == [action, "track-event"])
        #expect(plan.ignored.isEmpty)
    }

    @Test(arguments: ["identify", "page", "screen"])
    func `other calls with an event of their own are none`(type: String) throws {
        let message = #"{"type":"\#(type)","event":"X","name":"N","userId":"u1"}"#
        #expect(try !plan(message).operations.contains { $0.hasPrefix("track-event ") })
    }

    @Test func `an anonymous one is sent for later joining`() throws {
        let body = try body(#"{"type":"track","event":"X","anonymousId":"a1"}"#)
        #expect(body["identifiers"]?.description == #"{"anonymous_id":"a1"}"#)
    }

    @Test func `without a person it is ignored, even when properties hold an e-mail`() throws {
        let message = #"{"type":"track","event":"X","properties":{"email":"e@x.co"}}"#
        #expect(try plan(message) == Outcome(ignored: ["track-event: no identifier"]))
    }

    @Test func `a blank name is missing`() throws {
        let message = #"{"type":"track","event":" ","userId":"u1"}"#
        #expect(try plan(message) == Outcome(ignored: ["track-event: name is missing"]))
    }
}
