import Integrations
import LosslessJSON
import Testing

/// actions.md §2: the first rule that applies names the person.
@Suite struct `Identifiers` {
    private func chosen(_ personId: String?, email: String? = nil, anonymousId: String? = nil) -> String? {
        Identifier(personId: personId, email: email, anonymousId: anonymousId)?.json.description
    }

    @Test(arguments: ["cio_0", "cio_123", "cio_0a1b", "cio_deadbeef", "cio_00000000000000000000000000000001"])
    func `rule 1: a person id of cio_ and lower-case hexadecimal is a cio_id`(personId: String) {
        let rest = personId.dropFirst(4)
        #expect(chosen(personId, email: "e@x.co", anonymousId: "a1") == #"{"cio_id":"\#(rest)"}"#)
    }

    @Test(arguments: ["cio_", "cio_A1", "cio_0A", "CIO_1", "Cio_1", "cio_xyz", "cio_1 ", " cio_1", "cio-1", "cio_1-2"])
    func `rule 1: what is not all lower-case hexadecimal behind cio_ is no cio_id`(personId: String) {
        #expect(chosen(personId) == #"{"id":"\#(personId)"}"#)
    }

    @Test(arguments: [
        "anna@example.com", "ANNA@EXAMPLE.COM", "a@b.c", "a+b@sub.example.co.uk", "o'neil@example.com", "a@1.2.3.4",
        "!#$%&'*+/=?^_`{|}~-@b.co", "a.b.c@d-e.f-g", "0@0.0", "a@b--c.de", "-@b.co", "cio_a@b.co",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@b.co",
    ])
    func `rule 2: a person id of the shape of an e-mail address is an e-mail`(personId: String) {
        #expect(chosen(personId, email: "e@x.co") == #"{"email":"\#(personId)"}"#)
    }

    @Test(arguments: [
        "a@b", "a@", "@b.co", "@", "a", "a@@b.co", "a@b@c.de", "a..b@c.de", ".a@c.de", "a.@c.de", "a@.b.co",
        "a@b.co.", "a@b..co", "a@-b.co", "a@b-.co", "a@b.c-", "a@b.-c", "a@b_c.de", "a b@c.de", "a@b c.de", " a@b.co",
        "a@b.co ", "a@b.co\t", "a@[1.2.3.4]", "a(b)@c.de", "a,b@c.de", "a:b@c.de", "a;b@c.de", "a<b@c.de", "jörg@b.co",
        "a@exämple.de", "a@b.co,c@d.co", "mailto:a@b.co",
    ])
    func `rule 3: any other person id is an id, as it stands`(personId: String) throws {
        let identifier = try #require(Identifier(personId: personId, email: "e@x.co")?.json)
        let id = try #require(identifier["id"]?.stringValue)
        #expect(id.hasSameBytes(as: personId))
        #expect(identifier.objectValue?.count == 1)
    }

    @Test(arguments: ["e@x.co", "not-an-email", "a@b", "cio_12", " x "])
    func `rule 4: without a person id the e-mail names the person, whatever its shape`(email: String) {
        #expect(chosen(nil, email: email, anonymousId: "a1") == #"{"email":"\#(email)"}"#)
    }

    @Test(arguments: ["a1", "anna@example.com", "cio_12"])
    func `rule 5: without both the anonymous id does, and only a person id passes rules 1 to 3`(anonymousId: String) {
        #expect(chosen(nil, anonymousId: anonymousId) == #"{"anonymous_id":"\#(anonymousId)"}"#)
    }

    @Test func `rule 6: without all three there is no identifier`() {
        #expect(chosen(nil) == nil)
    }

    @Test(arguments: ["", " ", "\t", "\n", "\r\n", " \t \n", "\u{A0}", "\u{2003}", "\u{3000}"])
    func `a blank value counts as absent`(blank: String) {
        #expect(chosen(blank) == nil)
        #expect(chosen(blank, email: "e@x.co") == #"{"email":"e@x.co"}"#)
        #expect(chosen(blank, email: blank, anonymousId: "a1") == #"{"anonymous_id":"a1"}"#)
        #expect(chosen(blank, email: blank, anonymousId: blank) == nil)
    }
}

