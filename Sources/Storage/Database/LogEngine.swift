/// Where the log and everything about delivery is kept, in one of two ways: what both do, each as it can.
///
/// Everything else is statements on a `Connection`, written once for both.
protocol LogEngine: Sendable {
    /// What messages call it.
    var name: String { get }
    /// The secret of the keys by which messages and people are known, 16 bytes.
    var secret: [UInt8] { get }

    /// Reads, all of it as of one moment, off the cooperative pool. It ends whatever becomes of the calling task.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value

    /// Calls `work` where the one writer is, after what was asked for before, and hands it what carries out a transaction.
    func withWriter(_ work: @escaping @Sendable (Transactions) -> Void)

    /// Appends messages with what recognises them again, in a group of its own making, and calls `answer` when they are on
    /// the disk: on the writer's thread, so that it must not block.
    func append(
        _ events: [NewEvent],
        keys: [MessageKey?],
        _ commits: GroupCommit,
        answer: @escaping @Sendable (Result<[Appended], StorageError>) -> Void
    )

    /// Whether it is the one writer who appends messages, too.
    var writerAppends: Bool { get }
    /// Appends messages as a part of a transaction.
    func append(_ events: [NewEvent], keys: [MessageKey?], _ connection: Connection) throws -> [Appended]

    /// How events came to the disk, and how many are on their way.
    func progress(_ commits: GroupCommit) -> (statistics: CommitStatistics, waitingEvents: Int)

    /// What waits for the database on this machine's disk; `nil` where nothing ever does.
    var spool: SpoolStatus? { get }
    /// Brings what waits there into the log, and calls `wake` each time that some of it has come.
    func startForwarding(wake: @escaping @Sendable () -> Void)

    /// Overwrites what is left in unused parts of files, where there are any that Ferry owns (`smallBytes`: up to which size
    /// as a whole).
    func rewrite(smallBytes: Int64) async throws(StorageError)
    /// Cuts off the journal. Whether it could.
    func cutJournal() async throws(StorageError) -> Bool

    func close() throws(StorageError)
}

/// Carries out transactions on the writer: all of a body or, when it throws, nothing of it.
typealias Transactions = (_ body: (Connection) throws -> Void) throws -> Void
