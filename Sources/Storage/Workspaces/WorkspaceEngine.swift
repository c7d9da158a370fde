/// Where the embedded workspaces are kept, in one of two ways.
protocol WorkspaceEngine: Sendable {
    /// Whether others write here too.
    var isShared: Bool { get }

    /// Reads, all of it as of one moment, off the cooperative pool. It ends whatever becomes of the calling task.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value

    /// Does all of `work` or none of it, off the cooperative pool. It ends whatever becomes of the calling task.
    func write<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value

    /// Overwrites what is left in unused parts of a file, where there is one that Ferry owns.
    func rewrite(smallBytes: Int64) async throws(StorageError)
    /// Cuts off the journal. Whether it could.
    func cutJournal() async throws(StorageError) -> Bool

    func close() throws(StorageError)
}
