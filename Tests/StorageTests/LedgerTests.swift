import GRDB
import Testing

@testable import Storage

/// A row for an operation of the event `seq`.
private func row(
    _ seq: Int64,
    place: Int = 0,
    _ state: StoredOperation.State = .failed,
    words: String = "name: must not be blank\u{0}"
) -> StoredOperation {
    StoredOperation(
        seq: seq,
        place: place,
        action: "track-event",
        state: state,
        takesAway: true,
        claims: [1, .max, 0x0123_4567_89AB_CDEF],
        attempts: 2,
        firstFailedAt: 1_700_000_000_000,
        failingFor: 77,
        dueAt: nil,
        at: 1_700_000_000_001,
        words: words
    )
}

extension DataStore {
    /// The failed operations of an integration.
    func failures(of integration: String, limit: Int) async throws -> [StoredOperation] {
        try await failures.list(FailureFilter(integration: integration), limit: limit).failures.map(\.operation)
    }
}

extension Ledger {
    /// Moves the live cursor of an integration.
    func advance(_ integration: String, to position: Int64, rows: [StoredOperation] = []) async throws {
        let cursor = try await open(.live, of: integration, startingAt: 0)
        var commit = CursorCommit(cursor: cursor.id, position: position)
        commit.rows = rows
        try await record(commit)
    }

    func position(of integration: String) async throws -> Int64? {
        try await cursor(.live, of: integration)?.position
    }
}

/// delivery.md C.2.
@Suite struct `The ledger` {
    @Test(arguments: Engine.all) func `a cursor starts where it is told, once, and each kind has its own`(
        engine: Engine
    ) async throws {
        let store = try DataStore(opening: try await engine.empty())
        #expect(try await store.ledger.cursor(.live, of: "production") == nil)
        let live = try await store.ledger.open(.live, of: "production", startingAt: 7)
        let metrics = try await store.ledger.open(.metrics, of: "production", startingAt: 9)
        #expect(live.position == 7 && metrics.position == 9 && live.id != metrics.id)
        #expect(try await store.ledger.open(.live, of: "production", startingAt: 99) == live)
        #expect(try await store.ledger.cursor(.live, of: "other") == nil)
    }

