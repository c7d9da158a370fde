import Storage
import Testing

@Suite struct `Taking a person out of a text` {
    private let redaction = Redaction(
        texts: ["u1", "42", "anon-7", "Zoë/x7", "true", "9007199254740993"],
        emails: ["Ann@Example.com"]
    )

    @Test(
        arguments: [
            ("the id u1 is bad", "the id [erased] is bad"), ("u1", "[erased]"), ("u1, u1.", "[erased], [erased]."),
            ("400: 42 is bad", "400: [erased] is bad"), ("(anon-7)", "([erased])"), ("to=“u1”", "to=“[erased]”"),
            ("mailto:ANN@example.COM?x", "mailto:[erased]?x"), ("ann@example.com.", "[erased]."),
            ("q=a%3Dann@example.com", "q=a%3D[erased]"), ("Zoë/x7", "[erased]"),
        ]
    ) func `takes a text out wherever it stands by itself`(text: String, expected: String) {
        #expect(redaction.redacted(text)?.text == expected)
    }

    @Test(
        arguments: [
            "", "u12", "xu1", "u1-b", "a-u1", "u1@example.com", "u1.5", "u_u1", "anon-77", "joann@example.com",
            "jo.ann@example.com", "jo+ann@example.com", "ann@example.com.au", "ann@example.community", "éu1", "u1é",
            "U1", "142", "4.42",
        ]
    ) func `leaves what is a part of something else`(text: String) {
        #expect(redaction.redacted(text) == nil)
    }

    @Test(
        arguments: [
            (#"{"a":"anon-7","b":["ann@example.com"]}"#, #"{"a":"[erased]","b":["[erased]"]}"#),
            (#"{"a":"ann\u0040example.com"}"#, #"{"a":"[erased]"}"#),
            (#"{"a":"Ann\u0040Ex\u0061mple.com"}"#, #"{"a":"[erased]"}"#),
            (#"{"a":"Zo\u00eb\/x7"}"#, #"{"a":"[erased]"}"#), (#"{"a":"Hello\nanon-7"}"#, #"{"a":"Hello\n[erased]"}"#),
            (#"{"a":"Hello\u000aanon-7\t"}"#, #"{"a":"Hello\u000a[erased]\t"}"#),
            (#"{"a":"{\"b\":\"anon-7\"}"}"#, #"{"a":"{\"b\":\"[erased]\"}"}"#),
            (#"{"ann@example.com":1}"#, #"{"[erased]":1}"#), (#"{"a":"anon-7","a"#, #"{"a":"[erased]","a"#),
            // Ids of many digits, as text and as number.
            (#"{"a": 9007199254740993}"#, #"{"a": "[erased]"}"#), (#"[9007199254740993 ,1]"#, #"["[erased]" ,1]"#),
            (#"{"a":"9007199254740993"}"#, #"{"a":"[erased]"}"#),
            (#"{"a":"of 9007199254740993"}"#, #"{"a":"of [erased]"}"#),
            // A part of a text, but not of what somebody else is called.
            (#"{"a":"acme:anon-7","userId":"acme:anon-7"}"#, #"{"a":"acme:[erased]","userId":"acme:anon-7"}"#),
            (#"{"url":"https://x.co/?e=ann%40example.com"}"#, #"{"url":"https://x.co/?e=[erased]"}"#),
            // What is short is meant where it is said to be a person's.
            (#"{"userId": 42, "n": 42}"#, #"{"userId": "[erased]", "n": 42}"#),
            (
                #"{"user_id":"42","referredByCustomer-ID" : "u1","a":"42"}"#,
                #"{"user_id":"[erased]","referredByCustomer-ID" : "[erased]","a":"42"}"#
            ),
            (#"{"previousId":"true","b":true}"#, #"{"previousId":"[erased]","b":true}"#),
        ]
    ) func `knows how JSON spells a text`(text: String, expected: String) {
        let redacted = redaction.redacted(Array(text.utf8), .json)
        #expect(redacted.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
    }

    @Test(
        arguments: [
            #"{"anon-7":1}"#, #"{"anon-7" : 1}"#, #"{"n":42,"userId":true,"type":"anon-7"}"#, #"{"a":"it is 42"}"#,
            #"{"a":"\\nu1"}"#, #"{"groupId":"u1","event":"42","product":{"id":"u1"},"token":"u1"}"#, #"{"a":"u1"}"#,
            #"{"a":9007199254740993.5}"#, #"{"a":-9007199254740993}"#, #"{"a":90071992547409931}"#,
            #"{"userId":"42nd","userId":420}"#, #"{"groupId":"acme anon-7","user_id":"anon-7 \\"x\\""}"#,
        ]
    ) func `changes nothing in JSON that may mean anything else`(text: String) {
        #expect(redaction.redacted(Array(text.utf8), .json) == nil)
    }

    @Test(
        arguments: [
            (#"400: anon-7 is bad"#, "400: [erased] is bad"),
            (#"400: {"id":"anon-7","phone":"+49"} and others"#, "400: [erased]"),
            (#"anon-7 {"phone":"+49"}"#, "[erased]"), (#"207: {"id":"x"}"#, nil),
        ]
    ) func `keeps nothing of words that echo what was sent`(words: String, expected: String?) {
        #expect(redaction.redacted(words)?.text == expected)
    }

    @Test func `takes short ids out of what people are called, and leaves them in what other things are`() {
        let text = #"{"id":"u1","other":42,"a":"x42"}"#
        #expect(redaction.redacted(text, .identifiers)?.text == #"{"id":"[erased]","other":"[erased]","a":"x42"}"#)
        #expect(redaction.redacted("Step 42 of u1", .name) == nil)
        #expect(redaction.redacted("Step 42 of anon-7", .name)?.text == "Step 42 of [erased]")
    }

    @Test func `counts, and sees parts of words where that is asked for`() {
        #expect(redaction.redacted("u1 u1 ann@example.com")?.count == 3)
        #expect(redaction.concerns(Array("u12".utf8)))
        #expect(!redaction.concerns(Array("U12 \\u0".utf8)))
        #expect(Redaction(texts: [], emails: []).redacted("u1") == nil)
        for text in ["änn@example.com", "ÄNN@EXAMPLE.COM"] {
            #expect(Redaction(texts: [], emails: ["Änn@example.com"]).redacted(text)?.text == "[erased]")
        }
        #expect(
            Redaction(texts: ["𝄞xxxx7"], emails: []).redacted(Array(#""\ud834\udd1exxxx7""#.utf8), .json)?.count == 1
        )
        #expect(Redaction(texts: [#"a\b"#], emails: []).redacted(#"a\b"#)?.count == 1)
        #expect(Redaction(texts: [#"aaa\bb7"#], emails: []).redacted(Array(#""aaa\\bb7""#.utf8), .json)?.count == 1)
    }
}
