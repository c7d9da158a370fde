import LosslessJSON
import Testing
import TrackAPI

@Suite struct `An operation` {
    @Test func `an item goes to the entity path and a metric to the metrics path`() {
        #expect(Operation.event("a").path == "/api/v2/entity")
        #expect(Operation.metric.path == "/api/v1/metrics")
    }

    @Test func `its text keeps key order and number text`() throws {
        let text = #"{"type":"person","z":12345678901234567890,"a":1.10,"é":null}"#
        let body = try #require(try JSON(parsing: text).objectValue)
        #expect(String(decoding: Operation(kind: .entity, body: body).encoded(), as: UTF8.self) == text)
    }
}
