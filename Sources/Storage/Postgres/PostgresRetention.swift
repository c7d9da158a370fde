import Synchronization

/// What the log uses in PostgreSQL, measured now and then: that asks for the size of each file, and retention is due once a
/// second.
final class MeasuredSize: Sendable {
    private static let validity = Duration.seconds(30)

    private let last = Mutex<(bytes: Int64, until: ContinuousClock.Instant)?>(nil)

    func bytes(_ connection: Connection) throws -> Int64 {
        if let last = last.withLock(\.self), last.until > .now { return last.bytes }
        let bytes = try RetentionTables.usedBytes(connection)
        last.withLock { $0 = (bytes, .now + Self.validity) }
        return bytes
    }

    /// Something has left, or would have.
    func forget() { last.withLock { $0 = nil } }
}

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

    /// Whether there is something to do.
    static func isDue(_ terms: RetentionTables.Terms, _ connection: Connection) throws -> Bool {
        if case .nothing = try decide(1, terms, connection) {
            return try hasExpiredKeys(at: terms.keysAt, connection)
        }
        return true
    }

    static func sweep(
        _ limit: Int,
        _ terms: RetentionTables.Terms,
        _ connection: Connection
    ) throws -> LogRetention.Outcome {
        var outcome = LogRetention.Outcome()
        switch try decide(limit, terms, connection) {
        case .nothing: break
        case .full: outcome.isFull = true
        case .drop(let partition, let dropping):
            try RetentionTables.removeWhatHangs(through: partition.last, connection)
            outcome.removed = try count(in: partition, after: 0, connection)
            outcome.dropped = dropping
            outcome.isDone = false
            // Whoever reads or appends waits for it, so it does not wait long for them.
            try connection.run("SET LOCAL lock_timeout = '2s'")
            try connection.run("DROP TABLE \(partition.table)")
            terms.size.forget()
        case .remove(let seq, let dropping):
            outcome = try RetentionTables.remove(through: seq, dropping: dropping, connection)
        }
        let count = try connection.run(
            """
            DELETE FROM seen WHERE ctid = ANY (ARRAY(SELECT ctid FROM seen WHERE received_at <= ? LIMIT \(forgotten)))
            """,
            [MessageKey.leaving(at: terms.keysAt)]
        )
        if count == forgotten { outcome.isDone = false }
        return outcome
    }

    private static func hasExpiredKeys(at now: Int64, _ connection: Connection) throws -> Bool {
        try connection.row("SELECT 1 FROM seen WHERE received_at <= ? LIMIT 1", [MessageKey.leaving(at: now)]) != nil
    }

    private static func decide(
        _ limit: Int,
        _ terms: RetentionTables.Terms,
        _ connection: Connection
    ) throws -> Decision {
        let (policy, now) = (terms.policy, terms.now)
        let isTooLarge = try terms.size.bytes(connection) > policy.bytes
        let oldest = try oldestPartition(connection)
        if let oldest {
            let settled = try RetentionTables.settled(policy.integrations, connection)
            if oldest.last <= settled {
                let expired = now.subtractingSaturated(policy.milliseconds)
                if try isTooLarge || isExpired(oldest, at: expired, connection) { return .drop(oldest, dropping: 0) }
            }
            if isTooLarge, policy.dropsUnsettled {
                return .drop(oldest, dropping: try count(in: oldest, after: settled, connection))
            }
        }
        switch try RetentionTables.decide(policy, at: now, limit: limit, isTooLarge: false, connection) {
        case .remove(let seq, let dropping): return .remove(through: seq, dropping: dropping)
        // The partition that is being filled stays; where there is no other, the bound is too small to be kept.
        case .nothing, .full: return isTooLarge && oldest != nil ? .full : .nothing
        }
    }

    /// Whether all of a partition was received until a time. Its last event tells nearly always; clocks that were set make a
    /// look at all of them necessary, once that one has expired.
    private static func isExpired(_ partition: Partition, at time: Int64, _ connection: Connection) throws -> Bool {
        let last = try connection.row("SELECT received_at FROM \(partition.table) ORDER BY seq DESC LIMIT 1")
        guard let last else { return true }
        guard try last.integer(0) <= time else { return false }
        return try connection.number("SELECT max(received_at) FROM \(partition.table)") <= time
    }

    /// How many events a partition has behind a number: there are no holes between its first and its last one.
    private static func count(in partition: Partition, after seq: Int64, _ connection: Connection) throws -> Int {
        let ends = try connection.row("SELECT min(seq), max(seq) FROM \(partition.table)")
        guard let first = try ends?.optionalInteger(0), let last = try ends?.optionalInteger(1) else { return 0 }
        return Int(max(0, last - max(seq, first - 1)))
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
