import Dispatch
import GRDB

/// Seams for tests of what happens when the disk is slow or full. Nothing else uses them.
extension DataStore {
    /// Keeps the writer of `ferry.db` busy until it is let go.
    package struct WriterHold: Sendable {
        fileprivate let semaphore = DispatchSemaphore(value: 0)

        package func letGo() {
            semaphore.signal()
        }
    }

    /// Keeps the writer of `ferry.db` busy; calls queue up meanwhile. Returns at once.
    package func holdWriter() -> WriterHold {
        let hold = WriterHold()
        switch log.commits.engine {
        case let engine as PostgresLog: engine.hold { hold.semaphore.wait() }
        default: log.commits.engine.withWriter { _ in hold.semaphore.wait() }
        }
        return hold
    }

    /// Events that wait for their commit now.
    package var waitingEvents: Int { log.commits.engine.progress(log.commits).waitingEvents }

    /// Transactions of the log that have been committed since it was opened.
    package var committedGroups: Int { log.commitStatistics.groups }

    /// Makes the disk full for `ferry.db` at this many pages of 4 KiB, counted from the pages it has now.
    package func limitGrowth(toPages pages: Int) throws {
        try sqlite?.writer.writeWithoutTransaction { connection in
            let current = try Int.fetchOne(connection, sql: "PRAGMA page_count") ?? 0
            try connection.execute(sql: "PRAGMA max_page_count = \(current + pages)")
        }
    }

    /// The file of the log.
    var sqlite: OpenDatabase? { (log.commits.engine as? SQLiteLog)?.database }
}

extension WorkspaceStore {
    /// The file of the workspaces.
    var sqlite: OpenDatabase? { (engine as? SQLiteWorkspaces)?.database }
}
