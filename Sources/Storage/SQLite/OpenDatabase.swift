import GRDB

/// One open database: its connections, and its errors in our words.
final class OpenDatabase: Sendable {
    /// When an answered commit is safe.
    enum Durability {
        /// On the disk.
        case everyCommit
        /// With the system: whatever happens to this process, it stays.
        case untilPowerLoss
    }

    let writer: any DatabaseWriter
    /// What messages call it.
    let file: String
    /// `nil` in memory, where there is no journal.
    private let checkpointer: Checkpointer?
    /// Held while the database is open.
    private let folder: DataFolder?

    init(
        _ name: String,
        in folder: DataFolder?,
        durability: Durability,
        migrator: DatabaseMigrator,
        slow: SlowStatements? = nil
    ) throws(StorageError) {
        let path = try folder?.file(name)
        self.folder = folder
        file = path ?? "\(name) in memory"
        do {
            writer = try Self.connect(path, durability: durability) { slow?.watch($0, of: name) }
            checkpointer = try path.map { try Checkpointer(path: $0, durability: durability) }
            try Self.migrate(writer, with: migrator, name: name)
        } catch {
            throw StorageError(error, file: file)
        }
    }

    private static func connect(
        _ path: String?,
        durability: Durability,
        watch: @escaping @Sendable (Database) -> Void
    ) throws -> any DatabaseWriter {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        configuration.label = "ferry.storage"
        // What leaves is overwritten, so that nothing of an erased person stays in free pages. Retention writes about twice
        // as much for it; what arrives pays nothing. Nor does anything go into files beside these.
        configuration.prepareDatabase { connection in
            try connection.execute(sql: "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY")
            watch(connection)
        }
        guard let path else {
            return try DatabaseQueue(configuration: configuration)
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        // The pool sets NORMAL itself when it opens, so the level is chosen after it has.
        try pool.writeWithoutTransaction { database in
            switch durability {
            case .everyCommit: try database.execute(sql: "PRAGMA synchronous = FULL")
            case .untilPowerLoss: try database.execute(sql: "PRAGMA synchronous = NORMAL")
            }
            try database.execute(sql: "PRAGMA fullfsync = ON")
            // 8 MiB of pages; with 32 nothing was faster, for the system keeps them too.
            try database.execute(sql: "PRAGMA cache_size = -8192")
            // See `Checkpointer`.
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
        }
        return pool
    }

    private static func migrate(
        _ writer: any DatabaseWriter,
        with migrator: DatabaseMigrator,
        name: String
    ) throws {
        try refuseNewer(writer, than: migrator, name: name)
        try migrator.migrate(writer)
    }

    /// - Throws: `newerVersion` where a migration was run that this version doesn't know. Nothing is changed.
    static func refuseNewer(
        _ database: any DatabaseReader,
        than migrator: DatabaseMigrator,
        name: String
    ) throws {
        let applied = try database.read { try migrator.appliedIdentifiers($0) }
        let known = migrator.migrations
        guard applied.isSubset(of: known) else {
            throw StorageError(
                .newerVersion,
                "\(name) was written by a newer version of Ferry (schema \(applied.count)); "
                    + "this one knows up to \(known.count). Use that version, restore a backup that was made before "
                    + "it came, or choose another data folder"
            )
        }
    }

    /// Tells of a commit, on the writer's connection and outside of a transaction.
    func committed(_ connection: Database) {
        checkpointer?.committed(connection)
    }

    func close() throws(StorageError) {
        do {
            try writer.close()
            // Last, because a connection that writes then folds in the rest of the journal and removes it. (GRDB closes
            // its readers behind its writer, who can do neither.)
            try checkpointer?.close()
        } catch {
            throw StorageError(error, file: file)
        }
    }

    /// Reads on a connection of its own, off the cooperative pool. It ends whatever becomes of the calling task.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        let file = file
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            let answer: @Sendable (Result<Database, any Error>) -> Void = { connection in
                do {
                    continuation.resume(returning: .success(try work(try connection.get())))
                } catch {
                    continuation.resume(returning: .failure(StorageError(error, file: file)))
                }
            }
            if let pool = writer as? DatabasePool {
                pool.asyncRead(answer)
            } else {
                // In memory there is one connection: what reads has it to itself anyway. (A read of GRDB's would end
                // the process if it came after `close`.)
                writer.asyncWriteWithoutTransaction { answer(.success($0)) }
            }
        }
        return try result.get()
    }

    /// Does all of `work` or none of it, off the cooperative pool. It ends whatever becomes of the calling task, for a
    /// transaction that is broken off half-way would leave the caller in doubt.
    func write<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        let file = file
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            writer.asyncWrite(work) { [self] connection, result in
                if case .success = result { committed(connection) }
                continuation.resume(returning: result.mapError { StorageError($0, file: file) })
            }
        }
        return try result.get()
    }
}
