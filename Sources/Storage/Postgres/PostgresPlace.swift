import Postgres
import Synchronization

/// The place of the one Ferry that delivers from a database, and whether this one still has it.
///
/// Whoever has the place holds a lock of the server's on the connection that writes; it falls when that connection ends,
/// with the process at the latest. Each one who takes the place raises a number: so whoever has lost the connection and gets
/// the lock again knows whether somebody was there in between, and then what is in memory holds no more. The server ends the
/// connection when it has heard nothing for some seconds: a process that was stopped does not keep the place. Such a one must
/// not send when it wakes up; so it may only as long as it has heard from the server shortly before, by a clock that goes on
/// meanwhile.
final class PostgresPlace: Sendable {
    /// The server ends a connection that is silent for so long.
    static let serverPatience = "12s"
    /// For how long the place is certain after the server was asked: less than that, and by more than clocks differ.
    private static let certainty = Duration.seconds(8)
    /// The number of the lock, in SQL.
    static let key = "hashtext('ferry writer')"

    private struct State {
        var number: Int64?
        var isLost = false
        var certainUntil = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// Keeps everybody else out as long as the connection is there.
    ///
    /// - Throws: `locked` where somebody is there.
    static func lock(_ connection: PostgresConnection) throws {
        let lock = try connection.query("SELECT pg_try_advisory_lock(\(key))")
        guard try lock.integer(0, 0) != 0 else {
            throw StorageError(.locked, "another Ferry delivers from \(connection.url)")
        }
    }

    static func unlock(_ connection: PostgresConnection) throws {
        _ = try connection.query("SELECT pg_advisory_unlock(\(key))")
    }

    /// Takes the place on a new connection, or takes it again.
    ///
    /// - Throws: `locked` where another Ferry has it, or has had it in between.
    func take(on connection: PostgresConnection) throws {
        let start = ContinuousClock.now
        let known = state.withLock { $0.number }
        try Self.lock(connection)
        try connection.run("SET idle_session_timeout = '\(Self.serverPatience)'")
        let change = known == nil ? "UPDATE place SET number = number + 1 RETURNING number" : "SELECT number FROM place"
        let number = try connection.query(change).integer(0, 0)
        state.withLock { state in
            state.isLost = state.isLost || known.map { $0 != number } ?? false
            state.number = number
            state.certainUntil = start + Self.certainty
        }
        if isLost { throw lost }
    }

    /// The server has answered on the connection, to what it was asked at a time.
    func answered(since start: ContinuousClock.Instant) {
        state.withLock { $0.certainUntil = max($0.certainUntil, start + Self.certainty) }
    }

    /// Whether this Ferry may send: certainly nobody else does.
    var isCertain: Bool {
        state.withLock { !$0.isLost && $0.certainUntil > .now }
    }

    /// Whether another Ferry was there: what is in memory holds no more.
    var isLost: Bool { state.withLock { $0.isLost } }

    var lost: StorageError {
        StorageError(.locked, "another Ferry has taken this one's place; start it again, and it waits for its turn")
    }
}
