extension ActionDefinition {
    /// actions.md §3, Track Event.
    static let trackEvent = ActionDefinition(
        title: "Track Event",
        description: "Sends an event of a person, or of a visitor who is not known yet.",
        trigger: """
            type = "track" and !(event in ["Relationship Deleted", "User Deleted", "User Suppressed", \
            "User Unsuppressed", "Object Deleted", "Report Delivery Event", "Report Content Event", \
            "Device Created or Updated", "Device Deleted"])
            """,
        rank: .event,
        yieldsToCommands: true,
        fields: [
            .personId, .email, .anonymousId,
            Field(.name, "Event Name", required: true, from: "event", help: "What happened."),
            .eventId, .timestamp, .properties,
        ]
    ) { values throws(IgnoreReason) in
        try values.activity("event")
    }
}
