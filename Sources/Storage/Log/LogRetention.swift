/// What leaves the log at its old end, by age and by size (design.md, "What is stored").
///
/// What an integration still needs never leaves because of its age. It leaves because of the size only if the policy
/// says so; else the log is full, and takes nothing more until there is room.
package struct LogRetention: Sendable {
    package struct Policy: Sendable {
        /// Milliseconds for which events are kept once they are settled.
        package var milliseconds: Int64
        /// Bytes that `ferry.db` may use.
        package var bytes: Int64
        /// Whether events that an integration still needs leave when there is no other room.
        package var dropsUnsettled: Bool
        /// The integrations that read the log. Positions of others, which were taken out of the configuration, hold up
        /// nothing.
        package var integrations: [String]

        package init(milliseconds: Int64, bytes: Int64, dropsUnsettled: Bool, integrations: [String]) {
            self.milliseconds = milliseconds
            self.bytes = bytes
            self.dropsUnsettled = dropsUnsettled
            self.integrations = integrations
        }
    }

    /// What a sweep did.
    package struct Outcome: Sendable, Equatable {
        /// Events that left, and those of them that an integration still needed.
        package internal(set) var removed = 0
        package internal(set) var dropped = 0
        /// Whether the log is too large, and everything in it is needed.
        package internal(set) var isFull = false
        /// Whether there may be more to remove.
        package internal(set) var isDone = true

        /// A sweep that found nothing to do.
        package init() {}
    }

    private var commits: GroupCommit
    private let gate: LogGate
    private let size = MeasuredSize()

    init(_ commits: GroupCommit, gate: LogGate) {
        self.commits = commits
        self.gate = gate
    }

    /// What only the holder of a lease may remove.
    package func under(_ lease: Lease) -> LogRetention {
        var retention = self
        retention.commits = commits.under(lease)
        return retention
    }

    /// Removes some of what may leave at a time (milliseconds since 1970), and opens or closes the log for new events.
    /// To be called again until it is done.
    package func sweep(_ policy: Policy, at now: Int64) async throws(StorageError) -> Outcome {
        // What waits in a spool was received before now, and is still to be compared with what came in its last 24 hours.
        let keysAt = min(now, commits.engine.spool?.oldestAt ?? now)
        let terms = RetentionTables.Terms(policy: policy, size: size, now: now, keysAt: keysAt)
        let isDue = try await commits.engine.read { try RetentionTables.isDue(terms, $0) }
        var outcome = Outcome()
        if isDue { outcome = try await commits.commit { try RetentionTables.sweep(terms, $0) } }
        if gate.isClosed != outcome.isFull {
            let isFull = outcome.isFull
            try await commits.commit { try NodeTables.set(isFull: isFull, $0) }
        }
        gate.isClosed = outcome.isFull
        return outcome
    }

    /// Whether the log takes no events, because all that it holds is still needed.
    package var isFull: Bool { gate.isClosed }

    /// Another node has found out whether the log is full.
    package func found(isFull: Bool) { gate.isClosed = isFull }

    /// Bytes that the log and everything about delivery use, without what is free in a file of Ferry's own.
    package func usedBytes() async throws(StorageError) -> Int64 {
        try await commits.engine.read { try RetentionTables.usedBytes($0) }
    }
}

/// The statements that retention needs.
enum RetentionTables {
    /// Events of one transaction, which others wait for: a few milliseconds.
    private static let chunk = 500

    /// By what a sweep goes.
    struct Terms: Sendable {
        let policy: LogRetention.Policy
        let size: MeasuredSize
        /// Milliseconds since 1970.
        let now: Int64
        /// As of when keys are forgotten, which may be earlier.
        let keysAt: Int64
    }

    /// Whether there is something to do, also where it is only to say that the log is full.
    static func isDue(_ terms: Terms, _ connection: Connection) throws -> Bool {
        switch connection.engine {
        case .sqlite: try decide(terms.policy, at: terms.now, limit: 1, connection) != .nothing
        case .postgres: try PostgresRetention.isDue(terms, connection)
        }
    }

    static func sweep(_ terms: Terms, _ connection: Connection) throws -> LogRetention.Outcome {
        switch connection.engine {
        case .sqlite: try remove(chunk, terms.policy, at: terms.now, connection)
        case .postgres: try PostgresRetention.sweep(chunk, terms, connection)
        }
    }

