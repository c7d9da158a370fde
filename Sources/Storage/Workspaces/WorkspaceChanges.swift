import Synchronization

/// Tells of changes to the embedded workspaces, so that nobody has to look again and again.
package final class WorkspaceChanges: Sendable {
    private struct State {
        /// How often each workspace was written.
        var writes: [String: UInt64] = [:]
        var waiters: [String: [UInt64: CheckedContinuation<Void, Never>]] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    init() {}

    /// How often a workspace has been written in this process; ask before looking at what is in it.
    package func count(of workspace: String) -> UInt64 {
        state.withLock { $0.writes[workspace] ?? 0 }
    }

    /// Returns once a workspace was written more than `count` times, or when the task is cancelled.
    package func wait(for workspace: String, beyond count: UInt64) async {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    // Cancelled before it is in the list, nobody would wake it.
                    guard state.writes[workspace] ?? 0 <= count, !Task.isCancelled else { return true }
                    state.waiters[workspace, default: [:]][number] = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters[workspace]?.removeValue(forKey: number) }?.resume()
        }
    }

    func written(_ workspace: String) {
        let waiters = state.withLock { state in
            state.writes[workspace, default: 0] += 1
            return state.waiters.removeValue(forKey: workspace)
        }
        for waiter in (waiters ?? [:]).values { waiter.resume() }
    }
}
