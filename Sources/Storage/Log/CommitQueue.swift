import Synchronization

/// What a call adds to what waits. Calls of no weight are always admitted: they only settle what was admitted before.
struct Weight: Sendable {
    var events = 0
    var bytes = 0

    init(events: Int = 0, bytes: Int = 0) {
        self.events = events
        self.bytes = bytes
    }

    init(of events: [NewEvent]) {
        self.init(events: events.count, bytes: events.reduce(0) { $0 + $1.body.count })
    }
}

/// Calls that wait for a commit: within bounds, in the order of their arrival, taken in groups by one writer.
///
/// A flush of the disk takes about as long for one event as for a thousand. So what arrives while a commit is on its way to
/// the disk shares the next one.
final class CommitQueue<Work: Sendable>: Sendable {
    struct Call: Sendable {
        let work: Work
        let weight: Weight
        fileprivate let admittedAt = ContinuousClock.now
    }

    enum Admission {
        /// Too much waits.
        case refused
        /// The writer will come to it.
        case waits
        /// The writer has to be called for it.
        case isFirst
    }

    private struct State {
        var calls: [Call] = []
        var waiting = Weight()
        var isWriterCalled = false
        var statistics = CommitStatistics()
    }

    /// Events of one group: more would only make the first of them wait longer.
    private static var groupEvents: Int { 2_000 }
    private static var groupBytes: Int { 8 << 20 }

    private let limits: DataStore.Limits
    private let state = Mutex(State())

    init(limits: DataStore.Limits) {
        self.limits = limits
    }

    func admit(_ work: Work, _ weight: Weight) -> Admission {
        state.withLock { state in
            let isWeightless = weight.events == 0 && weight.bytes == 0
            let fits =
                state.waiting.events + weight.events <= limits.waitingEvents
                && state.waiting.bytes + weight.bytes <= limits.waitingBytes
            // An empty queue takes any call, so that a call larger than the bounds is not refused for ever.
            guard isWeightless || fits || state.waiting.events == 0 else { return .refused }
            state.calls.append(Call(work: work, weight: weight))
            state.waiting.events += weight.events
            state.waiting.bytes += weight.bytes
            if state.isWriterCalled { return .waits }
            state.isWriterCalled = true
            return .isFirst
        }
    }

    /// The next group. It counts as waiting until it is `finished`.
    func takeGroup() -> [Call] {
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

    /// Counts a group that is on the disk.
    func count(_ group: [Call]) {
        let now = ContinuousClock.now
        state.withLock { state in
            state.statistics.groups += 1
            for call in group where call.weight.events > 0 {
                state.statistics.add(events: call.weight.events, waited: call.admittedAt.duration(to: now))
            }
        }
    }

    /// Lets go of a group, before its calls are answered. Whether the writer has to be called again.
    func finished(_ group: [Call]) -> Bool {
        state.withLock { state in
            for call in group {
                state.waiting.events -= call.weight.events
                state.waiting.bytes -= call.weight.bytes
            }
            state.isWriterCalled = !state.calls.isEmpty
            return state.isWriterCalled
        }
    }

    /// What was committed since the log was opened, and how many events wait for their commit.
    var progress: (statistics: CommitStatistics, waitingEvents: Int) {
        state.withLock { ($0.statistics, $0.waiting.events) }
    }
}

extension StorageError {
    static let tooMuchWaits = StorageError(
        .overloaded,
        "too many events wait for the disk; try again in a moment"
    )
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
