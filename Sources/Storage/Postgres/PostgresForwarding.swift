import Dispatch
import Postgres
import Synchronization

/// Brings the events of a spool into the database: in their order, and each once.
///
/// Before the first ones, and after each trouble, the database is asked how far it is (`spool_settle`), which also fences off
/// what may still be on its way there from before. Then each stretch is one transaction of events and its last number.
final class PostgresForwarding: Sendable {
    private let spool: Spool
    private let lane: PostgresLane
    private let keys: MessageKeys
    private let name: String
    private struct State {
        var isSettled = false
        var pause = PostgresForwarding.firstPause
        /// Is called when events have come into the log.
        var wake: @Sendable () -> Void = {}
    }
    private let state = Mutex(State())

    private static let firstPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(1)

    init(_ spool: Spool, _ lane: PostgresLane, secret: [UInt8], name: String) {
        self.spool = spool
        self.lane = lane
        self.name = name
        keys = MessageKeys(secret: secret)
    }

    /// Goes on with what was left, and calls `wake` each time that events have come into the log.
    func start(wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.wake = wake }
        if spool.isInUse { begin() }
    }

    /// The spool has come into use.
    func begin() {
        state.withLock { $0.isSettled = false }
        lane.perform { [self] in step($0) }
    }

    /// One stretch at a time, so that whoever closes the connection need not wait for long.
    private func step(_ ready: PostgresLane.Ready) {
        guard !spool.isClosed else { return }
        do {
            if try forward(ready.get()) { return }
            state.withLock { $0.pause = Self.firstPause }
            lane.perform { [self] in step($0) }
        } catch {
            spool.tell(StorageError(error, file: name))
            let pause = state.withLock { state in
                defer { state.pause = min(state.pause * 2, Self.longestPause) }
                state.isSettled = false
                return state.pause
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + pause / .seconds(1)) { [self] in
                lane.perform { [self] in step($0) }
            }
        }
    }

    /// - Returns: whether nothing is left.
    private func forward(_ connection: PostgresConnection) throws -> Bool {
        if !state.withLock({ $0.isSettled }) {
            let known = try settle(connection)
            state.withLock { $0.isSettled = true }
            if try spool.remove(through: known) { return true }
        }
        guard let stretch = try spool.next() else { return try spool.remove(through: 0) }
        let batches = PostgresBatch.batches(
            stretch.events,
            stretch.events.map { $0.deduplicates ? keys.key(of: $0) : nil }
        )
        let place: [PostgresValue] = [.bytes(spool.id), .integer(stretch.first), .integer(stretch.last)]
        _ = try connection.pipeline(
            [("SELECT spool_forward($1, $2, $3)", place)] + batches.map { (PostgresBatch.statement, $0.values) }
        )
        let isOver = try spool.remove(through: stretch.last)
        state.withLock { $0.wake }()
        return isOver
    }

    /// - Returns: up to which of the spool's numbers the database has its events.
    private func settle(_ connection: PostgresConnection) throws -> Int64 {
        let identity = try spool.identity()
        let rows = try connection.query(
            "SELECT has_doubtful, at_step, at_event FROM spool_settle($1, $2)",
            [.bytes(identity.id), .integer(identity.doubtfulStep)]
        )
        guard rows.count == 1 else { throw StorageError.unreadable("answer of spool_settle") }
        spool.noteStep(try rows.integer(0, 1), of: identity)
        let forwarded = try rows.integer(0, 2)
        return try rows.integer(0, 0) != 0 ? max(forwarded, identity.doubtfulLast) : forwarded
    }
}

extension Spool {
    /// Makes the database know the spool, where it has taken on another identity. It blocks.
    func introduce(to connection: PostgresConnection) throws {
        guard let (former, id) = try renew() else { return }
        _ = try connection.pipeline([
            ("DELETE FROM spools WHERE id = $1", [.bytes(former)]),
            ("INSERT INTO spools (id, step, forwarded) VALUES ($1, 0, 0)", [.bytes(id)]),
        ])
    }
}

extension Spool.Step {
    /// What is committed together with the group.
    var statement: (String, [PostgresValue]) { ("SELECT spool_step($1, $2)", [.bytes(id), .integer(number)]) }
}
