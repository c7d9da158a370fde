import Postgres

/// The embedded workspaces in a PostgreSQL database, beside the log of the nodes that share them.
///
/// Any number of processes may write: each transaction holds the row of its workspace until the commit
/// (`WorkspaceTransaction`), so those of one workspace come one after the other and see one another. The connections are
/// made when they are needed.
final class PostgresWorkspaces: WorkspaceEngine {
    private let name: String
    private let writer: PostgresLane
    private let readers: [PostgresLane]

    /// A server that has not begun a transaction by then stands still: whoever comes is told so.
    private static let patience = Duration.seconds(5)

    /// Connections that read, and one that writes.
    static let connectionCount = 3

    /// - Parameters:
    ///   - text: the database's URL.
    ///   - slow: is told of statements that take long.
    ///   - isAway: whether the database is known not to answer at the moment.
    /// - Throws: `refused` where the text is no URL. Nothing is connected yet; `PostgresLog` has made the tables.
    init(_ text: String, slow: SlowStatements?, isAway: (@Sendable () -> Bool)?) throws(StorageError) {
        do {
            let url = try PostgresURL(text)
            var options = PostgresLog.options
            // Each row is found by an index, and a list is cut by one that has its order: however little the server knows of how
            // much there is, as after an import, or of one workspace that is larger than all the others.
            options.settings += ["bitmapscan", "hashjoin", "mergejoin"].map { ("enable_\($0)", "off") }
            options.observer = slow?.observer(of: "postgresql")
            options.givesUp = isAway
            name = "\(url)"
            readers = (1..<Self.connectionCount).map { [options] in PostgresLane("workspaces \($0)", url, options) }
            // Longer than it waits for another writer. What takes longer says so (`Connection.takesLong`).
            options.statementTimeout = .seconds(20)
            writer = PostgresLane("workspaces", url, options, begin: PostgresLog.sharing())
        } catch {
            throw StorageError(error, file: "the database")
        }
    }

    var isShared: Bool { true }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await readers.read(as: name, within: Self.patience, work)
    }

    func write<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await writer.performing(as: name) { connection in
            try connection.transaction(within: Self.patience) { try work($0) }
        }
    }

    // The files are the server's, as those of the log.
    func rewrite(smallBytes: Int64) async throws(StorageError) {}
    func cutJournal() async throws(StorageError) -> Bool { true }

    func close() throws(StorageError) {
        writer.close()
        for reader in readers { reader.close() }
    }
}
