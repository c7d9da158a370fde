import LosslessJSON

/// Which failed operations are meant.
package struct FailureFilter: Sendable, Equatable {
    package var integration: String?
    package var action: String?
    /// Why, to the letter.
    package var words: String?

    /// All of them, unless something is named.
    package init(integration: String? = nil, action: String? = nil, words: String? = nil) {
        self.integration = integration
        self.action = action
        self.words = words
    }

    fileprivate func admits(integration name: String) -> Bool {
        integration.map(name.hasSameBytes) ?? true
    }

    fileprivate func admits(action name: String, words text: String) -> Bool {
        (action.map(name.hasSameBytes) ?? true) && (words.map(text.hasSameBytes) ?? true)
    }
}

/// A failed operation by its cursor and its place in the log.
package struct FailureID: Sendable, Hashable, Comparable {
    package let cursor: Int64
    package let seq: Int64
    package let place: Int

    package init(cursor: Int64, seq: Int64, place: Int) {
        self.cursor = cursor
        self.seq = seq
        self.place = place
    }

    package static func < (left: FailureID, right: FailureID) -> Bool {
        (left.cursor, left.seq, left.place) < (right.cursor, right.seq, right.place)
    }
}

/// A failed operation of an integration.
package struct Failure: Sendable, Equatable {
    package let id: FailureID
    package let integration: String
    package let operation: StoredOperation
}

/// Failed operations that failed for one reason.
package struct FailureGroup: Sendable, Equatable {
    package let integration: String
    package let action: String
    package let words: String
    package let count: Int64
    /// One of them.
    package let sample: FailureID
    /// When the last of them failed, in milliseconds since 1970.
    package let lastAt: Int64
    /// Whether a delete, a suppression or a merge is among them.
    package let takesAway: Bool
}

/// Where in the log the failed operations of a cursor lie.
package struct FailureSpan: Sendable, Equatable {
    package let cursor: Int64
    package let integration: String
    package let first: Int64
    package let last: Int64
    /// Whether a delete, a suppression or a merge is among them.
    package let takesAway: Bool
}

/// The operations that failed for good: looked at, and let go of (delivery.md C.7).
package struct Failures: Sendable {
    private let commits: GroupCommit

    init(_ commits: GroupCommit) {
        self.commits = commits
    }

    /// Rows that one call looks at, so that it takes as long however many there are.
    private static let looked = 10_000

    /// Those that a filter lets through, behind `after` in the order of their ids, at most `limit`; `next` is where to go
    /// on, `nil` at the end. There may be none here and some further on.
    package func list(
        _ filter: FailureFilter,
        after: FailureID? = nil,
        limit: Int
    ) async throws(StorageError) -> (failures: [Failure], next: FailureID?) {
        try await commits.engine.read { connection in
            try FailureTables.list(filter, after: after, limit: limit, looked: Self.looked, connection)
        }
    }

    /// One of them; `nil` when it is gone.
    package func failure(_ id: FailureID) async throws(StorageError) -> Failure? {
        try await commits.engine.read { try FailureTables.failure(id, $0) }
    }

    /// Reasons, the most frequent first, at most `limit`.
    package func groups(_ filter: FailureFilter, limit: Int) async throws(StorageError) -> [FailureGroup] {
        try await commits.engine.read { try FailureTables.groups(filter, limit: limit, $0) }
    }

    /// Cursors with failed operations that a filter lets through, and the events between which these lie.
    package func spans(_ filter: FailureFilter) async throws(StorageError) -> [FailureSpan] {
        try await commits.engine.read { try FailureTables.spans(filter, $0) }
    }

    /// Lets go of some: they are counted as discarded, at a minute since 1970. Those that are gone already are passed over.
    ///
    /// - Returns: how many were there.
    package func discard(_ ids: [FailureID], minute: Int64) async throws(StorageError) -> Int {
        try await commits.commit { connection in
            var discarded = 0
            for id in ids {
                guard let failure = try FailureTables.failure(id, connection) else { continue }
                try LedgerTables.remove(.init(seq: id.seq, place: id.place), of: id.cursor, connection)
                let action = failure.operation.action
                try LedgerTables.add(.init(minute: minute, discarded: action), of: id.cursor, connection)
                discarded += 1
            }
            return discarded
        }
    }
}

private enum FailureTables {
    private static let columns = """
        cursor, integration, seq, place, action, state, takes_away, claims, attempts, first_failed_at, failing_for, due_at, at,
        words
        """

