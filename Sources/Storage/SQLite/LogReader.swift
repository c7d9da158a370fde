import GRDB

/// The log of a data folder as it stands, also while another process writes it. Nothing is written and nothing is held.
package struct LogReader: Sendable {
    private let database: DatabaseQueue
    private let file: String

    /// - Throws: `StorageError` when there is no log in the folder, or it can't be read.
    package init(folder: String) throws(StorageError) {
        file = folder + "/ferry.db"
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            database = try DatabaseQueue(path: file, configuration: configuration)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
            throw StorageError(
                .unwritable,
                "\(file) can't be opened: is \(folder) the data folder, and may you read it?"
            )
        } catch {
            throw StorageError(error, file: file)
        }
    }

    /// Calls `visit` for the last `count` events of the log, the oldest first.
    package func forLast(_ count: Int, _ visit: (LoggedEvent) throws -> Void) throws {
        var position = try read { connection in
            let first = try Int64.fetchOne(
                connection,
                sql: "SELECT MIN(seq) FROM (SELECT seq FROM events ORDER BY seq DESC LIMIT ?)",
                arguments: [max(count, 0)]
            )
            return (first ?? 1) - 1
        }
        var left = count
        while left > 0 {
            let (after, limit) = (position, min(left, 500))
            let page = try read {
                try LogTables.events(after: after, limit: limit, maximumBytes: 8 << 20, Connection($0))
            }
            guard let last = page.last else { return }
            for event in page { try visit(event) }
            position = last.seq
            left -= page.count
        }
    }

    /// The newest revision of each integration.
    package func newestRevisions() throws(StorageError) -> [StoredRevision] {
        try read { connection in
            guard try connection.tableExists("revisions") else { return [] }
            return try RevisionTables.revisions(
                """
                AS one WHERE number = (SELECT max(number) FROM revisions WHERE integration = one.integration)
                """,
                [],
                Connection(connection)
            )
        }
    }

    private func read<Value>(_ work: (Database) throws -> Value) throws(StorageError) -> Value {
        do {
            return try database.read(work)
        } catch {
            throw StorageError(error, file: file)
        }
    }
}
