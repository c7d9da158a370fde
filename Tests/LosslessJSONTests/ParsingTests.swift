import LosslessJSON
import Testing

/// What RFC 8259 calls JSON is read and, being compact, written again byte for byte.
@Suite struct `Reading JSON` {
    @Test(arguments: [
        "null", "true", "false", "0", "\"\"", "[]", "{}", "[[]]", "[{}]", "{\"\":{}}",
        "[null,true,false]", "[1,\"a\",[2],{\"b\":3}]", "{\"a\":1,\"b\":{\"c\":[]}}",
        "\"plain\"", "\"\u{7F}\"", "\"/\"", "\"é\"", "\"日本語\"", "\"😀\"", "\"\u{2028}\u{2029}\"", "\"\u{FEFF}\"",
        "\"\u{FFFE}\u{FFFF}\u{10FFFF}\"", "\"a\\\"b\\\\c\"", "\"\\b\\t\\n\\f\\r\"", "\"\\u0000\\u0001\\u001f\"",
        "{\"\\u0000\":\"\\u0000\"}", "{\"a b\":1,\"\":2,\"é\":3,\"😀\":4}",
    ])
    func `reads a compact text and writes it again byte for byte`(text: String) throws {
        #expect(try JSON(parsing: text).encoded() == Array(text.utf8))
    }

    @Test(arguments: [
        "0", "-0", "1", "-1", "10", "1234567890123456789012345678901234567890", "0.0", "-0.0", "1.10", "0.1", "1.000",
        "0e0", "0E0", "0e+0", "0e-0", "-0e0", "1e5", "1E5", "1e+5", "1E-5", "1e05", "1.5e300", "1e400", "1e-400",
        "1e999999999999999999999", "-1.23456789012345678901234567890e-12345678901234567890",
    ])
    func `keeps the text of a number`(text: String) throws {
        #expect(try JSON(parsing: text).numberValue?.text.utf8.elementsEqual(text.utf8) == true)
        #expect(try JSON(parsing: "[\(text),\(text)]").description == "[\(text),\(text)]")
        #expect(try JSON(parsing: "{\"a\":\(text)}").description == "{\"a\":\(text)}")
    }

    @Test(arguments: [
        (" \t\r\n1 \t\r\n", "1"), ("[ ]", "[]"), ("{ }", "{}"), ("[ 1 , 2 ]", "[1,2]"), ("\n[\r\n1\t]\n", "[1]"),
        (" { \"a\" : 1 , \"b\" : [ ] } ", "{\"a\":1,\"b\":[]}"), ("\"\\u0061\\/\\u00E9\\u00e9\"", "\"a/éé\""),
        ("{\"\\u0061\":1}", "{\"a\":1}"), ("\"\\u007f\\u2028\"", "\"\u{7F}\u{2028}\""),
        ("\"\\uD83D\\uDE00\"", "\"😀\""), ("\"\\udbff\\udfff\"", "\"\u{10FFFF}\""),
    ])
    func `reads white space and escapes that it does not write`(text: String, compact: String) throws {
        #expect(try JSON(parsing: text).description.utf8.elementsEqual(compact.utf8))
    }

    @Test func `keeps the order of keys`() throws {
        let keys = ["z", "a", "10", "9", "Z", "", "ä", "b"]
        let text = "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
        #expect(try JSON(parsing: text).objectValue?.members.map(\.key) == keys)
    }

