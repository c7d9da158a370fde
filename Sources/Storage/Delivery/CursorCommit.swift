import LosslessJSON

/// An operation's place in the order of everything: its event, then its place in that event's plan.
package struct OperationID: Sendable, Hashable, Comparable {
    package let seq: Int64
    package let place: Int

    package init(seq: Int64, place: Int) {
        self.seq = seq
        self.place = place
    }

    package static func < (left: OperationID, right: OperationID) -> Bool {
        (left.seq, left.place) < (right.seq, right.place)
    }
}

/// An operation that is not plain success: it waits for long, is tried again, or failed for good.
package struct StoredOperation: Sendable, Equatable {
    package enum State: Int64, Sendable {
        /// It is still to be delivered.
        case open = 0
        /// It will not be delivered unless somebody says so.
        case failed = 1
    }

    /// The event that it was planned from, and its place in that event's plan.
    package var seq: Int64
    package var place: Int
    /// The name of the action in kebab case.
    package var action: String
    package var state: State
    /// Whether it deletes, suppresses or merges.
    package var takesAway: Bool
    /// What it touches, while it is open: numbers that do not tell whom (`OrderKeys`).
    package var claims: [UInt64]
    /// How often it was sent.
    package var attempts: Int
    /// When it failed alone for the first time, in milliseconds since 1970.
    package var firstFailedAt: Int64?
    /// For how long it has been failing, in milliseconds in which the destination could be reached.
    package var failingFor: Int64
    /// When it is tried again, in milliseconds since 1970.
    package var dueAt: Int64?
    /// When this was written down, in milliseconds since 1970.
    package var at: Int64
    /// Why, in Customer.io's own words where there are any.
    package var words: String
    /// Whether nothing is left of its event; told of open ones when they are listed.
    package var isErased = false

    package var id: OperationID { OperationID(seq: seq, place: place) }

    package init(
        seq: Int64,
        place: Int,
        action: String,
        state: State,
        takesAway: Bool = false,
        claims: [UInt64] = [],
        attempts: Int = 0,
        firstFailedAt: Int64? = nil,
        failingFor: Int64 = 0,
        dueAt: Int64? = nil,
        at: Int64,
        words: String
    ) {
        self.seq = seq
        self.place = place
        self.action = action
        self.state = state
        self.takesAway = takesAway
        self.claims = claims
        self.attempts = attempts
        self.firstFailedAt = firstFailedAt
        self.failingFor = failingFor
        self.dueAt = dueAt
        self.at = at
        self.words = words
    }
}

/// One HTTP request to a destination, for the story of the events that were in it.
package struct SentRequest: Sendable, Equatable {
    /// In the order in which they were sent.
    package var operations: [OperationID]
    /// Milliseconds since 1970.
    package var sentAt: Int64
    /// Until its answer.
    package var milliseconds: Int64
    /// The HTTP status; `nil` when no answer came.
    package var status: Int?
    /// What was said; `nil` when everything was taken.
    package var words: String?
    /// By which the destination knows it, in 32 hexadecimal digits.
    package var trace: String?

    package init(
        operations: [OperationID],
        sentAt: Int64,
        milliseconds: Int64,
        status: Int?,
        words: String?,
        trace: String? = nil
    ) {
        self.operations = operations
        self.sentAt = sentAt
        self.milliseconds = milliseconds
        self.status = status
        self.words = words
        self.trace = trace
    }
}

/// What a cursor has to write down, all of it or nothing.
package struct CursorCommit: Sendable, Equatable {
    /// Events that were counted: when they were received (minutes since 1970), and what became of them.
    package struct Tally: Sendable, Equatable {
        package let minute: Int64
        package let verdict: String
        package let count: Int

        package init(minute: Int64, verdict: String, count: Int) {
            self.minute = minute
            self.verdict = verdict
            self.count = count
        }

        /// An operation that somebody let go of.
        init(minute: Int64, discarded action: String) {
            let verdict: JSON = ["discarded": [.string(action)]]
            self.init(minute: minute, verdict: verdict.description, count: 1)
        }

        /// An operation that failed once more.
        init(minute: Int64, failedAgain action: String) {
            let verdict: JSON = ["failedAgain": [.string(action)]]
            self.init(minute: minute, verdict: verdict.description, count: 1)
        }

        /// An operation whose event was erased before it was delivered.
        package init(minute: Int64, erased action: String) {
            let verdict: JSON = ["erased": [.string(action)]]
            self.init(minute: minute, verdict: verdict.description, count: 1)
        }
    }

    package let cursor: Int64
    /// Of a retry: the cursor whose failed operations these are.
    package var origin: Int64?
    /// The event up to which all is settled or has a row. Never less than before.
    package var position: Int64
    /// Operations at or below the position that are not plain success, new ones and changed ones.
    package var rows: [StoredOperation] = []
    /// Operations that are delivered after all; of a retry all that are.
    package var removed: [OperationID] = []
    /// Operations whose event was erased; their rows of this cursor go, if there are any.
    package var erased: [OperationID] = []
    package var requests: [SentRequest] = []
    package var tallies: [Tally] = []

    package init(cursor: Int64, position: Int64) {
        self.cursor = cursor
        self.position = position
    }

    /// Whether there is nothing to write but the position.
    package var isEmpty: Bool {
        rows.isEmpty && removed.isEmpty && erased.isEmpty && requests.isEmpty && tallies.isEmpty
    }
}
