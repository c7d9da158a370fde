import Integrations
import LosslessJSON
import Testing
import TrackAPI

/// The dry run's format is a contract: one JSON line, the same keys in the same order, nothing made up.
@Suite struct `The preview's format` {
    private static let keys = ["line", "messageId", "integration", "operations", "ignored", "warnings", "error"]

    private func preview(_ line: String, explains: Bool = false) throws -> String {
        IntegrationsTests.preview(line, in: try defaultIntegration(), explains: explains).text
    }

    @Test func `is that of the design's example`() throws {
        let line = #"""
            {"type":"track","event":"Application Opened","messageId":"4vl6zh","userId":"u1",
            "timestamp":"2022-11-24T22:56:14.000Z"}
            """#
        let id = ReferenceULID.text(
            milliseconds: 1_669_330_574_000,
            "",
            "4vl6zh",
            "track",
            "Application Opened",
            "track-event"
        )
        let expected = #"""
            {"line":1,"messageId":"4vl6zh","integration":"default",
            "operations":[{"action":"track-event","method":"POST","path":"/api/v2/entity",
            "body":{"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Application Opened",
            "id":"\#(id)","timestamp":1669330574,"attributes":{}}}],
            "ignored":[{"action":"create-or-update-device","reason":"token is missing"}],"warnings":[],"error":null}
            """#
        #expect(try preview(line) == json(expected).description)
    }

    @Test func `names the line and the integration`() throws {
        let integration = try integration(named: "production")
        let first = IntegrationsTests.preview(#"{"type":"identify","userId":"u1"}"#, in: integration, number: 12_345)
        let output = try json(first.text)
        #expect(output["line"]?.description == "12345")
        #expect(output["integration"] == "production")
    }

    @Test(arguments: ["null", #""""#, #"" ""#])
    func `says null without a messageId, for valid and invalid lines`(messageId: String) throws {
        for line in [#"{"type":"identify","userId":"u1""#, #"{"type":"identify""#] {
            for member in [",\"messageId\":\(messageId)}", "}"] {
                let output = try json(try preview(line + member))
                #expect(output["messageId"] == .null, "\(line + member)")
            }
        }
    }

    @Test func `writes a messageId that is a number as its text`() throws {
        #expect(try json(preview(#"{"type":"identify","userId":"u1","messageId":1.0}"#))["messageId"] == "1.0")
        #expect(try json(preview(#"{"type":"identify","messageId":1.0}"#))["messageId"] == "1.0")
    }

    @Test(arguments: [
        ("", "not JSON: there is no JSON value"), ("{", "not JSON: the JSON ends too early at line 1, column 2"),
        ("{} {}", "not JSON: something stands behind the JSON value at line 1, column 4"),
        ("[]", "the message must be an object, not a list"), ("null", "the message must be an object, not null"),
        (#""text""#, "the message must be an object, not a string"),
    ])
    func `gives a line that is no message an error and nothing else`(line: String, error: String) throws {
        let expected = #"""
            {"line":1,"messageId":null,"integration":"default",
            "operations":[],"ignored":[],"warnings":[],"error":"\#(error)"}
            """#
        let (text, isValid) = IntegrationsTests.preview(line, in: try defaultIntegration())
        #expect(text == (try json(expected).description))
        #expect(!isValid)
    }

    @Test(arguments: [
        (#"{"messageId":"m1"}"#, "type is missing"), (#"{"messageId":"m1","type":"Track"}"#, "type"),
        (#"{"messageId":"m1","type":"track","userId":"u1"}"#, "event is missing"),
        (#"{"messageId":"m1","type":"track","event":"X"}"#, "userId"),
        (#"{"messageId":"m1","type":"identify","traits":{"plan":"free"}}"#, "userId"),
        (#"{"messageId":"m1","type":"identify","userId":true}"#, "userId must be"),
        (#"{"messageId":"m1","type":"identify","userId":"u1","traits":[]}"#, "traits must be"),
        (#"{"messageId":"m1","type":"identify","userId":"u1","integrations":false}"#, "integrations must be"),
        (#"{"messageId":"m1","type":"group","userId":"u1"}"#, "groupId is missing"),
        (#"{"messageId":"m1","type":"alias","userId":"u1"}"#, "previousId is missing"),
    ])
    func `gives a message that strict mode refuses an error that names the field`(line: String, words: String) throws {
        let (text, isValid) = IntegrationsTests.preview(line, in: try defaultIntegration())
        let output = try json(text)
        #expect(!isValid)
        #expect(output.objectValue?.map(\.key) == Self.keys)
        #expect(output["messageId"] == "m1")
        #expect(output["error"]?.stringValue?.contains(words) == true, "\(text)")
        #expect(output["operations"]?.arrayValue?.isEmpty == true)
    }

    @Test func `says of an event that integrations switch off just that`() throws {
        let line = #"{"type":"track","event":"X","userId":"u1","messageId":"m1","integrations":{"All":false}}"#
        let expected = #"""
            {"line":1,"messageId":"m1","integration":"default","operations":[],
            "ignored":[{"action":null,"reason":"switched off by integrations"}],"warnings":[],"error":null}
            """#
        #expect(try preview(line) == json(expected).description)
    }

    @Test func `shows a metric with its own path`() throws {
        let line = #"""
            {"type":"track","event":"Report Delivery Event","properties":{"deliveryId":"d","metric":"opened"}}
            """#
        let expected = #"""
            [{"action":"report-delivery-event","method":"POST","path":"/api/v1/metrics",
            "body":{"delivery_id":"d","metric":"opened"}}]
            """#
        #expect(try json(preview(line))["operations"]?.description == json(expected).description)
    }

    @Test func `shows warnings with their action, null where they concern the event`() throws {
        let line = #"{"type":"identify","userId":"u1","timestamp":"soon","traits":{"_update":true}}"#
        let expected = #"""
            [{"action":null,"message":"timestamp can't be read as a time: \"soon\"; it is left out"},
            {"action":"create-or-update-person",
            "message":"the attribute _update is a control word of the Track API and is not sent"}]
            """#
        #expect(try json(preview(line))["warnings"]?.description == json(expected).description)
    }

    @Test func `leaves out actions whose trigger is false, unless it explains`() throws {
        let text = try preview(#"{"type":"identify","userId":"u1"}"#)
        #expect(!text.contains("track-event"))
        #expect(!text.contains("trace"))
    }
}

/// What a preview does not know it does not invent.
@Suite struct `A preview makes nothing up` {
    private func body(_ line: String, sources: Integration.Sources = .all) throws -> JSON {
        let integration = Integration(
            name: "default",
            sources: sources,
            settings: .init(),
            actions: try Action.defaults()
        )
        let output = try json(preview(line, in: integration).text)
        return try #require(output[at: "operations.0.body"])
    }

    @Test func `without a readable time there is no timestamp and no id`() throws {
        let body = try body(#"{"type":"track","event":"X","userId":"u1","messageId":"m1"}"#)
        #expect(body["timestamp"] == nil)
        #expect(body["id"] == nil)
    }

    @Test func `without a messageId there is no id`() throws {
        let body = try body(#"{"type":"track","event":"X","userId":"u1","timestamp":"2024-02-29"}"#)
        #expect(body["timestamp"] != nil)
        #expect(body["id"] == nil)
    }

    @Test func `the source is the integration's first, without any the empty text`() throws {
        let line = #"{"type":"track","event":"X","userId":"u1","messageId":"m1","timestamp":"1970-01-01"}"#
        for (sources, source) in [
            (Integration.Sources.all, ""), (.only([]), ""), (.only(["web", "backend"]), "web"),
            (.only(["backend", "web"]), "backend"),
        ] {
            let id = ReferenceULID.text(milliseconds: 0, source, "m1", "track", "X", "track-event")
            #expect(try body(line, sources: sources)["id"]?.stringValue == id)
        }
    }

    @Test func `skew is corrected only on lines that carry receivedAt`() throws {
        let sent = #""timestamp":"2024-02-29T12:00:00Z","sentAt":"2024-02-29T12:00:30Z""#
        let plain = try body(#"{"type":"track","event":"X","userId":"u1",\#(sent)}"#)
        #expect(plain["timestamp"]?.description == "1709208000")
        let received = try body(
            #"{"type":"track","event":"X","userId":"u1",\#(sent),"receivedAt":"2024-02-29T10:00:00Z"}"#
        )
        #expect(received["timestamp"]?.description == "1709200770")
    }

    @Test func `nothing is deduplicated`() throws {
        let line = #"{"type":"track","event":"X","userId":"u1","messageId":"m1"}"#
        let integration = try defaultIntegration()
        #expect(preview(line, in: integration).text == preview(line, in: integration).text)
    }

    @Test func `no address is added to the context`() throws {
        let line = #"""
            {"type":"track","event":"X","userId":"u1","context":{"direct":true},"properties":{}}
            """#
        let integration = try integration([.change("track-event", mapping: #"{"attributes":"$.context"}"#)])
        #expect(preview(line, in: integration).text.contains(#""attributes":{"direct":true}"#))
    }
}

/// `--explain`: for every action the trigger's outcome and the clause that decided, for every field where its value
/// came from.
@Suite struct `The preview's trace` {
    private func trace(_ line: String, _ settings: Setting...) throws -> [JSON] {
        let text = preview(line, in: try integration(settings), explains: true).text
        let output = try json(text)
        #expect(
            output.objectValue?.map(\.key)
                == ["line", "messageId", "integration", "operations", "ignored", "warnings", "error", "trace"]
        )
        return try #require(output["trace"]?.arrayValue)
    }

    @Test func `speaks of every action, in the order of the plan, enabled or not`() throws {
        let trace = try trace(
            #"{"type":"track","event":"X","userId":"u1"}"#,
            .off("track-page-view"),
            .own("mine", uses: "track-event", trigger: #"event = "Y""#)
        )
        #expect(trace.map { $0["action"]?.stringValue } == ActionDefinition.catalog.map(\.name) + ["mine"])
        for action in trace {
            #expect(action.objectValue?.map(\.key) == ["action", "enabled", "trigger", "fields"])
            #expect(action["trigger"]?.objectValue?.map(\.key) == ["matches", "clause", "reason"])
            let name = action["action"]?.stringValue
            #expect(action["enabled"]?.boolValue == (name != "track-page-view"))
            #expect(action[at: "trigger.matches"]?.boolValue == (name == "track-event"))
        }
    }

    @Test func `tells the clause that decided`() throws {
        let trace = try trace(
            #"{"type":"track","event":"Opened","userId":"u1"}"#,
            .own("mine", uses: "track-event", trigger: #"type = "track" and event = "Closed""#)
        )
        let expected = #"{"matches":false,"clause":"event = \"Closed\"","reason":"event is \"Opened\""}"#
        #expect(trace.last?["trigger"]?.description == expected)
        #expect(trace.last?["fields"]?.description == "[]")
    }

    @Test func `tells for each field of a true action where its value came from`() throws {
        let trace = try trace(
            #"""
            {"type":"identify","userId":"u1","timestamp":"2024-02-29T12:34:56Z","email":"e@x.co",
            "traits":{"plan":"pro","createdAt":"2020-01-01"},"context":{"objectId":"acme"}}
            """#
        )
        let fields = try #require(trace.first?["fields"]?.arrayValue)
        for field in fields {
            #expect(field.objectValue?.map(\.key) == ["field", "from", "value"])
        }
        let lines = fields.map {
            "\($0["field"]?.stringValue ?? "") \($0["from"]?.stringValue ?? "") \($0["value"] ?? .null)"
        }
        #expect(
            lines == [
                #"person_id $.userId "u1""#, #"email $.email "e@x.co""#, "anonymous_id nothing at $.anonymousId null",
                #"created_at $.traits.createdAt "2020-01-01""#,
                "timestamp the earliest of $.timestamp, $.originalTimestamp, $.receivedAt 1709210096",
                "attributes $.traits without createdAt, created_at, objectId, objectTypeId, object_type_id, "
                    + #"relationshipAttributes {"plan":"pro"}"#,
                #"object_id $.context.objectId "acme""#,
                "object_type_id nothing at $.traits.objectTypeId, else $.traits.object_type_id, "
                    + "else $.context.objectTypeId, else $.context.object_type_id null",
                "relationship_attributes nothing at $.traits.relationshipAttributes, "
                    + "else $.context.relationshipAttributes null",
            ]
        )
    }

    @Test func `tells what a mapping gave, and that one failed`() throws {
        let trace = try trace(
            #"{"type":"track","event":"X","userId":"u1","properties":{"a":1}}"#,
            .change("track-event", mapping: #"{"name":"{{event}}!","email":{"@path":{"@path":"$.properties"}}}"#)
        )
        let fields = try #require(trace.first { $0["action"] == "track-event" }?["fields"]?.arrayValue)
        let name = try #require(fields.first { $0["field"] == "name" })
        #expect(name["value"] == "X!")
        #expect(name["from"]?.stringValue?.hasPrefix("mapping: ") == true)
        let email = try #require(fields.first { $0["field"] == "email" })
        #expect(email["value"] == .null)
        #expect(email["from"]?.stringValue?.contains("failed") == true)
    }

    @Test func `stands on error lines too, empty`() throws {
        #expect(try trace("{").isEmpty)
    }

    @Test func `changes nothing else of the line`() throws {
        let integration = try defaultIntegration()
        for line in try vectorLines("preview-events.ndjson").prefix(60) {
            let plain = preview(line, in: integration)
            let explained = preview(line, in: integration, explains: true)
            #expect(explained.text.hasPrefix(plain.text.dropLast() + #","trace":["#))
            #expect(explained.isValid == plain.isValid)
        }
    }
}