    enum Decision: Equatable {
        case nothing
        /// Everything up to this number may leave.
        case remove(through: Int64, dropping: Int)
        case full
    }

    static func usedBytes(_ connection: Connection) throws -> Int64 {
        switch connection.engine {
        case .sqlite:
            let pages = try connection.number("PRAGMA page_count")
            let free = try connection.number("PRAGMA freelist_count")
            return (pages - free) * (try connection.number("PRAGMA page_size"))
        case .postgres:
            return try connection.number(
                """
                SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
                WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind = 'r'
                """
            )
        }
    }

    /// What may leave of the oldest `limit` events.
    static func decide(
        _ policy: LogRetention.Policy,
        at now: Int64,
        limit: Int,
        isTooLarge: Bool? = nil,
        _ connection: Connection
    ) throws -> Decision {
        let expired = now.subtractingSaturated(policy.milliseconds)
        let settled = try settled(policy.integrations, connection)
        let isTooLarge = try isTooLarge ?? (usedBytes(connection) > policy.bytes)
        let rows = try connection.rows("SELECT seq, received_at FROM events ORDER BY seq LIMIT ?", [limit])
        var last: Int64?
        var dropping = 0
        for row in rows {
            let seq = try row.integer(0)
            if seq <= settled {
                guard try isTooLarge || row.integer(1) <= expired else { break }
            } else {
                guard isTooLarge, policy.dropsUnsettled else { break }
                dropping += 1
            }
            last = seq
        }
        if let last { return .remove(through: last, dropping: dropping) }
        return isTooLarge && !rows.isEmpty ? .full : .nothing
    }

    private static func remove(
        _ limit: Int,
        _ policy: LogRetention.Policy,
        at now: Int64,
        _ connection: Connection
    ) throws -> LogRetention.Outcome {
        var outcome = LogRetention.Outcome()
        switch try decide(policy, at: now, limit: limit, connection) {
        case .nothing: break
        case .full: outcome.isFull = true
        case .remove(let seq, let dropping): outcome = try remove(through: seq, dropping: dropping, connection)
        }
        return outcome
    }

    /// Removes the events up to a number, of which so many are still needed.
    static func remove(
        through seq: Int64,
        dropping: Int,
        _ connection: Connection
    ) throws -> LogRetention.Outcome {
        try removeWhatHangs(through: seq, connection)
        var outcome = LogRetention.Outcome()
        outcome.removed = try connection.run("DELETE FROM events WHERE seq <= ?", [seq])
        outcome.dropped = dropping
        outcome.isDone = false
        return outcome
    }

    /// What is known of events that are about to leave; those that something is still open or failed of are kept aside.
    static func removeWhatHangs(through seq: Int64, _ connection: Connection) throws {
        try keepWhatIsNamed(through: seq, connection)
        try connection.run("DELETE FROM repeats WHERE seq <= ?", [seq])
        for cursor in try connection.rows("SELECT id FROM cursors") {
            try connection.run("DELETE FROM requests WHERE cursor = ? AND low <= ?", [cursor.integer(0), seq])
        }
    }

    /// Up to where every integration is done, but for what has a row. One that has not begun yet begins at the log's end.
    static func settled(_ integrations: [String], _ connection: Connection) throws -> Int64 {
        try integrations.compactMap { name in
            // A job holds up what it has still to read, as long as it runs.
            try connection.row(
                """
                SELECT min(position) FROM cursors WHERE integration = ? AND (
                    kind IN ('live', 'metrics')
                    OR id IN (SELECT cursor FROM jobs WHERE state IN ('running', 'paused')))
                """,
                [Text(name)]
            )?.optionalInteger(0)
        }.min() ?? .max
    }

    /// Events that leave while something of theirs is open or failed are kept aside, until nothing is any more
    /// (`LedgerTables`).
    private static func keepWhatIsNamed(through seq: Int64, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO kept_events (seq, source, received_at, body)
            SELECT seq, source, received_at, body FROM events
            WHERE seq <= ? AND seq IN (SELECT seq FROM exceptions WHERE seq <= ?) ON CONFLICT DO NOTHING
            """,
            [seq, seq]
        )
    }
}
