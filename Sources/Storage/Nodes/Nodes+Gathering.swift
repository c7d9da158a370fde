import Synchronization

/// Integrations that a node needs for a moment: for a change that is for what waits too, or for an erasure.
extension Nodes {
    /// How long other nodes may take to let go of something: longer than a request, and than a node that is gone.
    private static let bringing = Duration.seconds(30)
    /// How long an erasure on another node is waited for. It may itself wait for a destination, for days.
    private static let erasing = Duration.seconds(5)

    /// Another node that has everything, or is about to, because of an erasure.
    private var otherGatherer: Node? {
        state.withLock { state in
            state.seen.nodes.first { $0.id == state.seen.gatherer && $0.id != id }
        }
    }

    /// Does something while this node delivers to these integrations, and no other one.
    ///
    /// - Throws: `busy` where another node does not let go; what `work` throws.
    package func bringing<Value>(_ integrations: [String], _ work: () async throws -> Value) async throws -> Value {
        guard keeper != nil, !integrations.isEmpty else { return try await work() }
        let names = integrations.map(LeaseName.integration)
        state.withLock { state in for name in names { state.wanted[name, default: 0] += 1 } }
        defer {
            state.withLock { state in
                for name in names { state.wanted[name] = state.wanted[name].flatMap { $0 > 1 ? $0 - 1 : nil } }
            }
        }
        try await wait { [self] in names.allSatisfy { held($0) != nil } }
        return try await work()
    }

    /// Does something while this node holds the leases of all integrations.
    ///
    /// - Throws: `busy` where another node does not let go; what `work` throws.
    package func gathering<Value>(
        _ work: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        guard keeper != nil else { return try await work() }
        state.withLock { $0.gathering += 1 }
        defer { state.withLock { $0.gathering -= 1 } }
        try await wait { [self] in held(.erasing) != nil && hasGathered }
        return try await work()
    }

    private func wait(for isReached: () -> Bool) async throws(StorageError) {
        let start = ContinuousClock.now
        repeat {
            try await beat()
            if isReached() { return }
            if let eraser = otherGatherer, start.duration(to: .now) > Self.erasing {
                throw StorageError(
                    .busy,
                    """
                    the node \(eraser.id) on \(eraser.about.host) has all integrations until the erasures that are under way are \
                    done: ask it (\(eraser.about.privateURL)), or try again then
                    """
                )
            }
            try? await Task.sleep(for: .milliseconds(100))
        } while !Task.isCancelled && start.duration(to: .now) < Self.bringing
        throw StorageError(.busy, "another node does not let go of its integrations; try again in a moment")
    }
}
