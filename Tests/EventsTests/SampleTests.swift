import Events
import LosslessJSON
import Testing

/// Messages as senders write them.
@Suite struct `Sample messages` {
    /// One of each call, as the libraries send them.
    static let samples: [(Event.Call, String)] = [
        (
            .identify,
            #"{"type":"identify","userId":"u1","anonymousId":"a1","traits":{"email":"ada@example.com","plan":"pro"},"#
                + #""context":{"library":{"name":"analytics-ruby","version":"2.4.0"}},"messageId":"m-identify","#
                + #""timestamp":"2024-06-01T11:59:58.000Z"}"#
        ),
        (
            .track,
            #"{"type":"track","event":"Order Completed","userId":"u1","anonymousId":null,"#
                + #""properties":{"total":27.50,"items":[{"sku":"A-1"}]},"context":{"library":{"#
                + #""name":"analytics-python","version":"2.3.4"}},"integrations":{},"messageId":"m-track","#
                + #""timestamp":"2024-06-01T11:59:58.000000+00:00"}"#
        ),
        (
            .page,
            #"{"type":"page","name":"Home","category":null,"anonymousId":"a1","properties":{"path":"/","title":"Home","#
                + #""url":"https://example.com/","referrer":"","search":""},"#
                + #""context":{"library":{"name":"analytics.js"},"userAgent":"Mozilla/5.0"},"#
                + #""messageId":"ajs-next-0a1b","timestamp":"2024-06-01T11:59:58.000Z","#
                + #""writeKey":"k","_metadata":{"bundled":["Segment.io"]}}"#
        ),
        (
            .screen,
            #"{"type":"screen","name":"Cart","userId":"u1","properties":{"items":3},"#
                + #""context":{"device":{"type":"ios"},"library":{"name":"analytics-swift"}},"messageId":"m-screen","#
                + #""timestamp":"2024-06-01T13:59:58+02:00"}"#
        ),
        (
            .group,
            #"{"type":"group","groupId":42,"userId":"u1","traits":{"name":"Acme","object_type_id":"2"},"#
                + #""messageId":"m-group","timestamp":"2024-06-01T11:59:58Z"}"#
        ),
        (
            .alias,
            #"{"type":"alias","previousId":"old@example.com","userId":"u1","messageId":"m-alias","#
                + #""timestamp":"2024-06-01T11:59:58Z"}"#
        ),
    ]

    @Test(arguments: samples)
    func `each call's sample is accepted in every mode and keeps what it says`(
        call: Event.Call,
        message: String
    ) throws {
        for receipt in [Event.Receipt.permissive, .strict, .preview] {
            let event = try normalised(message, receipt: receipt)
            #expect(event.call == call)
            #expect(event.message["timestamp"] == "2024-06-01T11:59:58.000Z")
            #expect(event.messageId == (try JSON(parsing: message))["messageId"]?.stringValue)
            #expect(event.userId == "u1" || event.anonymousId == "a1")
        }
    }

