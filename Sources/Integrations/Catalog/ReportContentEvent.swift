import LosslessJSON

extension ActionDefinition {
    /// actions.md §3, Report Content Event.
    static let reportContentEvent = ActionDefinition(
        title: "Report Content Event",
        description: "Reports that an anonymous in-app message was seen or clicked. A Premium feature of Customer.io.",
        trigger: #"event = "Report Content Event""#,
        rank: .content,
        isCommand: true,
        lockedBecause: "editing it can break metric reporting",
        fields: [
            Field(
                .contentAction,
                "Content Action",
                required: true,
                from: "properties.actionType",
                help: "viewed_content or clicked_content."
            ),
            Field(
                .anonymousId,
                "Anonymous ID",
                required: true,
                from: "anonymousId",
                "properties.anonymousId",
                help: "The visitor, also when a person is known."
            ),
            Field(
                .attributes,
                "Attributes",
                .object,
                from: .object("properties", without: ["actionType"]),
                help: "What is known of the content."
            ),
            .timestamp,
        ]
    ) { values throws(IgnoreReason) in
        guard let anonymousId = values.text(.anonymousId) else { throw .noIdentifier }
        let action = try values.required(.contentAction)
        guard ["viewed_content", "clicked_content"].contains(action) else {
            throw .invalid(.contentAction, value: action)
        }
        var body = EntityBody("person", action, identifiers: Identifier.anonymous(anonymousId).json)
        body.add("name", action)
        body.add("timestamp", values.time(.timestamp))
        body.add("attributes", .object(values.attributes()))
        return body.operation
    }
}
