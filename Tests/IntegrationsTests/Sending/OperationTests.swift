import Integrations
import LosslessJSON
import Testing
import TrackAPI

/// actions.md §5: what an operation keeps of the event, and how it may be sent.
@Suite struct `Operations` {
    @Test func `keep the exact text of numbers`() throws {
        let properties =
            #"{"a":12345678901234567890,"b":1.10,"c":-0,"d":1e400,"e":0.1000,"f":{"g":[1.0,2.50]},"h":1E5}"#
        let message = #"{"type":"track","event":"X","userId":"u1","properties":\#(properties)}"#
        #expect(try body(message)["attributes"]?.description == properties)
    }

    @Test func `keep the order of keys`() throws {
        let traits = #"{"z":1,"a":{"y":1,"b":2},"m":[{"x":1,"c":2}],"k":"2024-02-29T12:34:56Z","b":0}"#
        let message = #"{"type":"identify","userId":"u1","traits":\#(traits)}"#
        #expect(
            try body(message)["attributes"]?.description
                == #"{"z":1,"a":{"y":1,"b":2},"m":[{"x":1,"c":2}],"k":1709210096,"b":0}"#
        )
    }

    @Test func `keep texts byte for byte`() throws {
        let message =
            #"{"type":"track","event":"cafe\u0301\u2028\u0000","userId":"u1","properties":{"e\u0301":"\ud83d\ude00"}}"#
        let body = try body(message)
        #expect(body["name"]?.stringValue?.hasSameBytes(as: "cafe\u{301}\u{2028}\0") == true)
        #expect(body["attributes"]?.objectValue?.members.first?.key.hasSameBytes(as: "e\u{301}") == true)
    }

    @Test func `go to the entity path, metrics to their own`() throws {
        let entity = try integration().plan(try event(#"{"type":"identify","userId":"u1"}"#)).operations[0]
        #expect(entity.operation.kind == .entity)
        #expect(entity.operation.path == "/api/v2/entity")
        let metric = try integration().plan(
            try event(
                #"""
                {"type":"track","event":"Report Delivery Event","properties":{"deliveryId":"d","metric":"opened"}}
                """#
            )
        ).operations[0]
        #expect(metric.operation.path == "/api/v1/metrics")
    }

    @Test func `carry the batch options of their action`() throws {
        var setting = Setting.own("alone", uses: "track-event", trigger: #"event = "X""#)
        setting.options.enableBatching = false
        setting.options.batchSize = 7
        let plan = try integration([setting]).plan(try event(#"{"type":"track","event":"X","userId":"u1"}"#))
        #expect(plan.operations.map(\.action) == ["track-event", "alone"])
        #expect(plan.operations.map(\.enableBatching) == [true, false])
        #expect(plan.operations.map(\.batchSize) == [50, 7])
    }

    @Test func `are planned however large they are: the limit is kept where they are sent`() throws {
        let large = String(repeating: "x", count: 40_000)
        let body = try body(#"{"type":"track","event":"X","userId":"u1","properties":{"p":"\#(large)"}}"#)
        #expect(body.encoded().count > TrackLimits.itemBytes)
    }
}