    static func list(
        _ filter: FailureFilter,
        after: FailureID?,
        limit: Int,
        looked: Int,
        _ connection: Connection
    ) throws -> (failures: [Failure], next: FailureID?) {
        // Cursor by cursor, each by its index of states.
        var failures: [Failure] = []
        var left = looked
        for cursor in try cursors(filter, from: after?.cursor ?? 0, connection) {
            var after = after.flatMap { $0.cursor == cursor.id ? $0 : nil }
            while left > 0, failures.count < limit {
                let page = try connection.rows(
                    """
                    SELECT \(columns) FROM exceptions JOIN cursors ON cursors.id = exceptions.cursor
                    WHERE cursor = ? AND state = 1 AND (seq, place) > (?, ?) ORDER BY seq, place LIMIT ?
                    """,
                    [cursor.id, after?.seq ?? -1, after?.place ?? 0, min(left, 500)]
                ).map(failure)
                if page.isEmpty { break }
                left -= page.count
                let fitting = page.lazy.filter {
                    filter.admits(action: $0.operation.action, words: $0.operation.words)
                }
                failures += fitting.prefix(limit - failures.count)
                after = failures.count == limit ? failures.last?.id : page.last?.id
            }
            if failures.count == limit || left <= 0 { return (failures, after) }
        }
        return (failures, nil)
    }

    private static func cursors(
        _ filter: FailureFilter,
        from first: Int64,
        _ connection: Connection
    ) throws -> [(id: Int64, integration: String)] {
        let rows = try connection.rows("SELECT id, integration FROM cursors WHERE id >= ? ORDER BY id", [first])
        return try rows.map { (try $0.integer(0), try $0.text(1)) }
            .filter { filter.admits(integration: $0.integration) }
    }

    static func failure(_ id: FailureID, _ connection: Connection) throws -> Failure? {
        try connection.row(
            """
            SELECT \(columns) FROM exceptions JOIN cursors ON cursors.id = exceptions.cursor
            WHERE cursor = ? AND seq = ? AND place = ? AND state = 1
            """,
            [id.cursor, id.seq, id.place]
        ).map(failure)
    }

    static func groups(_ filter: FailureFilter, limit: Int, _ connection: Connection) throws -> [FailureGroup] {
        let groups = try cursors(filter, from: 0, connection).flatMap { cursor in
            try connection.rows(
                """
                SELECT action, words, count(*), min(seq), max(at), max(takes_away) FROM exceptions
                WHERE cursor = ? AND state = 1 GROUP BY action, words
                """,
                [cursor.id]
            ).map { row in
                let (action, words, seq) = (try row.text(0), try row.text(1), try row.integer(3))
                let place = try connection.number(
                    """
                    SELECT min(place) FROM exceptions
                    WHERE cursor = ? AND seq = ? AND state = 1 AND action = ? AND words = ?
                    """,
                    [cursor.id, seq, Text(action), Text(words)]
                )
                return FailureGroup(
                    integration: cursor.integration,
                    action: action,
                    words: words,
                    count: try row.integer(2),
                    sample: FailureID(cursor: cursor.id, seq: seq, place: Int(place)),
                    lastAt: try row.integer(4),
                    takesAway: try row.integer(5) != 0
                )
            }
        }
        let fitting = groups.filter { filter.admits(action: $0.action, words: $0.words) }
        return Array(fitting.sorted { ($1.count, $0.action) < ($0.count, $1.action) }.prefix(max(0, limit)))
    }

    static func spans(_ filter: FailureFilter, _ connection: Connection) throws -> [FailureSpan] {
        try cursors(filter, from: 0, connection).compactMap { cursor in
            let row = try connection.row(
                """
                SELECT min(seq), max(seq), max(takes_away) FROM exceptions
                WHERE cursor = ?1 AND state = 1 AND (?2 IS NULL OR action = ?2) AND (?3 IS NULL OR words = ?3)
                """,
                [cursor.id, filter.action.map(Text.init), filter.words.map(Text.init)]
            )
            guard let row, let first = try row.optionalInteger(0), let last = try row.optionalInteger(1) else {
                return nil
            }
            return FailureSpan(
                cursor: cursor.id,
                integration: cursor.integration,
                first: first,
                last: last,
                takesAway: try row.integer(2) != 0
            )
        }
    }

    private static func failure(_ row: StoredRow) throws -> Failure {
        let operation = try LedgerTables.operation(row, from: 2)
        return Failure(
            id: FailureID(cursor: try row.integer(0), seq: operation.seq, place: operation.place),
            integration: try row.text(1),
            operation: operation
        )
    }
}
