import Integrations
import Testing

@Suite struct `Revisions` {
    private static let sample = "type: customerio\nsettings:\n  endpoint: workspace\n"

    private func revision(_ number: Int64, from first: Int64, _ text: String = sample) -> Revision {
        Revision(number: number, firstEvent: first, at: 0, author: .file, yaml: text)
    }

    private func compiled(_ text: String = sample) throws -> Integration {
        try IntegrationDefinition.compile(text, named: "a", file: "x")
    }

    @Test func `give each event the newest that begins with it or before`() throws {
        let history = RevisionHistory(
            revision(3, from: 20),
            try compiled(),
            before: [revision(1, from: 5), revision(2, from: 10)]
        )
        let expected: [(Int64, Int64)] = [(1, 1), (5, 1), (9, 1), (10, 2), (19, 2), (20, 3), (99, 3)]
        for (event, number) in expected { #expect(history.revision(of: event).number == number) }
        // One that is also for what waits begins before the one that it replaces.
        history.append(revision(4, from: 12), try compiled())
        for (event, number) in [(11, 2), (12, 4), (30, 4)] as [(Int64, Int64)] {
            #expect(history.revision(of: event).number == number)
        }
        #expect(history.newest.number == 4)
        #expect(history.revision(numbered: 2)?.number == 2 && history.revision(numbered: 9) == nil)
    }

    @Test func `take one in that came before the newest, and is known later`() throws {
        let history = RevisionHistory(revision(1, from: 1), try compiled())
        history.append(revision(4, from: 20), try compiled())
        history.insert([revision(1, from: 1), revision(2, from: 5), revision(3, from: 10), revision(9, from: 30)])
        #expect(history.revisions.map(\.number) == [1, 2, 3, 4] && history.newest.number == 4)
        for (event, number) in [(4, 1), (5, 2), (10, 3), (19, 3), (20, 4)] as [(Int64, Int64)] {
            #expect(history.revision(of: event).number == number)
        }
    }

    @Test func `give way to the next one where this version does not take the text`() throws {
        let history = RevisionHistory(
            revision(3, from: 20),
            try compiled(),
            before: [revision(1, from: 1, "type: other\n"), revision(2, from: 10, Self.sample + "rate_limit: 5\n")]
        )
        #expect(history.revision(of: 3).number == 2)
        #expect(history.revision(of: 3).integration.settings.rateLimit == 5)
    }

    @Test(arguments: [
        ("a\nb\n", "a\nb\n", nil),
        ("a\nb\nc\n", "a\nx\nc\n", "  a\n- b\n+ x\n  c\n"),
        ("", "a\n", "+ a\n"),
        ("a\n", "", "- a\n"),
        (
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n",
            "+ 0\n  1\n  2\n  3\n  …\n  9\n  10\n  11\n- 12\n"
        ),
        (
            "1\n2\n3\n4\n5\nx\n", "1\n2\n3\n4\n5\ny\n", "  3\n  4\n  5\n- x\n+ y\n"
        ),
    ])
    func `show line by line what became of a text`(old: String, new: String, shown: String?) {
        #expect(TextDifference.lines(from: old, to: new) == shown)
    }

    @Test func `of two long texts show all of both`() {
        let old = String(repeating: "a\n", count: 3_000)
        let shown = TextDifference.lines(from: old, to: old + "b\n" + old)
        #expect(shown?.split(separator: "\n").count == 9_001)
    }
}
