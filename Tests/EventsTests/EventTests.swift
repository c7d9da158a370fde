import Events
import LosslessJSON
import Testing

@Suite struct `An event` {
    @Test func `an event reads its fields from the message`() throws {
        let event = try normalised(#"{"type":"track","event":"E","userId":"u1","anonymousId":"a1","messageId":"m1"}"#)
        #expect(event.userId == "u1")
        #expect(event.anonymousId == "a1")
        #expect(event.messageId == "m1")
        #expect(event.name == "E")
        #expect(event.title == "E")
        #expect(event.receivedAt == noon)
    }

    @Test func `only a track has an event name, pages and screens have titles`() throws {
        for (call, name, title) in [
            (Event.Call.track, "E", "E"), (.page, nil, "N"), (.screen, nil, "N"), (.identify, nil, nil),
            (.group, nil, nil), (.alias, nil, nil),
        ] {
            let event = try normalised(
                #"{"event":"E","name":"N","userId":"u1","groupId":"g","previousId":"p"}"#,
                as: call
            )
            #expect(event.name == name)
            #expect(event.title == title)
        }
    }

    @Test func `an event comes back from the log as it was`() throws {
        let event = try normalised(#"{"type":"track","event":"E","userId":1.10,"x":[1.0]}"#)
        let logged = try #require(Event(logged: event.message, source: "web"))
        #expect(logged.call == .track)
        #expect(logged.source == "web")
        #expect(logged.text == event.text)
    }

    @Test func `what has no type of ours is not an event of the log`() {
        for message: JSON.Object in [[:], ["type": 1], ["type": "Track"], ["type": .null]] {
            #expect(Event(logged: message, source: "web") == nil)
        }
    }

    @Test(arguments: [
        ("", true), (" ", true), (" \t\r\n\u{B}\u{C}", true), ("\u{A0}\u{2003}\u{3000}\u{85}\u{2028}", true),
        ("a", false), (" a ", false), ("\u{0}", false), ("\u{1F}", false), ("\u{7F}", false), ("\u{200B}", false),
        ("\u{FEFF}", false), ("  \u{301}", false), ("\u{3000}ü", false), (" é", false), ("0", false),
    ])
    func `blank is what holds nothing but white space`(text: String, isBlank: Bool) {
        #expect(text.isBlank == isBlank)
    }
}
