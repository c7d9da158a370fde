import LosslessJSON
import Storage
import Testing
import Workspaces

/// track-api.md §6.2, row by row; P is the identifier of the call, B one among the attributes.
@Suite(.onBothEngines) struct `Identify: whom it touches` {
    @Test func `row 1: nothing is stored when P is suppressed`() async throws {
        let test = try Playground()
        try await test.send(person("suppress", #"{"id":"u1"}"#), identify(#"{"id":"u1"}"#, #"{"plan":"pro"}"#))
        #expect(try await test.people() == 0)
    }

    @Test(arguments: [#"{"email":"Blocked@x.com"}"#, #"{"email":"blocked@X.com","plan":"pro"}"#])
    func `row 1: nothing is stored when B is suppressed`(attributes: String) async throws {
        let test = try Playground()
        try await test.send(person("suppress", #"{"email":"blocked@x.com"}"#), identify(#"{"id":"u1"}"#, attributes))
        #expect(try await test.people() == 0)
    }

    @Test(arguments: ["", "cio_"])
    func `row 2: a cio_id may change id and e-mail, with the prefix and without`(prefix: String) async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#))
        let cioId = try await test.cioId("u1")
        let change = #"{"id":"u2","email":"b@x.com"}"#
        try await test.send(identify(#"{"cio_id":"\#(prefix)\#(cioId)"}"#, change))
        #expect(try await test.person("u2") == "u2|b@x.com")
        #expect(try await test.person("u1") == nil)
        #expect(try await test.person("a@x.com") == nil)
        #expect(try await test.cioId("u2") == cioId)
    }

    @Test func `row 2: a cio_id may clear identifiers, another one cannot`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#),
            identify(#"{"id":"u1"}"#, #"{"email":""}"#),
            identify(#"{"email":"a@x.com"}"#, #"{"id":null}"#)
        )
        #expect(try await test.person("u1") == "u1|a@x.com")
        let cioId = try await test.cioId("u1")
        try await test.send(identify(#"{"cio_id":"\#(cioId)"}"#, #"{"email":""}"#))
        #expect(try await test.person("u1") == "u1|-")
    }

    @Test func `row 2: a cio_id cannot take an identifier that somebody else has`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#), identify(#"{"id":"u2"}"#))
        let cioId = try await test.cioId("u1")
        try await test.send(identify(#"{"cio_id":"\#(cioId)"}"#, #"{"id":"u2","plan":"pro"}"#))
        #expect(try await test.person("cio_" + cioId) == "u1|-")
        #expect(try await test.attributes("u1") == "{}")
        #expect(try await test.activity("u1").last == "failed_attribute_change")
    }

    @Test func `row 3: an unknown or deleted cio_id is dropped`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#))
        let cioId = try await test.cioId("u1")
        try await test.send(
            person("delete", #"{"id":"u1"}"#),
            identify(#"{"cio_id":"\#(cioId)"}"#, #"{"id":"u2"}"#),
            identify(#"{"cio_id":"ffff"}"#, #"{"email":"a@x.com"}"#)
        )
        #expect(try await test.people() == 0)
    }

    @Test(
        arguments: [
            (#"{"id":"u1"}"#, "{}", "u1", "u1|-"), (#"{"id":42}"#, "{}", "42", "42|-"),
            (#"{"email":"A@x.com"}"#, "{}", "a@X.com", "-|A@x.com"),
            (#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#, "a@x.com", "u1|a@x.com"),
            (#"{"email":"a@x.com"}"#, #"{"id":7}"#, "7", "7|a@x.com"),
            (#"{"id":"u1"}"#, #"{"id":"u1","email":"a@x.com"}"#, "u1", "u1|a@x.com"),
            (#"{"id":"a@x.com"}"#, "{}", "a@x.com", "a@x.com|-"),
        ]
    )
    func `row 4: a person is created with P and B`(
        identifiers: String,
        attributes: String,
        lookup: String,
        expected: String
    ) async throws {
        let test = try Playground()
        try await test.send(identify(identifiers, attributes))
        #expect(try await test.person(lookup) == expected)
        #expect(try await test.people() == 1)
        #expect(try await test.activity(lookup).first == "profile_create")
    }

    @Test(arguments: ["true", #""true""#])
    func `row 5: _update creates nobody, and is not stored`(value: String) async throws {
        let test = try Playground()
        let attributes = #"{"plan":"pro","_update":\#(value)}"#
        try await test.send(identify(#"{"id":"u1"}"#, attributes))
        #expect(try await test.people() == 0)
        #expect(try await test.drops() == ["identify: _update makes nobody, and there is no such person"])
        try await test.send(identify(#"{"id":"u1"}"#, #"{"_update":false}"#), identify(#"{"id":"u1"}"#, attributes))
        #expect(try await test.attributes("u1") == #"{"plan":"pro"}"#)
    }

    @Test(
        arguments: [
            (#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#), (#"{"email":"A@X.COM"}"#, #"{"id":"u1"}"#),
            (#"{"id":"u1"}"#, #"{"email":"A@X.COM"}"#), (#"{"email":"a@x.com"}"#, "{}"), (#"{"id":"u1"}"#, "{}"),
        ]
    )
    func `row 6: the owner of P is updated when B is absent or equal`(P: String, B: String) async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#), identify(P, B))
        #expect(try await test.people() == 1)
        #expect(try await test.person("u1") == "u1|a@x.com")
        #expect(try await test.log("failed_attribute_change").isEmpty)
    }

    @Test func `row 6: B fills an identifier that the person lacks and nobody has`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#), identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#))
        try await test.send(identify(#"{"email":"b@x.com"}"#), identify(#"{"email":"b@x.com"}"#, #"{"id":"u2"}"#))
        #expect(try await test.person("a@x.com") == "u1|a@x.com")
        #expect(try await test.person("u2") == "u2|b@x.com")
        #expect(try await test.people() == 2)
    }

    @Test(
        arguments: [
            (#"{"id":"u1"}"#, #"{"email":"new@x.com","plan":"pro"}"#),
            (#"{"email":"a@x.com"}"#, #"{"id":"new","plan":"pro"}"#),
            (#"{"id":"u1"}"#, #"{"id":"other","plan":"pro"}"#),
            (#"{"email":"a@x.com"}"#, #"{"email":"other@x.com","plan":"pro"}"#),
        ]
    )
    func `rows 7 and 8: a set identifier stays, and nothing of the call is stored`(P: String, B: String) async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#), identify(P, B))
        #expect(try await test.people() == 1)
        #expect(try await test.person("u1") == "u1|a@x.com")
        #expect(try await test.attributes("u1") == "{}")
        #expect(try await test.activity("u1").last == "failed_attribute_change")
    }

    @Test func `row 9: new ids with a known e-mail keep renaming one person`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"email":"a@x.com"}"#, #"{"plan":"pro"}"#))
        let cioId = try await test.cioId("a@x.com")
        for id in ["u1", "u2", "u3"] {
            try await test.send(identify(#"{"id":"\#(id)"}"#, #"{"email":"A@x.com"}"#))
            #expect(try await test.person(id) == "\(id)|a@x.com")
        }
        #expect(try await test.people() == 1)
        #expect(try await test.person("u1") == nil)
        #expect(try await test.cioId("u3") == cioId)
        #expect(try await test.attributes("u3") == #"{"plan":"pro"}"#)
        let change = try #require(try await test.log("attribute_change").last)
        #expect(change["data"]?.description == #"{"id":{"from":"u2","to":"u3"}}"#)
    }

    @Test func `row 9: a new e-mail goes to the owner of a known id`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#), identify(#"{"email":"a@x.com"}"#, #"{"id":"u1"}"#))
        #expect(try await test.person("u1") == "u1|a@x.com")
        #expect(try await test.people() == 1)
    }

    @Test(
        arguments: [(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#), (#"{"email":"a@x.com"}"#, #"{"id":"u1"}"#)],
        [true, false]
    )
    func `row 10: two halves of one person are merged into the older`(
        call: (P: String, B: String),
        isIdOlder: Bool
    ) async throws {
        let test = try Playground()
        let byId = identify(#"{"id":"u1"}"#, #"{"from":"id","one":1}"#)
        let byEmail = identify(#"{"email":"a@x.com"}"#, #"{"from":"email","two":2}"#)
        try await test.send(isIdOlder ? byId : byEmail, isIdOlder ? byEmail : byId)
        let older = try await test.cioId(isIdOlder ? "u1" : "a@x.com")
        let attributes = call.B.dropLast() + #","plan":"pro"}"#
        try await test.send(identify(call.P, String(attributes)))
        #expect(try await test.people() == 1)
        #expect(try await test.person("u1") == "u1|a@x.com")
        #expect(try await test.cioId("u1") == older)
        let expected =
            isIdOlder
            ? #"{"from":"id","one":1,"two":2,"plan":"pro"}"# : #"{"from":"email","two":2,"one":1,"plan":"pro"}"#
        #expect(try await test.attributes("u1") == expected)
        #expect(try await test.activity("u1").contains("profile_merge"))
    }

    @Test(
        arguments: [
            // The owner of the id has an e-mail address; the owner of the address has an id.
            (#"{"email":"first@x.com"}"#, "{}"), ("{}", #"{"id":"u2"}"#),
        ]
    )
    func `row 10: fails when a condition of the automatic merge is broken`(first: String, second: String) async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, first),
            identify(#"{"email":"a@x.com"}"#, second),
            identify(#"{"id":"u1"}"#, #"{"email":"a@x.com","plan":"pro"}"#)
        )
        #expect(try await test.people() == 2)
        #expect(try await test.attributes("u1") == "{}")
        #expect(try await test.attributes("a@x.com") == "{}")
        #expect(try await test.activity("u1").last == "failed_attribute_change")
    }

    @Test func `a call that contradicts itself makes nobody`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"id":"u2"}"#))
        #expect(try await test.people() == 0)
        let failure = try #require(try await test.log("failed_attribute_change").first)
        #expect(failure["customer_id"] == "u1")
    }

    @Test func `row 11: an empty or blank identifier is refused`() async throws {
        let test = try Playground()
        for blank in ["", " ", "\\t\\n"] {
            #expect(
                try await test.refusals(identify(#"{"id":"\#(blank)"}"#))
                    == [Refusal(reason: .invalid, field: "identifiers.id", message: "must not be blank")]
            )
        }
        #expect(try await test.people() == 0)
    }

    @Test func `an identify of nobody but an anonymous id is accepted and makes nobody`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"anonymous_id":"a1"}"#, #"{"plan":"pro"}"#))
        #expect(try await test.counts() == .init())
        #expect(try await test.drops() == ["identify: an anonymous id alone makes nobody"])
    }

    @Test func `ids are case-sensitive and compared byte for byte, numbers by their text`() async throws {
        let test = try Playground()
        for id in [#""u1""#, #""U1""#, #""é""#, #""e\u0301""#, #""a\u0000b""#, #""a""#, "42", "42.0"] {
            try await test.send(identify(#"{"id":\#(id)}"#))
        }
        #expect(try await test.people() == 8)
        try await test.send(identify(#"{"id":"42"}"#, #"{"plan":"pro"}"#))
        #expect(try await test.people() == 8)
    }

    @Test func `workspaces are numbered one behind the other, however much was written to the first`() async throws {
        let store = try DataStore(opening: .memory)
        for (name, cioId) in [("one", "01000001"), ("two", "02000001")] {
            let workspace = Workspace(name: name, in: store.workspaces)
            for _ in 0..<7 {
                _ = try await workspace.carryOut(entity: JSON(parsing: identify(#"{"id":"u1"}"#)), now: noon)
            }
            #expect(try await workspace.person("u1")?["identifiers"]?["cio_id"]?.stringValue == cioId)
        }
    }

    @Test func `cio_ids are the numbers of the workspace and of the person`() async throws {
        let test = try Playground()
        for number in 1...130 {
            try await test.send(identify(#"{"id":"u\#(number)"}"#))
        }
        #expect(try await test.cioId("u1") == "01000001")
        #expect(try await test.cioId("u127") == "0100007f")
        #expect(try await test.cioId("u128") == "0100008001")
        try await test.send(person("delete", #"{"id":"u130"}"#), identify(#"{"id":"u130"}"#))
        #expect(try await test.cioId("u130") == "0100008301")
    }
}

/// track-api.md §7 and §8.
@Suite(.onBothEngines) struct `Attributes` {
    @Test func `are merged key by key, in the order in which they came, with the text of their numbers`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"z":1.10,"a":{"x":1,"y":2},"big":12345678901234567890}"#),
            identify(#"{"id":"u1"}"#, #"{"a":{"x":3},"new":[1,null]}"#)
        )
        #expect(
            try await test.attributes("u1")
                == #"{"z":1.10,"a":{"x":3},"big":12345678901234567890,"new":[1,null]}"#
        )
    }

    @Test(arguments: ["null", #""""#])
    func `null and the empty text remove one`(value: String) async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"plan":"pro","seats":3}"#),
            identify(#"{"id":"u1"}"#, #"{"plan":\#(value),"never":\#(value)}"#)
        )
        #expect(try await test.attributes("u1") == #"{"seats":3}"#)
        let change = try #require(try await test.log("attribute_change").last)
        #expect(change["data"]?.description == #"{"plan":{"from":"pro","to":""}}"#)
    }

    @Test func `false, zero and a blank text are values`() async throws {
        let test = try Playground()
        let text = #"{"a":false,"b":0,"c":" ","d":{},"e":[]}"#
        try await test.send(identify(#"{"id":"u1"}"#, text))
        #expect(try await test.attributes("u1") == text)
    }

    @Test func `names differ by case`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"plan":1,"Plan":2}"#))
        #expect(try await test.attributes("u1") == #"{"plan":1,"Plan":2}"#)
    }

    @Test func `one subscription topic changes in dot notation, the others stay`() async throws {
        let test = try Playground()
        try await test.send(
            identify(
                #"{"id":"u1"}"#,
                #"{"cio_subscription_preferences":{"topics":{"topic_1":true,"topic_2":true}}}"#
            ),
            identify(
                #"{"id":"u1"}"#,
                #"{"cio_subscription_preferences.topics.topic_2":false,"#
                    + #""cio_subscription_preferences.topics.topic_3":true}"#
            )
        )
        #expect(
            try await test.attributes("u1")
                == #"{"cio_subscription_preferences":{"topics":{"topic_1":true,"topic_2":false,"topic_3":true}}}"#
        )
    }

    @Test func `identifiers, control words and what the system computes are no attributes`() async throws {
        let test = try Playground()
        try await test.send(
            identify(
                #"{"id":"u1"}"#,
                #"{"id":"u1","email":"a@x.com","_timestamp":1700000000,"_update":false,"_last_emailed":1,"#
                    + #""cio_iso_country":"DE","plan":"pro"}"#
            )
        )
        #expect(try await test.attributes("u1") == #"{"plan":"pro"}"#)
    }

    @Test(arguments: [#""timestamp":100"#, #""timestamp":"100.9""#, #""timestamp":100.9"#])
    func `an older value does not replace a newer one`(older: String) async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"plan":"new","seats":1}"#, more: #","timestamp":200"#),
            identify(#"{"id":"u1"}"#, #"{"plan":"old","team":"x"}"#, more: "," + older)
        )
        #expect(try await test.attributes("u1") == #"{"plan":"new","seats":1,"team":"x"}"#)
        let skipped = try #require(try await test.log("skipped_update").first)
        #expect(skipped["data"]?.description == #"{"plan":"old"}"#)
    }

    @Test func `an older value does not bring back what was removed`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"plan":null}"#, more: #","timestamp":200"#),
            identify(#"{"id":"u1"}"#, #"{"plan":"old"}"#, more: #","timestamp":199"#)
        )
        #expect(try await test.attributes("u1") == "{}")
        try await test.send(identify(#"{"id":"u1"}"#, #"{"plan":"new"}"#, more: #","timestamp":201"#))
        #expect(try await test.attributes("u1") == #"{"plan":"new"}"#)
    }

    @Test func `of equal times the later call wins`() async throws {
        let test = try Playground()
        for plan in ["a", "b"] {
            try await test.send(identify(#"{"id":"u1"}"#, #"{"plan":"\#(plan)"}"#, more: #","timestamp":200"#))
        }
        #expect(try await test.attributes("u1") == #"{"plan":"b"}"#)
    }

    @Test func `without a time of its own a call has that of its receipt, and _timestamp stands in`() async throws {
        let test = try Playground()
        try await test.send(identify(#"{"id":"u1"}"#, #"{"a":1,"b":1}"#), at: 500)
        try await test.send(identify(#"{"id":"u1"}"#, #"{"a":2,"_timestamp":499}"#), at: 900)
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"b":2,"_timestamp":499}"#, more: #","timestamp":501"#),
            at: 900
        )
        #expect(try await test.attributes("u1") == #"{"a":1,"b":2}"#)
    }

    @Test func `a change is logged with what was and what is, an equal value is not`() async throws {
        let test = try Playground()
        try await test.send(
            identify(#"{"id":"u1"}"#, #"{"plan":"free","seats":1}"#),
            identify(#"{"id":"u1"}"#, #"{"plan":"pro","seats":1}"#),
            identify(#"{"id":"u1"}"#, #"{"plan":"pro","seats":1}"#)
        )
        let changes = try await test.log("attribute_change").compactMap { $0["data"]?.description }
        #expect(
            changes == [
                #"{"plan":{"from":"","to":"free"},"seats":{"from":"","to":1}}"#,
                #"{"plan":{"from":"free","to":"pro"}}"#,
            ]
        )
    }

    @Test func `a person has 300 at most, the rest is not taken`() async throws {
        let test = try Playground()
        for half in 0..<2 {
            let attributes = (0..<160).map { #""a\#(half)_\#($0)":1"# }.joined(separator: ",")
            try await test.send(identify(#"{"id":"u1"}"#, "{\(attributes)}"))
        }
        let count = try await test.workspace.person("u1")?["attributes"]?.objectValue?.count
        #expect(count == 300)
        let surplus = try #require(try await test.log("failed_attribute_change").first?["data"]?.objectValue)
        #expect(surplus.count == 20)
        try await test.send(identify(#"{"id":"u1"}"#, #"{"a0_0":null,"a1_159":2}"#))
        #expect(try await test.workspace.person("u1")?["attributes"]?["a1_159"] == 2)
    }
}
