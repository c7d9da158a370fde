import Postgres

/// The log in a PostgreSQL database, in the schema `ferry`.
///
/// Any number of writers may append: a number of the log is given out under a lock that is held until the commit can be
/// seen, so whoever reads up to a number misses nothing below it (`PostgresSchema.append`). Reading, appending and everything
/// else have connections of their own, and don't wait for each other.
final class PostgresLog: LogEngine {
    let name: String
    let secret: [UInt8]
    private let readers: [PostgresLane]
    private let writer: PostgresLane
    private let appends: PostgresAppends
    /// `nil` for one that only appends and reads.
    private let place: PostgresPlace?

    /// Connections that read; each has one query at a time.
    private static let readerCount = 4

    /// Connects, makes the tables if they are missing and brings them up to date.
    ///
    /// It blocks: call it at the start of a process.
    ///
    /// - Throws: `unavailable`, `unwritable` where the user may not make tables, `newerVersion`.
    /// - Parameters:
    ///   - text: the database's URL.
    ///   - limits: bounds of what waits.
    ///   - isAlone: whether another Ferry is kept out, and keeps this one out. Several can append and read; but each would
    ///     deliver everything.
    init(_ text: String, limits: DataStore.Limits, isAlone: Bool = true) throws(StorageError) {
        do {
            let url = try PostgresURL(text)
            name = "\(url)"
            let connection = try PostgresConnection(url, options: Self.options)
            defer { connection.close() }
            // A newer version that waits for its turn changes no table under an older one.
            if isAlone { try PostgresPlace.lock(connection) }
            try PostgresSchema.migrate(connection)
            try CopyState.refuseHalf(Connection(connection), name)
            secret = try LogTables.secret(Connection(connection))
            let place = isAlone ? PostgresPlace() : nil
            self.place = place
            readers = (1...Self.readerCount).map { PostgresLane("reader \($0)", url, Self.options) }
            writer = PostgresLane("writer", url, Self.options, begin: { try place?.take(on: $0) })
            appends = PostgresAppends(PostgresLane("appends", url, Self.options), limits: limits, name: name)
            if isAlone { try PostgresPlace.unlock(connection) }
            try writer.prepare()
        } catch {
            throw StorageError(error, file: "the database")
        }
    }

    static var options: PostgresOptions {
        var options = PostgresOptions()
        options.settings = [
            ("search_path", PostgresSchema.name),
            // A server that stands still is one that is down.
            ("statement_timeout", "60s"), ("lock_timeout", "15s"),
            // A client that was stopped in the middle of a transaction lets go of its locks.
            ("idle_in_transaction_session_timeout", "10s"),
            // Appending needs each of its statements to see what others have committed before it.
            ("default_transaction_isolation", "read committed"),
            // What was answered is on the disk, whatever the server's own choice is.
            ("synchronous_commit", "on"),
        ]
        return options
    }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        // Whoever has least to do; the first of them if all are idle.
        let reader = readers.min { $0.load < $1.load } ?? writer
        let result = await reader.performing { connection in
            try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { try work($0) }
        }
        return try get(result)
    }

    func withWriter(_ work: @escaping @Sendable (Transactions) -> Void) {
        writer.perform { [place] ready in
            work { body in
                let start = ContinuousClock.now
                if let place, place.isLost { throw place.lost }
                try ready.get().transaction { try body($0) }
                place?.answered(since: start)
            }
        }
    }

    var mayDeliver: Bool { place?.isCertain ?? true }

    func keepPlace() async throws(StorageError) {
        guard let place else { return }
        let result = await writer.performing { connection in
            let start = ContinuousClock.now
            _ = try connection.query("SELECT 1")
            place.answered(since: start)
        }
        if place.isLost { throw place.lost }
        try get(result)
    }

    func append(
        _ events: [NewEvent],
        keys: [MessageKey?],
        _ commits: GroupCommit
    ) async throws(StorageError) -> [Appended] {
        try await appends.append(events, keys: keys)
    }

    func append(_ events: [NewEvent], keys: [MessageKey?], _ connection: Connection) throws -> [Appended] {
        guard case .postgres(let connection) = connection.engine else { return [] }
        var results: [Appended] = []
        for batch in PostgresBatch.batches(events, keys) {
            results += try batch.results(of: try connection.query(PostgresBatch.statement, batch.values))
        }
        return results
    }

    func progress(_ commits: GroupCommit) -> (statistics: CommitStatistics, waitingEvents: Int) { appends.progress }

    /// Keeps what is appended waiting, for tests.
    func hold(_ wait: @escaping @Sendable () -> Void) { appends.hold(wait) }

    // PostgreSQL's files are the server's: what is dead in them its own vacuum overwrites.
    func rewrite(smallBytes: Int64) async throws(StorageError) {}
    func cutJournal() async throws(StorageError) -> Bool { true }

    func close() throws(StorageError) {
        appends.close()
        writer.close()
        for reader in readers { reader.close() }
    }

    private func get<Value>(_ result: Result<Value, any Error>) throws(StorageError) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let error): throw StorageError(error, file: name)
        }
    }
}
