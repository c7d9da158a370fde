import Dispatch
import GRDB
import Synchronization

/// Folds the journal of a database into its file, beside the writer.
///
/// SQLite would do it in the middle of a commit: once in sixteen megabytes a commit takes tens of milliseconds, and all
/// that wait for it. This does it on a connection of its own a fifth of a second after a commit, while the writer goes
/// on. Only the writer can begin the journal anew, at a moment when all of it is folded in; it looks for one when the
/// journal has become long, and then has little left to fold.
final class Checkpointer: Sendable {
    private struct State {
        var isScheduled = false
        var isClosed = false
        /// Whether the journal is long, so that the writer is to begin it anew.
        var isLong = false
    }

    private static let pause = DispatchTimeInterval.milliseconds(200)
    /// Pages of journal from which on it is long: 8 MiB.
    private static let longPages: Int64 = 2_048

    private let connection: DatabaseQueue
    private let queue = DispatchQueue(label: "ferry.storage.checkpoints")
    private let state = Mutex(State())

    /// Opens a connection of its own to a database in WAL mode.
    init(path: String) throws {
        var configuration = Configuration()
        configuration.label = "ferry.storage.checkpoints"
        connection = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Tells of a commit, on the writer's connection and outside of a transaction.
    func committed(_ writer: Database) {
        let (schedules, begins) = state.withLock { state in
            let schedules = !state.isScheduled && !state.isClosed
            if schedules { state.isScheduled = true }
            let begins = state.isLong
            state.isLong = false
            return (schedules, begins)
        }
        // Busy, or in trouble: there will be other commits.
        if begins { _ = try? Row.fetchOne(writer, sql: "PRAGMA wal_checkpoint(PASSIVE)") }
        if schedules { queue.asyncAfter(deadline: .now() + Self.pause) { [self] in fold() } }
    }

    private func fold() {
        state.withLock { $0.isScheduled = false }
        // What can't be folded now stays in the journal, where it is as safe, until a later commit.
        let pages = try? connection.writeWithoutTransaction { connection in
            try Row.fetchOne(connection, sql: "PRAGMA wal_checkpoint(PASSIVE)")?.integer(1)
        }
        if let pages, pages > Self.longPages { state.withLock { $0.isLong = true } }
    }

    /// Ends the connection after what it is doing.
    func close() throws {
        state.withLock { $0.isClosed = true }
        try queue.sync { try connection.close() }
    }
}
