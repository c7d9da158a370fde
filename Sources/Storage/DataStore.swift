/// Storage: what Ferry keeps, and the only room in which SQL is written.
///
/// It knows two databases, or one PostgreSQL database with both. `ferry.db` holds the log of accepted messages, how far each
/// integration has come in it, the operations that Customer.io refused for good and the messages that Ferry refused.
/// `workspace.db` holds the embedded workspaces. Other rooms see named operations in domain words, each one transaction; they
/// never see a row, a statement or a connection. This room refuses to know what an event, an operation or a person means: it stores bytes,
/// compares identifiers byte for byte, and keeps promises about order and durability. It never reads a clock.
///
/// | database | `synchronous` | what an answer means |
/// |---|---|---|
/// | `ferry.db` | `FULL` | on the disk: survives the loss of power |
/// | `workspace.db` | `NORMAL` | handed to the system: survives `kill -9`, may lose its end with the power |
///
/// The workspace stands in for somebody else's service, and pays no disk flush for each request therefore.
package struct DataStore: Sendable {
    /// Where the data is.
    package enum Location: Sendable, Equatable {
        /// Nowhere: gone with the process.
        case memory
        /// A folder of the file system, created if it is missing (mode 0700, its files 0600).
        case folder(String)
        /// Everything in a PostgreSQL database (`postgresql://…`), in the schema `ferry`, but for what is of this machine alone,
        /// which is in a folder: who it is, the key that seals secrets, and the spool. Without a folder that part is in memory.
        case postgres(String, folder: String?)
    }

    /// Bounds of what waits and of what is kept.
    package struct Limits: Sendable {
        /// Events that may wait for their commit; beyond them `append` throws `overloaded`.
        package var waitingEvents = 20_000
        /// Bytes that may wait for their commit; beyond them `append` throws `overloaded`.
        package var waitingBytes = 64 << 20
        /// Keys for deduplication that are kept in memory before they are filed; up to twice as many are there while they
        /// are. Each takes about 60 bytes.
        package var recentKeys = 65_536
        /// Bytes of refused messages kept; the oldest leave first (design.md, "What is stored").
        package var refusedBytes: Int64 = 100_000_000
        /// Days for which refused messages are kept.
        package var refusedDays = 7
        /// How long PostgreSQL may take to append before it is given up, and senders told to come again: longer than it may
        /// wait for a lock.
        package var appendTimeout = Duration.seconds(20)
        /// Bytes kept of one refused message; the rest is cut off. No more than a twentieth of `refusedBytes` is.
        package var refusedMessageBytes = 4 << 20

        package init() {}

        /// Where one refused message is cut.
        var refusedMessageEnd: Int { min(refusedMessageBytes, Int(refusedBytes / 20)) }
    }

    package let log: EventLog
    package let ledger: Ledger
    package let failures: Failures
    package let jobs: Jobs
    package let revisions: Revisions
    /// The sources that live here.
    package let sources: KeptSources
    package let refusedMessages: RefusedMessages
    package let retention: LogRetention
    package let erasures: Erasures
    /// Those who share the log, and what each of them may do alone.
    package let nodes: Nodes
    package let workspaces: WorkspaceStore
    /// Sessions of the console that are over.
    package let endedSessions: EndedSessions

    /// What messages call the place of the log.
    package var name: String { engine.name }

    private let engine: any LogEngine
    private let workspaceEngine: any WorkspaceEngine
    private let folder: DataFolder?
    private let seal: SecretSeal

    /// Opens the databases, makes them if they are missing and brings their tables up to date.
    ///
    /// It blocks: call it at the start of a process. A folder belongs to one store at a time.
    ///
    /// - Parameters:
    ///   - location: where they are.
    ///   - about: what other nodes are told of this one.
    ///   - limits: of what waits and of what is kept.
    ///   - slow: is told of statements that take long.
    ///   - spool: whether and how events wait in the folder while the database of the log can't take them.
    /// - Throws: `unwritable`, `locked` when another process (or another store of this one) holds the folder, or nodes of an
    ///   earlier version the database; `newerVersion`, `corrupt`, `full`; `refused` where this node's key is not that of the
    ///   others, or a data folder holds a spool with events for a database.
    package init(
        opening location: Location,
        about: Nodes.About = Nodes.About(host: "", version: ""),
        limits: Limits = Limits(),
        slow: SlowStatements? = nil,
        spool: SpoolSettings = SpoolSettings()
    ) throws(StorageError) {
        let folder: DataFolder?
        switch location {
        case .memory, .postgres(_, folder: nil): folder = nil
        case .folder(let path), .postgres(_, folder: let path?): folder = try DataFolder(path)
        }
        let engine: any LogEngine
        let workspaceEngine: any WorkspaceEngine
        var (node, keeper): (String, PostgresLane?) = ("", nil)
        switch location {
        case .memory, .folder:
            try Spool.refuseLeft(in: folder?.path)
            engine = try SQLiteLog(in: folder, limits: limits, slow: slow)
            workspaceEngine = try SQLiteWorkspaces(in: folder, slow: slow)
        case .postgres(let url, folder: _):
            node = try NodeIdentity.id(in: folder)
            let log = try PostgresLog(url, limits: limits, slow: slow, node: node) { () throws(StorageError) in
                try Spool.open(in: folder, spool, limits: limits, slow: slow)
            }
            (engine, keeper) = (log, log.keeper)
            workspaceEngine = try PostgresWorkspaces(url, slow: slow, isAway: log.isAway)
        }
        seal = try SecretSeal(in: folder)
        nodes = Nodes(node, keeper: keeper, about: about, seal: seal)
        try nodes.join(isLasting: folder != nil)
        let commits = GroupCommit(engine, limits: limits)
        let gate = LogGate()
        log = EventLog(commits, gate: gate)
        retention = LogRetention(commits, gate: gate)
        ledger = Ledger(commits, keys: log.orderKeys)
        failures = Failures(commits)
        jobs = Jobs(commits)
        revisions = Revisions(commits, seal: seal)
        sources = KeptSources(commits, seal: seal)
        endedSessions = EndedSessions(commits)
        refusedMessages = RefusedMessages(commits, keys: log.keys, limits: limits)
        workspaces = WorkspaceStore(workspaceEngine, seal: seal)
        erasures = Erasures(log, workspaces: workspaceEngine)
        self.engine = engine
        self.workspaceEngine = workspaceEngine
        self.folder = folder
        engine.startForwarding { [log] in log.wakeReaders() }
    }

    /// A signer for a purpose and a secret, whose signatures every store with the same `seal.key` knows; for data without a
    /// folder this one alone.
    package func signer(for purpose: String, with secret: String) -> Signer { seal.signer(for: purpose, with: secret) }
    /// What waits on this machine's disk while the database of the log can't take it; `nil` where nothing ever does.
    package var spool: SpoolStatus? { engine.spool }

    /// Closes the databases and lets go of the folder. What waits for its commit at that moment may get an error.
    ///
    /// - Throws: the first error; the other database is closed and the folder let go all the same.
    package func close() throws(StorageError) {
        var failure: StorageError?
        do { try engine.close() } catch { failure = error }
        do { try workspaceEngine.close() } catch { failure = failure ?? error }
        folder?.letGo()
        if let failure { throw failure }
    }
}
