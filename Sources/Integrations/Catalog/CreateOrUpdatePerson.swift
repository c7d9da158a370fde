import LosslessJSON

extension ActionDefinition {
    /// actions.md §3, Create or Update Person.
    static let createOrUpdatePerson = ActionDefinition(
        title: "Create or Update Person",
        description:
            "Creates a person in Customer.io, or updates the attributes of one. An object id relates the person to it.",
        trigger: #"type = "identify""#,
        rank: .identifyPerson,
        fields: [
            Field(.personId, "Person ID", from: "userId", help: "The person's id, e-mail address or cio_id."),
            Field(
                .email,
                "E-mail",
                from: "traits.email",
                "email",
                "context.traits.email",
                help: "Identifies the person where there is no id, and is kept as the attribute email."
            ),
            Field(
                .anonymousId,
                "Anonymous ID",
                from: "anonymousId",
                help: "Goes along as an attribute, which ties earlier anonymous events to the person."
            ),
            Field(
                .createdAt,
                "Created at",
                .time,
                from: "traits.created_at",
                "traits.createdAt",
                "created_at",
                help: "When the person signed up."
            ),
            Field(
                .timestamp,
                "Timestamp",
                .time,
                from: .earliest("timestamp", "originalTimestamp", "receivedAt"),
                help: "When the attributes held: an older update never overwrites a newer one. The earliest, because a "
                    + "clock that runs ahead must not block or revert later updates."
            ),
            Field(
                .attributes,
                "Attributes",
                .object,
                from: .object(
                    "traits",
                    without: [
                        "createdAt", "created_at", "objectId", "objectTypeId", "object_type_id",
                        "relationshipAttributes",
                    ]
                ),
                help: "What is known of the person. null and \"\" remove an attribute."
            ),
            .objectId(from: "traits.objectId", "context.objectId", help: "An object to relate the person to."),
            .objectTypeId(
                from: "traits.objectTypeId",
                "traits.object_type_id",
                "context.objectTypeId",
                "context.object_type_id"
            ),
            .relationshipAttributes,
        ]
    ) { values throws(IgnoreReason) in
        let person = try values.person(orAnonymous: true)
        if person.isAnonymous { throw .anonymousIdentify }
        var attributes = values.attributes(
            withoutControlWords: ["id", "cio_id", "_update", "_timestamp", "cio_relationships"],
            personId: values.text(.personId)
        )
        if let createdAt = values.time(.createdAt) { attributes["created_at"] = createdAt }
        if let email = values.text(.email) { attributes["email"] = .string(email) }
        if let anonymousId = values.text(.anonymousId) { attributes["anonymous_id"] = .string(anonymousId) }

        var body = EntityBody("person", "identify", identifiers: person.json)
        body.add("timestamp", values.time(.timestamp))
        body.add("attributes", .object(attributes))
        if let objectId = values.text(.objectId) {
            let object = FieldValues.objectReference(id: objectId, type: values.text(.objectTypeId))
            body.add("cio_relationships", values.relationships(with: object))
        }
        return body.operation
    }
}
