/// What leaves a log in PostgreSQL: by age, row by row or a whole partition; by size, whole partitions only, because what is
/// deleted gives its room back later, and to the server.
enum PostgresRetention {
    /// A partition of the log.
    private struct Partition {
        let table: String
        /// Its last number.
        let last: Int64
    }

    /// Keys that one sweep forgets.
    private static let forgotten = 5_000

    private enum Decision {
        case nothing
        case drop(Partition, dropping: Int)
        case remove(through: Int64, dropping: Int)
        case full
    }

    static func isDue(_ policy: LogRetention.Policy, at now: Int64, _ connection: Connection) throws -> Bool {
        if case .nothing = try decide(1, policy, at: now, connection) { return try hasExpiredKeys(at: now, connection) }
        return true
    }

    static func sweep(
        _ limit: Int,
        _ policy: LogRetention.Policy,
        at now: Int64,
        _ connection: Connection
    ) throws -> LogRetention.Outcome {
        var outcome = LogRetention.Outcome()
        switch try decide(limit, policy, at: now, connection) {
        case .nothing: break
        case .full: outcome.isFull = true
        case .drop(let partition, let dropping):
            try RetentionTables.removeWhatHangs(through: partition.last, connection)
            outcome.removed = Int(try connection.number("SELECT count(*) FROM \(partition.table)"))
            outcome.dropped = dropping
            outcome.isDone = false
            // Whoever reads or appends waits for it, so it does not wait long for them.
            try connection.run("SET LOCAL lock_timeout = '2s'")
            try connection.run("DROP TABLE \(partition.table)")
        case .remove(let seq, let dropping):
            outcome = try RetentionTables.remove(through: seq, dropping: dropping, connection)
        }
        let count = try connection.run(
            """
            DELETE FROM seen WHERE ctid = ANY (ARRAY(SELECT ctid FROM seen WHERE received_at <= ? LIMIT \(forgotten)))
            """,
            [expired(at: now)]
        )
        if count == forgotten { outcome.isDone = false }
        return outcome
    }

    private static func expired(at now: Int64) -> Int64 {
        now.subtractingSaturated(MessageKey.memoryMilliseconds + MessageKey.graceMilliseconds)
    }

    private static func hasExpiredKeys(at now: Int64, _ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 FROM seen WHERE received_at <= ? LIMIT 1", [expired(at: now)]) != nil
    }

    private static func decide(
        _ limit: Int,
        _ policy: LogRetention.Policy,
        at now: Int64,
        _ connection: Connection
    ) throws -> Decision {
        let isTooLarge = try RetentionTables.usedBytes(connection) > policy.bytes
        let oldest = try oldestPartition(connection)
        if let oldest {
            let settled = try RetentionTables.settled(policy.integrations, connection)
            let newest = try connection.row("SELECT max(received_at) FROM \(oldest.table)")?.optionalInteger(0)
            let isExpired = newest.map { $0 <= now.subtractingSaturated(policy.milliseconds) } ?? true
            if oldest.last <= settled, isExpired || isTooLarge { return .drop(oldest, dropping: 0) }
            if isTooLarge, policy.dropsUnsettled {
                let needed = try connection.number("SELECT count(*) FROM \(oldest.table) WHERE seq > ?", [settled])
                return .drop(oldest, dropping: Int(needed))
            }
        }
        switch try RetentionTables.decide(policy, at: now, limit: limit, isTooLarge: false, connection) {
        case .remove(let seq, let dropping): return .remove(through: seq, dropping: dropping)
        // The partition that is being filled stays; where there is no other, the bound is too small to be kept.
        case .nothing, .full: return isTooLarge && oldest != nil ? .full : .nothing
        }
    }

    /// The first partition, unless it is the one that is being filled.
    private static func oldestPartition(_ connection: Connection) throws -> Partition? {
        let partitions = try connection.rows(
            """
            SELECT relname, substr(relname, 8)::BIGINT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = 'events'::regclass ORDER BY 2 LIMIT 2
            """
        )
        guard partitions.count == 2 else { return nil }
        return Partition(table: try partitions[0].text(0), last: try partitions[1].integer(1) - 1)
    }
}
