import Integrations
import LosslessJSON
import Testing

/// Every row of identifier-vectors.ndjson, through actions whose fields are mapped to the row: a non-blank object id is
/// asked of an object action, everything else of an event.
@Suite struct `Identifier vectors` {
    private static let mapping = #"""
        {"person_id":"$.properties.person_id","email":"$.properties.email","anonymous_id":"$.properties.anonymous_id"}
        """#
    private static let objectMapping = #"""
        {"object_id":"$.properties.object_id","object_type_id":"$.properties.object_type_id"}
        """#

    @Test func `every row gives the identifier that it says`() throws {
        let rows = try vectorLines("identifier-vectors.ndjson")
        #expect(rows.count == 272)
        let integration = try integration([
            // With its default trigger it would leave the event to the object's command.
            .change("track-event", trigger: #"event = "X""#, mapping: Self.mapping),
            .own("object", uses: "delete-object", trigger: #"event = "X""#, mapping: Self.objectMapping),
        ])
        // The message needs somebody to be valid; the mapping sees only the row.
        let unseen = JSON.Object(lastWins: [
            .init(key: "type", value: "track"), .init(key: "event", value: "X"),
            .init(key: "anonymousId", value: "unseen"),
        ])
        var objects = 0
        for (position, line) in rows.enumerated() {
            let row = try json(line)
            var message = unseen
            message["properties"] = row["input"]
            let plan = integration.plan(try event(JSON.object(message).description))
            let person = plan.operations.first { $0.action == "track-event" }?.body["identifiers"]
            let object = plan.operations.first { $0.action == "object" }?.body["identifiers"]
            let expected = try #require(row["output"])
            #expect((object ?? person ?? .null) == expected, "row \(position + 1): \(line)")
            if expected["object_id"] != nil { objects += 1 }
            // The action without an identifier says so.
            let reasons = plan.ignored.map { "\($0.action ?? "-"): \($0.reason)" }
            #expect(reasons.contains("object: object_id is missing") == (object == nil), "row \(position + 1)")
            #expect(reasons.contains("track-event: no identifier") == (person == nil), "row \(position + 1)")
        }
        #expect(objects > 50)
    }
}
