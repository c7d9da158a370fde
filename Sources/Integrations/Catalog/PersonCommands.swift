extension ActionDefinition {
    /// actions.md §3, Delete Person.
    static let deletePerson = ActionDefinition(
        title: "Delete Person",
        description: "Deletes a person and all that Customer.io knows of them. The identifiers are free again.",
        trigger: #"event = "User Deleted""#,
        rank: .deletePerson,
        isCommand: true,
        fields: [.personId, .commandEmail]
    ) { values throws(IgnoreReason) in
        EntityBody("person", "delete", identifiers: try values.person().json).operation
    }

    /// actions.md §3, Suppress Person.
    static let suppressPerson = ActionDefinition(
        title: "Suppress Person",
        description:
            "Deletes a person and blocks the identifier: Customer.io ignores what is sent for it from then on.",
        trigger: #"event = "User Suppressed""#,
        rank: .suppress,
        isCommand: true,
        fields: [.personId, .commandEmail]
    ) { values throws(IgnoreReason) in
        EntityBody("person", "suppress", identifiers: try values.person().json).operation
    }

    /// actions.md §3, Unsuppress Person.
    static let unsuppressPerson = ActionDefinition(
        title: "Unsuppress Person",
        description: "Unblocks an identifier. What was deleted does not come back.",
        trigger: #"event = "User Unsuppressed""#,
        rank: .unsuppress,
        isCommand: true,
        fields: [.personId, .commandEmail]
    ) { values throws(IgnoreReason) in
        EntityBody("person", "unsuppress", identifiers: try values.person().json).operation
    }
}
