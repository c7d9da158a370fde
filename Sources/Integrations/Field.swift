import Events
package import LosslessJSON

/// One value that an action takes from an event: what it is called, what it means, and where it comes from unless a
/// mapping says otherwise.
package struct Field: Sendable {
    /// What mappings call the fields (actions.md §3).
    package enum Key: String, Sendable, CaseIterable {
        case personId = "person_id"
        case email
        case anonymousId = "anonymous_id"
        case createdAt = "created_at"
        case timestamp
        case attributes
        case name
        case eventId = "event_id"
        case objectId = "object_id"
        case objectTypeId = "object_type_id"
        case relationshipAttributes = "relationship_attributes"
        case token
        case platform
        case lastUsed = "last_used"
        case appVersion = "app_version"
        case primaryId = "primary_id"
        case secondaryId = "secondary_id"
        case deliveryId = "delivery_id"
        case metric
        case recipient
        case reason
        case href
        case actionName = "action_name"
        case actionValue = "action_value"
        case contentAction = "content_action"
    }

    package enum Kind: String, Sendable {
        /// A string, or a number as its exact text; blank and everything else count as absent.
        case text
        /// Sent as whole Unix seconds (actions.md §4).
        case time
        /// An object, sent as it comes.
        case object
    }

    /// Where a field's value comes from by default.
    package enum Source: Sendable {
        /// The first path at which there is a value.
        case first([JSON.Path])
        /// The earliest of the times that can be read.
        case earliest([JSON.Path])
        /// An object without some of its keys. `adding`: top-level fields that join it where it lacks their names;
        /// `overlaying`: a key of it whose object is laid over it.
        case object(JSON.Path, without: [String], adding: [String] = [], overlaying: String? = nil)
        /// The ULID of actions.md §5.
        case eventId
    }

    package let key: Key
    package let label: String
    package let kind: Kind
    package let isRequired: Bool
    package let source: Source
    package let help: String

    init(_ key: Key, _ label: String, _ kind: Kind = .text, required: Bool = false, from source: Source, help: String) {
        self.key = key
        self.label = label
        self.kind = kind
        isRequired = required
        self.source = source
        self.help = help
    }

    /// A field that takes the first value of some paths, in their dotted form.
    init(_ key: Key, _ label: String, _ kind: Kind = .text, required: Bool = false, from paths: String..., help: String)
    {
        self.init(key, label, kind, required: required, from: .first(paths.map { JSON.Path($0) }), help: help)
    }
}

extension Field.Source {
    static func earliest(_ paths: String...) -> Field.Source {
        .earliest(paths.map { JSON.Path($0) })
    }

    static func object(
        _ path: String,
        without keys: [String] = [],
        adding: [String] = [],
        overlaying: String? = nil
    ) -> Field.Source {
        .object(JSON.Path(path), without: keys, adding: adding, overlaying: overlaying)
    }

    /// The source as a person reads it: `$.traits.email, else $.email`.
    package var description: String {
        switch self {
        case .first(let paths): paths.map { "$.\($0)" }.joined(separator: ", else ")
        case .earliest(let paths): "the earliest of " + paths.map { "$.\($0)" }.joined(separator: ", ")
        case .object(let path, let without, let adding, let overlaying):
            "$.\(path)" + (without.isEmpty ? "" : " without " + without.joined(separator: ", "))
                + (adding.isEmpty ? "" : ", and top-level " + adding.joined(separator: ", "))
                + (overlaying.map { ", under \($0)" } ?? "")
        case .eventId: "a ULID of the event's time, source, messageId, type and name, and the action's name"
        }
    }
}

extension JSON {
    /// The value as text, `nil` for what counts as absent in a text field (actions.md §2).
    var presentText: String? {
        switch self {
        case .string(let text): text.isBlank ? nil : text
        case .number(let number): number.text
        default: nil
        }
    }

    /// Whether the value counts as absent in every field but attributes.
    var isAbsent: Bool {
        switch self {
        case .null: true
        case .string(let text): text.isBlank
        default: false
        }
    }
}
