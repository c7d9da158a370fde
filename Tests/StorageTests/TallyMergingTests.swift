import GRDB
import Seeding
import Testing

@testable import Storage

private let day: Int64 = 24 * 60
/// Minutes since 1970, in the middle of an hour.
private let now: Int64 = 28_333_333

@Suite(.timeLimit(.minutes(2))) struct `Counts of long ago` {
    private struct Counted: Hashable {
        let cursor: Int64
        let minute: Int64
        let verdict: String

        /// Where it stands once everything is merged.
        func merged(at now: Int64) -> Counted {
            let span = minute < (now - 35 * day) / day * day ? day : minute < (now - 8 * day) / 60 * 60 ? 60 : 1
            return Counted(cursor: cursor, minute: minute / span * span, verdict: verdict)
        }
    }

    private func rows(_ store: DataStore) async throws -> [Counted] {
        try await store.ledger.commits.engine.read { connection in
            try connection.rows(
                "SELECT cursor, minute, text FROM tallies JOIN verdicts ON id = verdict ORDER BY cursor, minute"
            ).map { Counted(cursor: try $0.integer(0), minute: try $0.integer(1), verdict: try $0.text(2)) }
        }
    }

    private func record(_ tallies: [CursorCommit.Tally], _ cursor: Int64, _ store: DataStore) async throws {
        var commit = CursorCommit(cursor: cursor, position: 0)
        commit.tallies = tallies
        try await store.ledger.record(commit)
    }

    private func mergeAll(_ store: DataStore, at minute: Int64 = now) async throws {
        while try await !store.ledger.mergeTallies(at: minute * 60_000) {}
    }

    @Test(arguments: Engine.all, [1, 2, 3] as [UInt64])
    func `stand together by hours, then by days, and every sum stays`(engine: Engine, seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let store = try DataStore(opening: try await engine.empty())
        let cursors = try await [
            store.ledger.open(.live, of: "a", startingAt: 0), store.ledger.open(.metrics, of: "a", startingAt: 0),
            store.ledger.open(.job(1), of: "b", startingAt: 0),
        ].map(\.id)
        var sums: [Int64: [String: Int64]] = [:]
        var written: Set<Counted> = []
        for round in 0..<3 {
            // In the later rounds some come late, into what has been merged already.
            for cursor in cursors {
                var tallies: [CursorCommit.Tally] = []
                for _ in 0..<500 {
                    let age = Int64.random(in: 0..<60 * day, using: &generator)
                    let verdict = "v\(Int.random(in: 0..<3, using: &generator))"
                    let count = Int.random(in: 1..<1_000, using: &generator)
                    tallies.append(.init(minute: now - age, verdict: verdict, count: count))
                    written.insert(Counted(cursor: cursor, minute: now - age, verdict: verdict))
                    sums[cursor, default: [:]][verdict, default: 0] += Int64(count)
                }
                try await record(tallies, cursor, store)
            }
            try await mergeAll(store, at: now + Int64(round))
            for cursor in cursors { #expect(try await store.ledger.tallies(of: cursor) == sums[cursor]) }
            #expect(Set(try await rows(store)) == Set(written.map { $0.merged(at: now + Int64(round)) }))
        }
    }

    @Test(arguments: Engine.all) func `are merged a little at a time`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let cursor = try await store.ledger.open(.live, of: "a", startingAt: 0).id
        let start = (now - 20 * day) / 60 * 60
        let tallies = (0..<24 * 60).map { CursorCommit.Tally(minute: start + $0, verdict: "v", count: 1) }
        try await record(tallies, cursor, store)
        #expect(try await !store.ledger.mergeTallies(at: now * 60_000))
        #expect(try await rows(store).count == 24 * 60 - 8 * 59)
        try await mergeAll(store)
        #expect(try await rows(store).map(\.minute) == (0..<24).map { start + 60 * $0 })
        #expect(try await store.ledger.tallies(of: cursor) == ["v": 24 * 60])
        #expect(try await store.ledger.mergeTallies(at: now * 60_000))
    }
}
