extension ActionDefinition {
    /// actions.md §3, Delete Object.
    static let deleteObject = ActionDefinition(
        title: "Delete Object",
        description: "Deletes an object; all its relationships go with it.",
        trigger: #"event = "Object Deleted""#,
        rank: .deleteObject,
        isCommand: true,
        fields: [
            .objectId(required: true, from: "properties.objectId", "properties.object_id"),
            .objectTypeId(from: "properties.objectTypeId", "properties.object_type_id"),
        ]
    ) { values throws(IgnoreReason) in
        EntityBody("object", "delete", identifiers: try values.objectReference()).operation
    }
}
