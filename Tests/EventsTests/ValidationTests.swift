import Events
import LosslessJSON
import Testing

/// The table of source-api.md §2.6, row by row, each in both modes.
@Suite struct `Validation` {
    struct Row: Sendable, CustomTestStringConvertible {
        let message: JSON
        let code: Rejection.Code
        let field: String
        /// What the message must say beside the field's name.
        let expected: String

        init(_ message: JSON, _ code: Rejection.Code, _ field: String, _ expected: String) {
            self.message = message
            self.code = code
            self.field = field
            self.expected = expected
        }

        var testDescription: String { message.description }
    }

    // MARK: What both modes reject

    static let identifiers: [Row] = ["identify", "track", "page", "screen"].flatMap { type in
        [
            ["type": .string(type), "event": "E"],
            ["type": .string(type), "event": "E", "userId": "", "anonymousId": ""],
            ["type": .string(type), "event": "E", "userId": .null, "anonymousId": .null],
            ["type": .string(type), "event": "E", "email": " \t\u{A0}"],
            ["type": .string(type), "event": "E", "email": true],
            ["type": .string(type), "event": "E", "email": ["a@example.com"]],
            ["type": .string(type), "event": "E", "context": ["traits": ["email": ""]]],
            ["type": .string(type), "event": "E", "context": ["traits": "a@example.com"]],
        ].map { Row($0, .noIdentifier, "userId", "\(type) needs one of them") }
    }

    @Test(arguments: identifiers)
    func `identify, track, page and screen need an id or a non-blank e-mail`(_ row: Row) {
        expect(row, in: [.permissive, .strict])
    }

    @Test(arguments: [
        Row(
            ["type": "track", "event": "E", "traits": ["email": "a@example.com"]],
            .noIdentifier,
            "userId",
            "track needs one of them"
        ),
        Row(
            ["type": "identify", "properties": ["email": "a@example.com"]],
            .noIdentifier,
            "userId",
            "identify needs one of them"
        ),
        Row(
            ["type": "page", "properties": ["email": "a@example.com"], "traits": ["email": "a@example.com"]],
            .noIdentifier,
            "userId",
            "page needs one of them"
        ),
        Row(
            ["type": "screen", "properties": ["email": "a@example.com"], "traits": ["email": "a@example.com"]],
            .noIdentifier,
            "userId",
            "screen needs one of them"
        ),
    ])
    func `an e-mail counts only where the call may have it`(_ row: Row) {
        expect(row, in: [.permissive, .strict])
    }

    @Test(arguments: ["userId", "anonymousId"], ["{}", "[]", "[\"u1\"]", "true", "false"])
    func `a userId or anonymousId that is an object, a list or a boolean is rejected`(
        field: String,
        value: String
    ) throws {
        let value = try JSON(parsing: value)
        for type in Event.Call.allCases {
            var message = Self.smallest[type] ?? [:]
            message[field] = value
            let row = Row(.object(message), .invalidRequest, field, "a string or a number, not \(value.kindName)")
            expect(row, in: [.permissive, .strict])
        }
    }

    @Test(arguments: [
        Row(["type": "track", "userId": "u1"], .missingEventName, "event", "missing"),
        Row(["type": "track", "userId": "u1", "event": .null], .missingEventName, "event", "missing"),
        Row(["type": "track", "userId": "u1", "event": ""], .missingEventName, "event", "empty"),
        Row(["type": "track", "userId": "u1", "event": 7], .missingEventName, "event", "not a number"),
        Row(["type": "track", "userId": "u1", "event": true], .missingEventName, "event", "not a boolean"),
        Row(["type": "track", "userId": "u1", "event": ["E"]], .missingEventName, "event", "not a list"),
        Row(["type": "track", "userId": "u1", "event": [:]], .missingEventName, "event", "not an object"),
    ])
    func `a track needs an event that is a non-empty string`(_ row: Row) {
        expect(row, in: [.permissive, .strict])
    }

