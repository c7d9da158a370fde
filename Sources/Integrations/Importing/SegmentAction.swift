import Triggers

/// An action of Segment's destination *Customer.io (Actions)*, and which of Ferry's it is: both were made for the same API,
/// and call things differently.
struct SegmentAction {
    /// A setting of the action.
    struct Setting {
        /// The field that it is here.
        let field: Field.Key
        /// The paths that Segment writes into it when the action is made (not every version all of them): the first with a
        /// value counts.
        let defaultPaths: [String]
    }

    /// `actionSlug` in the Public API, `partnerAction` in a preset.
    let slug: String
    /// The name of Ferry's definition.
    let definition: String
    let settings: [String: Setting]

    /// The action of a slug, however its words are joined: `trackEvent`, `track-event`, `Track Event`.
    static func named(_ name: String) -> SegmentAction? {
        all.first { $0.slug.lettersAndDigits == name.lettersAndDigits }
            ?? all.first { $0.definition.lettersAndDigits == name.lettersAndDigits }
    }

    /// Events that are commands: Ferry's default trigger of `track-event` leaves them out.
    static let commandNames = [
        "Relationship Deleted", "User Deleted", "User Suppressed", "User Unsuppressed", "Object Deleted",
        "Report Delivery Event", "Report Content Event", "Device Created or Updated", "Device Deleted",
    ]

    /// The commands that Segment's default trigger of `trackEvent` leaves out, of which its versions have different ones;
    /// `nil` for another trigger.
    static func eventsLeftOut(by trigger: Trigger) -> [String]? {
        let source = trigger.source
        let names = (commandNames + ["Group Deleted"]).compactMap { name in
            source.firstRange(of: name).map { (name: name, place: $0.lowerBound) }
        }.sorted { $0.place < $1.place }.map(\.name)
        guard !names.isEmpty else { return nil }
        let text = "type = \"track\"" + names.map { " and event != \"\($0)\"" }.joined()
        guard let ours = try? Trigger(text), ours.isSameCondition(as: trigger) else { return nil }
        return names
    }

    /// What is set for every action and is no field.
    static let options = ["convert_timestamp", "enable_batching", "batch_size"]

    static let all = [
        SegmentAction(
            "createUpdatePerson",
            "create-or-update-person",
            [
                "id": (.personId, ["userId", "traits.email"]),
                "anonymous_id": (.anonymousId, ["anonymousId"]),
                "email": (.email, ["traits.email"]),
                "created_at": (.createdAt, ["traits.created_at", "traits.createdAt"]),
                "group_id": (.objectId, ["traits.objectId"]),
                "object_type_id": (.objectTypeId, ["traits.object_type_id", "traits.objectTypeId"]),
                "custom_attributes": (.attributes, ["traits"]),
                "relationship_attributes": (.relationshipAttributes, ["traits.relationshipAttributes"]),
                "timestamp": (.timestamp, ["timestamp"]),
            ]
        ),
        activity("trackEvent", "track-event", name: "name", ["event"]),
        activity("trackPageView", "track-page-view", name: "url", ["properties.url"]),
        activity("trackScreenView", "track-screen-view", name: "name", ["name"]),
        SegmentAction(
            "createUpdateDevice",
            "create-or-update-device",
            [
                "person_id": (.personId, ["userId"]),
                "device_id": (.token, ["context.device.token"]),
                "platform": (.platform, ["context.device.type"]),
                "last_used": (.lastUsed, ["timestamp"]),
                "app_version": (.appVersion, ["context.app.version"]),
                "attributes": (.attributes, ["properties"]),
            ]
        ),
        SegmentAction(
            "deleteDevice",
            "delete-device",
            ["person_id": (.personId, ["userId"]), "device_id": (.token, ["context.device.token"])]
        ),
        SegmentAction(
            "createUpdateObject",
            "create-or-update-object",
            [
                "id": (.objectId, ["groupId"]),
                "object_type_id": (.objectTypeId, ["traits.object_type_id", "traits.objectTypeId"]),
                "user_id": (.personId, ["userId"]),
                "anonymous_id": (.anonymousId, ["anonymousId"]),
                "created_at": (.createdAt, ["traits.created_at", "traits.createdAt"]),
                "custom_attributes": (.attributes, ["traits"]),
                "relationship_attributes": (.relationshipAttributes, ["traits.relationshipAttributes"]),
            ]
        ),
        SegmentAction(
            "deleteObject",
            "delete-object",
            ["object_id": (.objectId, ["properties.objectId"]), "object_type_id": objectTypeOfCommand]
        ),
        SegmentAction(
            "deleteRelationship",
            "delete-relationship",
            [
                "person_id": (.personId, ["userId"]),
                "object_id": (.objectId, ["properties.objectId"]),
                "object_type_id": objectTypeOfCommand,
            ]
        ),
        SegmentAction("deletePerson", "delete-person", ["person_id": (.personId, ["userId", "traits.email"])]),
        SegmentAction(
            "mergePeople",
            "merge-people",
            ["primary": (.primaryId, ["userId"]), "secondary": (.secondaryId, ["previousId"])]
        ),
        SegmentAction("suppressPerson", "suppress-person", ["person_id": (.personId, ["userId"])]),
        SegmentAction("unsuppressPerson", "unsuppress-person", ["person_id": (.personId, ["userId"])]),
        SegmentAction(
            "reportDeliveryEvent",
            "report-delivery-event",
            [
                "delivery_id": (.deliveryId, ["properties.deliveryId"]),
                "metric": (.metric, ["properties.metric"]),
                "recipient": (.recipient, ["properties.recipient"]),
                "reason": (.reason, ["properties.reason"]),
                "href": (.href, ["properties.href"]),
                "action_name": (.actionName, ["properties.actionName"]),
                "action_value": (.actionValue, ["properties.actionValue"]),
                "timestamp": (.timestamp, ["timestamp"]),
            ]
        ),
        SegmentAction(
            "reportContentEvent",
            "report-content-event",
            [
                "actionType": (.contentAction, ["properties.actionType"]),
                "anonymous_id": (.anonymousId, ["anonymousId"]),
                "data": (.attributes, ["properties"]),
                "timestamp": (.timestamp, ["timestamp"]),
            ]
        ),
    ]

    private init(_ slug: String, _ definition: String, _ settings: [String: (field: Field.Key, paths: [String])]) {
        self.slug = slug
        self.definition = definition
        self.settings = settings.mapValues { Setting(field: $0.field, defaultPaths: $0.paths) }
    }

    private static let objectTypeOfCommand: (Field.Key, [String]) =
        (.objectTypeId, ["properties.object_type_id", "properties.objectTypeId"])

    /// An event, page or screen, which differ in where their name comes from.
    private static func activity(
        _ slug: String,
        _ definition: String,
        name: String,
        _ namePaths: [String]
    ) -> SegmentAction {
        SegmentAction(
            slug,
            definition,
            [
                "id": (.personId, ["userId"]),
                "anonymous_id": (.anonymousId, ["anonymousId"]),
                name: (.name, namePaths),
                "event_id": (.eventId, ["messageId"]),
                "timestamp": (.timestamp, ["timestamp"]),
                "data": (.attributes, ["properties"]),
            ]
        )
    }
}

extension String {
    /// In lower case and without what joins words.
    fileprivate var lettersAndDigits: String {
        lowercased().filter { $0.isLetter || $0.isNumber }
    }
}
