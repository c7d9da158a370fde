/// The embedded workspaces in a file of their own, `workspace.db`.
final class SQLiteWorkspaces: WorkspaceEngine {
    let database: OpenDatabase

    /// - Throws: `unwritable`, `newerVersion`, `corrupt`, `full`.
    init(in folder: DataFolder?, slow: SlowStatements? = nil) throws(StorageError) {
        database = try OpenDatabase(
            "workspace.db",
            in: folder,
            durability: .untilPowerLoss,
            migrator: WorkspaceSchema.migrator,
            slow: slow
        )
    }

    var isShared: Bool { false }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await database.read { try work(Connection($0)) }
    }

    func write<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        try await database.write { try work(Connection($0)) }
    }

    func rewrite(smallBytes: Int64) async throws(StorageError) { try await database.rewrite(smallBytes: smallBytes) }
    func cutJournal() async throws(StorageError) -> Bool { try await database.cutJournal() }
    func close() throws(StorageError) { try database.close() }
}
