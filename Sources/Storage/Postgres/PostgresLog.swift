import Postgres
import Synchronization

/// The log in a PostgreSQL database, in the schema `ferry`.
///
/// Any number of writers may append: a number of the log is given out under a lock that is held until the commit can be
/// seen, so whoever reads up to a number misses nothing below it (`PostgresSchema.append`). Reading, appending and everything
/// else have connections of their own, and don't wait for each other.
final class PostgresLog: LogEngine {
    let name: String
    let secret: [UInt8]
    /// Whether the database is known not to answer at the moment.
    let isAway: (@Sendable () -> Bool)?
    private let readers: [PostgresLane]
    private let writer: PostgresLane
    private let appends: PostgresAppends
    let ownSpool: Spool?
    private let forwarding: PostgresForwarding?
    private let forwards: PostgresLane
    /// Keeps the leases of a node; `nil` for one that is none.
    let keeper: PostgresLane?

    /// Connections that read; each has one query at a time.
    private static let readerCount = 4

    /// Those that a Ferry keeps open: beside the readers one writes, one appends, and one keeps its leases.
    static let connectionCount = readerCount + 3

    /// Connects, makes the tables if they are missing and brings them up to date.
    ///
    /// It blocks: call it at the start of a process.
    ///
    /// - Throws: `unavailable`, `unwritable` where the user may not make tables, `newerVersion`.
    /// - Parameters:
    ///   - text: the database's URL.
    ///   - limits: bounds of what waits.
    ///   - slow: is told of statements that take long.
    ///   - node: what the database knows this process by; `nil` for one that only appends and reads.
    ///   - openSpool: opens what events wait in while the database takes none, where they are to.
    init(
        _ text: String,
        limits: DataStore.Limits,
        slow: SlowStatements? = nil,
        node: String?,
        openSpool: () throws(StorageError) -> Spool? = { () throws(StorageError) in nil }
    ) throws(StorageError) {
        do {
            let url = try PostgresURL(text)
            name = "\(url)"
            var options = Self.options
            options.observer = slow?.observer(of: "postgresql")
            let keeper = node.map { Self.keeper(of: $0, url) }
            self.keeper = keeper
            let connection = try PostgresConnection(url, options: options)
            defer { connection.close() }
            try Self.migrate(connection)
            try CopyState.refuseHalf(Connection(connection), name)
            secret = try LogTables.secret(Connection(connection))
            let appending = options
            // A statement may take its time, while the server is there: the node's keeper asks it ten times a second.
            if let keeper { options.givesUp = { keeper.isSilent(for: Self.silence) } }
            isAway = options.givesUp
            readers = (1...Self.readerCount).map { [options] in PostgresLane("reader \($0)", url, options) }
            writer = PostgresLane("writer", url, options, begin: Self.sharing())
            options = appending
            let spool = try openSpool()
            try spool?.introduce(to: connection)
            forwards = PostgresLane("forwards", url, options, begin: Self.sharing())
            let (forwards, secret, name) = (forwards, secret, name)
            let forwarding = spool.map { PostgresForwarding($0, forwards, secret: secret, name: name) }
            (self.ownSpool, self.forwarding) = (spool, forwarding)
            options.statementTimeout = limits.appendTimeout
            if spool != nil { options.loseNoTime() }
            appends = PostgresAppends(
                PostgresLane("appends", url, options, begin: Self.sharing()),
                limits: limits,
                name: name,
                spool: spool,
                forwarding: forwarding
            )
            try keeper?.prepare()
            try writer.prepare()
        } catch {
            throw StorageError(error, file: "the database")
        }
    }

    /// A server that has not answered the keeper for so long is away: one that is there answers, if only that it took too long.
    private static let silence = Duration.seconds(6)

    private static func keeper(of node: String, _ url: PostgresURL) -> PostgresLane {
        var options = Self.options
        // Whoever does not get through soon has to know.
        options.settings += [("statement_timeout", "5s"), ("lock_timeout", "3s")]
        options.statementTimeout = silence
        // The others wait for a beat that has begun: whoever stands still in the middle of one is not waited for.
        options.settings.append(("idle_in_transaction_session_timeout", "2s"))
        let begin = beginning { try PostgresHold.join($0, as: node, isAgain: $1) }
        return PostgresLane("keeper", url, options, begin: begin)
    }

    /// For connections that write.
    static func sharing() -> @Sendable (PostgresConnection) throws -> Void {
        beginning { try PostgresHold.share($0, isAgain: $1) }
    }

    /// What is done with each new connection, where it is of interest whether it is the first.
    private static func beginning(
        _ begin: @escaping @Sendable (PostgresConnection, _ isAgain: Bool) throws -> Void
    ) -> @Sendable (PostgresConnection) throws -> Void {
        let isAgain = Mutex(false)
        return { connection in
            try isAgain.withLock { isAgain in
                try begin(connection, isAgain)
                isAgain = true
            }
        }
    }

    /// A newer version changes no table under an older one, so it waits until the other nodes are gone.
    private static func migrate(_ connection: PostgresConnection) throws {
        do {
            try PostgresHold.takeAlone(connection)
        } catch let error as StorageError where error.code == .locked {
            guard try PostgresSchema.isMade(connection) else {
                throw StorageError(
                    .locked,
                    "another Ferry makes the tables of \(connection.url), or nodes of an earlier version use it"
                )
            }
            return
        }
        try PostgresSchema.migrate(connection)
        try PostgresHold.letGo(connection)
    }

    static var options: PostgresOptions {
        var options = PostgresOptions()
        options.needsWriting = true
        options.settings = [
            ("search_path", PostgresSchema.name),
            // A server that stands still is one that is down.
            ("statement_timeout", "60s"), ("lock_timeout", "15s"),
            // A client that was stopped in the middle of a transaction lets go of its locks.
            ("idle_in_transaction_session_timeout", "10s"),
            // One that the network has swallowed does not keep what it holds for hours.
            ("tcp_keepalives_idle", "10"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3"),
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
        try await readers.read(as: name, work)
    }

    func withWriter(_ work: @escaping @Sendable (Transactions) -> Void) {
        writer.perform { ready in
            work { body in
                try ready.get().transaction { try body($0) }
            }
        }
    }

    func append(
        _ events: [NewEvent],
        keys: [MessageKey?],
        _ commits: GroupCommit,
        answer: @escaping @Sendable (Result<[Appended], StorageError>) -> Void
    ) {
        appends.append(events, keys: keys, answer: answer)
    }

    var writerAppends: Bool { false }

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

    var spool: SpoolStatus? { ownSpool?.status }

    func startForwarding(wake: @escaping @Sendable () -> Void) { forwarding?.start(wake: wake) }

    // PostgreSQL's files are the server's: what is dead in them its own vacuum overwrites.
    func rewrite(smallBytes: Int64) async throws(StorageError) { try await ownSpool?.rewrite(smallBytes: smallBytes) }
    func cutJournal() async throws(StorageError) -> Bool { try await ownSpool?.cutJournal() ?? true }

    func close() throws(StorageError) {
        // Only when nothing goes into the database any more, for what waits comes first.
        appends.close()
        ownSpool?.end()
        forwards.close()
        writer.close()
        keeper?.close()
        for reader in readers { reader.close() }
        try ownSpool?.close()
    }
}

extension PostgresOptions {
    /// For what need not wait, because there is a spool.
    fileprivate mutating func loseNoTime() {
        statementTimeout = .seconds(5)
        silenceTimeout = .seconds(5)
    }
}