    /// A server's answer can be lost on its way; then the same is asked for again.
    @Test(arguments: Engine.all) func `what is recorded twice under one mark counts once`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let cursor = try await store.ledger.open(.live, of: "production", startingAt: 0)
        var commit = CursorCommit(cursor: cursor.id, position: 5)
        commit.tallies = [.init(minute: 1, verdict: "planned", count: 4)]
        commit.requests = [SentRequest(operations: [], sentAt: 0, milliseconds: 1, status: 200, words: nil)]
        for mark in [1, 1, 2, 2] as [Int64] { try await store.ledger.record(commit, mark: mark) }
        #expect(try await store.ledger.tallies(of: cursor.id) == ["planned": 8])
        try await store.ledger.record(commit)
        #expect(try await store.ledger.tallies(of: cursor.id) == ["planned": 12])
    }

    @Test(arguments: Engine.all) func `what is recorded is there after a restart`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        let cursor = try await store.ledger.open(.live, of: "production", startingAt: 0)
        var commit = CursorCommit(cursor: cursor.id, position: 5)
        commit.rows = [row(3, .open), row(3, place: 1), row(5, .open)]
        commit.tallies = [
            .init(minute: 1, verdict: "planned", count: 4), .init(minute: 2, verdict: "planned", count: 1),
        ]
        try await store.ledger.record(commit)
        try store.close()
        let again = try DataStore(opening: data)
        #expect(try await again.ledger.position(of: "production") == 5)
        let open = try await again.ledger.openOperations(of: cursor.id, limit: 10)
        #expect(open == [row(3, .open), row(5, .open)])
        #expect(try await again.failures(of: "production", limit: 10) == [row(3, place: 1)])
        #expect(try await again.ledger.tallies(of: cursor.id) == ["planned": 5])
    }

    @Test(arguments: Engine.all) func `rows change their state, and go when their operation is delivered`(
        engine: Engine
    ) async throws {
        let store = try DataStore(opening: try await engine.empty())
        try await store.ledger.advance("i", to: 5, rows: [row(1, .open), row(2, .open), row(3, .open)])
        let cursor = try await store.ledger.open(.live, of: "i", startingAt: 0)
        var commit = CursorCommit(cursor: cursor.id, position: 5)
        commit.rows = [row(2, .failed, words: "too bad")]
        commit.removed = [.init(seq: 1, place: 0)]
        try await store.ledger.record(commit)
        #expect(try await store.ledger.openOperations(of: cursor.id, limit: 10) == [row(3, .open)])
        #expect(try await store.failures(of: "i", limit: 10) == [row(2, .failed, words: "too bad")])
    }

    @Test(arguments: Engine.all) func `what is open and failed is counted by action, all of it at one moment`(
        engine: Engine
    ) async throws {
        let store = try DataStore(opening: try await engine.empty())
        var untried = row(4, .open)
        untried.attempts = 0
        try await store.ledger.advance("i", to: 9, rows: [row(1), row(1, place: 1), row(2, .open), untried])
        let counted = try #require(try await store.ledger.counted(.live, of: "i"))
        #expect(counted.cursor.position == 9 && counted.cursor.start == 0)
        #expect(counted.actions == ["track-event": .init(waiting: 1, retrying: 1, failed: 2)])
        #expect(try await store.ledger.operations(of: counted.cursor.id, event: 1) == [row(1), row(1, place: 1)])
        #expect(try await store.ledger.counted(.live, of: "other") == nil)
    }

    @Test(arguments: Engine.all) func `a cursor never moves back, and nothing is recorded then`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        try await store.ledger.advance("i", to: 5)
        let error = await #expect(throws: StorageError.self) {
            try await store.ledger.advance("i", to: 4, rows: [row(4)])
        }
        #expect(error?.code == .refused)
        #expect(try await store.ledger.position(of: "i") == 5)
        #expect(try await store.failures(of: "i", limit: 1).isEmpty)
        let unknown = await #expect(throws: StorageError.self) {
            try await store.ledger.record(CursorCommit(cursor: 99, position: 1))
        }
        #expect(unknown?.code == .refused)
    }

    @Test func `neither the move nor the rows are kept when the disk is full`() async throws {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: scratch.data)
        try await store.ledger.advance("i", to: 0)
        try store.limitGrowth(toPages: 2)
        let large = row(1, place: 1, words: String(repeating: "x", count: 100_000))
        let error = await #expect(throws: StorageError.self) {
            try await store.ledger.advance("i", to: 1, rows: [row(1), large])
        }
        #expect(error?.code == .full)
        #expect(try await store.ledger.position(of: "i") == 0)
        #expect(try await store.failures(of: "i", limit: 1).isEmpty)
        try await store.ledger.advance("i", to: 1, rows: [row(1)])
        #expect(try await store.failures(of: "i", limit: 1) == [row(1)])
    }

    @Test(arguments: Engine.all)
    func `every request of an event is found, also when the other operations came from far away`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        let cursor = try await store.ledger.open(.live, of: "i", startingAt: 0)
        func request(_ seqs: [Int64], at time: Int64, words: String? = nil) -> SentRequest {
            let operations = seqs.map { OperationID(seq: $0, place: Int($0 % 3)) }
            return SentRequest(operations: operations, sentAt: time, milliseconds: 9, status: 200, words: words)
        }
        var commit = CursorCommit(cursor: cursor.id, position: 1_000_000)
        commit.requests = [
            request([5, 900_000, 7], at: 1, words: "later"), request([6], at: 2), request([7, 1_006], at: 3),
            request([900_000], at: 4),
        ]
        try await store.ledger.record(commit)
        let seven = try await store.ledger.requests(of: cursor.id, withEvent: 7)
        #expect(seven == [request([5, 7], at: 1, words: "later"), request([7, 1_006], at: 3)])
        let far = try await store.ledger.requests(of: cursor.id, withEvent: 900_000)
        #expect(far == [request([900_000], at: 1, words: "later"), request([900_000], at: 4)])
        #expect(try await store.ledger.requests(of: cursor.id, withEvent: 8).isEmpty)
    }

    @Test(arguments: Engine.all)
    func `an event that something is still open for outlives retention until it is settled`(engine: Engine) async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append((1...4).map { event("m\($0)", receivedAt: 0, body: "\($0)") })
        try await store.ledger.advance("i", to: 4, rows: [row(2, .open), row(2, place: 1), row(3)])
        let policy = LogRetention.Policy(milliseconds: 1, bytes: .max, dropsUnsettled: false, integrations: ["i"])
        _ = try await store.retention.sweep(policy, at: 1_000)
        #expect(try await store.log.read(after: 0, limit: 9).isEmpty)
        #expect(try await store.log.read([1, 2, 3, 4]).map(\.seq) == [2, 3])
        let cursor = try await store.ledger.open(.live, of: "i", startingAt: 0)
        var commit = CursorCommit(cursor: cursor.id, position: 4)
        commit.removed = [.init(seq: 2, place: 0), .init(seq: 3, place: 0)]
        try await store.ledger.record(commit)
        #expect(try await store.log.read([2, 3]).map(\.seq) == [2])
    }

    @Test func `positions and failures of an earlier version are taken over`() throws {
        let database = try DatabaseQueue()
        try LogSchema.migrator.migrate(database, upTo: "2026-11-25 refused messages again")
        try database.write { connection in
            try connection.execute(
                sql: """
                    INSERT INTO cursors (integration, seq, operation) VALUES ('whole', 7, NULL), ('half', 7, 0);
                    INSERT INTO failures (integration, seq, action, body, words, failed_at, attempts) VALUES
                        ('whole', 5, 'track-event', x'', 'bad name', 11, 3),
                        ('whole', 5, 'signups', x'', 'bad too', 12, 1),
                        ('whole', 6, 'report-delivery-event', x'', 'bad metric', 13, 1);
                    """
            )
        }
        try LogSchema.migrator.migrate(database)
        try database.read { database in
            let connection = Connection(database)
            let whole = try LedgerTables.cursor(.live, of: "whole", connection)
            #expect(whole?.position == 7)
            #expect(try LedgerTables.cursor(.live, of: "half", connection)?.position == 6)
            #expect(try LedgerTables.cursor(.metrics, of: "half", connection)?.position == 6)
            let failures = try LedgerTables.operations(
                of: try #require(whole).id,
                .failed,
                after: nil,
                limit: 9,
                connection
            )
            #expect(failures.map(\.words) == ["bad name", "bad too"])
            #expect(failures.map(\.place) == [0, 1])
        }
    }
}

@Suite struct `Order keys` {
    @Test func `the same thing has the same key, another thing or another installation another one`() {
        let keys = OrderKeys(secret: [UInt8](repeating: 7, count: 16))
        #expect(keys.key("id", "u1") == keys.key("id", "u1"))
        #expect(keys.key("id", "u1") != keys.key("email", "u1"))
        #expect(keys.key("id", "u1") != keys.key("id", "u2"))
        #expect(keys.key("id", "u1") != OrderKeys(secret: [UInt8](repeating: 8, count: 16)).key("id", "u1"))
        #expect("\(keys)" == "order keys")
    }
}