    @Test func `the page of a browser comes out whole`() throws {
        let page = try #require(Self.samples.first { $0.0 == .page }?.1)
        let event = try normalised(page)
        #expect(
            event.text
                == #"{"type":"page","name":"Home","anonymousId":"a1","properties":{"path":"/","title":"Home","#
                + #""url":"https://example.com/","referrer":"","search":""},"#
                + #""context":{"library":{"name":"analytics.js"},"userAgent":"Mozilla/5.0","ip":"203.0.113.9"},"#
                + #""messageId":"ajs-next-0a1b","#
                + #""timestamp":"2024-06-01T11:59:58.000Z","_metadata":{"bundled":["Segment.io"]},"integrations":{},"#
                + #""originalTimestamp":"2024-06-01T11:59:58.000Z","receivedAt":"2024-06-01T12:00:00.123Z"}"#
        )
    }

    /// source-api.md §1.1: the smallest post that a library makes.
    @Test func `a push receipt of three fields is a whole event`() throws {
        let event = try normalised(
            #"{"event":"Report Delivery Event","anonymousId":"dl_1","properties":{"recipient":"token","#
                + #""metric":"delivered","deliveryId":"dl_1"}}"#,
            as: .track,
            receipt: .strict
        )
        #expect(event.name == "Report Delivery Event")
        #expect(event.messageId == "made")
        #expect(event.message["timestamp"] == "2024-06-01T12:00:00.123Z")
        #expect(event.message["context"] == [:])
    }

    /// source-api.md §2.8.
    @Test func `a Rudder identify is a whole event`() throws {
        let event = try normalised(
            #"{"type":"identify","channel":"server","userId":"u1","context":{"traits":{"email":"ada@example.com"},"#
                + #""library":{"name":"analytics-python"}},"integrations":{"All":true},"messageId":"m1","#
                + #""originalTimestamp":"2024-06-01T11:59:58.000000+00:00"}"#,
            envelope: #"{"sentAt":"2024-06-01T12:00:00.000000+00:00"}"#
        )
        #expect(event.message["traits"] == ["email": "ada@example.com"])
        #expect(event.message["channel"] == "server")
        #expect(event.message["timestamp"] == "2024-06-01T11:59:58.123Z")
    }

    /// Go writes its library into the envelope only (source-api.md §2.5).
    @Test func `a batch of Go's gives each item the envelope's context`() throws {
        let envelope =
            #"{"messageId":"b1","sentAt":"2024-06-01T12:00:00.000000001+02:00","context":{"library":{"name":"#
            + #""analytics-go","version":"3.0.0"}}}"#
        let event = try normalised(
            #"{"type":"track","userId":"u1","event":"E","messageId":"m1","timestamp":"2024-06-01T11:59:58+02:00"}"#,
            envelope: envelope
        )
        #expect(event.message["context"] == ["library": ["name": "analytics-go", "version": "3.0.0"]])
        #expect(event.message["timestamp"] == "2024-06-01T11:59:58.123Z")
    }

    // MARK: Mixed events

    /// Each line holds a message and what an evaluator written apart from this code, in another language, expects of
    /// it: all faults, of which one is named; else ids and times.
    @Test func `the mixed events come out as an independent evaluator says`() throws {
        var accepted = 0
        var refused = 0
        for line in try vectors("events-mixed") {
            let message = try #require(line["message"])
            let expected = try #require(line["expect"])
            let faults = expected["faults"]?.arrayValue ?? []
            let strictFaults = faults + (expected["strictFaults"]?.arrayValue ?? [])
            expect(message, [.permissive], toHave: faults)
            expect(message, [.strict, .preview], toHave: strictFaults)
            guard faults.isEmpty else {
                refused += 1
                continue
            }
            accepted += 1
            let event = try Event(normalising: message, receipt: .permissive)
            #expect(event.call.rawValue == expected["call"]?.stringValue)
            #expect(event.userId == expected["userId"]?.stringValue)
            #expect(event.anonymousId == expected["anonymousId"]?.stringValue)
            #expect(event.messageId == expected["messageId"]?.stringValue ?? "made")
            #expect(event.message["timestamp"]?.stringValue == expected["timestamp"]?.stringValue, "\(message)")
            guard strictFaults.isEmpty else { continue }
            let preview = try Event(normalising: message, receipt: .preview)
            #expect(preview.messageId == expected["messageId"]?.stringValue)
            #expect(preview.message["receivedAt"]?.stringValue == expected["previewReceivedAt"]?.stringValue)
            #expect(
                preview.message["timestamp"]?.stringValue == expected["previewTimestamp"]?.stringValue,
                "\(message)"
            )
        }
        #expect(accepted > 80)
        #expect(refused > 40)
    }

    private func expect(_ message: JSON, _ receipts: [Event.Receipt], toHave faults: [JSON]) {
        for receipt in receipts {
            let found = rejection(of: message, receipt: receipt).map { refused -> JSON in
                [.string(refused.code.rawValue), refused.field.map(JSON.string) ?? .null]
            }
            #expect(found.map(faults.contains) ?? faults.isEmpty, "\(message)")
        }
    }
}
