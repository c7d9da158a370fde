import Events
import Integrations
import LosslessJSON
import Testing

/// actions.md §5: the event id, computed a second time in `ReferenceULID`.
@Suite struct `The event id` {
    private func id(
        _ members: String,
        receivedAt: String? = "2024-03-01T00:00:00.250Z",
        source: String = "web",
        _ settings: Setting...
    ) throws -> String? {
        let event = try event("{\(members)}", source: source, receivedAt: receivedAt)
        return try integration(settings).plan(event).operations.first?.body["id"]?.stringValue
    }

    @Test func `the reference knows SHA-256 and the alphabet`() {
        let hash = SHA256.hash(Array("abc".utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        #expect(hash.joined() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let long = SHA256.hash(Array(repeating: UInt8(ascii: "a"), count: 200)).prefix(4)
        #expect(Array(long) == [0xC2, 0xA9, 0x08, 0xD9])
        #expect(ReferenceULID.text(milliseconds: 0, "").prefix(10) == "0000000000")
        #expect(ReferenceULID.text(milliseconds: .max, "").prefix(10) == "7ZZZZZZZZZ")
    }

    @Test(arguments: [
        (#""type":"track","event":"Signed Up","userId":"u1""#, "track", "Signed Up", "track-event"),
        (#""type":"page","name":"Home","userId":"u1""#, "page", "", "track-page-view"),
        (#""type":"screen","name":"Home","userId":"u1""#, "screen", "", "track-screen-view"),
        (#""type":"track","event":"caf\u00e9 \ud83d\ude00","userId":"u1""#, "track", "café 😀", "track-event"),
    ])
    func `is a ULID over time, source, messageId, type, event and action`(
        members: String,
        type: String,
        name: String,
        action: String
    ) throws {
        let expected = ReferenceULID.text(
            milliseconds: 1_709_210_096_789,
            "web",
            "m1",
            type,
            name,
            action
        )
        #expect(try id(#"\#(members),"messageId":"m1","timestamp":"2024-02-29T12:34:56.789Z""#) == expected)
    }

    @Test(
        arguments: [
            // the time that the sender wrote, not the one that is corrected for skew
            (#""timestamp":"2024-02-29T12:34:56.789Z","sentAt":"2024-02-29T13:00:00Z""#, 1_709_210_096_789),
            (#""timestamp":"2024-02-29T12:34:56.789Z","originalTimestamp":"2020-01-01""#, 1_577_836_800_000),
            (#""timestamp":1709210096"#, 1_709_210_096_000), (#""timestamp":"1709210096789""#, 1_709_210_096_789),
            (#""timestamp":"2024-02-29T12:34:56.7899999Z""#, 1_709_210_096_789),
            (#""timestamp":"soon""#, 1_709_251_200_250), (#""k":1"#, 1_709_251_200_250), (#""timestamp":-5"#, 0),
            (#""timestamp":"1969-12-31T23:59:59.999Z""#, 0), (#""timestamp":281474976710655"#, 281_474_976_710_655),
            (#""timestamp":281474976710656"#, 281_474_976_710_655),
        ] as [(String, Int64)]
    )
    func `holds the milliseconds of originalTimestamp, clamped, else of receivedAt`(
        members: String,
        milliseconds: Int64
    ) throws {
        let expected = ReferenceULID.text(milliseconds: milliseconds, "web", "m1", "track", "X", "track-event")
        #expect(try id(#""type":"track","event":"X","userId":"u1","messageId":"m1",\#(members)"#) == expected)
    }

    private static let message = #""type":"track","event":"X","userId":"u1","messageId":"m1""#

    @Test func `is the same whenever it is planned`() throws {
        let first = try id(Self.message + #","timestamp":"2024-02-29T12:34:56.789Z""#)
        let later = try id(Self.message + #","timestamp":"2024-02-29T12:34:56.789Z""#, receivedAt: "2025-01-01")
        #expect(first != nil)
        #expect(first == later)
    }

    @Test func `differs between actions, sources, messages, types and names`() throws {
        let ids = [
            try id(Self.message), try id(Self.message, source: "backend"), try id(Self.message, source: ""),
            try id(#""type":"track","event":"X","userId":"u1","messageId":"m2""#),
            try id(#""type":"track","event":"Y","userId":"u1","messageId":"m1""#),
            try id(#""type":"page","name":"X","userId":"u1","messageId":"m1""#),
            try id(
                Self.message,
                .off("track-event"),
                .own("mine", uses: "track-event", trigger: #"event = "X""#)
            ),
        ]
        #expect(!ids.contains(nil))
        #expect(Set(ids).count == ids.count)
    }

    @Test func `keeps its parts apart by zero bytes`() throws {
        let one = try id(#""type":"track","event":"bX","userId":"u1","messageId":"a""#)
        let other = try id(#""type":"track","event":"X","userId":"u1","messageId":"ab""#)
        #expect(one != other)
    }

    @Test func `hashes its parts as their bytes`() throws {
        let composed = try id(#""type":"track","event":"caf\u00e9","userId":"u1","messageId":"m1""#)
        let decomposed = try id(#""type":"track","event":"cafe\u0301","userId":"u1","messageId":"m1""#)
        #expect(composed != decomposed)
    }

    @Test func `an event of one's own on a page call is no part of it`() throws {
        let page = #""type":"page","name":"X","userId":"u1","messageId":"m1""#
        #expect(try id(page) == id(page + #","event":"Y""#))
    }

    @Test func `is nowhere but on event, page and screen`() throws {
        let others = [
            #""type":"identify","userId":"u1""#, #""type":"group","groupId":"g","userId":"u1""#,
            #""type":"alias","userId":"u1","previousId":"u2""#, #""type":"track","event":"User Deleted","userId":"u1""#,
            #""type":"track","event":"User Suppressed","userId":"u1""#,
            #""type":"track","event":"User Unsuppressed","userId":"u1""#,
            #""type":"track","event":"Object Deleted","properties":{"objectId":"o"}"#,
            #""type":"track","event":"Relationship Deleted","userId":"u1","properties":{"objectId":"o"}"#,
            #""type":"track","event":"Device Created or Updated","userId":"u1","properties":{"token":"t"}"#,
            #""type":"track","event":"Device Deleted","userId":"u1","properties":{"token":"t"}"#,
            #""type":"track","event":"Report Delivery Event","properties":{"deliveryId":"d","metric":"opened"}"#,
            #"""
            "type":"track","event":"Report Content Event","anonymousId":"a","properties":{"actionType":"viewed_content"}
            """#,
        ]
        for members in others {
            let body = try body(
                #"{\#(members),"messageId":"m1","timestamp":"2024-02-29T12:34:56.789Z"}"#,
                receivedAt: "2024-03-01"
            )
            #expect(body["id"] == nil, "\(body)")
        }
    }

    @Test func `is absent without a messageId or any readable time`() throws {
        #expect(try id(#""type":"track","event":"X","userId":"u1""#) == nil)
        #expect(try id(Self.message, receivedAt: nil) == nil)
        #expect(try id(Self.message + #","timestamp":"soon""#, receivedAt: nil) == nil)
        #expect(try id(Self.message + #","timestamp":"2024-02-29""#, receivedAt: nil) != nil)
    }
}
