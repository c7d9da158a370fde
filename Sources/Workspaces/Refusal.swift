package import LosslessJSON

/// Why an item is refused, as the Track API v2 says it (track-api.md §3.3).
package struct Refusal: Sendable, Equatable {
    package enum Reason: String, Sendable {
        /// The field is missing.
        case required
        /// The field holds what it may not hold.
        case invalid
    }

    package let reason: Reason
    /// The way to the field inside the item, with dots: `attributes.plan`. Empty for the item as a whole.
    package let field: String
    package let message: String

    package init(reason: Reason, field: String, message: String) {
        self.reason = reason
        self.field = field
        self.message = message
    }

    static func required(_ field: String) -> Refusal {
        Refusal(reason: .required, field: field, message: "is required")
    }

    static func invalid(_ field: String, _ message: String) -> Refusal {
        Refusal(reason: .invalid, field: field, message: message)
    }

    /// The member of the `errors` list; `batchIndex` for an item of a batch, from 0.
    package func json(batchIndex: Int? = nil) -> JSON {
        var object: JSON.Object = [
            "reason": .string(reason.rawValue), "field": .string(field), "message": .string(message),
        ]
        if let batchIndex { object["batch_index"] = .number(JSON.Number(batchIndex)) }
        return .object(object)
    }
}
