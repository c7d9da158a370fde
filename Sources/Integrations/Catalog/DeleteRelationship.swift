import LosslessJSON

extension ActionDefinition {
    /// actions.md §3, Delete Relationship.
    static let deleteRelationship = ActionDefinition(
        title: "Delete Relationship",
        description: "Takes the tie between a person and an object away; both stay.",
        trigger: #"event = "Relationship Deleted""#,
        rank: .deleteRelationships,
        isCommand: true,
        fields: [
            .personId, .commandEmail,
            .objectId(required: true, from: "properties.objectId", "properties.object_id"),
            .objectTypeId(from: "properties.objectTypeId", "properties.object_type_id"),
        ]
    ) { values throws(IgnoreReason) in
        let person = try values.person()
        var body = EntityBody("object", "delete_relationships", identifiers: try values.objectReference())
        body.add("cio_relationships", [["identifiers": person.json]])
        return body.operation
    }
}
