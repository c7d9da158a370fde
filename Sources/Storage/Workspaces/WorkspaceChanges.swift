import Synchronization

/// Tells of changes to the embedded workspaces, so that nobody has to look again and again.
///
/// Where other processes write too, their changes are looked for while somebody waits: once for all who do. Whoever waits may
/// be woken without a change then, never too late.
package final class WorkspaceChanges: Sendable {
    /// How often each workspace was written by anybody; `nil` when that can't be known just now.
    typealias Writes = @Sendable () async -> [String: Int64]?

    private struct State {
        /// How often each workspace was written, or seen to have been.
        var writes: [String: UInt64] = [:]
        var waiters: [String: [UInt64: CheckedContinuation<Void, Never>]] = [:]
        var lastWaiter: UInt64 = 0
        /// What was seen last of what others write. It may be old: then it differs, and whoever waits looks again.
        var seen: [String: Int64] = [:]
        var isLooking = false
    }

    private let state = Mutex(State())
    private let writesOfAll: Writes?

    /// How long a change by another process may go unseen.
    private static let pause = Duration.milliseconds(200)

    /// - Parameter writes: tells what others have written; `nil` where there are none.
    init(byOthers writes: Writes? = nil) {
        writesOfAll = writes
    }

    /// How often a workspace has been written, as far as this process knows; ask before looking at what is in it.
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
                if isDone { continuation.resume() } else { lookForOthers() }
            }
        } onCancel: {
            state.withLock { state in
                let waiter = state.waiters[workspace]?.removeValue(forKey: number)
                if state.waiters[workspace]?.isEmpty == true { state.waiters[workspace] = nil }
                return waiter
            }?.resume()
        }
    }

    func written(_ workspace: String) {
        let waiters = state.withLock { state in
            state.writes[workspace, default: 0] += 1
            return state.waiters.removeValue(forKey: workspace)
        }
        for waiter in (waiters ?? [:]).values { waiter.resume() }
    }

    // MARK: What others write

    /// Looks, again and again, as long as anybody waits.
    private func lookForOthers() {
        guard let writesOfAll else { return }
        let isFirst = state.withLock { state in
            defer { state.isLooking = true }
            return !state.isLooking
        }
        guard isFirst else { return }
        Task {
            while isWaitedFor {
                if let now = await writesOfAll() { take(now) }
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private var isWaitedFor: Bool {
        state.withLock { state in
            state.isLooking = !state.waiters.isEmpty
            return state.isLooking
        }
    }

    private func take(_ now: [String: Int64]) {
        let changed = state.withLock { state in
            defer { state.seen = now }
            return now.filter { state.seen[$0.key] != $0.value }.map(\.key)
        }
        for workspace in changed { written(workspace) }
    }
}
