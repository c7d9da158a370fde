import LosslessJSON
package import Storage
import Synchronization

/// What delivery is doing, and what it can be told while it runs: for status pages and operators.
package final class DeliveryControl: Sendable {
    /// Who is asked: one cursor of an integration.
    struct LaneID: Hashable {
        let integration: String
        let kind: Ledger.Kind
    }

    /// What a lane can be asked for.
    enum Request: Sendable {
        /// End when what is under way is recorded.
        case stop
        /// Try at once what waits for another try.
        case retryNow
        /// Give up what is still to be delivered of an event; the answer is how many operations that is.
        case giveUp(seq: Int64, answer: @Sendable (Int) -> Void)
        /// What is known of the operations of an event.
        case status(seq: Int64, answer: @Sendable ([OperationStatus]) -> Void)
        /// These events were erased.
        case erase(Set<Int64>)
        /// Let go of what was said of a person. The answer comes when nothing is under way any more that was when this came.
        case clean(Redaction, answer: @Sendable () -> Void)
    }

    private struct State {
        var lanes: [LaneID: @Sendable (Request) -> Bool] = [:]
        var statuses: [LaneID: LaneStatus] = [:]
    }

    private let state = Mutex(State())
    /// A signal after each change of the jobs, and one at the beginning.
    let jobChanges: AsyncStream<Void>
    private let signalJobs: AsyncStream<Void>.Continuation
    /// A signal after each erasure that is asked for, and one at the beginning.
    let erasureChanges: AsyncStream<Void>
    private let signalErasures: AsyncStream<Void>.Continuation

    package init() {
        (jobChanges, signalJobs) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (erasureChanges, signalErasures) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        signalJobs.yield()
        signalErasures.yield()
    }

    // MARK: Asked from outside

    /// Every lane that runs, by integration and kind.
    package var statuses: [LaneStatus] {
        state.withLock { Array($0.statuses.values) }
            .sorted { ($0.integration, $0.kind.text) < ($1.integration, $1.kind.text) }
    }

    /// Lets an integration try at once, without waiting for its time: whether it runs.
    package func retryNow(_ integration: String) -> Bool {
        Ledger.Kind.standing.map { send(.retryNow, to: LaneID(integration: integration, kind: $0)) }.contains(true)
    }

    /// Jobs were added or resumed.
    package func jobsChanged() {
        signalJobs.yield()
    }

    /// Lets everything of an integration come to its end; what is under way is recorded.
    func stop(_ integration: String) {
        let lanes = state.withLock { state in state.lanes.keys.filter { $0.integration.hasSameBytes(as: integration) } }
        for lane in lanes { _ = send(.stop, to: lane) }
    }

    /// An erasure was asked for.
    package func erasuresChanged() {
        signalErasures.yield()
    }

    /// Lets a job that was paused or stopped come to its end; what is under way is recorded.
    package func stop(_ job: Job) {
        _ = send(.stop, to: LaneID(integration: job.integration, kind: .job(job.id)))
    }

    /// What is in memory of an event's operations in an integration; nothing when everything is recorded.
    package func operations(of seq: Int64, in integration: String, _ kind: Ledger.Kind) async -> [OperationStatus] {
        await withCheckedContinuation { continuation in
            let isAsked = send(
                .status(seq: seq) { continuation.resume(returning: $0) },
                to: LaneID(integration: integration, kind: kind)
            )
            if !isAsked { continuation.resume(returning: []) }
        }
    }

    /// Gives up what is still to be delivered of an event: it fails, and those behind it go on. What is under way is decided
    /// by its answer. Returns how many operations that is.
    package func giveUp(event seq: Int64, in integration: String) async -> Int {
        var count = 0
        for kind in Ledger.Kind.standing {
            count += await withCheckedContinuation { continuation in
                let isAsked = send(
                    .giveUp(seq: seq) { continuation.resume(returning: $0) },
                    to: LaneID(integration: integration, kind: kind)
                )
                if !isAsked { continuation.resume(returning: 0) }
            }
        }
        return count
    }

    private func send(_ request: Request, to lane: LaneID) -> Bool {
        state.withLock { $0.lanes[lane] }?(request) ?? false
    }

    // MARK: Erasing

    /// Tells every lane of events that were erased.
    func erase(_ seqs: Set<Int64>) {
        for lane in state.withLock({ Array($0.lanes.values) }) { _ = lane(.erase(seqs)) }
    }

    /// Returns when no lane can write down or send anything any more that speaks of a person.
    func clean(_ redaction: Redaction) async {
        await withDiscardingTaskGroup { group in
            for lane in state.withLock({ Array($0.lanes.values) }) {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        let isAsked = lane(.clean(redaction) { continuation.resume() })
                        if !isAsked { continuation.resume() }
                    }
                }
            }
        }
    }

    // MARK: For the lanes

    /// A lane that takes requests from now on; `take` says whether it did.
    func register(_ lane: LaneID, take: @escaping @Sendable (Request) -> Bool) {
        state.withLock { $0.lanes[lane] = take }
    }

    func remove(_ lane: LaneID) {
        state.withLock { state in
            state.lanes[lane] = nil
            state.statuses[lane] = nil
        }
    }

    func publish(_ status: LaneStatus, of lane: LaneID) {
        state.withLock { $0.statuses[lane] = status }
    }
}