    @Test(arguments: [
        Row(["type": "group", "userId": "u1"], .invalidRequest, "groupId", "missing"),
        Row(["type": "group", "userId": "u1", "groupId": .null], .invalidRequest, "groupId", "missing"),
        Row(["type": "group", "userId": "u1", "groupId": ""], .invalidRequest, "groupId", "missing"),
        Row(["type": "group", "userId": "u1", "groupId": true], .invalidRequest, "groupId", "not a boolean"),
        Row(["type": "group", "userId": "u1", "groupId": [:]], .invalidRequest, "groupId", "not an object"),
        Row(["type": "alias", "userId": "u1"], .invalidRequest, "previousId", "missing"),
        Row(["type": "alias", "userId": "u1", "previousId": ""], .invalidRequest, "previousId", "missing"),
        Row(["type": "alias", "userId": "u1", "previousId": ["x"]], .invalidRequest, "previousId", "not a list"),
        Row(["type": "alias", "previousId": "old"], .invalidRequest, "userId", "id"),
        Row(["type": "alias", "previousId": "old", "anonymousId": "a1"], .invalidRequest, "userId", "id"),
        Row(["type": "alias", "previousId": "old", "userId": "", "id": ""], .invalidRequest, "userId", "id"),
        Row(["type": "alias", "previousId": "old", "id": .null], .invalidRequest, "userId", "id"),
        Row(["type": "alias", "previousId": "old", "id": true], .invalidRequest, "userId", "id"),
    ])
    func `a group needs a groupId, an alias a previousId and a userId or an id`(_ row: Row) {
        expect(row, in: [.permissive, .strict])
    }

    @Test(arguments: ["properties", "traits", "context"], ["[]", "\"{}\"", "0", "false"])
    func `properties, traits and context of another type than object are rejected for every call`(
        field: String,
        value: String
    ) throws {
        let value = try JSON(parsing: value)
        for type in Event.Call.allCases {
            var message = Self.smallest[type] ?? [:]
            message[field] = value
            let row = Row(.object(message), .invalidRequest, field, "an object, not \(value.kindName)")
            expect(row, in: [.permissive, .strict])
        }
    }

    @Test(arguments: [
        Row(["userId": "u1"], .invalidRequest, "type", "missing: one of identify, track, page, screen, group, alias"),
        Row(["type": .null, "userId": "u1"], .invalidRequest, "type", "missing"),
        Row(["type": "Track", "event": "E", "userId": "u1"], .invalidRequest, "type", "\"Track\" is unknown"),
        Row(["type": "", "userId": "u1"], .invalidRequest, "type", "unknown"),
        Row(["type": "track ", "event": "E", "userId": "u1"], .invalidRequest, "type", "unknown"),
        Row(["type": "batch", "userId": "u1"], .invalidRequest, "type", "unknown"),
        Row(["type": 1, "userId": "u1"], .invalidRequest, "type", "a string, not a number"),
        Row(["type": ["track"], "userId": "u1"], .invalidRequest, "type", "a string, not a list"),
    ])
    func `an item of a batch without a known type is rejected`(_ row: Row) {
        expect(row, in: [.permissive, .strict])
    }

    @Test(arguments: [
        Row(["type": "page", "userId": "u1", "messageId": true], .invalidRequest, "messageId", "not a boolean"),
        Row(["type": "page", "userId": "u1", "messageId": [:]], .invalidRequest, "messageId", "not an object"),
    ])
    func `a messageId that is neither text nor number is rejected`(_ row: Row) {
        expect(row, in: [.permissive, .strict])
    }

    @Test(arguments: ["null", "true", "1", "\"track\"", "[]", "[{\"type\":\"page\",\"userId\":\"u1\"}]"])
    func `a call that is not an object is invalid JSON, an item of a batch an invalid request`(
        _ text: String
    ) throws {
        let message = try JSON(parsing: text)
        for receipt in [Event.Receipt.permissive, .strict] {
            let single = try #require(rejection(of: message, as: .track, receipt: receipt))
            #expect(single.code == .invalidJSON)
            #expect(single.field == nil)
            #expect(single.message.contains("must be an object, not \(message.kindName)"))
            let item = try #require(rejection(of: message, receipt: receipt))
            #expect(item.code == .invalidRequest)
            #expect(item.message == single.message)
        }
    }

