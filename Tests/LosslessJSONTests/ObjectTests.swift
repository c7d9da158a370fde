import LosslessJSON
import Testing

@Suite struct `Objects` {
    /// Keys that a hasty comparison would confuse: equal lengths, equal ends, zero bytes, equal to Unicode.
    static let confusableKeys = [
        "", "\u{0}", "\u{0}\u{0}", "a", "a\u{0}", "b", "ab", "ba", "abc", "abd", "aba", "abcd", "abce", "bbcd",
        "abcdefg",
        "abcdefg\u{0}", "abcdefgh", "abcdefgi", "aaaaaaaa1zzzzzzzz", "aaaaaaaa2zzzzzzzz", "aaaaaaaa12zzzzzzzz",
        "\u{E9}", "e\u{301}", "x".times(255), "x".times(256), "x".times(300), "x".times(20) + "y" + "x".times(20),
        "x".times(20) + "z" + "x".times(20),
    ]

    @Test func `tell every key from every other`() {
        for (position, key) in Self.confusableKeys.enumerated() {
            for other in Self.confusableKeys[position...] {
                let object: JSON.Object = [key: 1]
                #expect(object.contains(other) == Array(key.utf8).elementsEqual(other.utf8))
            }
        }
        let members = Self.confusableKeys.map { JSON.Object.Member(key: $0, value: .string($0)) }
        let object = JSON.Object(lastWins: members)
        #expect(object.count == members.count)
        for key in Self.confusableKeys {
            #expect(object[key] == .string(key))
            #expect(JSON.object(object).value(at: JSON.Path(steps: [key])) == .string(key))
        }
    }

    @Test func `find a key however its string came to be`() throws {
        for key in Self.confusableKeys {
            let parsed = try #require(try JSON(parsing: JSON.object([key: 1]).encoded()).objectValue)
            #expect(parsed.contains(key))
            #expect(parsed[String(decoding: Array(key.utf8), as: UTF8.self)] == 1)
            #expect(parsed[String((key + "?").dropLast())] == 1 || key.isEmpty)
            let escaped = key.utf16.map { "\\u" + "0".times(4 - String($0, radix: 16).count) + String($0, radix: 16) }
            let fromEscapes = try #require(try JSON(parsing: "{\"\(escaped.joined())\":1}").objectValue)
            #expect(fromEscapes[key] == 1)
        }
    }

    @Test func `set at the old place or at the end, and remove`() {
        var object: JSON.Object = ["a": 1, "b": 2, "c": 3]
        object["b"] = "new"
        object["d"] = nil
        object["e"] = 5
        #expect(JSON.object(object).description == #"{"a":1,"b":"new","c":3,"e":5}"#)
        object["a"] = nil
        object["e"] = nil
        #expect(JSON.object(object).description == #"{"b":"new","c":3}"#)
        object["a"] = .null
        #expect(JSON.object(object).description == #"{"b":"new","c":3,"a":null}"#)
        #expect(object["a"] == .some(.null))
        #expect(object["zz"] == nil)
        object.append("f", 6)
        object.reserveCapacity(100)
        #expect(object.count == 4)
        #expect(object.map(\.key) == ["b", "c", "a", "f"])
    }

    @Test func `a literal's repeated key counts once, with its last value at its first place`() {
        let object: JSON.Object = ["a": 1, "b": 2, "a": 3]
        #expect(JSON.object(object).description == #"{"a":3,"b":2}"#)
        let value: JSON = ["a": 1, "b": 2, "a": 3]
        #expect(value.description == #"{"a":3,"b":2}"#)
    }

