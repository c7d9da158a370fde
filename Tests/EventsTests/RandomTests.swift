import Events
import LosslessJSON
import Seeding
import Testing

/// Messages that nobody would write.
@Suite struct `Random messages` {
    private static let keys = [
        "type", "userId", "anonymousId", "previousId", "groupId", "messageId", "event", "name", "category", "timestamp",
        "originalTimestamp", "sentAt", "receivedAt", "context", "integrations", "options", "properties", "traits",
        "writeKey", "email", "id", "version", "", "unknown", "library", "ip", "direct", "All", "userAgent",
    ]
    private static let texts = [
        "", " ", "u1", "a@example.com", "track", "identify", "page", "screen", "group", "alias", "Object Deleted",
        "analytics.js", "2024-06-01T12:00:00Z", "9999-12-31T23:59:59.999999999-23:59", "0000-01-01", "1717243200",
        "-99999999999999999999999999999", "0000000000000000000000000000000000001", "1.7976931348623157e308", "e\u{301}",
        "\u{0}", "\u{2028}", "😀", "cio_0a",
    ]
    private static let numbers = [
        "0", "-0", "1", "1.10", "-1e-400", "1e400", "-1e99999999999999999999", "9223372036854775807",
        "-9223372036854775808", "9223372036854775808", "12345678901234567890", "253402300799999", "253402300800000",
        "-62167219200001", "10000000000", "9999999999", "0.1e1", "1717243200.123",
        "100000000000000000000000000000000000000000000000000000000000000000",
    ]

    private static func value(depth: Int, using generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &generator) {
        case 0: .null
        case 1: .bool(.random(using: &generator))
        case 2: .number(JSON.Number(validText: numbers.randomElement(using: &generator) ?? "0"))
        case 3, 4: .string(texts.randomElement(using: &generator) ?? "")
        case 5:
            .array(
                (0..<Int.random(in: 0..<4, using: &generator)).map { _ in value(depth: depth - 1, using: &generator) }
            )
        default: .object(object(depth: depth - 1, members: 0..<5, using: &generator))
        }
    }

    private static func object(
        depth: Int,
        members: Range<Int>,
        using generator: inout SeededGenerator
    ) -> JSON.Object {
        var object = JSON.Object()
        for _ in 0..<Int.random(in: members, using: &generator) {
            object[keys.randomElement(using: &generator) ?? ""] = value(depth: depth, using: &generator)
        }
        return object
    }

    /// A message of which about half the senders' mistakes have been taken out, so that many are accepted.
    private static func message(using generator: inout SeededGenerator) -> JSON {
        var message = object(depth: 3, members: 0..<14, using: &generator)
        if Bool.random(using: &generator) {
            for field in ["userId", "anonymousId", "groupId", "previousId", "messageId", "event"] {
                message[field] = Bool.random(using: &generator) ? .string("x") : nil
            }
            for field in ["context", "integrations", "properties", "traits"]
            where Int.random(in: 0..<4, using: &generator) > 0 {
                message[field] = .object(object(depth: 2, members: 0..<5, using: &generator))
            }
        }
        return .object(message)
    }

    @Test func `no message traps, and what is accepted has all that an event must have`() throws {
        var generator = SeededGenerator(for: "no message traps")
        var accepted = 0
        for _ in 0..<2500 {
            let message = Self.message(using: &generator)
            let envelope = Event.Envelope(Self.object(depth: 3, members: 0..<4, using: &generator))
            let call = Bool.random(using: &generator) ? Event.Call.allCases.randomElement(using: &generator) : nil
            for receipt in [Event.Receipt.permissive, .strict, .preview] {
                do throws(Rejection) {
                    let event = try Event(normalising: message, as: call, envelope: envelope, receipt: receipt)
                    accepted += 1
                    check(event, of: message, receipt)
                } catch {
                    #expect(!error.message.isEmpty)
                    #expect(error.field.map(error.message.contains) ?? true)
                }
            }
        }
        #expect(accepted > 400)
    }

    private func check(_ event: Event, of message: JSON, _ receipt: Event.Receipt) {
        #expect(event.message["type"]?.stringValue == event.call.rawValue)
        #expect(event.message["context"]?.objectValue != nil)
        #expect(event.message["integrations"]?.objectValue != nil)
        #expect(!event.message.contains("writeKey"))
        if let clock = receipt.receivedAt {
            #expect(event.receivedAt == clock)
            #expect(event.messageId != nil)
            #expect(event.message["timestamp"]?.stringValue.flatMap(ISO8601.init) != nil)
        }
        for id in [event.message["userId"], event.message["anonymousId"], event.message["messageId"]] {
            #expect(id.map { $0.stringValue?.isEmpty == false } ?? true)
        }
        for member in message.objectValue ?? [:] where ["version", "", "unknown", "All"].contains(member.key) {
            #expect(event.message[member.key] == member.value)
        }
        #expect(Event(logged: event.message, source: event.source)?.call == event.call)
    }

    @Test func `normalising again changes neither the type nor the ids nor a known time`() throws {
        var generator = SeededGenerator(for: "normalising again changes nothing")
        var compared = 0
        for _ in 0..<2500 {
            let message = Self.message(using: &generator)
            for receipt in [Event.Receipt.permissive, .strict, .preview] {
                let call = Event.Call.allCases.randomElement(using: &generator)
                guard let once = try? Event(normalising: message, as: call, receipt: receipt) else { continue }
                let twice = try Event(normalising: .object(once.message), receipt: receipt)
                compared += 1
                // Without a time of the sender's, the time of receipt would count as his the second time.
                if once.message.contains("originalTimestamp") {
                    #expect(twice.text == once.text)
                } else {
                    let times = ["timestamp", "originalTimestamp"]
                    #expect(
                        twice.message.removing(where: times.contains) == once.message.removing(where: times.contains)
                    )
                }
            }
        }
        #expect(compared > 200)
    }

    @Test func `the deepest message that can be read can be normalised and merged`() throws {
        let depth = JSON.Limits.deepest - 2
        let nest = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        let limits = JSON.Limits(depth: JSON.Limits.deepest)
        let message = try JSON(
            parsing: #"{"type":"page","userId":"u1","context":\#(nest),"x":\#(nest)}"#,
            limits: limits
        )
        let batch = try JSON(parsing: #"{"context":\#(nest),"integrations":\#(nest)}"#, limits: limits)
        let envelope = Event.Envelope(try #require(batch.objectValue))
        let event = try Event(normalising: message, envelope: envelope, receipt: .permissive)
        #expect(event.message["context"] == batch["context"])
        #expect(event.message["integrations"] == batch["context"])
    }

    @Test func `a message of many keys takes time that grows with their number`() throws {
        let members = (0..<20_000).map { JSON.Object.Member(key: "key\($0)", value: .null) }
        let own = JSON.Object(uniqueMembers: members)
        let message: JSON = ["type": "page", "userId": "u1", "context": .object(own), "integrations": .object(own)]
        let envelope = Event.Envelope(["context": .object(own), "integrations": .object(own)])
        let event = try Event(normalising: message, envelope: envelope, receipt: .permissive)
        #expect(event.message["context"]?.objectValue?.count == 20_000)
        let wide = JSON.Object(uniqueMembers: members + [.init(key: "userId", value: "u1")])
        #expect(try Event(normalising: .object(wide), as: .page, receipt: .permissive).message.contains("key19999"))
    }
}