    @Test(arguments: [
        (#"{"a":1,"b":2,"a":3}"#, #"{"a":3,"b":2}"#), (#"{"a":1,"\u0061":2}"#, #"{"a":2}"#),
        (#"{"":1,"":2,"":3}"#, #"{"":3}"#), (#"{"a":{"b":1,"b":2},"a":{"c":1,"c":2}}"#, #"{"a":{"c":2}}"#),
        (
            #"{"aaaaaaaa1zzzzzzzz":1,"aaaaaaaa2zzzzzzzz":2,"aaaaaaaa1zzzzzzzz":3}"#,
            #"{"aaaaaaaa1zzzzzzzz":3,"aaaaaaaa2zzzzzzzz":2}"#
        ),
    ])
    func `of a key that stands twice the last value counts, at the place of the first`(text: String, result: String)
        throws
    {
        #expect(try JSON(parsing: text).description == result)
    }

    @Test func `keys that are the same to Unicode but not in bytes are different keys`() throws {
        let text = "{\"\u{E9}\":1,\"e\u{301}\":2}"
        let object = try #require(try JSON(parsing: text).objectValue)
        #expect(object.count == 2)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
    }

    @Test(arguments: ["\u{FEFF}1", "\u{FEFF} 1", "\u{FEFF}\n1\n"])
    func `a byte-order mark in front is skipped`(text: String) throws {
        #expect(try JSON(parsing: text) == 1)
    }

    @Test(arguments: [
        (#""\ud800""#, "\u{FFFD}"), (#""\udc00""#, "\u{FFFD}"), (#""\udfff!""#, "\u{FFFD}!"),
        (#""\uDBFFx""#, "\u{FFFD}x"),
        (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
        (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\ud83d\n""#, "\u{FFFD}\n"), (#""\ud83d\\u""#, "\u{FFFD}\\u"),
        (#""\ud83d\ude00\ude00""#, "😀\u{FFFD}"), (#""\ud83dé""#, "\u{FFFD}é"),
    ])
    func `half a surrogate pair becomes the replacement character`(text: String, value: String) throws {
        #expect(try #require(JSON(parsing: text).stringValue).hasSameBytes(as: value))
        let asKey = try #require(try JSON(parsing: "{\(text):1}").objectValue)
        #expect(asKey.members[0].key.hasSameBytes(as: value))
        #expect(asKey[value] == 1)
    }

    @Test func `every unit that may be escaped is read as its scalar`() throws {
        for unit in UInt32(0)...0xFFFF {
            let digits = String(unit, radix: 16)
            let escape = "\\u" + "0".times(4 - digits.count) + digits
            let expected = Unicode.Scalar(unit) ?? "\u{FFFD}"
            let value = try #require(JSON(parsing: "\"\(escape)\"").stringValue)
            guard value.unicodeScalars.elementsEqual([expected]) else {
                Issue.record("\(escape) was read as \(value.unicodeScalars.map(\.value))")
                return
            }
        }
    }

    /// Short texts are copied word by word, and long ones scanned so: each length and each place counts.
    @Test(arguments: 0...40)
    func `a string of any length is read and written wherever it stands`(length: Int) throws {
        let letters = (0..<length).map { Character(Unicode.Scalar(UInt8(0x61 + $0 % 26))) }
        let plain = String(letters)
        for text in [
            "\"\(plain)\"", "[\"\(plain)\",0]", "{\"\(plain)\":\"\(plain)\"}", "[\"\(plain)\"" + " ".times(20) + "]",
        ] {
            let value = try JSON(parsing: text)
            let strings = [value.stringValue, value.arrayValue?[0].stringValue, value.objectValue?.members[0].key]
            #expect(strings.contains { $0?.hasSameBytes(as: plain) == true })
            #expect(value.description == text.filter { $0 != " " })
        }
        for place in 0..<length {
            for special in ["\"", "\\", "\n", "\u{1F}", "é", "😀", "\u{7F}", "\u{0}"] {
                var changed = letters
                changed[place] = Character(special)
                let value = JSON.string(String(changed))
                #expect(try JSON(parsing: value.encoded()) == value)
            }
        }
    }

    @Test func `bytes in the middle of others are read without a look beyond their end`() throws {
        let text = Array(#"xxxx{"key":[1,"abc"]}",1,2,3"#.utf8)
        let value = try text[4..<21].withUnsafeBytes { try JSON(parsing: $0) }
        #expect(value.description == #"{"key":[1,"abc"]}"#)
    }
}