    // MARK: What only strict mode rejects

    @Test(arguments: [
        Row(["type": "page", "userId": "u1", "integrations": []], .invalidRequest, "integrations", "not a list"),
        Row(["type": "page", "userId": "u1", "integrations": "All"], .invalidRequest, "integrations", "not a string"),
        Row(["type": "page", "userId": "u1", "integrations": false], .invalidRequest, "integrations", "not a boolean"),
    ])
    func `integrations of another type than object are {} in permissive mode and rejected in strict mode`(
        _ row: Row
    ) throws {
        expect(row, in: [.strict])
        let event = try Event(normalising: row.message, receipt: .permissive)
        #expect(event.message["integrations"] == [:])
    }

    @Test(arguments: [(99, true), (100, true), (101, false), (5000, false)])
    func `a messageId over 100 characters is kept whole in permissive mode and rejected in strict mode`(
        length: Int,
        isShortEnough: Bool
    ) throws {
        for letter in ["m", "ü", "😀"] {
            let id = String(repeating: letter, count: length)
            let message: JSON = ["type": "page", "userId": "u1", "messageId": .string(id)]
            #expect(try Event(normalising: message, receipt: .permissive).messageId == id)
            let refused = rejection(of: message, receipt: .strict)
            #expect((refused == nil) == isShortEnough)
            guard let refused else { continue }
            #expect(refused.code == .invalidRequest)
            #expect(refused.field == "messageId")
            #expect(refused.message == "messageId must have 100 characters at most, not \(length)")
        }
    }

    // MARK: What both modes accept

    @Test(arguments: [
        #"{"type":"identify","userId":"u1"}"#,
        #"{"type":"identify","anonymousId":"a1"}"#,
        #"{"type":"identify","traits":{"email":"a@example.com"}}"#,
        #"{"type":"identify","email":"a@example.com"}"#,
        #"{"type":"identify","context":{"traits":{"email":"not an address"}}}"#,
        #"{"type":"track","event":"E","properties":{"email":"a@example.com"}}"#,
        #"{"type":"track","event":"E","email":"a@example.com"}"#,
        #"{"type":"track","event":"E","context":{"traits":{"email":"a@example.com"}}}"#,
        #"{"type":"track","event":"E","userId":"","email":"a@example.com"}"#,
        #"{"type":"track","event":"E","userId":123}"#,
        #"{"type":"track","event":"E","anonymousId":0}"#,
        #"{"type":"track","event":" ","userId":"u1"}"#,
        #"{"type":"page","email":"a@example.com"}"#,
        #"{"type":"screen","context":{"traits":{"email":"a@example.com"}}}"#,
        #"{"type":"screen","options":{"traits":{"email":"a@example.com"}}}"#,
        #"{"type":"group","groupId":"acme"}"#,
        #"{"type":"group","groupId":0}"#,
        #"{"type":"alias","previousId":"old","userId":"u1"}"#,
        #"{"type":"alias","previousId":7,"userId":8}"#,
        #"{"type":"alias","previousId":"old","id":"u1"}"#,
        #"{"type":"alias","previousId":"old","userId":"","id":5}"#,
        #"{"type":"page","userId":"u1","integrations":null}"#,
        #"{"type":"page","userId":"u1","name":5,"category":[]}"#,
        #"{"type":"track","event":"E","userId":"u1","timestamp":"garbage","sentAt":[],"originalTimestamp":{}}"#,
    ])
    func `what a call needs can come in each of its places`(_ text: String) throws {
        let message = try JSON(parsing: text)
        #expect(rejection(of: message, receipt: .permissive) == nil)
        #expect(rejection(of: message, receipt: .strict) == nil)
        #expect(rejection(of: message, receipt: .preview) == nil)
    }

    @Test(arguments: ["Object Deleted", "Report Delivery Event", "Report Content Event"])
    func `three special track events need no identifier`(name: String) {
        for receipt in [Event.Receipt.permissive, .strict] {
            #expect(rejection(of: ["type": "track", "event": .string(name)], receipt: receipt) == nil)
            #expect(rejection(of: ["type": "page", "event": .string(name)], receipt: receipt)?.code == .noIdentifier)
            let other = JSON.string(name.lowercased())
            #expect(rejection(of: ["type": "track", "event": other], receipt: receipt)?.code == .noIdentifier)
        }
    }