/// The same through actions, where values are of any type.
@Suite struct `Identifiers in actions` {
    /// `track-event` with all three identifiers from properties.
    private static let mapping = #"""
        {"person_id":"$.properties.person_id","email":"$.properties.email","anonymous_id":"$.properties.anonymous_id"}
        """#

    @Test(arguments: [
        ("5", "5"), ("0", "0"), ("-3", "-3"), ("1.10", "1.10"), ("1e3", "1e3"),
        ("12345678901234567890", "12345678901234567890"),
    ])
    func `a number is an identifier as its exact text`(number: String, text: String) throws {
        let body = try body(
            #"{"type":"track","event":"X","anonymousId":"a1","properties":{"person_id":\#(number)}}"#,
            .change("track-event", mapping: Self.mapping)
        )
        #expect(body["identifiers"]?.description == #"{"id":"\#(text)"}"#)
        let sent = try self.body(#"{"type":"track","event":"X","userId":\#(number)}"#)
        #expect(sent["identifiers"]?.description == #"{"id":"\#(text)"}"#)
    }

    private func body(_ message: String, _ settings: Setting...) throws -> JSON {
        let operations = try integration(settings).plan(try event(message)).operations
        return try #require(operations.first).body
    }

    @Test(arguments: ["null", "true", "false", "[]", "{}", #"["u1"]"#, #"{"id":"u1"}"#, #""""#, #"" ""#])
    func `null, blanks and values that are neither string nor number count as absent`(value: String) throws {
        func identifiers(_ properties: String) throws -> String? {
            let outcome = try integration([.change("track-event", mapping: Self.mapping)])
                .plan(try event(#"{"type":"track","event":"X","anonymousId":"z","properties":\#(properties)}"#))
            #expect(outcome.operations.isEmpty == (outcome.ignored.map(\.reason.description) == ["no identifier"]))
            return outcome.operations.first?.body["identifiers"]?.description
        }
        #expect(try identifiers(#"{"person_id":\#(value),"email":"e"}"#) == #"{"email":"e"}"#)
        #expect(
            try identifiers(#"{"person_id":\#(value),"email":\#(value),"anonymous_id":"a"}"#)
                == #"{"anonymous_id":"a"}"#
        )
        #expect(try identifiers(#"{"person_id":\#(value),"email":\#(value),"anonymous_id":\#(value)}"#) == nil)
    }

    @Test(arguments: [
        (#"{"type":"track","event":"X","anonymousId":"a1"}"#, "track-event"),
        (#"{"type":"page","name":"X","anonymousId":"a1"}"#, "track-page-view"),
        (#"{"type":"screen","name":"X","anonymousId":"a1"}"#, "track-screen-view"),
        (
            #"""
            {"type":"track","event":"Report Content Event","anonymousId":"a1",
            "properties":{"actionType":"viewed_content"}}
            """#,
            "report-content-event"
        ),
    ])
    func `an anonymous id names the person of an event, page, screen and content event`(
        message: String,
        action: String
    ) throws {
        let plan = try integration().plan(try event(message))
        #expect(plan.operations.map(\.action) == [action])
        #expect(plan.operations.first?.body["identifiers"]?.description == #"{"anonymous_id":"a1"}"#)
    }

    @Test func `an anonymous id names the person of the relationships of identify_anonymous`() throws {
        let body = try body(#"{"type":"group","groupId":"g1","anonymousId":"a1"}"#)
        #expect(body["action"] == "identify_anonymous")
        #expect(body["cio_relationships"]?.description == #"[{"identifiers":{"anonymous_id":"a1"}}]"#)
    }

    @Test(arguments: [
        ("Device Created or Updated", "create-or-update-device"), ("Device Deleted", "delete-device"),
        ("Relationship Deleted", "delete-relationship"), ("User Deleted", "delete-person"),
        ("User Suppressed", "suppress-person"), ("User Unsuppressed", "unsuppress-person"),
    ])
    func `an anonymous id names nobody elsewhere: ignored, no identifier, no request`(name: String, action: String)
        throws
    {
        let message =
            #"{"type":"track","event":"\#(name)","anonymousId":"a1","properties":{"token":"t","objectId":"o"}}"#
        #expect(try plan(message) == Outcome(ignored: ["\(action): no identifier"]))
    }
}
