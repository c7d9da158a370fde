import LosslessJSON

/// Fields that several actions have in the same words.
extension Field {
    static let personId = Field(
        .personId,
        "Person ID",
        from: "userId",
        help: "The person's id, e-mail address or cio_id."
    )

    /// Never `properties.email`, which is often somebody else's (actions.md §2).
    static let email = Field(
        .email,
        "E-mail",
        from: "email",
        "context.traits.email",
        help: "Identifies the person where there is no id."
    )

    /// The e-mail of a command about a person, which may name them in its properties.
    static let commandEmail = Field(
        .email,
        "E-mail",
        from: "properties.email",
        "email",
        "context.traits.email",
        help: "Identifies the person where there is no id."
    )

    static let anonymousId = Field(
        .anonymousId,
        "Anonymous ID",
        from: "anonymousId",
        help: "Names a visitor who is not known yet; Customer.io joins the events when the visitor is identified."
    )

    static let timestamp = Field(.timestamp, "Timestamp", .time, from: "timestamp", help: "When it happened.")

    static let eventId = Field(
        .eventId,
        "Event ID",
        from: .eventId,
        help: "A ULID that is the same on every retry, by which Customer.io counts an event once."
    )

    static let properties = Field(
        .attributes,
        "Attributes",
        .object,
        from: .object("properties"),
        help: "What is known of the event."
    )

    static func objectId(required: Bool = false, from paths: String..., help: String = "The object's id.") -> Field {
        Field(.objectId, "Object ID", required: required, from: .first(paths.map { JSON.Path($0) }), help: help)
    }

    static func objectTypeId(from paths: String...) -> Field {
        Field(
            .objectTypeId,
            "Object Type ID",
            from: .first(paths.map { JSON.Path($0) }),
            help: "The number of the object's type in Customer.io; \"1\" where there is none."
        )
    }

    static let relationshipAttributes = Field(
        .relationshipAttributes,
        "Relationship Attributes",
        .object,
        from: "traits.relationshipAttributes",
        "context.relationshipAttributes",
        help: "What is known of the tie between the person and the object."
    )

    static let token = Field(
        .token,
        "Device Token",
        required: true,
        from: "properties.device_id",
        "properties.token",
        "context.device.token",
        help: "The push token of the device."
    )
}
