import GRDB

/// Leaving nothing in the files but what statements can read.
extension OpenDatabase {
    /// Writes a small database anew: SQLite leaves copies of rows that it moved from one page to another in unused parts of
    /// pages.
    ///
    /// - Parameter smallBytes: Up to this size it is done, while everybody who writes waits.
    /// - Throws: the errors of the disk; nothing is lost then.
    func rewrite(smallBytes: Int64) async throws(StorageError) {
        try await withWriter { connection in
            let pages = try Int64.fetchOne(connection, sql: "PRAGMA page_count") ?? 0
            let pageSize = try Int64.fetchOne(connection, sql: "PRAGMA page_size") ?? 0
            if pages * pageSize <= smallBytes { try connection.execute(sql: "VACUUM") }
        }
    }

    /// Folds the journal in and cuts it off. Whether it could: whoever reads at the moment may be in the way.
    func cutJournal() async throws(StorageError) -> Bool {
        try await withWriter { [file] connection in
            // In memory there is none.
            guard try String.fetchOne(connection, sql: "PRAGMA journal_mode") == "wal" else { return true }
            // Everybody who writes waits meanwhile, so that readers are not waited for.
            try connection.execute(sql: "PRAGMA busy_timeout = 50")
            defer { try? connection.execute(sql: "PRAGMA busy_timeout = 5000") }
            return try FailedFlush.endsProcess(of: file) {
                try connection.row("PRAGMA wal_checkpoint(TRUNCATE)")?.integer(0) == 0
            }
        }
    }

    /// Does something between two transactions, off the cooperative pool.
    private func withWriter<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        let file = file
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            writer.asyncWriteWithoutTransaction { connection in
                do {
                    continuation.resume(returning: .success(try work(connection)))
                } catch {
                    continuation.resume(returning: .failure(StorageError(error, file: file)))
                }
            }
        }
        return try result.get()
    }
}
