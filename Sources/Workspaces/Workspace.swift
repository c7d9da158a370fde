package import LosslessJSON
package import Storage

/// Workspaces: what Customer.io does with the operations it receives, on our own tables.
///
/// A workspace takes the items of the Track API, refuses those that the API refuses, and carries out the others: it
/// finds or makes the person, decides whether an identifier may change, keeps the newest value of each attribute,
/// joins anonymous events, merges, suppresses, and writes down in an activity log what it did. It can be read back as
/// JSON. The rules are those of track-api.md; each stands at the place where it is applied, with its section. This
/// room refuses to know HTTP (paths, credentials, sizes of bodies, statuses), SQL, and what time it is: the time of
/// receipt is passed in.
package struct Workspace: Sendable {
    /// What the workspace is called.
    package let name: String
    let store: WorkspaceStore
    let settings: WorkspaceSettings

    /// The workspace of this name; it is made when it is first written.
    package init(name: String, in store: WorkspaceStore, settings: WorkspaceSettings = WorkspaceSettings()) {
        self.name = name
        self.store = store
        self.settings = settings
    }

    /// Carries out one item of `POST /api/v2/entity`, received at `now` (Unix seconds).
    ///
    /// - Returns: why the item is refused; nothing was changed then. Empty when it was accepted, which does not mean
    ///   that
    ///   anything changed: a suppressed person or an unknown `cio_id` is accepted and ignored (track-api.md §3.1).
    /// - Throws: the error of the disk; nothing was changed then, and the item may be sent again.
    package func carryOut(entity: JSON, now: Int64) async throws(StorageError) -> [Refusal] {
        switch Command.parsed(entity, settings: settings, now: now) {
        case .refused(let refusals): return refusals
        case .command(let command):
            try await carryOut([command], now: now)
            return []
        }
    }

    /// Carries out the items of `POST /api/v2/batch` in their order, received at `now` (Unix seconds).
    ///
    /// A refused item does not stop the others. What was accepted is one transaction.
    ///
    /// - Returns: the refusals with the position of their item, which may have several.
    /// - Throws: the error of the disk; nothing was changed then, and the batch may be sent again.
    package func carryOut(
        batch: [JSON],
        now: Int64
    ) async throws(StorageError) -> [(index: Int, refusal: Refusal)] {
        var commands: [Command] = []
        var refused: [(index: Int, refusal: Refusal)] = []
        for (index, item) in batch.enumerated() {
            switch Command.parsed(item, settings: settings, now: now) {
            case .command(let command): commands.append(command)
            case .refused(let refusals): refused += refusals.map { (index, $0) }
            }
        }
        try await carryOut(commands, now: now)
        return refused
    }

    /// Carries out a call of version 1, received at `now` (Unix seconds); see `carryOut(entity:now:)`.
    ///
    /// - Parameters:
    ///   - call: what stands in the path.
    ///   - body: `null` where there is none.
    ///   - now: when it was received.
    /// - Returns: why the call is refused; empty when it was accepted.
    /// - Throws: the error of the disk; nothing was changed then.
    package func carryOut(_ call: V1Call, body: JSON, now: Int64) async throws(StorageError) -> [Refusal] {
        switch Command.parsed(call, body: body, settings: settings, now: now) {
        case .command(let command):
            try await carryOut([command], now: now)
            return []
        case .refused(let refusals):
            // The form is known from then on, though its answer is refused (track-api.md §9.10).
            if case .submitForm(let id) = call, 1...TrackLimit.identifier ~= id.utf8.count {
                try await carryOut([.registerForm(id)], now: now)
            }
            return refusals
        }
    }

    func carryOut(_ commands: [Command], now: Int64) async throws(StorageError) {
        guard !commands.isEmpty else { return }
        try await store.write(in: name) { [settings] transaction in
            let execution = Execution(workspace: transaction, settings: settings, now: now)
            for command in commands {
                try execution.carryOut(command)
            }
        }
    }

    /// Whether it is known whose a delivery is.
    package func knows(delivery id: String) async throws(StorageError) -> Bool {
        try await store.read(in: name) { try $0.delivery(id) != nil }
    }

    /// Empties the workspace.
    package func reset() async throws(StorageError) {
        try await store.write(in: name) { try $0.removeEverything() }
    }

    /// How many of each kind the workspace holds.
    package func counts() async throws(StorageError) -> WorkspaceCounts {
        try await store.read(in: name) { try $0.counts() }
    }

    func read<Value: Sendable>(
        _ work: @escaping @Sendable (WorkspaceTransaction) throws -> Value
    ) async throws(StorageError) -> Value {
        try await store.read(in: name, work)
    }
}
