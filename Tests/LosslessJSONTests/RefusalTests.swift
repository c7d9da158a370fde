import LosslessJSON
import Testing

/// What is not JSON is refused with the kind and the place of the fault.
@Suite struct `Refusing what is not JSON` {
    @Test(
        arguments: [
            ("", .empty, 0), (" \n", .empty, 2), ("\u{FEFF}", .empty, 3),
            // Structure
            ("[", .unexpectedEnd, 1), ("{", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3),
            ("{\"a\"", .unexpectedEnd, 4), ("{\"a\":", .unexpectedEnd, 5), ("{\"a\":1", .unexpectedEnd, 6),
            ("{\"a\":1,", .unexpectedEnd, 7), ("]", .unexpectedCharacter, 0), ("}", .unexpectedCharacter, 0),
            ("[}", .unexpectedCharacter, 1), ("{]", .unexpectedCharacter, 1), ("[1}", .unexpectedCharacter, 2),
            ("{\"a\":1]", .unexpectedCharacter, 6), ("[1,]", .unexpectedCharacter, 3),
            ("[,1]", .unexpectedCharacter, 1),
            ("[1,,2]", .unexpectedCharacter, 3), ("[1 2]", .unexpectedCharacter, 3), ("{,}", .unexpectedCharacter, 1),
            ("{\"a\":1,}", .unexpectedCharacter, 7), ("{\"a\" 1}", .unexpectedCharacter, 5),
            ("{\"a\":}", .unexpectedCharacter, 5),
            ("{\"a\":1 \"b\":2}", .unexpectedCharacter, 7), ("{a:1}", .unexpectedCharacter, 1),
            ("{1:1}", .unexpectedCharacter, 1),
            ("{null:1}", .unexpectedCharacter, 1), ("{'a':1}", .unexpectedCharacter, 1),
            ("'a'", .unexpectedCharacter, 0),
            (":", .unexpectedCharacter, 0), (",", .unexpectedCharacter, 0), ("{\"a\"::1}", .unexpectedCharacter, 5),
            // Behind the value
            ("1 2", .trailingBytes, 2), ("{}{}", .trailingBytes, 2), ("[]]", .trailingBytes, 2),
            ("\"a\"b", .trailingBytes, 3),
            ("null,", .trailingBytes, 4), ("1\u{0}", .trailingBytes, 1), ("1//", .trailingBytes, 1),
            ("1\u{FEFF}", .trailingBytes, 1),
            ("truetrue", .trailingBytes, 4), ("0x1F", .trailingBytes, 1), ("1.2.3", .trailingBytes, 3),
            ("1-2", .trailingBytes, 1),
            // Words
            ("nul", .unexpectedEnd, 3), ("nulL", .unexpectedCharacter, 3), ("True", .unexpectedCharacter, 0),
            ("tru]", .unexpectedCharacter, 3), ("fals\u{0}", .unexpectedCharacter, 4), ("NaN", .unexpectedCharacter, 0),
            ("Infinity", .unexpectedCharacter, 0), ("undefined", .unexpectedCharacter, 0),
            ("nan", .unexpectedCharacter, 1),
            // What other dialects have
            ("// c\n1", .unexpectedCharacter, 0), ("[1/**/]", .unexpectedCharacter, 2), ("#1", .unexpectedCharacter, 0),
            ("\u{FEFF}\u{FEFF}1", .unexpectedCharacter, 3), ("[\u{FEFF}1]", .unexpectedCharacter, 1),
            // White space that JSON does not have
            ("\u{A0}1", .unexpectedCharacter, 0), ("\u{B}1", .unexpectedCharacter, 0),
            ("\u{C}1", .unexpectedCharacter, 0),
            ("\u{2028}1", .unexpectedCharacter, 0), ("[1\u{85}]", .unexpectedCharacter, 2),
            ("\u{0}", .unexpectedCharacter, 0),
            // Numbers
            ("01", .invalidNumber, 1), ("-01", .invalidNumber, 2), ("00", .invalidNumber, 1), ("-", .unexpectedEnd, 1),
            ("-a", .invalidNumber, 1), ("--1", .invalidNumber, 1), ("-Infinity", .invalidNumber, 1),
            ("+1", .unexpectedCharacter, 0),
            (".5", .unexpectedCharacter, 0), ("-.5", .invalidNumber, 1), ("1.", .unexpectedEnd, 2),
            ("[1.]", .invalidNumber, 3),
            ("1.e5", .invalidNumber, 2), ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3),
            ("[1e-]", .invalidNumber, 4),
            ("1e+-5", .invalidNumber, 3), ("1e5.5", .trailingBytes, 3), ("1E1E1", .trailingBytes, 3),
            ("1_000", .trailingBytes, 1),
            ("- 1", .invalidNumber, 1), ("１", .unexpectedCharacter, 0), ("1.٣", .invalidNumber, 2),
            // Strings
            ("\"", .unexpectedEnd, 1), ("\"abc", .unexpectedEnd, 4), ("\"abc\\", .unexpectedEnd, 5),
            ("\"\\u", .unexpectedEnd, 3),
            ("\"\\u12", .unexpectedEnd, 5), ("\"abc\\\"", .unexpectedEnd, 6), ("\"\\ud800\\u", .unexpectedEnd, 9),
            ("\"\\u12\"", .invalidEscape, 1), ("\"a\\x\"", .invalidEscape, 2), ("\"\\'\"", .invalidEscape, 1),
            ("\"\\0\"", .invalidEscape, 1), ("\"\\U0041\"", .invalidEscape, 1), ("\"\\u00G0\"", .invalidEscape, 1),
            ("\"\\u+041\"", .invalidEscape, 1), ("\"\\u 041\"", .invalidEscape, 1),
            ("\"\\ud800\\u12x4\"", .invalidEscape, 7),
            ("\"\\\n\"", .invalidEscape, 1), ("\"\\é\"", .invalidEscape, 1), ("\"\\\u{0}\"", .invalidEscape, 1),
            ("\"\\u００４１\"", .invalidEscape, 1),
            ("\"a\nb\"", .controlCharacter, 2), ("\"\t\"", .controlCharacter, 1),
            ("\"abcdefgh\u{0}\"", .controlCharacter, 9),
            ("\"\\n\u{1F}\"", .controlCharacter, 3), ("{\"a\nb\":1}", .controlCharacter, 3),
            ("\"é\r\"", .controlCharacter, 3),
        ] as [(String, JSONError.Code, Int)]
    )
    func `names the fault and its place`(text: String, code: JSONError.Code, offset: Int) throws {
        let error = try #require(refusal(of: text))
        #expect(error.code == code)
        #expect(error.offset == offset)
    }

    @Test(
        arguments: [
            ("a continuation byte alone", [0x80]), ("a lead byte alone", [0xC3]),
            ("a lead byte before a letter", [0xC3, 0x41]),
            ("three bytes of four", [0xF0, 0x9F, 0x98]), ("two bytes of three", [0xE2, 0x82]),
            ("an overlong slash", [0xC0, 0xAF]), ("an overlong NUL", [0xC0, 0x80]),
            ("an overlong three bytes", [0xE0, 0x80, 0xAF]),
            ("an overlong four bytes", [0xF0, 0x82, 0x82, 0xAC]), ("a high surrogate", [0xED, 0xA0, 0x80]),
            ("a low surrogate", [0xED, 0xBF, 0xBF]), ("a pair of surrogates", [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]),
            ("beyond U+10FFFF", [0xF4, 0x90, 0x80, 0x80]), ("a five-byte sequence", [0xF8, 0x88, 0x80, 0x80, 0x80]),
            ("0xFE", [0xFE]), ("0xFF", [0xFF]), ("Latin 1", [0xE9]),
            ("one continuation byte too many", [0xC3, 0xA9, 0xA9]),
            ("as long as its replacement", [0xF0, 0x90, 0x80]),
        ] as [(String, [UInt8])]
    )
    func `invalid UTF-8 is refused wherever it stands`(name: String, bytes: [UInt8]) throws {
        let valid = Array("é".utf8)
        let prefixLength = bytes == [0xC3, 0xA9, 0xA9] ? 2 : 0
        let fillers: [[UInt8]] = [
            [], Array("abc".utf8), Array("abcdefghijklmnopqrstuvwxyz".utf8), valid, Array("\\n".utf8),
        ]
        for before in fillers {
            for after in fillers {
                let content = before + bytes + after
                let cases: [([UInt8], Int)] = [
                    (.quoted(content), 1),
                    (Array("{".utf8) + .quoted(content) + Array(":1}".utf8), 2),
                    (Array("{\"a\":[".utf8) + .quoted(content) + Array("]}".utf8), 7),
                ]
                for (text, start) in cases {
                    let error = try #require(refusal(of: text))
                    #expect(error.code == .invalidUTF8)
                    #expect(error.offset == start + before.count + prefixLength)
                }
            }
        }
        #expect(refusal(of: bytes)?.code == .unexpectedCharacter)
        #expect(refusal(of: Array("[1".utf8) + bytes + Array("]".utf8))?.code == .unexpectedCharacter)
    }

    @Test(arguments: [
        "\n", "\\x", "\\u12", "",
    ])
    func `invalid UTF-8 is reported rather than a later fault of the same string`(later: String) {
        let text = Array("\"ab".utf8) + [0xFF] + Array(later.utf8)
        #expect(refusal(of: text)?.code == .invalidUTF8)
        #expect(refusal(of: text)?.offset == 3)
    }

    /// Every first byte with second bytes at the bounds of all classes, alone and with more behind.
    @Test func `UTF-8 is accepted and refused as the standard library has it`() throws {
        for first in UInt8(0x80)...0xFF {
            for second in [0x20, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] as [UInt8] {
                for rest in [[], [0x80], [0xBF], [0x80, 0x80], [0xBF, 0xBF]] as [[UInt8]] {
                    let content = [first, second] + rest
                    let expected = String(validating: content, as: UTF8.self)
                    let read = try? JSON(parsing: .quoted(content)).stringValue
                    if read.map({ Array($0.utf8) }) != expected.map({ Array($0.utf8) }) {
                        Issue.record("differs for \(content)")
                        return
                    }
                }
            }
        }
    }

    @Test(arguments: [
        ("x", 1, 1), ("  x", 1, 3), ("\nx", 2, 1), ("\r\n x", 2, 2), ("\rx", 1, 2), ("[\n1,\n  2,\n\n  x]", 5, 3),
        ("[\"é\", x]", 1, 8), ("\u{FEFF}x", 1, 4), ("{\n\"a\": 1,\n}", 3, 1),
    ])
    func `lines count from one and columns count bytes`(text: String, line: Int, column: Int) throws {
        let error = try #require(refusal(of: text))
        #expect(error.line == line)
        #expect(error.column == column)
    }

    @Test func `an error's sentence has nothing of the input`() throws {
        #expect(refusal(of: "{\"password\":hunter2}")?.description == "unexpected character at line 1, column 13")
        #expect(refusal(of: "")?.description == "there is no JSON value")
        #expect(refusal(of: "[1]", limits: JSON.Limits(bytes: 2))?.description == "the JSON is too large")
    }

    @Test func `nesting is taken up to the limit`() throws {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = open == "[" ? "" : "1"
            let deepest = open.times(128) + inner + close.times(128)
            #expect(try JSON(parsing: deepest).description == deepest)
            let tooDeep = open.times(129) + inner + close.times(129)
            #expect(refusal(of: tooDeep)?.code == .tooDeep)
            #expect(refusal(of: tooDeep)?.offset == 128 * open.utf8.count)
        }
        #expect(refusal(of: "1", limits: JSON.Limits(depth: 0)) == nil)
        #expect(refusal(of: "[]", limits: JSON.Limits(depth: 0))?.code == .tooDeep)
        #expect(refusal(of: "[]", limits: JSON.Limits(depth: .min))?.code == .tooDeep)
        #expect(refusal(of: "[[1],[2],[{}]]", limits: JSON.Limits(depth: 3)) == nil)
        #expect(refusal(of: "[[1],[2],[{}]]", limits: JSON.Limits(depth: 2))?.code == .tooDeep)
    }

    @Test func `siblings do not count as nesting`() throws {
        let text = "[" + "[],{},".times(1000) + "0]"
        #expect(refusal(of: text, limits: JSON.Limits(depth: 2)) == nil)
    }

    @Test func `input is taken up to the limit of bytes`() {
        #expect(refusal(of: "[1]", limits: JSON.Limits(bytes: 3)) == nil)
        #expect(refusal(of: "[1] ", limits: JSON.Limits(bytes: 3))?.code == .tooLarge)
        #expect(refusal(of: "not JSON", limits: JSON.Limits(bytes: 0))?.code == .tooLarge)
    }
}
