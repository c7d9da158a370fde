import Storage
import Testing

@Suite struct `Taking a person out of a text` {
    private let redaction = Redaction(texts: ["u1", "42", "anon-7", "Zoë/x", "true"], emails: ["Ann@Example.com"])

    @Test(
        arguments: [
            ("the id u1 is bad", "the id [erased] is bad"), ("u1", "[erased]"), ("u1, u1.", "[erased], [erased]."),
            ("400: 42 is bad", "400: [erased] is bad"), ("(anon-7)", "([erased])"), ("to=“u1”", "to=“[erased]”"),
            ("mailto:ANN@example.COM?x", "mailto:[erased]?x"), ("ann@example.com.", "[erased]."),
            ("q=a%3Dann@example.com", "q=a%3D[erased]"), ("Zoë/x", "[erased]"),
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
            (#"{"a":"u1","b":["ann@example.com"]}"#, #"{"a":"[erased]","b":["[erased]"]}"#),
            (#"{"a":"ann\u0040example.com"}"#, #"{"a":"[erased]"}"#),
            (#"{"a":"Ann\u0040Ex\u0061mple.com"}"#, #"{"a":"[erased]"}"#),
            (#"{"a":"Zo\u00eb\/x"}"#, #"{"a":"[erased]"}"#), (#"{"a":"Hello\nu1"}"#, #"{"a":"Hello\n[erased]"}"#),
            (#"{"a":"Hello\u000au1\t"}"#, #"{"a":"Hello\u000a[erased]\t"}"#),
            (#"{"a":"{\"b\":\"u1\"}"}"#, #"{"a":"{\"b\":\"[erased]\"}"}"#),
            (#"{"ann@example.com":1}"#, #"{"[erased]":1}"#),
            (#"{"userId": 42, "n": 42}"#, #"{"userId": "[erased]", "n": 42}"#),
            (#"{"a":"42","b":true}"#, #"{"a":"[erased]","b":true}"#), (#"{"a":"u1","a"#, #"{"a":"[erased]","a"#),
        ]
    ) func `knows how JSON spells a text`(text: String, expected: String) {
        let redacted = redaction.redacted(Array(text.utf8), .json)
        #expect(redacted.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
    }

    @Test(
        arguments: [
            #"{"u1":1}"#, #"{"u1" : 1}"#, #"{"n":42,"b":true,"type":"u1"}"#, #"{"a":"it is 42"}"#, #"{"a":"\\nu1"}"#,
        ]
    ) func `changes nothing in JSON that may mean anything else`(text: String) {
        #expect(redaction.redacted(Array(text.utf8), .json) == nil)
    }

    @Test func `counts, and sees parts of words where that is asked for`() {
        #expect(redaction.redacted("u1 u1 ann@example.com")?.count == 3)
        #expect(redaction.concerns(Array("u12".utf8)))
        #expect(!redaction.concerns(Array("U12 \\u0".utf8)))
        #expect(Redaction(texts: [], emails: []).redacted("u1") == nil)
        for text in ["änn@example.com", "ÄNN@EXAMPLE.COM"] {
            #expect(Redaction(texts: [], emails: ["Änn@example.com"]).redacted(text)?.text == "[erased]")
        }
        #expect(Redaction(texts: ["𝄞x"], emails: []).redacted(Array(#""\ud834\udd1ex""#.utf8), .json)?.count == 1)
        #expect(Redaction(texts: [#"a\b"#], emails: []).redacted(#"a\b"#)?.count == 1)
        #expect(Redaction(texts: [#"a\b"#], emails: []).redacted(Array(#""a\\b""#.utf8), .json)?.count == 1)
    }
}
