import Integrations
import LosslessJSON
import Testing

/// actions.md §3, Delete Person, Suppress Person, Unsuppress Person.
@Suite struct `Commands about a person` {
    private static let commands = [
        ("User Deleted", "delete-person", "delete"), ("User Suppressed", "suppress-person", "suppress"),
        ("User Unsuppressed", "unsuppress-person", "unsuppress"),
    ]

    @Test(arguments: commands)
    func `each becomes one operation that holds nothing but the person`(name: String, action: String, verb: String)
        throws
    {
        let message = #"""
            {"type":"track","event":"\#(name)","userId":"u1","anonymousId":"a1","timestamp":"2024-02-29T12:34:56.789Z",
            "properties":{"email":"e@x.co","reason":"asked"}}
            """#
        let expected = try sends(action, #"{"type":"person","action":"\#(verb)","identifiers":{"id":"u1"}}"#)
        #expect(try plan(message) == Outcome(operations: [expected]))
    }

    @Test(
        arguments: commands,
        [
            (#""userId":"u1","properties":{"email":"p@x.co"}"#, #"{"id":"u1"}"#),
            (#""userId":"u@x.co","properties":{"email":"p@x.co"}"#, #"{"email":"u@x.co"}"#),
            (#""userId":"cio_1","properties":{"email":"p@x.co"}"#, #"{"cio_id":"1"}"#),
            (#""properties":{"email":"p@x.co"},"email":"t@x.co""#, #"{"email":"p@x.co"}"#),
            (#""properties":{"email":"not-an-email"}"#, #"{"email":"not-an-email"}"#),
            (#""email":"t@x.co""#, #"{"email":"t@x.co"}"#),
        ]
    )
    func `the person is the userId, else the e-mail, which properties may hold`(
        command: (String, String, String),
        person: (members: String, identifiers: String)
    ) throws {
        let body = try body(#"{"type":"track","event":"\#(command.0)",\#(person.members)}"#)
        #expect(body["identifiers"]?.description == person.identifiers)
    }

    @Test(arguments: commands)
    func `a visitor can't be commanded`(name: String, action: String, verb: String) throws {
        let message = #"{"type":"track","event":"\#(name)","anonymousId":"a1","properties":{"anonymousId":"a2"}}"#
        #expect(try plan(message) == Outcome(ignored: ["\(action): no identifier"]))
    }
}

/// actions.md §3, Merge People.
@Suite struct `Merge People` {
    @Test func `alias becomes person merge of primary and secondary`() throws {
        let message = #"""
            {"type":"alias","userId":"u1","previousId":"old@example.com","anonymousId":"a1",
            "timestamp":"2024-02-29T12:34:56.789Z","traits":{"a":1}}
            """#
        let expected = try sends(
            "merge-people",
            #"{"type":"person","action":"merge","primary":{"id":"u1"},"secondary":{"email":"old@example.com"}}"#
        )
        #expect(try plan(message) == Outcome(operations: [expected]))
    }

    @Test(arguments: [
        (#""userId":"cio_1a","previousId":"u2""#, #"{"cio_id":"1a"}"#, #"{"id":"u2"}"#),
        (#""userId":"a@b.co","previousId":"cio_2b""#, #"{"email":"a@b.co"}"#, #"{"cio_id":"2b"}"#),
        (#""id":"u1","previousId":"u2""#, #"{"id":"u1"}"#, #"{"id":"u2"}"#),
        (#""userId":" ","id":"u1","previousId":"u2""#, #"{"id":"u1"}"#, #"{"id":"u2"}"#),
        (#""userId":"u1","id":"x","previousId":"u2""#, #"{"id":"u1"}"#, #"{"id":"u2"}"#),
        (#""id":5,"previousId":6"#, #"{"id":"5"}"#, #"{"id":"6"}"#),
        (#""userId":"1","previousId":"cio_1""#, #"{"id":"1"}"#, #"{"cio_id":"1"}"#),
    ])
    func `both are named by rules 1 to 3; the primary is userId, else id`(
        members: String,
        primary: String,
        secondary: String
    ) throws {
        let body = try body(#"{"type":"alias",\#(members)}"#)
        #expect(body["primary"]?.description == primary)
        #expect(body["secondary"]?.description == secondary)
    }

    @Test(arguments: [
        (#""userId":" ","previousId":"u2""#, "primary_id is missing"),
        (#""userId":"u1","previousId":" ""#, "secondary_id is missing"),
        (#""userId":" ","previousId":" ""#, "primary_id is missing"),
        (#""userId":"u1","previousId":"u1""#, "same person"),
        (#""userId":"A@b.co","previousId":"a@B.CO""#, "same person"),
        (#""userId":5,"previousId":"5""#, "same person"),
        (#""userId":"cio_1","previousId":"cio_1""#, "same person"),
        (#""userId":"u1","previousId":"a1","anonymousId":"a1""#, "anonymous id: identify joins it"),
        (#""userId":"u1","previousId":"5","anonymousId":5"#, "anonymous id: identify joins it"),
    ])
    func `what is no merge is ignored with its reason`(members: String, reason: String) throws {
        #expect(try plan(#"{"type":"alias",\#(members)}"#) == Outcome(ignored: ["merge-people: \(reason)"]))
    }

    @Test(arguments: [
        #""userId":"U1","previousId":"u1""#, #""userId":"caf\u00e9","previousId":"cafe\u0301""#,
        #""userId":"u1","previousId":"A1","anonymousId":"a1""#,
    ])
    func `ids are compared exactly`(members: String) throws {
        #expect(try plan(#"{"type":"alias",\#(members)}"#).ignored.isEmpty)
    }
}
