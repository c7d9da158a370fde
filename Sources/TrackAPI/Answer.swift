/// What one request told about its operations (actions.md §5, delivery.md F14–F26).
package enum Answer: Sendable, Equatable {
    /// Each operation has its outcome, in the order of the operations.
    case settled([ItemOutcome])
    /// The request held several operations and was refused without saying which of them is bad, or nonsensically: halve
    /// the group and send it again, until the bad one stands alone (delivery.md F17).
    case unclear(words: String)
    /// Nothing is wrong with operations or settings: send the same again later, after `retryAfter` if there is one
    /// (1 second to 1 hour), else after a wait of one's own.
    case transient(words: String, retryAfter: Duration?)
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
    /// What answered is not a Track API: the endpoint is wrong.
    case unexpected(words: String)
}
