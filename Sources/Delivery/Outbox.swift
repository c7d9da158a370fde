import Integrations
import LosslessJSON
import TrackAPI

/// What one integration still has to send, in log order, and what is known of it: every decision of delivery, and no I/O.
///
/// One request is under way at a time. The position moves over whole events only, and it is on disk before the next
/// request goes out; a crash therefore repeats at most the last request. An operation that takes something away (delete,
/// suppress, merge) is the last of its request: a repeat of it can then never come after something that followed it
/// (delivery.md F22).
struct Outbox {
    /// An operation on its way.
    struct Entry: Sendable {
        let seq: Int64
        let action: String
        let operation: Operation
        /// How often it was sent.
        fileprivate(set) var attempts = 0
        fileprivate var item: Batch.Item
        fileprivate var settlement: Settlement?
    }

    /// An operation that Customer.io will never take.
    struct Failure: Sendable, Equatable {
        let seq: Int64
        let action: String
        let operation: Operation
        let words: String
        let attempts: Int
    }

    /// What is to be done after an answer.
    enum Next: Equatable, Sendable {
        /// Send the next request.
        case proceed
        /// Send the same again after this wait, or after one's own.
        case wait(words: String, atLeast: Duration?)
        /// The settings are wrong.
        case pause(words: String)
    }

    fileprivate enum Settlement: Equatable {
        case delivered
        case failed(String)
    }

    private var entries: [Entry] = []
    /// The last event that was added, and so the position once nothing is left.
    private var lastAdded: Int64

    init(position: Int64) {
        lastAdded = position
    }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// Adds what an event became; an event that became nothing moves the position all the same.
    mutating func add(_ plan: Plan, seq: Int64) {
        lastAdded = seq
        for planned in plan.operations {
            let item = Batch.Item(
                planned.operation,
                batchSize: planned.batchSize,
                batching: planned.enableBatching
            )
            entries.append(
                Entry(seq: seq, action: planned.action, operation: planned.operation, item: item)
            )
        }
    }

    /// Adds an event of which nothing can be made.
    mutating func skip(seq: Int64) {
        lastAdded = seq
    }

    /// The entries of the next request; `nil` when there is none to make. Operations that are too large fail here.
    mutating func nextRequest() -> [Entry]? {
        while true {
            let open = entries.indices.filter { entries[$0].settlement == nil }
            switch Batch.cut(from: open.map { entries[$0].item }) {
            case nil: return nil
            case .tooLarge(let words): entries[open[0]].settlement = .failed(words)
            case .request(let count):
                let group = open.prefix(count).map { entries[$0] }
                let untilCut = group.firstIndex { $0.operation.takesAway }.map { $0 + 1 } ?? count
                return Array(group.prefix(untilCut))
            }
        }
    }

    /// Takes the answer to the request that `nextRequest` gave last.
    mutating func take(_ answer: Answer, for request: [Entry]) -> Next {
        let open = Array(entries.indices.filter { entries[$0].settlement == nil }.prefix(request.count))
        for position in open { entries[position].attempts += 1 }
        switch answer {
        case .settled(let outcomes):
            for (position, outcome) in zip(open, outcomes) {
                switch outcome {
                case .delivered: entries[position].settlement = .delivered
                case .refused(let words): entries[position].settlement = .failed(words)
                case .untried: break
                }
            }
            return .proceed
        case .unclear:
            let half = max(1, request.count / 2)
            for position in open { entries[position].item.batchSize = min(entries[position].item.batchSize, half) }
            return .proceed
        case .unavailable(let words, let retryAfter), .suspicious(let words, let retryAfter, _):
            return .wait(words: words, atLeast: retryAfter)
        case .settings(let words): return .pause(words: words)
        }
    }

    /// Takes out the events at the front of which every operation is settled: the position up to which all is settled,
    /// and what failed on the way.
    mutating func takeSettled() -> (position: Int64, failures: [Failure]) {
        let firstOpen = entries.first { $0.settlement == nil }?.seq
        let settled = entries.prefix { $0.seq != firstOpen }
        let failures = settled.compactMap { entry -> Failure? in
            guard case .failed(let words)? = entry.settlement else { return nil }
            return Failure(
                seq: entry.seq,
                action: entry.action,
                operation: entry.operation,
                words: words,
                attempts: entry.attempts
            )
        }
        entries.removeFirst(settled.count)
        return (position: firstOpen.map { $0 - 1 } ?? lastAdded, failures: failures)
    }
}

extension Operation {
    /// Whether a repeat of the operation after its followers would destroy what they did (delivery.md F22).
    var takesAway: Bool {
        guard kind == .entity, let action = body["action"]?.stringValue else { return false }
        return ["delete", "suppress", "merge"].contains(action)
    }
}
