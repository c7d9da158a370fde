import GRDB
import Synchronization

/// The one writer of `ferry.db`: what arrives while a commit is on its way to the disk shares the next one.
///
/// A flush of the disk takes about as long for one event as for a thousand. So calls queue up (bounded), the writer
/// takes all that wait, does them in one transaction in the order of their arrival, and answers them after the
/// commit. If the transaction fails, all of its calls get the error, nothing of them is stored, and the next group
/// starts afresh.
final class GroupCommit: Sendable {
    /// What a call adds to the queue. Calls of no weight are always admitted: they only settle what was admitted
    /// before.
    struct Weight: Sendable {
        var events = 0
        var bytes = 0
    }

    private struct Call: Sendable {
        let weight: Weight
        let admittedAt = ContinuousClock.now
        /// Does the work and returns what answers the caller once the commit is on the disk.
        let work: @Sendable (Database) throws -> @Sendable () -> Void
        let fail: @Sendable (StorageError) -> Void
    }

    private struct State {
        var calls: [Call] = []
        var waiting = Weight()
        var isWriterCalled = false
        var statistics = CommitStatistics()
    }

    /// Events of one transaction: more would only make the first of them wait longer.
    private static let groupEvents = 2_000
    private static let groupBytes = 8 << 20

    let database: OpenDatabase
    private let limits: DataStore.Limits
    private let onTransactionEnd: @Sendable (_ isCommitted: Bool) -> Void
    private let state = Mutex(State())

    /// A writer that calls `onTransactionEnd` after each transaction and before its calls are answered, for those who hold
    /// in memory what the transaction changed.
    init(
        _ database: OpenDatabase,
        limits: DataStore.Limits,
        onTransactionEnd: @escaping @Sendable (_ isCommitted: Bool) -> Void
    ) {
        self.database = database
        self.limits = limits
        self.onTransactionEnd = onTransactionEnd
    }

    /// Does `work` in the next transaction and returns after its commit.
    ///
    /// `work` may throw a `StorageError` before it has written anything; that fails this call alone. Cancelling the
    /// task has no effect: a call that was admitted is carried out and answered.
    func commit<Value: Sendable>(
        _ weight: Weight = Weight(),
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            let call = Call(weight: weight) { connection in
                let value = try work(connection)
                return { continuation.resume(returning: .success(value)) }
            } fail: { error in
                continuation.resume(returning: .failure(error))
            }
            admit(call)
        }
        return try result.get()
    }

    private func admit(_ call: Call) {
        enum Decision { case refuse, wait, callWriter }
        let decision: Decision = state.withLock { state in
            let isWeightless = call.weight.events == 0 && call.weight.bytes == 0
            let fits =
                state.waiting.events + call.weight.events <= limits.waitingEvents
                && state.waiting.bytes + call.weight.bytes <= limits.waitingBytes
            // An empty queue takes any call, so that a call larger than the bounds is not refused for ever.
            guard isWeightless || fits || state.waiting.events == 0 else { return .refuse }
            state.calls.append(call)
            state.waiting.events += call.weight.events
            state.waiting.bytes += call.weight.bytes
            if state.isWriterCalled { return .wait }
            state.isWriterCalled = true
            return .callWriter
        }
        switch decision {
        case .wait: break
        case .callWriter: callWriter()
        case .refuse:
            call.fail(StorageError(.overloaded, "too many events wait for the disk; try again in a moment"))
        }
    }

    /// Events that wait for their commit.
    var waitingEvents: Int { state.withLock { $0.waiting.events } }

    /// What was committed since the database was opened.
    var statistics: CommitStatistics { state.withLock { $0.statistics } }

    private func callWriter() {
        database.writer.asyncWriteWithoutTransaction { [self] connection in
            writeGroup(connection)
        }
    }

    private func writeGroup(_ connection: Database) {
        let calls = takeGroup()
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(calls.count)
        do {
            try connection.inTransaction(.immediate) {
                for call in calls {
                    do {
                        answers.append(try call.work(connection))
                    } catch let error as StorageError {
                        answers.append { call.fail(error) }
                    }
                }
                return .commit
            }
            onTransactionEnd(true)
            let now = ContinuousClock.now
            state.withLock { state in
                state.statistics.groups += 1
                for call in calls where call.weight.events > 0 {
                    state.statistics.add(events: call.weight.events, waited: call.admittedAt.duration(to: now))
                }
            }
        } catch {
            onTransactionEnd(false)
            let error = StorageError(error, file: database.file)
            answers = calls.map { call in { call.fail(error) } }
        }
        finish(calls)
        for answer in answers { answer() }
        database.committed(connection)
    }

    private func takeGroup() -> [Call] {
        state.withLock { state in
            var count = 0
            var weight = Weight()
            for call in state.calls {
                weight.events += call.weight.events
                weight.bytes += call.weight.bytes
                guard count == 0 || (weight.events <= Self.groupEvents && weight.bytes <= Self.groupBytes) else {
                    break
                }
                count += 1
            }
            let group = Array(state.calls.prefix(count))
            state.calls.removeFirst(count)
            return group
        }
    }

    private func finish(_ calls: [Call]) {
        let isMoreWaiting = state.withLock { state in
            for call in calls {
                state.waiting.events -= call.weight.events
                state.waiting.bytes -= call.weight.bytes
            }
            state.isWriterCalled = !state.calls.isEmpty
            return state.isWriterCalled
        }
        if isMoreWaiting { callWriter() }
    }
}

/// How events came to the disk since the log was opened.
package struct CommitStatistics: Sendable, Equatable {
    /// Transactions, those without events included.
    package internal(set) var groups = 0
    package internal(set) var events = 0
    /// Calls that brought events, and the time that they waited for their commit, all together and the longest.
    package internal(set) var calls = 0
    package internal(set) var waited = Duration.zero
    package internal(set) var longestWait = Duration.zero

    fileprivate mutating func add(events count: Int, waited wait: Duration) {
        events += count
        calls += 1
        waited += wait
        longestWait = max(longestWait, wait)
    }
}
