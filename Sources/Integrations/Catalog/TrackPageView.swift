extension ActionDefinition {
    /// actions.md §3, Track Page View.
    static let trackPageView = ActionDefinition(
        title: "Track Page View",
        description: "Sends the view of a web page, named by its URL.",
        trigger: #"type = "page""#,
        rank: .event,
        fields: [
            .personId, .email, .anonymousId,
            Field(
                .name,
                "Page URL",
                required: true,
                from: "properties.url",
                "context.page.url",
                "name",
                help: "The page's URL; its name where no URL is known."
            ),
            .eventId, .timestamp,
            Field(
                .attributes,
                "Attributes",
                .object,
                from: .object("properties", adding: ["name", "category"]),
                help: "What is known of the page."
            ),
        ]
    ) { values throws(IgnoreReason) in
        try values.activity("page")
    }
}
