import Dispatch
import GRDB
import GRDBSQLite
import Synchronization

/// Folds the journal of a database into its file, beside the writer.
///
/// SQLite would do it in the middle of a commit: once in sixteen megabytes a commit takes tens of milliseconds, and all
/// that wait for it. This does it on a connection of its own while the writer goes on, a fifth of a second after a commit.
/// Only the writer can begin the journal anew, at a moment when all of it is folded in and flushed; it looks for one when
/// the journal has become long.
///
/// Where commits are waited for, the writer is to lose as little time as can be. There the journal is folded in after each
/// mebibyte too, so that it never takes the processor or the disk for long, and the file is flushed behind it, so that the
/// writer has little left to flush. That costs more in all: the same page is copied more often.
final class Checkpointer: Sendable {
    private struct State {
        /// Pages of journal since it was last folded in.
        var pages = 0
        /// Whether it will be folded in, at once or after the pause.
        var isCalled = false
        var isScheduled = false
        var isClosed = false
        /// Whether the journal is long, so that the writer is to begin it anew.
        var isLong = false
    }

    private static let pause = DispatchTimeInterval.milliseconds(200)
    /// Pages that are folded in without a pause where commits are waited for: 1 MiB.
    private static let foldedPages = 256
    /// Pages of journal from which on it is long: 8 MiB.
    private static let longPages: Int64 = 2_048

    private let connection: DatabaseQueue
    private let file: String
    private let areCommitsWaitedFor: Bool
    private let queue = DispatchQueue(label: "ferry.storage.checkpoints")
    private let state = Mutex(State())

    /// Opens a connection of its own to a database in WAL mode.
    init(path: String, durability: OpenDatabase.Durability) throws {
        var configuration = Configuration()
        configuration.label = "ferry.storage.checkpoints"
        connection = try DatabaseQueue(path: path, configuration: configuration)
        file = path
        areCommitsWaitedFor = durability == .everyCommit
    }

    /// Tells of a commit, on the writer's connection and outside of a transaction.
    func committed(_ writer: Database) {
        let pages = writer.takePagesWritten()
        let (calls, schedules, begins) = state.withLock { state in
            state.pages += pages
            let isMuch = areCommitsWaitedFor && state.pages >= Self.foldedPages
            let calls = isMuch && !state.isCalled && !state.isClosed
            let schedules = !state.isScheduled && !state.isClosed
            let begins = state.isLong
            if calls { state.isCalled = true }
            if schedules { state.isScheduled = true }
            state.isLong = false
            return (calls, schedules, begins)
        }
        // Busy, or in trouble: there will be other commits.
        if begins { _ = try? checkpoint(writer) }
        if calls { queue.async { [self] in fold() } }
        if schedules {
            queue.asyncAfter(deadline: .now() + Self.pause) { [self] in
                state.withLock { $0.isScheduled = false }
                fold()
            }
        }
    }

    private func fold() {
        state.withLock { state in
            state.isCalled = false
            state.pages = 0
        }
        // What can't be folded now stays in the journal, where it is as safe, until a later commit.
        guard let pages = foldAndFlush(), pages > Self.longPages else { return }
        // What has come meanwhile, so that the least is left to the writer.
        _ = foldAndFlush()
        state.withLock { $0.isLong = true }
    }

    /// Returns the pages of the whole journal.
    private func foldAndFlush() -> Int64? {
        try? connection.writeWithoutTransaction { connection in
            guard let (pages, folded) = try checkpoint(connection) else { return nil }
            // Where the end of the journal moves on meanwhile, SQLite leaves the flush to a later checkpoint: the writer's.
            if areCommitsWaitedFor, folded < pages, !connection.flushFile() { FailedFlush.end(file) }
            return pages
        }
    }

    /// Returns the pages of the whole journal, and how many of them are folded in.
    private func checkpoint(_ connection: Database) throws -> (pages: Int64, folded: Int64)? {
        try FailedFlush.endsProcess(of: file) {
            let row = try connection.row("PRAGMA wal_checkpoint(PASSIVE)")
            return try row.map { (try $0.integer(1), try $0.integer(2)) }
        }
    }

    /// Ends the connection after what it is doing.
    func close() throws {
        state.withLock { $0.isClosed = true }
        try queue.sync { try connection.close() }
    }
}

extension Database {
    /// Starts what SQLite leaves to the last part of a checkpoint: to flush the file into which the journal is folded.
    fileprivate func flushFile() -> Bool {
        guard let sqliteConnection else { return true }
        var file: UnsafeMutablePointer<sqlite3_file>?
        sqlite3_file_control(sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file)
        guard let file, let sync = file.pointee.pMethods?.pointee.xSync else { return true }
        return sync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) == SQLITE_OK
    }

    /// Pages that this connection has written into the journal since this was last asked.
    fileprivate func takePagesWritten() -> Int {
        // Who is told of a commit may have closed it meanwhile.
        guard let sqliteConnection else { return 0 }
        var (pages, highest) = (CInt(0), CInt(0))
        sqlite3_db_status(sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &highest, 1)
        return Int(pages)
    }
}
