import Integrations
import LosslessJSON
import Testing
import TrackAPI

/// actions.md §3, Report Delivery Event.
@Suite struct `Report Delivery Event` {
    private func message(_ properties: String) -> String {
        #"{"type":"track","event":"Report Delivery Event","properties":\#(properties)}"#
    }

    @Test func `it becomes a metric with everything that it says`() throws {
        let message = #"""
            {"type":"track","event":"Report Delivery Event","anonymousId":"dl_1","userId":"u1",
            "timestamp":"2024-02-29T12:34:56.789Z","properties":{"deliveryId":"dl_1","metric":"Clicked",
            "recipient":"tok","reason":"why","href":"https://example.com/","actionName":"button","actionValue":5.0,
            "color":"red"}}
            """#
        let plan = try integration().plan(try event(message))
        let expected = try sends(
            "report-delivery-event",
            #"""
            {"delivery_id":"dl_1","metric":"clicked","recipient":"tok","reason":"why","href":"https://example.com/",
            "timestamp":1709210096,"metadata":{"action_name":"button","action_value":"5.0"}}
            """#
        )
        #expect(Outcome(plan) == Outcome(operations: [expected]))
        #expect(plan.operations.first?.operation.kind == .metric)
        #expect(plan.operations.first?.operation.path == "/api/v1/metrics")
    }

    @Test func `it needs no person and leaves out what it does not know`() throws {
        let expected = try sends("report-delivery-event", #"{"delivery_id":"7","metric":"opened"}"#)
        #expect(
            try plan(message(#"{"deliveryId":7,"metric":"opened","recipient":"","reason":null,"href":{}}"#))
                == Outcome(operations: [expected])
        )
    }

    @Test(arguments: [
        "delivered", "opened", "clicked", "converted", "spammed", "bounced", "dropped", "deferred", "Delivered",
        "OPENED",
    ])
    func `the metric is one of eight, without case`(metric: String) throws {
        let body = try body(message(#"{"deliveryId":"d","metric":"\#(metric)"}"#))
        #expect(body["metric"]?.stringValue == metric.lowercased())
    }

    @Test(arguments: [
        (#""sent""#, "metric is not valid: sent"), (#""Viewed""#, "metric is not valid: Viewed"),
        (#"" opened""#, "metric is not valid:  opened"), ("5", "metric is not valid: 5"),
        ("null", "metric is missing"), (#"" ""#, "metric is missing"), ("true", "metric is missing"),
    ])
    func `another metric is not valid, an absent one is missing`(metric: String, reason: String) throws {
        #expect(
            try plan(message(#"{"deliveryId":"d","metric":\#(metric)}"#))
                == Outcome(ignored: ["report-delivery-event: \(reason)"])
        )
    }

    @Test func `the delivery id is missing before the metric is`() throws {
        let expected = Outcome(ignored: ["report-delivery-event: delivery_id is missing"])
        #expect(try plan(message("{}")) == expected)
        #expect(try plan(message(#"{"deliveryId":" ","metric":"wrong"}"#)) == expected)
    }

    @Test func `metadata is there only when one of its parts is`() throws {
        let one = try body(message(#"{"deliveryId":"d","metric":"clicked","actionValue":"v"}"#))
        #expect(one["metadata"]?.description == #"{"action_value":"v"}"#)
        let none = try body(message(#"{"deliveryId":"d","metric":"clicked","actionValue":true}"#))
        #expect(none["metadata"] == nil)
    }
}

/// actions.md §3, Report Content Event.
@Suite struct `Report Content Event` {
    @Test(arguments: ["viewed_content", "clicked_content"])
    func `it becomes person viewed_content or clicked_content of a visitor`(action: String) throws {
        let message = #"""
            {"type":"track","event":"Report Content Event","anonymousId":"a1","timestamp":"2024-02-29T12:34:56.789Z",
            "properties":{"actionType":"\#(action)","contentId":7,"gone":null}}
            """#
        let expected = try sends(
            "report-content-event",
            #"""
            {"type":"person","action":"\#(action)","identifiers":{"anonymous_id":"a1"},"name":"\#(action)",
            "timestamp":1709210096,"attributes":{"contentId":7,"gone":null}}
            """#
        )
        #expect(try plan(message) == Outcome(operations: [expected]))
    }

    @Test(arguments: [
        (#""anonymousId":"a1","properties":{"actionType":"viewed_content","anonymousId":"a2"}"#, "a1"),
        (#""properties":{"actionType":"viewed_content","anonymousId":"a2"}"#, "a2"),
        (#""userId":"u1","anonymousId":"a1","properties":{"actionType":"viewed_content"}"#, "a1"),
        (#""userId":"u1","properties":{"actionType":"viewed_content","anonymousId":"a2"}"#, "a2"),
        (#""anonymousId":" ","properties":{"actionType":"viewed_content","anonymousId":3}"#, "3"),
    ])
    func `the visitor is named also when a userId is given`(members: String, anonymousId: String) throws {
        let body = try self.body(members)
        #expect(body["identifiers"]?.description == #"{"anonymous_id":"\#(anonymousId)"}"#)
    }

    @Test func `attributes are properties without actionType and always there`() throws {
        let body = try self.body(#""properties":{"actionType":"viewed_content","anonymousId":"a2"}"#)
        #expect(body["attributes"]?.description == #"{"anonymousId":"a2"}"#)
        let none = try self.body(#""anonymousId":"a1","properties":{"actionType":"viewed_content"}"#)
        #expect(none["attributes"]?.description == "{}")
    }

    private func body(_ members: String) throws -> JSON {
        let plan = try integration().plan(try event(#"{"type":"track","event":"Report Content Event",\#(members)}"#))
        return try #require(plan.operations.first).body
    }

    @Test(arguments: [
        (#""userId":"u1","email":"e@x.co","properties":{"actionType":"viewed_content"}"#, "no identifier"),
        (#""properties":{}"#, "no identifier"),
        (#""anonymousId":"a1","properties":{}"#, "content_action is missing"),
        (#""anonymousId":"a1","properties":{"actionType":""}"#, "content_action is missing"),
        (#""anonymousId":"a1","properties":{"actionType":"seen"}"#, "content_action is not valid: seen"),
        (
            #""anonymousId":"a1","properties":{"actionType":"Viewed_Content"}"#,
            "content_action is not valid: Viewed_Content"
        ),
    ])
    func `a visitor, then a known action are required`(members: String, reason: String) throws {
        #expect(
            try plan(#"{"type":"track","event":"Report Content Event",\#(members)}"#)
                == Outcome(ignored: ["report-content-event: \(reason)"])
        )
    }

    @Test func `it is protected, with the reason`() {
        let locked = ActionDefinition.catalog.filter { $0.lockedBecause != nil }
        #expect(locked.map(\.name) == ["report-content-event"])
        #expect(locked.first?.lockedBecause == "editing it can break metric reporting")
    }

    @Test func `it can be switched off`() throws {
        let message = #"{"type":"track","event":"Report Content Event","anonymousId":"a1"}"#
        #expect(try plan(message, .off("report-content-event")) == Outcome())
    }
}
