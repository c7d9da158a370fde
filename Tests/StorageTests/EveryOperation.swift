import Testing

@testable import Storage

extension DataStore.Limits {
    /// So that everything is filed and trimmed at once.
    static var tiny: DataStore.Limits {
        var limits = DataStore.Limits()
        limits.refusedBytes = 1
        limits.recentKeys = 1
        return limits
    }
}

/// Every operation on the log, so that each of its statements is carried out.
extension DataStore {
    func useEverything() async throws {
        _ = try await log.append([event("a"), event("a")])
        for number in 0..<10 { _ = try await log.append([event("\(number)")]) }
        _ = try await log.repeats(of: 1)
        _ = try await log.read(after: 0, limit: 10)
        _ = try await log.lastSequence()
        _ = try await log.count()
        try await useLedger()
        let failed = try await failures.list(FailureFilter(), limit: 1).failures
        _ = try await failures.groups(FailureFilter(), limit: 1)
        _ = try await failures.spans(FailureFilter())
        _ = try await failures.discard(failed.map(\.id), minute: 0)
        let job = NewJob(.replay, integration: "i", selection: Job.Selection(first: 1, last: 2), startedAt: 0)
        _ = try await jobs.add(job)
        _ = try await jobs.list(limit: 1)
        _ = try await jobs.running()
        _ = try await jobs.set(.stopped, of: 1, at: 0)
        _ = try await jobs.hasReceived("i")
        _ = try await log.search(EventFilter(), limit: 1)
        _ = try await log.stretch(from: 0, until: 1)
        _ = try await log.read([1])
        let refused = RefusedMessage(source: nil, code: "c", reason: "r", raw: [1], receivedAt: 0)
        try await refusedMessages.record([refused, refused])
        _ = try await refusedMessages.list(limit: 1)
        let policy = LogRetention.Policy(milliseconds: 0, bytes: 1, dropsUnsettled: true, integrations: ["i"])
        _ = try await retention.sweep(policy, at: 0)
        try await erase()
    }

    private func erase() async throws {
        let asked = try await erasures.add(NewErasure(.init(userId: "u1"), startedAt: 0))
        let reading: Erasures.Reading = { _ in .theirs(tiedId: "a") }
        var (erasure, isOver) = try await erasures.look(for: asked, reading)
        while !isOver { (erasure, isOver) = try await erasures.look(for: erasure, reading) }
        erasure = try await erasures.move(erasure, to: .removing)
        isOver = false
        while !isOver { (erasure, _, isOver) = try await erasures.remove(for: erasure, reading, at: 0) }
        try await erasures.cleanTexts(for: erasure, { _ in .none }, at: 0)
        try await erasures.cleanWorkspaces(for: erasure, .untold)
        _ = try await erasures.unfinished()
        _ = try await erasures.list(limit: 1)
        _ = try await erasures.forget(erasure)
    }

    private func useLedger() async throws {
        let cursor = try await ledger.open(.live, of: "i", startingAt: 0)
        let row = StoredOperation(seq: 1, place: 0, action: "a", state: .failed, at: 0, words: "")
        var commit = CursorCommit(cursor: cursor.id, position: 1)
        commit.rows = [row]
        commit.removed = [.init(seq: 1, place: 1)]
        commit.requests = [
            SentRequest(operations: [.init(seq: 1, place: 0)], sentAt: 0, milliseconds: 1, status: 200, words: nil)
        ]
        commit.tallies = [.init(minute: 0, verdict: "v", count: 1)]
        try await ledger.record(commit)
        _ = try await ledger.openOperations(of: cursor.id, limit: 1)
        _ = try await ledger.operations(of: cursor.id, event: 1)
        _ = try await ledger.counted(.live, of: "i")
        _ = try await ledger.requests(of: cursor.id, withEvent: 1)
        _ = try await ledger.tallies(of: cursor.id)
        commit.tallies = [.init(minute: 1, verdict: "v", count: 1)]
        try await ledger.record(commit)
        let isMerged = try await ledger.mergeTallies(at: .max / 2)
        #expect(!isMerged)
    }
}
