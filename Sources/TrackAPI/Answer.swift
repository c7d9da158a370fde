/// What one request told about its operations (actions.md §5, delivery.md F14–F26).
package enum Answer: Sendable, Equatable {
    /// Each operation has its outcome, in the order of the operations.
    case settled([ItemOutcome])
    /// The request held several operations and was refused without saying which of them is bad, or nonsensically: halve
    /// the group and send it again, until the bad one stands alone (delivery.md F17).
    case unclear(words: String)
    /// The other side takes nothing now, and the operations are blameless (delivery.md C.3): the request was never
    /// begun, or it was answered with 429, or with 503 and a `Retry-After`. Send the same again after `retryAfter` if
    /// there is one (1 second to 1 hour), else after a wait of one's own.
    case unavailable(words: String, retryAfter: Duration?)
    /// The request was begun and came to nothing, for which one of its operations may be to blame (delivery.md C.3):
    /// any other 5xx, 408, a time-out, a lost connection. `retryAfter` as above.
    ///
    /// `isTimeout` says that the waiting was given up, by this side or by a gateway on the way (504, 524): the
    /// request may still be applied, also after its own repetition (delivery.md F23).
    case suspicious(words: String, retryAfter: Duration?, isTimeout: Bool)
    /// The settings are wrong, not the operations: pause, say the words to the operator, send the same again when the
    /// settings have changed (delivery.md F20).
    case settings(words: String)
}

/// What became of one operation of a request.
package enum ItemOutcome: Sendable, Equatable {
    /// Customer.io has taken it.
    case delivered
    /// Customer.io will never take it; the words are the HTTP status and Customer.io's own, at most
    /// `TrackLimits.wordsBytes` long.
    case refused(String)
    /// Nothing is known against it, but the request that it was in was refused for a neighbour (400 with
    /// `batch_index`): send it again at once; this was no attempt of its own.
    case untried
}

/// One request and what came of it, for those who keep a record of requests.
package struct Exchange: Sendable, Equatable {
    /// The HTTP status; `nil` when no answer came or no request was made.
    package let status: Int?
    package let answer: Answer
    /// The name of the embedded workspace that answered, from the header `x-ferry-workspace`; `nil` for Customer.io.
    package let workspace: String?
    /// What came back, for the record: at most `TrackLimits.wordsBytes`; `nil` when every operation was delivered.
    package let words: String?
    /// By which the other side knows it; `nil` when no request was made.
    package let trace: TraceID?

    /// - Parameters:
    ///   - status: of the answer, if one came.
    ///   - answer: also gives the words for the record.
    ///   - workspace: of the answer, if it named one.
    ///   - trace: that the request named, if one was made.
    package init(status: Int?, answer: Answer, workspace: String?, trace: TraceID? = nil) {
        self.status = status
        self.answer = answer
        self.workspace = workspace
        self.words = answer.recordedWords
        self.trace = trace
    }
}

extension Answer {
    fileprivate var recordedWords: String? {
        switch self {
        case .settled(let outcomes):
            // Many items are refused for one reason more often than for many.
            var told: [String] = []
            for case .refused(let words) in outcomes where !told.contains(words) { told.append(words) }
            return told.isEmpty ? nil : ForeignWords.clean(told.joined(separator: "; "))
        case .unclear(let words), .unavailable(let words, _), .suspicious(let words, _, _), .settings(let words):
            return ForeignWords.clean(words)
        }
    }
}

/// Whether the credentials are good where the operations will go (actions.md §1).
package enum CredentialsCheck: Sendable, Equatable {
    /// They are. `region` (`US`, `EU`) and `environment` (the workspace's number) are the account's true ones, `nil`
    /// when the answer did not tell; `note` says, for the operator, that the account lives in another region than the
    /// endpoint.
    case valid(region: String?, environment: String?, note: String?)
    /// The endpoint knows the call and refuses the credentials.
    case refused(words: String)
    /// No answer, or one that says "later": nothing is known about the credentials.
    case unreachable(words: String)
    /// What answered is not a Track API, or nothing may be sent there: the endpoint is wrong.
    case unexpected(words: String)
}
