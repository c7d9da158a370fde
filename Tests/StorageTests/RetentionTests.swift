import Storage
import Testing

private let day: Int64 = 24 * 60 * 60 * 1000
private let start: Int64 = 1_700_000_000_000

/// design.md, "What is stored": retention by age and size, never past what an integration still needs unless a cap says
/// so.
@Suite(.timeLimit(.minutes(2))) struct `Retention` {
    private func policy(
        days: Int64 = 7,
        bytes: Int64 = .max,
        dropsUnsettled: Bool = false,
        _ integrations: [String] = []
    ) -> LogRetention.Policy {
        LogRetention.Policy(
            milliseconds: days * day,
            bytes: bytes,
            dropsUnsettled: dropsUnsettled,
            integrations: integrations
        )
    }

    /// Sweeps until nothing is left to do.
    private func sweep(_ store: DataStore, _ policy: LogRetention.Policy, at now: Int64) async throws
        -> (removed: Int, dropped: Int, isFull: Bool)
    {
        var removed = 0
        var dropped = 0
        while true {
            let outcome = try await store.retention.sweep(policy, at: now)
            removed += outcome.removed
            dropped += outcome.dropped
            if outcome.isDone { return (removed, dropped, outcome.isFull) }
        }
    }

    private func fill(_ store: DataStore, _ count: Int, at time: Int64 = start, bytes: Int = 1000) async throws {
        for first in stride(from: 0, to: count, by: 100) {
            let numbers = first..<min(first + 100, count)
            let body = String(repeating: "x", count: bytes)
            _ = try await store.log.append(numbers.map { event("\(time)-\($0)", receivedAt: time, body: body) })
        }
    }

    @Test(arguments: Engine.all) func `what is settled leaves when it is old enough, the rest stays`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        try await fill(store, 1200)
        try await fill(store, 10, at: start + day)
        #expect(try await sweep(store, policy(), at: start + 7 * day - 1) == (0, 0, false))
        #expect(try await sweep(store, policy(), at: start + 7 * day) == (1200, 0, false))
        #expect(try await store.log.read(after: 0, limit: 1).first?.seq == 1201)
        #expect(try await store.log.count() == 10)
        try await fill(store, 1, at: start + 2 * day)
        #expect(try await store.log.lastSequence() == 1211)
    }

    @Test(arguments: Engine.all) func `what an integration still needs stays, however old it is`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        try await fill(store, 100)
        _ = try await store.ledger.open(.live, of: "slow", startingAt: 0)
        _ = try await store.ledger.open(.live, of: "fast", startingAt: 0)
        _ = try await store.ledger.open(.live, of: "gone", startingAt: 0)
        try await store.ledger.advance("slow", to: 40)
        try await store.ledger.advance("fast", to: 100)
        let policy = policy(["slow", "fast", "not begun"])
        #expect(try await sweep(store, policy, at: start + 100 * day) == (40, 0, false))
        try await store.ledger.advance("slow", to: 49)
        #expect(try await sweep(store, policy, at: start + 100 * day) == (9, 0, false))
        #expect(try await store.log.read(after: 0, limit: 1).first?.seq == 50)
    }

    @Test func `the size is kept by what is settled, the oldest first`() async throws {
        let store = try DataStore(opening: .memory)
        try await fill(store, 3000)
        let bytes = try await store.retention.usedBytes() / 2
        let swept = try await sweep(store, policy(bytes: bytes), at: start)
        #expect((1000...2000).contains(swept.removed))
        #expect(!swept.isFull)
        #expect(try await store.retention.usedBytes() <= bytes)
        #expect(try await store.log.read(after: 0, limit: 1).first?.seq == Int64(swept.removed) + 1)
    }

    @Test func `a log that is full of what is needed takes nothing more until there is room`() async throws {
        let store = try DataStore(opening: .memory)
        _ = try await store.ledger.open(.live, of: "stuck", startingAt: 0)
        try await fill(store, 1000)
        let policy = policy(bytes: try await store.retention.usedBytes() / 2, ["stuck"])
        #expect(try await sweep(store, policy, at: start + 100 * day) == (0, 0, true))
        let error = await #expect(throws: StorageError.self) { try await store.log.append([event("late")]) }
        #expect(error?.code == .overloaded)
        #expect(try await store.log.count() == 1000)
        try await store.ledger.advance("stuck", to: 900)
        let swept = try await sweep(store, policy, at: start + 1)
        #expect(swept.removed >= 400 && !swept.isFull)
        #expect(try await store.log.append([event("late")]) == [.stored(seq: 1001)])
    }

    @Test func `with drop_unsettled even what is needed leaves, and is counted`() async throws {
        let store = try DataStore(opening: .memory)
        _ = try await store.ledger.open(.live, of: "stuck", startingAt: 100)
        try await fill(store, 1000)
        let policy = policy(bytes: try await store.retention.usedBytes() / 2, dropsUnsettled: true, ["stuck"])
        let swept = try await sweep(store, policy, at: start)
        #expect(swept.removed >= 500 && swept.dropped == swept.removed - 100 && !swept.isFull)
        #expect(try await store.log.append([event("late")]) == [.stored(seq: 1001)])
    }

    @Test(arguments: Engine.all) func `what was removed is still known for 24 hours`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append([event("m", receivedAt: start)])
        _ = try await store.log.append([event("m", receivedAt: start + 1)])
        var policy = policy()
        policy.milliseconds = 10
        #expect(try await sweep(store, policy, at: start + 20).removed == 1)
        #expect(try await store.log.append([event("m", receivedAt: start + 30)]) == [.duplicate(of: 1)])
    }
}
