/// How far each integration has come in the log, and what is not plain success (delivery.md C.2).
///
/// A *cursor* is one reading of the log for an integration. What stands at or below its position is delivered, or has a
/// row here; so success costs no row of its own.
package struct Ledger: Sendable {
    /// Which operations of an integration a cursor delivers.
    package enum Kind: Sendable, Hashable {
        /// Items of the v2 API. It counts the events.
        case live
        /// Delivery metrics, which have an API of their own.
        case metrics
        /// What a job of this number is about.
        case job(Int64)

        /// Those that every integration has.
        package static let standing: [Kind] = [.live, .metrics]

        package var text: String {
            switch self {
            case .live: "live"
            case .metrics: "metrics"
            case .job(let number): "job \(number)"
            }
        }

        package init?(text: String) {
            switch text {
            case "live": self = .live
            case "metrics": self = .metrics
            default:
                guard text.hasPrefix("job "), let number = Int64(text.dropFirst(4)) else { return nil }
                self = .job(number)
            }
        }
    }

    /// A cursor as it was left.
    package struct StoredCursor: Sendable, Equatable {
        package let id: Int64
        /// Behind which event it began.
        package let start: Int64
        package let position: Int64
    }

    /// Operations that are not delivered, by what is the matter with them.
    package struct Counts: Sendable, Equatable {
        package var waiting: Int64 = 0
        package var retrying: Int64 = 0
        package var failed: Int64 = 0

        package init(waiting: Int64 = 0, retrying: Int64 = 0, failed: Int64 = 0) {
            self.waiting = waiting
            self.retrying = retrying
            self.failed = failed
        }
    }

    /// A cursor with everything that is counted of it.
    package struct CountedCursor: Sendable, Equatable {
        package let cursor: StoredCursor
        /// The last event of the log.
        package let lastSequence: Int64
        /// Events by what became of them.
        package let verdicts: [String: Int64]
        /// Operations at or below the position, by their actions.
        package let actions: [String: Counts]
    }

    let commits: GroupCommit
    /// By what delivery names people, devices and objects.
    package let keys: OrderKeys

    init(_ commits: GroupCommit, keys: OrderKeys) {
        self.commits = commits
        self.keys = keys
    }

    /// What only the holder of a lease may write.
    package func under(_ lease: Lease) -> Ledger { Ledger(commits.under(lease), keys: keys) }

    /// The cursor of an integration. One that is new begins behind `seq` (0 is the beginning of the log); one that was
    /// begun before stays where it is.
    package func open(_ kind: Kind, of integration: String, startingAt seq: Int64) async throws(StorageError)
        -> StoredCursor
    {
        try await commits.commit { try LedgerTables.open(kind, of: integration, startingAt: seq, $0) }
    }

    /// The cursor of an integration; `nil` when it was never begun.
    package func cursor(_ kind: Kind, of integration: String) async throws(StorageError) -> StoredCursor? {
        try await commits.engine.read { try LedgerTables.cursor(kind, of: integration, $0) }
    }

    /// Operations of a cursor that are still to be delivered, in order: those behind `after`, at most `limit`.
    package func openOperations(
        of cursor: Int64,
        after place: OperationID? = nil,
        limit: Int
    ) async throws(StorageError) -> [StoredOperation] {
        try await commits.engine.read {
            try LedgerTables.operations(of: cursor, .open, after: place, limit: limit, $0)
        }
    }

    /// Failed operations of a cursor in their order, of events behind a number, at most `limit`.
    package func failedOperations(
        of cursor: Int64,
        afterEvent seq: Int64,
        limit: Int
    ) async throws(StorageError) -> [StoredOperation] {
        try await commits.engine.read {
            try LedgerTables.operations(of: cursor, .failed, after: .init(seq: seq, place: .max), limit: limit, $0)
        }
    }

    /// Writes down what a cursor has come to, and returns when it is on the disk.
    ///
    /// - Parameters:
    ///   - commit: what to write.
    ///   - mark: a number that only this commit has. Where a server's answer was lost, it may be recorded already: asked again
    ///     with the same mark, nothing is written twice.
    /// - Throws: `locked` when another node has the lease; `refused` when the cursor does not exist or stands further on already; nothing is written then.
    package func record(_ commit: CursorCommit, mark: Int64? = nil) async throws(StorageError) {
        try await commits.commit { connection in
            let stored = try LedgerTables.lastCommit(of: commit.cursor, connection)
            guard let (position, lastMark) = stored else {
                throw StorageError(.refused, "there is no such cursor")
            }
            if let mark {
                guard mark != lastMark else { return }
                try LedgerTables.note(mark, of: commit.cursor, connection)
            }
            guard position <= commit.position else {
                throw StorageError(.refused, "a cursor does not move back")
            }
            try LedgerTables.write(commit, from: position, connection)
        }
    }

    /// Writes down up to where an integration's events have been read, when that ends: what is behind the position may have been
    /// sent already, and stays under the revision that it was planned under (`Revisions.add`).
    package func note(readThrough seq: Int64, of integration: String) async throws(StorageError) {
        _ = try await commits.commit { connection in
            try connection.run(
                "UPDATE cursors SET read_through = ? WHERE integration = ? AND kind = 'live' AND read_through < ?",
                [seq, Text(integration), seq]
            )
        }
    }

    // MARK: What is asked about

    /// What is open or failed of one event.
    package func operations(of cursor: Int64, event seq: Int64) async throws(StorageError) -> [StoredOperation] {
        try await commits.engine.read { try LedgerTables.operations(of: cursor, event: seq, $0) }
    }

    /// What is open or failed of a stretch of events.
    package func operations(
        of cursor: Int64,
        events: ClosedRange<Int64>
    ) async throws(StorageError) -> [StoredOperation] {
        try await commits.engine.read { try LedgerTables.operations(of: cursor, events: events, $0) }
    }

    /// A cursor with everything that is counted of it, all of one moment.
    package func counted(_ kind: Kind, of integration: String) async throws(StorageError) -> CountedCursor? {
        try await commits.engine.read { connection in
            guard let cursor = try LedgerTables.cursor(kind, of: integration, connection) else { return nil }
            return CountedCursor(
                cursor: cursor,
                lastSequence: try LogTables.lastSequence(connection),
                verdicts: try LedgerTables.tallies(of: cursor.id, connection),
                actions: try LedgerTables.counts(of: cursor.id, connection)
            )
        }
    }

    /// Every request of a cursor in which an operation of this event was, in the order in which they were sent.
    package func requests(of cursor: Int64, withEvent seq: Int64) async throws(StorageError) -> [SentRequest] {
        try await commits.engine.read { try LedgerTables.requests(of: cursor, withEvent: seq, $0) }
    }

    /// How many events a cursor has counted, by what became of them: texts of delivery's.
    package func tallies(of cursor: Int64) async throws(StorageError) -> [String: Int64] {
        try await commits.engine.read { try LedgerTables.tallies(of: cursor, $0) }
    }
}
