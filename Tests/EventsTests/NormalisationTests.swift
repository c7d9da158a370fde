import Events
import LosslessJSON
import Testing

/// What source-api.md §2.1 to §2.3, §2.5 and §2.8 say of a message that is accepted, but for its times.
@Suite struct `Normalisation` {
    // MARK: Type

    @Test(arguments: Event.Call.allCases)
    func `the type of the path wins over the body's, whatever that is`(call: Event.Call) throws {
        for type in ["\"track\"", "\"nonsense\"", "7", "null", "{}"] {
            let body = #"{"type":\#(type),"event":"E","userId":"u1","groupId":"g","previousId":"p"}"#
            let event = try normalised(body, as: call)
            #expect(event.call == call)
            #expect(event.message["type"] == .string(call.rawValue))
            #expect(event.keys.first == "type")
        }
        let event = try normalised(#"{"event":"E","userId":"u1","groupId":"g","previousId":"p"}"#, as: call)
        #expect(event.message["type"] == .string(call.rawValue))
    }

    // MARK: Ids

    @Test(arguments: ["123", "0", "-1", "1.10", "1e3", "12345678901234567890", "9007199254740993", "0.1e-7"])
    func `a numeric id becomes its exact text`(number: String) throws {
        let track = try normalised(#"{"type":"track","event":"E","userId":\#(number),"anonymousId":\#(number)}"#)
        #expect(track.message["userId"] == .string(number))
        #expect(track.message["anonymousId"] == .string(number))
        let group = try normalised(#"{"type":"group","groupId":\#(number)}"#)
        #expect(group.message["groupId"] == .string(number))
        let alias = try normalised(#"{"type":"alias","previousId":\#(number),"userId":"u1"}"#)
        #expect(alias.message["previousId"] == .string(number))
        let page = try normalised(#"{"type":"page","messageId":\#(number),"userId":"u1"}"#)
        #expect(page.messageId == number)
    }

    @Test func `an id is not trimmed, folded or composed`() throws {
        for id in [" u1 ", "U1", "\u{0}", "e\u{301}", "\u{E9}", "  "] {
            let message: JSON = ["type": "page", "userId": .string(id), "anonymousId": .string(id)]
            let event = try Event(normalising: message, receipt: .permissive)
            #expect(event.userId?.hasSameBytes(as: id) == true)
            #expect(event.anonymousId?.hasSameBytes(as: id) == true)
        }
    }

    @Test func `empty and null ids are dropped`() throws {
        let event = try normalised(#"{"type":"track","event":"E","userId":"","anonymousId":"a1"}"#)
        #expect(event.userId == nil)
        #expect(!event.message.contains("userId"))
        let other = try normalised(#"{"type":"track","event":"E","userId":"u1","anonymousId":null}"#)
        #expect(!other.message.contains("anonymousId"))
    }

    @Test(arguments: [
        "userId", "anonymousId", "category", "name", "groupId", "previousId", "messageId", "timestamp",
        "originalTimestamp", "sentAt",
    ])
    func `an explicit null counts as absent`(field: String) throws {
        let without = try normalised(#"{"type":"page","email":"a@example.com"}"#, receipt: .preview)
        let with = try normalised(#"{"type":"page","\#(field)":null,"email":"a@example.com"}"#, receipt: .preview)
        #expect(with.text == without.text)
    }

    // MARK: messageId

    @Test(arguments: [#""m1""#, #"" m1 ""#, #""ajs-next-0a1b""#, #""\u0000""#, "42", "1.50"])
    func `a messageId is kept`(id: String) throws {
        let event = try normalised(#"{"type":"page","userId":"u1","messageId":\#(id)}"#)
        let sent = try JSON(parsing: id)
        #expect(event.messageId == sent.stringValue ?? sent.numberValue?.text)
    }

    @Test(arguments: ["", #""messageId":"","#, #""messageId":" \t\n\u00a0\u3000","#, #""messageId":null,"#])
    func `a missing or blank messageId is made, and in a preview left out`(member: String) throws {
        let text = #"{"type":"page",\#(member)"userId":"u1"}"#
        #expect(try normalised(text).messageId == "made")
        let preview = try normalised(text, receipt: .preview)
        #expect(preview.messageId == nil)
        #expect(!preview.message.contains("messageId"))
    }

    @Test func `a messageId is made only for those that lack one`() throws {
        let receipt = Event.Receipt(
            source: "web",
            receivedAt: noon,
            makeMessageId: {
                Issue.record("made without need")
                return "made"
            }
        )
        _ = try normalised(#"{"type":"page","userId":"u1","messageId":"m1"}"#, receipt: receipt)
    }

    // MARK: What is kept and what is removed

    @Test func `the write key is removed from the message, and only there`() throws {
        let kelvin = "write\u{212A}ey"
        #expect(kelvin == "writeKey", "to Swift the two are the same")
        let event = try normalised(
            #"{"writeKey":"k","type":"page","userId":"u1","\#(kelvin)":1,"writekey":2,"context":{"writeKey":"kept"}}"#
        )
        #expect(!event.message.contains("writeKey"))
        #expect(event.message.contains(kelvin))
        #expect(event.message["writekey"] == 2)
        #expect(event.message["context"]?["writeKey"] == "kept")
    }

    @Test func `unknown keys stay with their values, number text and order`() throws {
        let text =
            #"{"zeta":1.10,"type":"track","alpha":{"b":12345678901234567890,"a":null},"userId":"u1","":[1.0,2e0],"#
            + #""event":"E","_metadata":{"bundled":[]},"version":2,"channel":"web","integrations":{"All":true},"#
            + #""properties":{"y":1,"x":0.10},"messageId":"m","context":{"k":"v"},"timestamp":"2024-06-01T12:00:00Z","#
            + #""batch":[],"options":{"kept":true},"rudderId":"r"}"#
        let event = try normalised(text)
        #expect(
            event.text
                == text.dropLast().replacing(#""2024-06-01T12:00:00Z""#, with: #""2024-06-01T12:00:00.000Z""#)
                + #","originalTimestamp":"2024-06-01T12:00:00Z","receivedAt":"2024-06-01T12:00:00.123Z"}"#
        )
    }

    @Test func `what is filled in stands behind what was sent`() throws {
        let event = try normalised(#"{"event":"E","userId":"u1","timestamp":1717243200}"#, as: .track)
        #expect(
            event.text
                == #"{"event":"E","userId":"u1","timestamp":"2024-06-01T12:00:00.000Z","type":"track","#
                + #""messageId":"made","context":{},"integrations":{},"properties":{},"originalTimestamp":1717243200,"#
                + #""receivedAt":"2024-06-01T12:00:00.123Z"}"#
        )
    }

    @Test(arguments: [
        (Event.Call.identify, "traits"), (.group, "traits"), (.track, "properties"), (.page, "properties"),
    ])
    func `traits of identify and group and properties of track and page default to {}`(
        call: Event.Call,
        field: String
    ) throws {
        let event = try normalised(#"{"event":"E","userId":"u1","groupId":"g"}"#, as: call)
        #expect(event.message[field] == [:])
    }

    @Test func `no call gets bodies that it has no use for`() throws {
        for call in Event.Call.allCases {
            let event = try normalised(#"{"event":"E","userId":"u1","groupId":"g","previousId":"p"}"#, as: call)
            let bodies = event.keys.filter { $0 == "traits" || $0 == "properties" }
            #expect(bodies.count == (call == .screen || call == .alias ? 0 : 1))
            #expect(event.message["context"] == [:])
            #expect(event.message["integrations"] == [:])
        }
    }

    @Test func `traits on a track and properties on an identify stay`() throws {
        let track = try normalised(#"{"type":"track","event":"E","userId":"u1","traits":{"a":1}}"#)
        #expect(track.message["traits"] == ["a": 1])
        let identify = try normalised(#"{"type":"identify","userId":"u1","properties":{"a":1}}"#)
        #expect(identify.message["properties"] == ["a": 1])
    }

    // MARK: options, Rudder

    @Test(arguments: ["", #""context":null,"#])
    func `options are the context where there is none`(context: String) throws {
        let event = try normalised(#"{"type":"page",\#(context)"userId":"u1","options":{"ip":"192.0.2.1","x":[1]}}"#)
        #expect(event.message["context"] == ["ip": "192.0.2.1", "x": [1]])
        #expect(!event.message.contains("options"))
    }

    @Test func `options beside a context, and options that are no object, stay what they are`() throws {
        let beside = try normalised(#"{"type":"page","userId":"u1","options":{"x":1},"context":{}}"#)
        #expect(beside.message["context"] == [:])
        #expect(beside.message["options"] == ["x": 1])
        let other = try normalised(#"{"type":"page","userId":"u1","options":"x"}"#)
        #expect(other.message["context"] == [:])
        #expect(other.message["options"] == "x")
    }

    @Test func `an identify without traits takes those of its context`() throws {
        let rudder = #"{"type":"identify","userId":"u1","context":{"traits":{"email":"a@example.com","n":1.10}}}"#
        let event = try normalised(rudder)
        #expect(event.message["traits"]?.description == #"{"email":"a@example.com","n":1.10}"#)
        #expect(event.message["context"]?["traits"]?.description == #"{"email":"a@example.com","n":1.10}"#)
    }

    @Test(arguments: [
        #"{"type":"identify","userId":"u1","traits":{},"context":{"traits":{"a":1}}}"#,
        #"{"type":"identify","userId":"u1","context":{"traits":[1]}}"#,
        #"{"type":"group","groupId":"g1","context":{"traits":{"a":1}}}"#,
    ])
    func `given traits, a list in the context, and other calls take nothing from the context`(
        message: String
    ) throws {
        #expect(try normalised(message).message["traits"] == [:])
    }

    @Test func `an identify takes the traits of the envelope's context too`() throws {
        let event = try normalised(
            #"{"type":"identify","userId":"u1"}"#,
            envelope: #"{"context":{"traits":{"plan":"pro"}}}"#
        )
        #expect(event.message["traits"] == ["plan": "pro"])
    }

    // MARK: context.ip

    static let clientLibraries = [
        "analytics.js", "@segment/analytics-next", "analytics-swift", "analytics-ios", "analytics-kotlin",
        "analytics-android", "analytics-react-native",
    ]
    static let serverLibraries = [
        "analytics-python", "analytics-go", "analytics-ruby", "analytics-java", "analytics-php",
        "@customerio/cdp-analytics-node", "@segment/analytics-node", "Analytics.js", "",
    ]

    @Test(arguments: clientLibraries)
    func `events of browser and mobile libraries get the sender's address`(library: String) throws {
        let event = try normalised(
            #"{"type":"page","userId":"u1","context":{"library":{"name":"\#(library)","version":"1"}}}"#
        )
        #expect(event.message["context"]?["ip"] == "203.0.113.9")
    }

    @Test(arguments: serverLibraries)
    func `events of server libraries do not`(library: String) throws {
        let event = try normalised(#"{"type":"page","userId":"u1","context":{"library":{"name":"\#(library)"}}}"#)
        #expect(event.message["context"]?["ip"] == nil)
    }

    @Test(arguments: [
        (#"{"direct":true}"#, true), (#"{"direct":true,"ip":null}"#, true),
        (#"{"direct":true,"library":{"name":"analytics-python"}}"#, true),
        (#"{"userAgent":"Customer.io Android Client/4.19.0 (Google Pixel 6; 30) App/1.0"}"#, true),
        (#"{"userAgent":"Mozilla/5.0 (X11; Linux x86_64)"}"#, false),
        (#"{"direct":false}"#, false), (#"{"direct":"true"}"#, false), (#"{"direct":1}"#, false), ("{}", false),
        (#"{"library":"analytics.js"}"#, false), (#"{"library":{"name":["analytics.js"]}}"#, false),
    ])
    func `so do direct ones and those of Customer-io's Android library, which names itself in the user agent`(
        context: String,
        isClientSide: Bool
    ) throws {
        let event = try normalised(#"{"type":"page","userId":"u1","context":\#(context)}"#)
        #expect(event.message["context"]?["ip"]?.stringValue == (isClientSide ? "203.0.113.9" : nil))
    }

    @Test func `an address that was sent stays, and without a peer there is none`() throws {
        let sent = try normalised(#"{"type":"page","userId":"u1","context":{"direct":true,"ip":"192.0.2.7"}}"#)
        #expect(sent.message["context"]?["ip"] == "192.0.2.7")
        let preview = try normalised(#"{"type":"page","userId":"u1","context":{"direct":true}}"#, receipt: .preview)
        #expect(preview.message["context"] == ["direct": true])
    }

    @Test func `the library of the envelope decides as well`() throws {
        let event = try normalised(
            #"{"type":"page","userId":"u1"}"#,
            envelope: #"{"context":{"library":{"name":"analytics.js"}}}"#
        )
        #expect(event.message["context"]?["ip"] == "203.0.113.9")
    }

    // MARK: Envelope

    @Test func `the envelope's context is merged under the item's, objects within objects`() throws {
        let event = try normalised(
            #"{"type":"page","userId":"u1","context":{"app":{"name":"A","x":{"p":1}},"locale":null,"list":[1]}}"#,
            envelope: #"{"context":{"library":{"name":"analytics-go"},"app":{"name":"B","build":2,"x":{"p":9,"q":3}},"#
                + #""locale":"de","list":[2,3]}}"#
        )
        #expect(
            event.message["context"]?.description
                == #"{"app":{"name":"A","x":{"p":1,"q":3},"build":2},"locale":null,"list":[1],"#
                + #""library":{"name":"analytics-go"}}"#
        )
    }

    @Test(arguments: ["", #""context":null,"#])
    func `an item without a context gets the envelope's`(member: String) throws {
        let event = try normalised(
            #"{"type":"page",\#(member)"userId":"u1"}"#,
            envelope: #"{"context":{"library":{"name":"analytics-go","version":"3"}}}"#
        )
        #expect(event.message["context"] == ["library": ["name": "analytics-go", "version": "3"]])
    }

    @Test func `options are merged with the envelope's context as well`() throws {
        let event = try normalised(
            #"{"type":"page","userId":"u1","options":{"a":1}}"#,
            envelope: #"{"context":{"a":2,"b":3}}"#
        )
        #expect(event.message["context"] == ["a": 1, "b": 3])
    }

    @Test func `the envelope's integrations are merged under the item's`() throws {
        let event = try normalised(
            #"{"type":"page","userId":"u1","integrations":{"All":false,"X":{"a":1}}}"#,
            envelope: #"{"integrations":{"All":true,"Y":false,"X":{"a":2,"b":3}}}"#
        )
        #expect(event.message["integrations"] == ["All": false, "X": ["a": 1, "b": 3], "Y": false])
        let plain = try normalised(#"{"type":"page","userId":"u1"}"#, envelope: #"{"integrations":{"All":false}}"#)
        #expect(plain.message["integrations"] == ["All": false])
    }

    @Test func `nothing else of the envelope reaches an item`() throws {
        let envelope =
            #"{"messageId":"batch","sequence":1,"writeKey":"k","userId":"u9","type":"track","traits":{"a":1},"#
            + #""timestamp":"2020-01-01T00:00:00Z","context":[],"integrations":null,"sentAt":null,"batch":[]}"#
        let text = #"{"type":"page","userId":"u1"}"#
        #expect(try normalised(text, envelope: envelope).text == (try normalised(text)).text)
    }

    // MARK: Source

    @Test func `the source is the receipt's`() throws {
        #expect(try normalised(#"{"type":"page","userId":"u1","source":"mine"}"#).source == "web")
    }
}
