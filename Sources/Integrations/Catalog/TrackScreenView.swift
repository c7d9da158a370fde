extension ActionDefinition {
    /// actions.md §3, Track Screen View.
    static let trackScreenView = ActionDefinition(
        title: "Track Screen View",
        description: "Sends the view of a screen of a mobile app.",
        trigger: #"type = "screen""#,
        rank: .event,
        fields: [
            .personId, .email, .anonymousId,
            Field(.name, "Screen Name", required: true, from: "name", "properties.name", help: "The screen's name."),
            .eventId, .timestamp,
            Field(
                .attributes,
                "Attributes",
                .object,
                from: .object("properties", adding: ["category"]),
                help: "What is known of the screen."
            ),
        ]
    ) { values throws(IgnoreReason) in
        try values.activity("screen")
    }
}
