import GRDB

/// The log in a file of its own, `ferry.db` or that of a spool, whose one writer is this process.
final class SQLiteLog: LogEngine {
    let database: OpenDatabase
    let secret: [UInt8]
    private let seen: SeenMessages

    /// - Throws: `unwritable`, `locked`, `newerVersion`, `corrupt`, `full`.
    init(
        in folder: DataFolder?,
        named file: String = "ferry.db",
        with migrator: DatabaseMigrator = LogSchema.migrator,
        limits: DataStore.Limits,
        slow: SlowStatements?
    ) throws(StorageError) {
        database = try OpenDatabase(
            file,
            in: folder,
            durability: .everyCommit,
            migrator: migrator,
            slow: slow
        )
        do {
            let file = database.file
            try database.writer.read { try CopyState.refuseHalf(Connection($0), file) }
        } catch {
            throw StorageError(error, file: database.file)
        }
        seen = try SeenMessages(database, filedAt: limits.recentKeys)
        do {
            secret = try database.writer.read { try LogTables.secret(Connection($0)) }
        } catch {
            throw StorageError(error, file: database.file)
        }
    }

    var name: String { database.file }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await database.read { try work(Connection($0)) }
    }

    func withWriter(_ work: @escaping @Sendable (Transactions) -> Void) {
        database.writer.asyncWriteWithoutTransaction { [self] connection in carryOut(work, connection) }
    }

    /// The same, and waits for it: it blocks.
    func write<Value>(_ work: (Transactions) throws -> Value) throws -> Value {
        try database.writer.writeWithoutTransaction { connection in try carryOut(work, connection) }
    }

    private func carryOut<Value>(_ work: (Transactions) throws -> Value, _ connection: Database) rethrows -> Value {
        defer { database.committed(connection) }
        return try work { body in
            do {
                try connection.inTransaction(.immediate) {
                    try body(Connection(connection))
                    return .commit
                }
                seen.transactionEnded(isCommitted: true)
            } catch {
                seen.transactionEnded(isCommitted: false)
                throw error
            }
        }
    }

    func append(
        _ events: [NewEvent],
        keys: [MessageKey?],
        _ commits: GroupCommit,
        answer: @escaping @Sendable (Result<[Appended], StorageError>) -> Void
    ) {
        commits.commit(Weight(of: events), { [self] in try append(events, keys: keys, $0) }, answer: answer)
    }

    var writerAppends: Bool { true }

    func append(_ events: [NewEvent], keys: [MessageKey?], _ connection: Connection) throws -> [Appended] {
        guard case .sqlite(let connection) = connection.engine else { return [] }
        let insert = try DirectStatement(
            """
            INSERT INTO events (source, message_id, type, name, user_id, anonymous_id, received_at, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            connection
        )
        var results: [Appended] = []
        results.reserveCapacity(events.count)
        for (event, key) in zip(events, keys) {
            if let key, let seq = try seen.find(key, receivedAt: event.receivedAt, connection) {
                try noteRepeat(of: seq, at: event.receivedAt, connection)
                results.append(.duplicate(of: seq))
                continue
            }
            try insert.bind(1, event.source)
            try insert.bind(2, event.messageId)
            try insert.bind(3, event.type)
            try insert.bind(4, event.name)
            try insert.bind(5, event.userId)
            try insert.bind(6, event.anonymousId)
            try insert.bind(7, event.receivedAt)
            try insert.bind(8, event.body)
            try insert.run()
            let seq = connection.lastInsertedRowID
            if let key { try seen.remember(key, seq: seq, receivedAt: event.receivedAt, connection) }
            results.append(.stored(seq: seq))
        }
        if let newest = events.lazy.map(\.receivedAt).max() { try seen.file(for: events.count, at: newest, connection) }
        return results
    }

    /// Counts that a message came again; how often and when last is all that is kept of it.
    private func noteRepeat(of seq: Int64, at time: Int64, _ connection: Database) throws {
        try Connection(connection).run(
            """
            INSERT INTO repeats (seq, times, last_at) VALUES (?, 1, ?)
            ON CONFLICT (seq) DO UPDATE SET times = times + 1, last_at = excluded.last_at
            """,
            [seq, time]
        )
    }

    func progress(_ commits: GroupCommit) -> (statistics: CommitStatistics, waitingEvents: Int) { commits.progress }

    // The disk that it would wait on is the log's own.
    var spool: SpoolStatus? { nil }
    func startForwarding(wake: @escaping @Sendable () -> Void) {}

    func rewrite(smallBytes: Int64) async throws(StorageError) {
        for table in Self.restless {
            try await database.write { try Self.rewrite(table, $0) }
        }
        try await database.rewrite(smallBytes: smallBytes)
    }

    /// Tables in whose middle rows come and go. When SQLite moves rows there to other pages, copies stay in unused parts of
    /// the old ones.
    private static let restless = ["exceptions", "kept_events"]
    /// Up to so many rows a table is written anew: it takes a part of a second.
    private static let rewritten = 50_000

    /// Writes a table into pages of its own, and overwrites the old ones.
    private static func rewrite(_ table: String, _ connection: Database) throws {
        let rows = try connection.row("SELECT count(*) FROM (SELECT 1 FROM \(table) LIMIT \(rewritten + 1))")
        guard let rows, try rows.integer(0) <= rewritten else { return }
        try connection.execute(
            sql: """
                CREATE TEMP TABLE moved AS SELECT * FROM main.\(table);
                DELETE FROM main.\(table);
                INSERT INTO main.\(table) SELECT * FROM moved;
                DROP TABLE moved;
                """
        )
    }

    func cutJournal() async throws(StorageError) -> Bool {
        try await database.cutJournal()
    }

    /// Makes the file smaller where much of it is empty, after what was asked for before; if it can.
    func giveBackRoom() {
        database.writer.asyncWriteWithoutTransaction { [self] connection in
            let free = try? connection.row(
                "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"
            )
            guard let free, let bytes = try? free.integer(0), bytes > Self.spareBytes else { return }
            try? connection.execute(sql: "VACUUM")
            database.committed(connection)
        }
    }

    private static let spareBytes: Int64 = 16 << 20

    func close() throws(StorageError) {
        try database.close()
    }
}
