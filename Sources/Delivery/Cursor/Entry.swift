import Storage
import TrackAPI

extension Cursor {
    /// Where an operation is on its way.
    enum Phase: Sendable, Equatable {
        /// It waits for others.
        case blocked
        case ready
        case flying
        /// It failed alone, and waits for its next try.
        case parked
        /// Its turn has come, but its body has to be fetched.
        case away
        case ended(End)
    }

    enum End: Sendable, Equatable {
        case delivered
        case failed
        /// Its event was erased.
        case erased
    }

    /// An operation that is not settled and recorded.
    struct Entry: Sendable {
        let action: String
        /// Whether its followers wait until its end is on the disk (delivery.md F22).
        var takesAway: Bool
        let readAt: Int64
        /// The body; `nil` while it is in the log only.
        var item: Batch.Item?
        /// How many operations its request may hold.
        var cap: Int
        var phase = Phase.blocked
        /// How often it was sent.
        var attempts = 0
        /// When it failed alone for the first time: by the calendar, and in time of open road.
        var firstFailedAt: Int64?
        var failingSince: Int64?
        /// How often it failed alone, since the process began.
        var failures = 0
        /// When it is tried again.
        var due: Int64?
        /// What was said of it last.
        var words = ""
        /// It is to be settled with these words without being sent, once it waits for nobody (delivery.md F49).
        var dropped: String?
        /// Whether its event was erased: nothing of it is kept or sent any more.
        var isErased = false
        /// Whether there is a row of it on the disk, or on its way there.
        var isStored = false

        /// Whether those behind it wait for the record: what is settled without the destination's word, or takes
        /// something away, is recorded first (delivery.md F22, F50).
        var isRecordedFirst: Bool { takesAway || dropped != nil }

        var isEnded: Bool {
            if case .ended = phase { true } else { false }
        }
    }

    struct Parked: Sendable, Comparable {
        let due: Int64
        let id: OperationID

        static func < (left: Parked, right: Parked) -> Bool {
            (left.due, left.id) < (right.due, right.id)
        }
    }

    /// An event above the position.
    struct ReadEvent: Sendable {
        let seq: Int64
        let readAt: Int64
        /// What is counted for it when the position passes it; `nil` where another cursor counts.
        let tally: TallyKey?
        /// Events that this stands for: more than one where the log has lost some.
        var count = 1
        let places: [Int]

        var operations: some Sequence<OperationID> {
            places.lazy.map { [seq] in OperationID(seq: seq, place: $0) }
        }
    }

    struct TallyKey: Sendable, Hashable {
        /// Of receipt, since 1970.
        let minute: Int64
        let verdict: Verdict
    }

    /// One request.
    struct Request: Sendable {
        let number: Int
        let operations: [Sent]
        let sentAt: Moment

        struct Sent: Sendable {
            let id: OperationID
            let action: String
            let operation: Operation
        }
    }

    /// For those who watch.
    enum Note: Sendable, Equatable {
        case delivered(OperationID, action: String)
        /// With the trace of the request that told it, if it was one.
        case failed(OperationID, action: String, words: String, TraceID?)
        case waits(words: String, milliseconds: Int64, TraceID?)
        case paused(words: String, TraceID?)
        case resumed
    }
}

/// What one event became, ready for a cursor.
struct PlannedEvent: Sendable {
    struct Planned: Sendable {
        /// In the order of the plan.
        let place: Int
        let action: String
        let item: Batch.Item
        let claims: [Claim]
    }

    let seq: Int64
    /// Milliseconds since 1970.
    let receivedAt: Int64
    /// `nil` where another cursor counts the events.
    let verdict: Verdict?
    let operations: [Planned]
    /// Whether nothing of the event is left.
    var isErased = false
}
