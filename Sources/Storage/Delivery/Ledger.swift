import GRDB

/// How far each integration has come in the log, and what is not plain success (delivery.md C.2).
///
/// A *cursor* is one reading of the log for an integration. What stands at or below its position is delivered, or has a
/// row here; so success costs no row of its own.
package struct Ledger: Sendable {
    /// Which operations of an integration a cursor delivers.
    package enum Kind: String, Sendable, CaseIterable {
        /// Items of the v2 API. It counts the events.
        case live
        /// Delivery metrics, which have an API of their own.
        case metrics
    }

    /// A cursor as it was left.
    package struct StoredCursor: Sendable, Equatable {
        package let id: Int64
        package let position: Int64
    }

    private let commits: GroupCommit
    /// By what delivery names people, devices and objects.
    package let keys: OrderKeys

    init(_ commits: GroupCommit, keys: OrderKeys) {
        self.commits = commits
        self.keys = keys
    }

    /// The cursor of an integration. One that is new begins behind `seq` (0 is the beginning of the log); one that was
    /// begun before stays where it is.
    package func open(_ kind: Kind, of integration: String, startingAt seq: Int64) async throws(StorageError)
        -> StoredCursor
    {
        try await commits.commit { try LedgerTables.open(kind, of: integration, startingAt: seq, $0) }
    }

    /// The cursor of an integration; `nil` when it was never begun.
    package func cursor(_ kind: Kind, of integration: String) async throws(StorageError) -> StoredCursor? {
        try await commits.database.read { try LedgerTables.cursor(kind, of: integration, $0) }
    }

    /// Operations of a cursor that are still to be delivered, in order: those behind `after`, at most `limit`.
    package func openOperations(
        of cursor: Int64,
        after place: SentRequest.Place? = nil,
        limit: Int
    ) async throws(StorageError) -> [StoredOperation] {
        try await commits.database.read {
            try LedgerTables.operations(of: cursor, .open, after: place, limit: limit, $0)
        }
    }

    /// Writes down what a cursor has come to, and returns when it is on the disk.
    ///
    /// - Throws: `refused` when the cursor does not exist or stands further on already; nothing is written then.
    package func record(_ commit: CursorCommit) async throws(StorageError) {
        try await commits.commit { connection in
            guard let position = try LedgerTables.position(of: commit.cursor, connection) else {
                throw StorageError(.refused, "there is no such cursor")
            }
            guard position <= commit.position else {
                throw StorageError(.refused, "a cursor does not move back")
            }
            try LedgerTables.write(commit, from: position, connection)
        }
    }

    // MARK: What is asked about

    /// The failed operations of an integration in their order, behind `after`, at most `limit`.
    package func failures(
        of integration: String,
        after place: SentRequest.Place? = nil,
        limit: Int
    ) async throws(StorageError) -> [StoredOperation] {
        try await commits.database.read { connection in
            var failures: [StoredOperation] = []
            for kind in Kind.allCases {
                guard let cursor = try LedgerTables.cursor(kind, of: integration, connection) else { continue }
                failures += try LedgerTables.operations(
                    of: cursor.id,
                    .failed,
                    after: place,
                    limit: limit,
                    connection
                )
            }
            return Array(failures.sorted { ($0.seq, $0.place) < ($1.seq, $1.place) }.prefix(max(0, limit)))
        }
    }

    /// How many operations of a cursor are open, and how many failed.
    package func counts(of cursor: Int64) async throws(StorageError) -> (open: Int64, failed: Int64) {
        try await commits.database.read { connection in
            (
                try LedgerTables.count(.open, of: cursor, connection),
                try LedgerTables.count(.failed, of: cursor, connection)
            )
        }
    }

    /// Every request of a cursor in which an operation of this event was, in the order in which they were sent.
    package func requests(of cursor: Int64, withEvent seq: Int64) async throws(StorageError) -> [SentRequest] {
        try await commits.database.read { try LedgerTables.requests(of: cursor, withEvent: seq, $0) }
    }

    /// How many events a cursor has counted, by what became of them.
    package func tallies(of cursor: Int64) async throws(StorageError) -> [String: Int64] {
        try await commits.database.read { try LedgerTables.tallies(of: cursor, $0) }
    }
}
