import LosslessJSON

extension ActionDefinition {
    /// actions.md §3, Create or Update Object.
    static let createOrUpdateObject = ActionDefinition(
        title: "Create or Update Object",
        description: "Creates an object (a company, a course), or updates one, and relates the person to it.",
        trigger: #"type = "group""#,
        rank: .identifyObject,
        fields: [
            .personId, .email, .anonymousId,
            .objectId(required: true, from: "groupId"),
            .objectTypeId(from: "traits.object_type_id", "traits.objectTypeId"),
            Field(
                .attributes,
                "Attributes",
                .object,
                from: .object(
                    "traits",
                    without: ["object_type_id", "objectTypeId", "relationshipAttributes", "created_at", "createdAt"],
                    overlaying: "objectAttributes"
                ),
                help: "What is known of the object. null and \"\" remove an attribute."
            ),
            Field(
                .createdAt,
                "Created at",
                .time,
                from: "traits.created_at",
                "traits.createdAt",
                help: "When the object came to be."
            ),
            .relationshipAttributes,
        ]
    ) { values throws(IgnoreReason) in
        let person = try? values.person(orAnonymous: true)
        let object = try values.objectReference()
        var attributes = values.attributes(withoutControlWords: [
            "cio_id", "_update", "_timestamp", "cio_relationships",
        ])
        if let createdAt = values.time(.createdAt) { attributes["created_at"] = createdAt }

        let action = person?.isAnonymous == true ? "identify_anonymous" : "identify"
        var body = EntityBody("object", action, identifiers: object)
        body.add("attributes", .object(attributes))
        if let person { body.add("cio_relationships", values.relationships(with: person.json)) }
        return body.operation
    }
}
