package import LosslessJSON
package import Storage

/// A workspace as a whole, for those who test against it: kept aside, put back, filled.
extension Workspace {
    /// Everything that the workspace remembers; `nil` when that has more than `bytes`.
    package func snapshot(upTo bytes: Int64) async throws(StorageError) -> JSON? {
        try await read { try $0.snapshot(upTo: bytes) }
    }

    /// Puts what is in a snapshot in the place of what the workspace remembers: all of it, or nothing.
    ///
    /// - Returns: why it can't be restored.
    package func restore(_ snapshot: JSON) async throws(StorageError) -> WorkspaceSnapshot.Refused? {
        let content: WorkspaceSnapshot.Content
        do {
            content = try WorkspaceSnapshot.Content(snapshot)
        } catch {
            return error
        }
        let refused = Outbox<WorkspaceSnapshot.Refused>()
        do {
            try await store.write(in: name) { transaction in
                do {
                    try transaction.restore(content)
                } catch let refusal as WorkspaceSnapshot.Refused {
                    refused.put(refusal)
                    throw refusal
                }
            }
            return nil
        } catch {
            guard let refusal = refused.value else { throw error }
            return refusal
        }
    }

    /// Carries out operations as `carryOut(batch:now:)` does, but all of them or, where one is refused, none.
    ///
    /// - Returns: the refusals with the position of their operation, from 0.
    package func seed(
        _ operations: [JSON],
        now: Int64
    ) async throws(StorageError) -> [(index: Int, refusal: Refusal)] {
        var commands: [Command] = []
        var refused: [(index: Int, refusal: Refusal)] = []
        for (index, operation) in operations.enumerated() {
            switch Command.parsed(operation, settings: settings, now: now) {
            case .command(let command): commands.append(command)
            case .refused(let refusals): refused += refusals.map { (index, $0) }
            }
        }
        guard refused.isEmpty else { return refused }
        try await carryOut(commands, now: now)
        return []
    }
}
