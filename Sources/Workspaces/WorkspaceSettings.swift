/// How a workspace behaves where workspaces differ, or where nothing public settles what the service does (track-api.md
/// §5, §24). The defaults are those of a new workspace, and the spec's where there are none.
package struct WorkspaceSettings: Sendable, Equatable {
    /// Which identifiers a suppression blocks (§15.2).
    package enum SuppressionReach: String, Sendable, CaseIterable {
        /// The one that was passed.
        case passed
        /// The person's id and e-mail address.
        case all
    }

    /// By what a workspace knows people (§5); `cio_id` always does.
    package enum Identifiers: String, Sendable, CaseIterable {
        /// What new workspaces do.
        case emailOrId = "email_or_id"
        /// An address is an attribute as any other.
        case id
        /// Each person has an id that the workspace makes, and nobody is called by it.
        case email
    }

    /// Whose choice of a topic outlives a merge.
    package enum TopicConflicts: String, Sendable, CaseIterable {
        case primary, secondary
        /// Whose it is that is not subscribed.
        case unsubscribed
    }

    package var identifiers = Identifiers.emailOrId
    /// The subscription topics by their numbers, and whether somebody who has not chosen is subscribed (§19).
    package var topics: [Int64: Bool] = [:]
    /// What a merge makes of a topic about which both have chosen differently (§14.2, §24).
    package var topicConflicts = TopicConflicts.primary
    /// Whether an identify by id may replace an e-mail address that is set (§6.2, row 7).
    package var updatesEmailUsingId = false
    /// Whether an identify merges the owner of its id with the owner of its e-mail address (§14.3).
    package var mergesAutomatically = true
    /// Whether anonymous events are joined with who is identified by their anonymous id (§13).
    package var mergesAnonymousEvents = true
    package var suppressionReach = SuppressionReach.passed
    /// Whether an event of somebody unknown makes a person (§6.3).
    package var eventsMakePeople = true
    /// Whether an identify whose identifiers are refused still stores its other attributes (§6.2).
    package var keepsAttributesOfRefusedIdentify = false

    /// Whether a phone number in E.164 identifies people (§6.1); else it is an attribute as any other.
    package var identifiesByPhone = false
    /// Whether spaces around an event's name are no part of it (§5).
    package var trimsEventNames = true
    /// Whether an event's id must be a ULID; else another one is no mistake, and no repetition is known by it (§12).
    package var asksForULIDs = false
    /// Which manual segments there are (§9.14).
    package var segments = KnownNumbers.any
    /// Which object types there are (§17, §24).
    package var objectTypes = KnownNumbers.any
    /// How many days an event's time may lie ahead; `nil`, as many as it likes (§8, §24).
    package var futureDays: Int64?
    /// For how many days an event is known by its id; `nil`, for good (§12, §24).
    package var eventIdDays: Int64?

    package init() {}

    var takesIds: Bool { identifiers != .email }
    var takesAddresses: Bool { identifiers != .id }
}

/// Which manual segments, or which object types, a workspace has (track-api.md §9.14, §17).
package enum KnownNumbers: Sendable, Equatable {
    /// Whichever is named. In Customer.io somebody makes them by hand; here nobody can, and a program under test would
    /// find none.
    case any
    /// These alone. Any other is refused, as those that are missing are at Customer.io, and segments that are data-driven.
    case only(Set<Int64>)

    func contains(_ number: Int64) -> Bool {
        switch self {
        case .any: true
        case .only(let numbers): numbers.contains(number)
        }
    }
}