    @Test(arguments: ["properties", "traits", "context"])
    func `properties, traits and context that are null are {}`(field: String) throws {
        for (_, smallest) in Self.smallest {
            for receipt in [Event.Receipt.permissive, .strict] {
                var message = smallest
                message[field] = .null
                #expect(try Event(normalising: .object(message), receipt: receipt).message[field] == [:])
            }
        }
    }

    /// No field of another call is looked at: it is an unknown key there, and those are kept (source-api.md §2.1).
    @Test(arguments: [
        #"{"type":"track","event":"E","userId":"u1","groupId":true,"previousId":[1],"id":{}}"#,
        #"{"type":"page","userId":"u1","groupId":{"a":1},"previousId":false,"event":5}"#,
        #"{"type":"group","groupId":"g","previousId":{},"event":[]}"#,
        #"{"type":"alias","previousId":"p","userId":"u1","groupId":[]}"#,
    ])
    func `fields of other calls are not validated and stay`(_ text: String) throws {
        let event = try normalised(text, receipt: .strict)
        for (key, value) in try #require(try JSON(parsing: text).objectValue?.members.map({ ($0.key, $0.value) })) {
            #expect(event.message[key] == value, "\(key)")
        }
    }

    // MARK: What a rejection says

    @Test func `a rejection shows little of what was sent, on one line`() throws {
        let long = "x\n\u{1B}[2J\u{202E}" + String(repeating: "y", count: 50_000)
        // One letter with a tower of accents: a single character to Swift.
        let tower = "e" + String(repeating: "\u{301}", count: 50_000)
        for type in [long, tower] {
            let refused = try #require(rejection(of: ["type": .string(type), "userId": "u1"]))
            #expect(refused.message.utf8.count < 300)
            #expect(!refused.message.unicodeScalars.contains { $0.properties.generalCategory == .control })
            #expect(!refused.message.unicodeScalars.contains { $0.properties.generalCategory == .format })
        }
    }

    @Test func `a rejection never holds the write key`() throws {
        for message: JSON in [
            ["writeKey": "s3cret"], ["writeKey": "s3cret", "type": "track", "userId": "u1"],
            ["writeKey": "s3cret", "type": "page"], ["writeKey": "s3cret", "type": "group"],
        ] {
            let refused = try #require(rejection(of: message))
            #expect(!"\(refused) \(refused.message)".contains("s3cret"))
        }
    }

    @Test func `the codes are those of source-api.md §1.5`() {
        let codes = Set(Rejection.Code.allCases.map(\.rawValue))
        let documented: Set = [
            "invalid_json", "invalid_request", "missing_write_key", "invalid_write_key", "no_user_anon_id",
            "missing_event_name", "message_too_large", "batch_too_large", "too_many_events", "rate_limited",
            "internal",
        ]
        #expect(codes == documented)
    }

    // MARK: Support

    /// The least that each call needs.
    static let smallest: [Event.Call: JSON.Object] = [
        .identify: ["type": "identify", "userId": "u1"],
        .track: ["type": "track", "userId": "u1", "event": "E"],
        .page: ["type": "page", "userId": "u1"],
        .screen: ["type": "screen", "userId": "u1"],
        .group: ["type": "group", "groupId": "g1"],
        .alias: ["type": "alias", "userId": "u1", "previousId": "u0"],
    ]

    private func expect(_ row: Row, in receipts: [Event.Receipt]) {
        for receipt in receipts {
            guard let refused = rejection(of: row.message, receipt: receipt) else {
                Issue.record("accepted in \(receipt.strictness) mode: \(row.message)")
                continue
            }
            #expect(refused.code == row.code)
            #expect(refused.field == row.field)
            #expect(refused.message.contains(row.field), "the message names the field")
            #expect(refused.message.contains(row.expected), "the message says what was expected")
        }
    }
}
