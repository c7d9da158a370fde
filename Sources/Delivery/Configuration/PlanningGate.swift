import Synchronization

/// Plans are made while the configuration stands still: many at a time, and none during a change. So each event is
/// planned under exactly one revision, whatever is under way (delivery.md F40).
final class PlanningGate: Sendable {
    private struct State {
        var planning = 0
        var isChanging = false
        /// Changes that wait for the plans under way; plans that come later wait for them.
        var changesWaiting = 0
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())

    /// Does something that plans.
    func planning<Value, Failure: Error>(_ work: () async throws(Failure) -> Value) async throws(Failure) -> Value {
        await enter { state in
            guard !state.isChanging, state.changesWaiting == 0 else { return false }
            state.planning += 1
            return true
        }
        defer { leave { $0.planning -= 1 } }
        return try await work()
    }

    /// Does something that changes the configuration.
    func changing<Value, Failure: Error>(_ work: () async throws(Failure) -> Value) async throws(Failure) -> Value {
        state.withLock { $0.changesWaiting += 1 }
        await enter { state in
            guard !state.isChanging, state.planning == 0 else { return false }
            state.isChanging = true
            state.changesWaiting -= 1
            return true
        }
        defer { leave { $0.isChanging = false } }
        return try await work()
    }

    /// Waits until it may.
    private func enter(_ mayEnter: @Sendable (inout State) -> Bool) async {
        var isIn = false
        while !isIn {
            isIn = await withCheckedContinuation { continuation in
                // Looking and waiting in one step, or the last one could leave in between.
                let isIn = state.withLock { state in
                    let isIn = mayEnter(&state)
                    if !isIn { state.waiting.append(continuation) }
                    return isIn
                }
                if isIn { continuation.resume(returning: true) }
            }
        }
    }

    private func leave(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: false) }
    }
}
