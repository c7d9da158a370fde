import Integrations
import LosslessJSON
import Testing

/// A selection of events-mixed.ndjson, all of it previewed.
///
/// preview-expected.ndjson holds what a second implementation, written from actions.md in another language, makes of
/// each line. Only the words of errors and warnings are the product's own, so these are counted.
@Suite struct `Previews of many events` {
    private static let integrationKeys = [
        "line", "messageId", "integration", "operations", "ignored", "warnings", "error",
    ]

    @Test func `agree with a second implementation, byte for byte`() throws {
        let events = try vectorLines("preview-events.ndjson")
        let expected = try vectorLines("preview-expected.ndjson")
        #expect(events.count == 312)
        #expect(expected.count == events.count)
        let integration = try defaultIntegration()
        for (position, (event, line)) in zip(events, expected).enumerated() {
            let (text, isValid) = preview(event, in: integration, number: position + 1)
            let output = try json(text)
            let reference = try json(line)
            for key in ["line", "messageId", "integration", "operations", "ignored"] {
                #expect(output[key]?.description == reference[key]?.description, "line \(position + 1): \(event)")
            }
            #expect(isValid == (reference["error"] == .null), "line \(position + 1): \(event)")
            let warned = output["warnings"]?.arrayValue?.map { $0["action"]?.stringValue }
            #expect(
                warned == reference["warnings"]?.arrayValue?.map { $0["action"]?.stringValue },
                "line \(position + 1): \(event)"
            )
        }
    }

    @Test func `run to the end, each line valid and nothing made up`() throws {
        var valid = 0
        let integrations = [
            try defaultIntegration(),
            try integration([
                .change("delete-person", trigger: #"contains(event, "e")"#),
                .change("track-event", convertTimestamps: false),
                .own("mine", uses: "track-event", trigger: #"type = "track""#, mapping: #"{"name":"mine"}"#),
            ]),
        ]
        for (position, line) in try vectorLines("preview-events.ndjson").enumerated() {
            let message = try json(line)
            for integration in integrations {
                let (text, isValid) = preview(line, in: integration, number: position + 1)
                let output = try json(text)
                #expect(output.objectValue?.map(\.key) == Self.integrationKeys)
                #expect(output["error"]?.isNull == isValid)
                if isValid { valid += 1 }
                for operation in output["operations"]?.arrayValue ?? [] {
                    #expect(operation.objectValue?.map(\.key) == ["action", "method", "path", "body"])
                    check(try #require(operation["body"]), of: message, "line \(position + 1): \(text)")
                }
                for ignored in output["ignored"]?.arrayValue ?? [] {
                    let reason = try #require(ignored["reason"]?.stringValue)
                    #expect(Self.isReason(reason), "\(reason)")
                }
                #expect(isValid || output["operations"]?.arrayValue?.isEmpty == true)
            }
        }
        #expect(valid > 400)
    }

    private func check(_ body: JSON, of message: JSON, _ context: String) {
        if body["id"] != nil { #expect(message["messageId"]?.isNull == false, "\(context)") }
        if body["timestamp"] != nil {
            let times = ["timestamp", "originalTimestamp", "receivedAt"]
            #expect(times.contains { message[$0]?.isNull == false }, "\(context)")
        }
        if let identifiers = body["identifiers"]?.objectValue {
            let keys = identifiers.map(\.key)
            let isPerson = keys.count == 1 && ["id", "email", "cio_id", "anonymous_id"].contains(keys.first)
            #expect(isPerson || keys == ["object_type_id", "object_id"], "\(context)")
            for value in identifiers.map(\.value) { #expect(value.stringValue?.isEmpty == false, "\(context)") }
        }
    }

    private static func isReason(_ reason: String) -> Bool {
        [
            "no identifier", "anonymous identify", "same person", "anonymous id: identify joins it",
            "switched off by integrations",
        ].contains(reason) || reason.hasSuffix(" is missing") || reason.contains(" is not valid: ")
            || reason.hasPrefix("handled by ")
    }
}
