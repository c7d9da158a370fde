import ServiceLifecycle
import Synchronization
import Workspaces

/// Requests that wait until something is in a workspace.
///
/// Nobody looks again before the workspace was written; where many wait, each looks a little more seldom.
final class Waits: Sendable {
    /// At a time.
    static let most = 2000
    static let longestSeconds = 30.0

    enum Outcome<Value> {
        case found(Value)
        case notThere
        /// As many wait as may.
        case noRoom
    }

    private let waiting = Mutex(0)

    /// What `look` finds, within so many seconds; without any it looks once.
    func outcome<Value>(
        within seconds: Double,
        in workspace: Workspace,
        _ look: () async throws -> Value?
    ) async throws -> Outcome<Value> {
        guard seconds > 0 else { return try await look().map { .found($0) } ?? .notThere }
        let hasRoom = waiting.withLock { waiting in
            guard waiting < Self.most else { return false }
            waiting += 1
            return true
        }
        guard hasRoom else { return .noRoom }
        defer { waiting.withLock { $0 -= 1 } }
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        while true {
            let writes = workspace.writes
            if let value = try await look() { return .found(value) }
            guard ContinuousClock.now < deadline, !Task.isCancelled, !Task.isShuttingDownGracefully else {
                return .notThere
            }
            await change(of: workspace, after: writes, or: deadline)
            try? await Task.sleep(for: .milliseconds(2 + waiting.withLock(\.self) / 5))
        }
    }

    /// Also ends when the server stops.
    private func change(of workspace: Workspace, after writes: UInt64, or deadline: ContinuousClock.Instant) async {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await workspace.change(after: writes) }
                group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
                await group.next()
                group.cancelAll()
            }
        }
    }
}

extension RequestQuery {
    /// For how many seconds to wait: `wait`, from 0 to 30; 0 without one, `nil` for anything else.
    var waitSeconds: Double? {
        guard let text = self["wait"] else { return 0 }
        guard let seconds = Double(text), 0...Waits.longestSeconds ~= seconds else { return nil }
        return seconds
    }
}
