import LosslessJSON
import Testing
import Triggers

/// The examples of the specification and the recorded vectors. A vector file is one test, with one failure for each bad
/// row, because two thousand cases would take longer to report than to run.
@Suite struct `Triggers against known answers` {
    @Test(arguments: [("examples", 88), ("trigger-vectors", 1591)])
    func `every row has the answer that stands in it`(file: String, count: Int) throws {
        let vectors = try Vector.all(in: file)
        #expect(vectors.count == count)
        for vector in vectors {
            #expect(
                answer(to: vector) == vector.expectation,
                "\(file) line \(vector.line): \(vector.trigger) on \(JSON.object(vector.event))"
            )
        }
    }

    @Test(arguments: ["examples", "trigger-vectors"])
    func `explaining gives the answer of matching and a clause that has it too`(file: String) throws {
        for vector in try Vector.all(in: file) {
            guard let trigger = try? Trigger(vector.trigger) else { continue }
            let explanation = trigger.explain(vector.event)
            let place = "\(file) line \(vector.line): \(vector.trigger)"
            #expect(explanation.outcome == trigger.matches(vector.event), "\(place)")
            #expect(vector.trigger.contains(explanation.clause), "\(place)")
            let clause = try? Trigger(explanation.clause)
            #expect(clause?.matches(vector.event) == explanation.outcome, "\(place): \(explanation)")
            #expect(!explanation.reason.isEmpty, "\(place)")
        }
    }

    private func answer(to vector: Vector) -> Vector.Expectation {
        guard let trigger = try? Trigger(vector.trigger) else { return .reject }
        return .outcome(trigger.matches(vector.event))
    }
}

@Suite struct `Trigger as a value` {
    @Test func `two triggers are equal when their sources are the same bytes`() throws {
        #expect(try Trigger(#"type = "track""#) == Trigger(#"type = "track""#))
        #expect(try Trigger(#"type = "track""#) != Trigger(#"type = 'track'"#))
        #expect(try Trigger("name = \"\u{E9}\"") != Trigger("name = \"e\u{301}\""))
    }

    @Test func `the source is kept as it was given`() throws {
        let source = " type\r\n\t=  \"track\" "
        #expect(try Trigger(source).source == source)
    }

    @Test func `a prepared subject gives the same answers as its event`() throws {
        let event = try exampleEvent()
        let subject = Trigger.Subject(event)
        for vector in try Vector.all(in: "examples") {
            guard let trigger = try? Trigger(vector.trigger) else { continue }
            #expect(trigger.matches(subject) == trigger.matches(event), "\(vector.trigger)")
        }
    }
}

/// The default triggers of the fifteen actions (actions.md §3).
@Suite struct `Default triggers of the fifteen actions` {
    static let triggers = [
        "create-or-update-person": #"type = "identify""#,
        "track-event": """
        type = "track"
        and event != "Relationship Deleted"
        and event != "User Deleted"
        and event != "User Suppressed"
        and event != "User Unsuppressed"
        and event != "Object Deleted"
        and event != "Report Delivery Event"
        and event != "Report Content Event"
        and event != "Device Created or Updated"
        and event != "Device Deleted"
        """,
        "track-page-view": #"type = "page""#,
        "track-screen-view": #"type = "screen""#,
        "create-or-update-device":
            #"event = "Application Installed" or event = "Application Opened" or event = "Device Created or Updated""#,
        "delete-device": #"event = "Application Uninstalled" or event = "Device Deleted""#,
        "create-or-update-object": #"type = "group""#,
        "delete-object": #"event = "Object Deleted""#,
        "delete-relationship": #"event = "Relationship Deleted""#,
        "delete-person": #"event = "User Deleted""#,
        "merge-people": #"type = "alias""#,
        "suppress-person": #"event = "User Suppressed""#,
        "unsuppress-person": #"event = "User Unsuppressed""#,
        "report-delivery-event": #"event = "Report Delivery Event""#,
        "report-content-event": #"event = "Report Content Event""#,
    ]

    private static let calls: [(String, [String])] = [
        (#"{"type":"identify","event":"User Deleted"}"#, ["create-or-update-person"]),
        (#"{"type":"track","event":"Order Completed"}"#, ["track-event"]),
        (#"{"type":"track","event":"user deleted"}"#, ["track-event"]),
        (#"{"type":"track"}"#, ["track-event"]),
        (#"{"type":"track","event":"Application Opened"}"#, ["create-or-update-device", "track-event"]),
        (#"{"type":"track","event":"Application Uninstalled"}"#, ["delete-device", "track-event"]),
        (#"{"type":"track","event":"Device Created or Updated"}"#, ["create-or-update-device"]),
        (#"{"type":"track","event":"Device Deleted"}"#, ["delete-device"]),
        (#"{"type":"track","event":"Relationship Deleted"}"#, ["delete-relationship"]),
        (#"{"type":"track","event":"User Deleted"}"#, ["delete-person"]),
        (#"{"type":"track","event":"User Suppressed"}"#, ["suppress-person"]),
        (#"{"type":"track","event":"User Unsuppressed"}"#, ["unsuppress-person"]),
        (#"{"type":"track","event":"Object Deleted"}"#, ["delete-object"]),
        (#"{"type":"track","event":"Report Delivery Event"}"#, ["report-delivery-event"]),
        (#"{"type":"track","event":"Report Content Event"}"#, ["report-content-event"]),
        (#"{"type":"page","event":"User Deleted"}"#, ["track-page-view"]),
        (#"{"type":"screen","name":"User Deleted"}"#, ["track-screen-view"]),
        (#"{"type":"group"}"#, ["create-or-update-object"]),
        (#"{"type":"alias"}"#, ["merge-people"]),
        (#"{"type":"Track","event":"User Deleted"}"#, []),
        (#"{"event":"User Deleted"}"#, []),
        (#"{}"#, []),
    ]

    @Test(arguments: calls)
    func `each kind of call makes exactly its own actions true`(text: String, actions: [String]) throws {
        let event = try event(text)
        let matching = try Self.triggers.filter { try Trigger($0.value).matches(event) }.keys
        #expect(matching.sorted() == actions)
    }
}
