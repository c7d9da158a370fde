import Storage
import Testing

@Suite struct `Failed operations` {
    private func row(_ seq: Int64, place: Int = 0, action: String = "track-event", words: String) -> StoredOperation {
        StoredOperation(seq: seq, place: place, action: action, state: .failed, at: seq, words: words)
    }

    /// Two integrations with failures of three reasons.
    private func store(_ engine: Engine) async throws -> DataStore {
        let store = try DataStore(opening: try await engine.empty())
        let rows = (1...5).map { row($0, words: "bad name") } + [row(5, place: 1, action: "signups", words: "bad name")]
        try await store.ledger.advance("a", to: 9, rows: rows + [row(7, words: "too large")])
        try await store.ledger.advance("b", to: 9, rows: [row(2, words: "bad name"), row(3, words: "gone")])
        return store
    }

    @Test(arguments: Engine.all) func `are listed page by page, over all integrations`(engine: Engine) async throws {
        let store = try await store(engine)
        var listed: [FailureID] = []
        var next: FailureID?
        repeat {
            let page = try await store.failures.list(FailureFilter(), after: next, limit: 2)
            listed += page.failures.map(\.id)
            next = page.next
        } while next != nil
        #expect(listed.count == 9)
        #expect(listed == listed.sorted())
    }

    @Test(
        arguments: Engine.all,
        [
            (FailureFilter(integration: "b"), 2), (FailureFilter(words: "bad name"), 7),
            (FailureFilter(integration: "a", action: "signups"), 1), (FailureFilter(action: "none"), 0),
            (FailureFilter(integration: "a", words: "gone"), 0),
        ]
    )
    func `are listed by a filter`(engine: Engine, wanted: (filter: FailureFilter, count: Int)) async throws {
        let (filter, count) = wanted
        #expect(try await store(engine).failures.list(filter, limit: 100).failures.count == count)
    }

    @Test(arguments: Engine.all) func `are grouped by reason, the most frequent first`(engine: Engine) async throws {
        let groups = try await store(engine).failures.groups(FailureFilter(), limit: 3)
        #expect(groups.map(\.count) == [5, 1, 1])
        #expect(groups.first?.words == "bad name" && groups.first?.action == "track-event")
        #expect(groups.first?.integration == "a" && groups.first?.sample.seq == 1 && groups.first?.lastAt == 5)
        #expect(
            try await store(engine).failures.groups(FailureFilter(words: "gone"), limit: 9).map(\.integration) == ["b"]
        )
    }

    @Test(arguments: Engine.all) func `are let go of, and counted as discarded`(engine: Engine) async throws {
        let store = try await store(engine)
        let ids = try await store.failures.list(FailureFilter(integration: "b"), limit: 9).failures.map(\.id)
        #expect(try await store.failures.discard(ids + ids, minute: 77) == 2)
        #expect(try await store.failures.list(FailureFilter(integration: "b"), limit: 9).failures.isEmpty)
        #expect(try await store.failures.failure(ids[0]) == nil)
        let tallies = try await store.ledger.tallies(of: ids[0].cursor)
        #expect(tallies == [#"{"discarded":["track-event"]}"#: 2])
    }
}
