import LosslessJSON
import Testing

@testable import Console

@Suite struct `What a page shows` {
    @Test(
        arguments: [
            ("<script>", "&lt;script&gt;"), ("a & b", "a &amp; b"), (#"" onclick='x'"#, "&quot; onclick=&#39;x&#39;"),
            // With an accent over it a quote is another character for Swift, and the same one for a browser.
            ("\"\u{301} onclick=x", "&quot;\u{301} onclick=x"), ("<\u{338}b", "&lt;\u{338}b"),
            ("line\nand\ttab", "line\nand\ttab"), ("a\u{0}b\u{7F}", "a\\u{0}b\\u{7F}"),
            ("\u{202E}gpj.exe", "\\u{202E}gpj.exe"), ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"), ("é👩‍👩‍👧", "é👩‍👩‍👧"),
        ]
    ) func `is escaped by what a browser sees`(text: String, expected: String) {
        #expect(EscapedText().escapeText(text).unicodeScalars.elementsEqual(expected.unicodeScalars))
    }

    @Test(
        arguments: [
            #""$.properties.plan""#, #""Order of {{name}}""#, #""42""#, #""true""#, #""null""#, #""\"quoted\"""#,
            #""{not json""#, "42", "1.50", "true", #"{"@path":"$.a"}"#, #"["a",1]"#, #""""#, #"" ""#, #""a\nb""#,
        ]
    ) func `of a mapping can be typed again`(text: String) throws {
        let mapping = try JSON(parsing: Array(text.utf8))
        let typed = TypedMapping.text(of: mapping)
        let isNothing = !typed.contains { !$0.isWhitespace }
        #expect(TypedMapping.mapping(of: typed) == (isNothing ? nil : mapping), "\(typed)")
    }

    @Test(arguments: [
        (0, "now"), (-1, "now"), (45, "45 s ago"), (3_599, "59 min ago"), (-90, "in 1 min"), (200_000, "2 d ago"),
    ])
    func `of a time is how long ago it was`(seconds: Int64, expected: String) {
        #expect(Console.ago(seconds) == expected)
    }

    @Test(
        arguments: [
            ("plain", #""plain""#), (#"a "b""#, #""a ""b""""#), ("=1+1", #""'=1+1""#), ("+1", #""'+1""#),
            ("-1", #""'-1""#),
            ("@x", #""'@x""#), ("\t=1", "\"'\t=1\""), ("400: bad", #""400: bad""#),
        ]
    ) func `is saved for spreadsheets without a formula`(text: String, expected: String) {
        #expect(Console.cell(text) == expected)
    }

    @Test(arguments: [
        (999, "999 B"), (1_000, "1.0 KB"), (184_320, "184 KB"), (1_500_000, "1.5 MB"), (99_960, "100 KB"),
    ])
    func `of a size is short`(bytes: Int64, expected: String) {
        #expect(Console.size(bytes) == expected)
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "−1,234,567"), (Int64.min, "−9,223,372,036,854,775,808"),
    ])
    func `of a number is grouped`(number: Int64, expected: String) {
        #expect(number.grouped == expected)
    }

    @Test func `of JSON has a line for each member, and an end`() {
        let json: JSON = ["a": 150, "b": ["c": [true, .null], "d": []], "e": "x\ny", "f": [:]]
        let expected = """
            {
              "a": 150,
              "b": {
                "c": [
                  true,
                  null
                ],
                "d": []
              },
              "e": "x\\ny",
              "f": {}
            }
            """
        #expect(json.shown.text == expected && !json.shown.isCut)
        let large = JSON.array((0..<50_000).map { ["n": .number(JSON.Number(Int64($0)))] }).shown
        #expect(large.isCut && large.text.utf8.count < 100_000)
    }

    @Test(arguments: [("a b/c?d&e", "a%20b%2Fc%3Fd%26e"), ("é", "%C3%A9"), ("a-b_c.d~e", "a-b_c.d~e"), ("..", "..")])
    func `of an address is encoded`(text: String, expected: String) {
        #expect(text.percentEncoded == expected)
    }

    @Test func `has a truth for whatever is in it`() {
        let fields = Fields([
            "text": "", "list": [View](), "full": [["a": 1]] as [View], "none": String?.none as Any, "on": true,
        ])
        for name in ["hasText", "hasList"] { #expect(fields.child(named: name) as? Bool == false) }
        for name in ["hasFull", "hasOn"] { #expect(fields.child(named: name) as? Bool == true) }
        // Whoever is further out may know of these.
        for name in ["hasNone", "none", "hasOther", "has"] { #expect(fields.child(named: name) == nil) }
    }
}
