import Diagnostics
import Testing

@Suite struct `The nearest right name` {
    private let names = ["track-event", "track-page-view", "delete-person", "merge-people"]

    @Test(arguments: [
        ("track-evnt", "track-event"),
        ("TRACK-EVENT", "track-event"),
        ("delete-persno", "delete-person"),
        ("merge", "merge-people"),
        ("track-event-2", "track-event"),
    ])
    func `is the one that was probably meant`(written: String, meant: String) {
        #expect(written.nearest(among: names) == meant)
    }

    @Test(arguments: ["", "zebra", "suppress", String(repeating: "track-event", count: 100)])
    func `is none when nothing is near`(written: String) {
        #expect(written.nearest(among: names) == nil)
    }
}

@Suite struct `An excerpt` {
    @Test func `puts the caret under the place`() {
        let excerpt = Excerpt(of: "first\nsecond line\n", atByte: 13)
        #expect(excerpt.line == 2)
        #expect(excerpt.column == 8)
        #expect(excerpt.rendered() == "second line\n       ^")
    }

    @Test func `counts characters, not bytes`() {
        #expect(Excerpt(of: "é = 1", atByte: 3).column == 3)
    }

    @Test func `takes a line and a column as well`() {
        #expect(Excerpt(of: "a\nbcd", line: 2, column: 3).rendered() == "bcd\n  ^")
    }

    @Test(arguments: [-5, 0, 3, 99])
    func `stays inside the text wherever the place is`(offset: Int) {
        #expect(Excerpt(of: "abc", atByte: offset).line == 1)
    }

    @Test func `does not let the text move the cursor`() {
        #expect(Excerpt(of: "a\u{1B}[2Jb", atByte: 0).rendered() == "a [2Jb\n^")
    }

    @Test(arguments: [
        ("", ""), ("short", "short"), (String(repeating: "a", count: 40), String(repeating: "a", count: 40)),
        (String(repeating: "a", count: 41), String(repeating: "a", count: 40) + "…"),
        (String(repeating: "😀", count: 90_000), String(repeating: "😀", count: 40) + "…"),
        ("a\nb\u{0}c\u{1B}\u{85}\u{2028}\u{202E}d", "a b c    d"),
        ("e" + String(repeating: "\u{301}", count: 99), "e" + String(repeating: "\u{301}", count: 39) + "…"),
    ])
    func `a text on one line has 40 letters at most and nothing that moves the cursor`(text: String, short: String) {
        #expect(Array(text.onOneLine().utf8) == Array(short.utf8))
    }
}

@Suite struct `A count in words` {
    @Test(arguments: [(0, "0 events"), (1, "1 event"), (2, "2 events"), (21, "21 events")])
    func `has the noun that fits`(count: Int, words: String) {
        #expect(count.counting("event") == words)
        #expect(count.counting("it is", "they are") == (count == 1 ? "1 it is" : "\(count) they are"))
    }
}
