import Events
import LosslessJSON

extension ActionDefinition {
    /// actions.md §3, Merge People.
    static let mergePeople = ActionDefinition(
        title: "Merge People",
        description:
            "Merges two people into one. The primary stays and inherits what it lacks; the secondary is deleted.",
        trigger: #"type = "alias""#,
        rank: .merge,
        fields: [
            Field(.primaryId, "Primary ID", required: true, from: "userId", "id", help: "The person who stays."),
            Field(
                .secondaryId,
                "Secondary ID",
                required: true,
                from: "previousId",
                help: "The person who is merged away."
            ),
        ]
    ) { values throws(IgnoreReason) in
        guard let primary = Identifier(personId: try values.required(.primaryId)) else { throw .missing(.primaryId) }
        let secondaryId = try values.required(.secondaryId)
        guard let secondary = Identifier(personId: secondaryId) else { throw .missing(.secondaryId) }
        if primary.isSame(as: secondary) { throw .samePerson }
        if values.subject.event.anonymousId?.hasSameBytes(as: secondaryId) == true { throw .joinedByIdentify }

        var body = EntityBody("person", "merge", identifiers: nil)
        body.add("primary", primary.json)
        body.add("secondary", secondary.json)
        return body.operation
    }
}