    @Test(arguments: [0, 1, 10, 24, 25, 100])
    func `overlaying keeps the place of what both have and appends the rest`(size: Int) {
        let here = JSON.Object(uniqueMembers: (0..<size).map { .init(key: "key\($0)", value: .number(.init($0))) })
        let there = JSON.Object(uniqueMembers: (0..<size).reversed().map { .init(key: "key\($0 * 2)", value: "new") })
        let result = here.overlaid(with: there)
        let appended = there.map(\.key).filter { !here.contains($0) }
        #expect(result.map(\.key) == here.map(\.key) + appended)
        for member in result {
            #expect(member.value == (there[member.key] ?? here[member.key]))
        }
        let both = here.overlaid(with: there) { here, there in
            #expect(there == "new")
            return here == 0 ? nil : here
        }
        #expect(both.count == result.count - (size > 0 ? 1 : 0))
        #expect(both["key0"] == nil)
        #expect(size <= 2 || both["key2"] == 2)
    }

    @Test func `nil removes a key and null keeps it`() {
        var object: JSON.Object = ["a": 1, "b": .null]
        #expect(object["b"] == .some(.null))
        object["b"] = nil
        #expect(!object.contains("b"))
        object["a"] = .null
        #expect(object["a"] == .some(.null))
    }

    @Test func `overlaying with or on nothing changes nothing`() {
        let object: JSON.Object = ["a": 1, "b": [2]]
        #expect(object.overlaid(with: [:]) == object)
        #expect(JSON.Object().overlaid(with: object) == object)
        #expect(object.overlaid(with: object) { _, _ in nil }.isEmpty)
    }

    @Test func `filtering and mapping keep the order`() {
        let object: JSON.Object = ["a": 1, "b": .null, "c": 3]
        #expect(object.removing { $0 == "a" }.map(\.key) == ["b", "c"])
        #expect(object.compactMapValues { $0.isNull ? nil : [$0] } == ["a": [1], "c": [3]])
        struct Refused: Error {}
        #expect(throws: Refused.self) { try object.compactMapValues { _ throws(Refused) in throw Refused() } }
    }
}

@Suite struct `Equality` {
    @Test(arguments: [
        (#"{"a":1,"b":[2,{"c":3}]}"#, #"{"b":[2.0,{"c":3e0}],"a":1}"#), ("[]", "[ ]"), ("{}", "{ }"),
        (#""\u00e9""#, "\"é\""), ("[0]", "[-0]"), (#"{"a":1,"b":2,"c":3}"#, #"{"a":1,"c":3,"b":2}"#),
    ])
    func `is by value, whatever the order of keys`(left: String, right: String) throws {
        #expect(try JSON(parsing: left) == JSON(parsing: right))
    }

    @Test(arguments: [
        "null", "false", "true", "0", "1", "\"\"", "\"0\"", "\"a\"", "\"A\"", "\"\u{E9}\"", "\"e\u{301}\"", "\"null\"",
        "[]", "[0]",
        "[0,0]", "[1,0]", "[0,1]", "[[]]", "{}", "[{}]", #"{"a":1}"#, #"{"a":2}"#, #"{"b":1}"#, #"{"a":1,"b":1}"#,
        #"{"a":null}"#,
        #"{"b":null}"#, "{\"\u{E9}\":1}", "{\"e\u{301}\":1}", #"{"a":1,"c":1}"#, #"{"a":{"a":1}}"#,
    ])
    func `tells different values apart`(text: String) throws {
        let value = try JSON(parsing: text)
        let all = [
            "null", "false", "true", "0", "1", "\"\"", "\"0\"", "\"a\"", "\"A\"", "\"\u{E9}\"", "\"e\u{301}\"",
            "\"null\"", "[]", "[0]",
            "[0,0]", "[1,0]", "[0,1]", "[[]]", "{}", "[{}]", #"{"a":1}"#, #"{"a":2}"#, #"{"b":1}"#, #"{"a":1,"b":1}"#,
            #"{"a":null}"#,
            #"{"b":null}"#, "{\"\u{E9}\":1}", "{\"e\u{301}\":1}", #"{"a":1,"c":1}"#, #"{"a":{"a":1}}"#,
        ]
        for other in all {
            #expect((try JSON(parsing: other) == value) == text.hasSameBytes(as: other), "\(other)")
        }
    }

    @Test(arguments: [2, 24, 25, 200])
    func `of objects does not depend on their size`(size: Int) {
        let members = (0..<size).map { JSON.Object.Member(key: "key\($0)", value: .number(.init($0))) }
        let object = JSON.Object(uniqueMembers: members)
        #expect(object == JSON.Object(uniqueMembers: members.reversed()))
        var changed = object
        changed["key\(size - 1)"] = "other"
        #expect(object != changed)
        changed["key\(size - 1)"] = nil
        #expect(object != changed)
        changed["another"] = .number(.init(size - 1))
        #expect(object != changed)
    }

    @Test(arguments: 0...40)
    func `of texts sees every byte`(length: Int) {
        let text = "x".times(length)
        #expect(text.hasSameBytes(as: String(decoding: Array(text.utf8), as: UTF8.self)))
        #expect(!text.hasSameBytes(as: text + "x"))
        for place in 0..<length {
            var bytes = Array(text.utf8)
            bytes[place] = 0x79
            #expect(!text.hasSameBytes(as: String(decoding: bytes, as: UTF8.self)))
        }
        #expect(!"\u{E9}".hasSameBytes(as: "e\u{301}"))
        #expect(
            Set([ExactText("\u{E9}"), ExactText("e\u{301}"), ExactText("\u{E9}"), ExactText(text), ExactText(text)])
                .count == 3
        )
    }
}

@Suite struct `Paths` {
    let value: JSON = ["a": ["b": [10, ["c": "deep"], .null]], "1": "one", "é": 1, "x.y": 2, "": ["": 3]]

