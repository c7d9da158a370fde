import LosslessJSON
package import Storage
import Synchronization

/// What delivery is doing, and what it can be told while it runs: for status pages and operators.
package final class DeliveryControl: Sendable {
    /// Who is asked: one cursor of an integration.
    struct LaneID: Hashable {
        let integration: String
        let kind: Ledger.Kind

        var isJob: Bool { if case .job = kind { true } else { false } }
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
        var erasing: Set<Hold> = []
        var asked = 0
    }

    /// Why no job may run.
    enum Hold: Hashable {
        /// An erasure is about to begin.
        case asked(Int)
        /// An erasure goes through the log.
        case erasure(Int64)
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
    package func stop(_ integration: String) {
        let lanes = state.withLock { state in state.lanes.keys.filter { $0.integration.hasSameBytes(as: integration) } }
        for lane in lanes { _ = send(.stop, to: lane) }
    }

    /// Lets a job that was paused or stopped come to its end; what is under way is recorded.
    package func stop(_ job: Job) {
        _ = send(.stop, to: LaneID(integration: job.integration, kind: .job(job.id)))
    }

    /// The same, where only its number is known.
    func stop(job id: Int64) {
        for lane in state.withLock({ $0.lanes.keys.filter { $0.kind == .job(id) } }) { _ = send(.stop, to: lane) }
    }

    /// Erasures were asked for, or are this node's to carry out now.
    package func erasuresChanged() {
        signalErasures.yield()
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

    /// How long an erasure waits for jobs: longer than a request takes.
    private static let jobPatience = Duration.seconds(45)

    /// Begins an erasure, with no job under way: what a job has read before would come behind what integrations are told.
    ///
    /// - Returns: the erasure, behind whose `last` event everything is a new beginning; `nil` when a job did not come to rest:
    ///   nothing was begun then.
    package func begin(
        _ new: NewErasure,
        in erasures: Erasures,
        now: @Sendable () -> Int64
    ) async throws(StorageError) -> Erasure? {
        let asked = Hold.asked(
            state.withLock { state in
                state.asked += 1
                return state.asked
            }
        )
        hold(asked)
        defer { release(asked) }
        let start = ContinuousClock.now
        while isAnyJobThere {
            guard !Task.isCancelled, start.duration(to: .now) < Self.jobPatience else { return nil }
            try? await Task.sleep(for: .milliseconds(5))
        }
        var begun = new
        begun.startedAt = now()
        let erasure = try await erasures.add(begun)
        hold(.erasure(erasure.number))
        signalErasures.yield()
        return erasure
    }

    /// Lets every job come to rest, and none begin.
    func hold(_ hold: Hold) {
        let jobs = state.withLock { state in
            state.erasing.insert(hold)
            return state.lanes.filter { $0.key.isJob }.map(\.value)
        }
        for job in jobs { _ = job(.stop) }
    }

    func release(_ hold: Hold) {
        state.withLock { _ = $0.erasing.remove(hold) }
        signalJobs.yield()
    }

    var areJobsHeld: Bool { state.withLock { !$0.erasing.isEmpty } }
    private var isAnyJobThere: Bool { state.withLock { $0.lanes.keys.contains(where: \.isJob) } }

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

    /// Why an integration's road is closed; `nil` when it is open.
    func closedRoad(of integration: String) -> String? {
        let status = state.withLock { $0.statuses[LaneID(integration: integration, kind: .live)] }
        switch status?.road {
        case .held: return "paused by an operator"
        case .closed(_, let words), .paused(_, let words): return words
        case .open, nil: return nil
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