    @Test(arguments: [
        ("a.b.0", "10"), ("a.b.1.c", "\"deep\""), ("a.b.2", "null"), ("a.b.3", nil), ("a.b.-1", nil),
        ("a.b.99999999999", nil),
        ("a.b.b", nil), ("a.b.0.c", nil), ("1", "\"one\""), ("é", "1"), ("e\u{301}", nil), ("nothing.at.all", nil),
        ("", nil),
        ("a.b.01", "{\"c\":\"deep\"}"),
    ])
    func `lead to values or nowhere`(path: String, result: String?) {
        let expected = path.isEmpty ? value.description : result
        #expect(value.value(at: JSON.Path(path))?.description == expected)
    }

    @Test func `may have steps that hold dots or nothing`() {
        #expect(value.value(at: JSON.Path(steps: ["x.y"])) == 2)
        #expect(value.value(at: JSON.Path(steps: ["", ""])) == 3)
        #expect(value.value(at: JSON.Path(steps: [])) == value)
        #expect(JSON.Path("a.b.1").description == "a.b.1")
        #expect(JSON.Path("a..b.").steps.map(\.key) == ["a", "b"])
    }

    @Test func `are parted at every dot, whatever stands behind it`() {
        #expect(JSON.Path("a.\u{301}b").steps.map { Array($0.key.utf8) } == [Array("a".utf8), Array("\u{301}b".utf8)])
        #expect(JSON.Path("a.\u{200D}b").steps.count == 2)
    }

    @Test func `are compared by bytes`() {
        #expect(JSON.Path("a.b") == JSON.Path(steps: ["a", "b"]))
        #expect(JSON.Path("\u{E9}") != JSON.Path("e\u{301}"))
        #expect(JSON.Path("a.b") != JSON.Path("a"))
    }

    @Test func `name the kind of what they meet`() {
        let kinds = ([.null, true, 1, "", [], [:]] as [JSON]).map(\.kindName)
        #expect(kinds == ["null", "a boolean", "a number", "a string", "a list", "an object"])
    }

    @Test func `a value is seen as its own kind and no other`() {
        for value in [.null, true, 1, "", [], [:]] as [JSON] {
            let views = [
                value.isNull, value.boolValue != nil, value.numberValue != nil, value.stringValue != nil,
                value.arrayValue != nil, value.objectValue != nil,
            ]
            #expect(views.count(where: \.self) == 1)
        }
        #expect((["a": 1] as JSON)["a"] == 1)
        #expect(([1] as JSON)["0"] == nil)
    }
}
