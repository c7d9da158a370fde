import LosslessJSON
import Storage

/// Names that an identify may carry and that are not attributes of a person (track-api.md §7.2).
enum PersonAttribute {
    /// An id that people are not known by is the workspace's own (§5), and not to be written.
    private static let identifiers = ["id", "cio_id"]
    private static let control = ["_update", "_timestamp", "cio_relationships"]
    private static let system = [
        "_created_in_customerio_at", "_cio_subscription_preferences_computed", "_last_emailed", "timezone_valid",
        "cio_timezone", "cio_location_source", "cio_latitude", "cio_longitude",
    ]

    /// What is stored of the attributes of a call.
    static func stored(_ attributes: JSON.Object, _ settings: WorkspaceSettings) -> JSON.Object {
        attributes.removing { isNotStored($0) || settings.takesAddresses && $0.hasSameBytes(as: "email") }
    }

    private static func isNotStored(_ name: String) -> Bool {
        identifiers.contains { $0.hasSameBytes(as: name) } || control.contains { $0.hasSameBytes(as: name) }
            || system.contains { $0.hasSameBytes(as: name) } || name.utf8.starts(with: "cio_iso_".utf8)
    }
}

/// Names that an identify may carry and that are not attributes of an object (track-api.md §7.3).
enum ObjectAttribute {
    private static let names = ["cio_object_id", "object_id", "_update", "_timestamp", "cio_relationships"]

    static func isNotStored(_ name: String) -> Bool {
        names.contains { $0.hasSameBytes(as: name) }
    }
}

/// What became of the attributes of one call.
struct AttributeOutcome {
    var attributes: AttributeSet
    /// `{"name":{"from":…,"to":…}}`, an empty text standing for no value (track-api.md §20).
    var changed = JSON.Object()
    /// Not taken because a newer value is there.
    var outdated = JSON.Object()
    /// Not taken because there would be too many.
    var surplus = JSON.Object()
}

extension AttributeSet {
    /// Removed attributes that are remembered so that an older value does not bring them back.
    private static let rememberedRemovals = 300
    private static let topicPrefix = "cio_subscription_preferences.topics."

    /// These attributes after a call: keys that it does not name stay, a nested value is replaced as a whole, `null`
    /// and `""` remove (track-api.md §7.1), and of each attribute the newest value stays (§8; of equal times, the
    /// later call).
    /// `bytes` is the limit of all names and values together, where there is one.
    func applying(_ changes: JSON.Object, at time: Int64, bytes: Int = .max) -> AttributeOutcome {
        var outcome = AttributeOutcome(attributes: self)
        var count = count
        var size = bytes == .max ? 0 : self.size
        for change in changes {
            let (name, value) = outcome.attributes.expanded(change)
            let old = outcome.attributes[name]
            if let old, old.time > time {
                outcome.outdated[name] = value
                continue
            }
            let new = value.removesAttribute ? nil : value
            let growth = bytes == .max ? 0 : Self.size(name, new) - Self.size(name, old?.value)
            let isNew = new != nil && old?.value == nil
            guard !isNew || count < TrackLimit.attributes, growth <= 0 || size + growth <= bytes else {
                outcome.surplus[name] = value
                continue
            }
            outcome.attributes.set(Entry(name: name, value: new, time: time))
            size += growth
            count += isNew ? 1 : old?.value != nil && new == nil ? -1 : 0
            if new != old?.value {
                outcome.changed[name] = ["from": old?.value ?? "", "to": new ?? ""]
            }
        }
        outcome.attributes.forgetRemoved(beyond: Self.rememberedRemovals)
        return outcome
    }

    /// Dot notation reaches one subscription topic and keeps its siblings (track-api.md §7.1, §19).
    private func expanded(_ change: JSON.Object.Member) -> (name: String, value: JSON) {
        guard change.key.utf8.starts(with: Self.topicPrefix.utf8) else { return (change.key, change.value) }
        let topic = String(decoding: change.key.utf8.dropFirst(Self.topicPrefix.utf8.count), as: UTF8.self)
        let name = SubscriptionTopics.attribute
        var preferences = self[name]?.value?.objectValue ?? JSON.Object()
        var topics = preferences["topics"]?.objectValue ?? JSON.Object()
        topics[topic] = change.value.removesAttribute ? nil : change.value
        preferences["topics"] = .object(topics)
        return (name, .object(preferences))
    }

    /// These attributes with those of `other` that have no value here (track-api.md §14.2); of people also with what both
    /// have chosen among the subscription topics.
    func inheriting(
        from other: AttributeSet,
        topics conflicts: WorkspaceSettings.TopicConflicts? = nil
    ) -> AttributeSet {
        var result = self
        var count = count
        for entry in other.entries where entry.value != nil && result[entry.name]?.value == nil {
            guard count < TrackLimit.attributes else { break }
            result.set(entry)
            count += 1
        }
        if let conflicts, var own = self[SubscriptionTopics.attribute], let mine = own.value,
            let theirs = other[SubscriptionTopics.attribute]?.value
        {
            own.value = SubscriptionTopics.merged(mine, theirs, conflicts)
            result.set(own)
        }
        return result
    }

    private var size: Int {
        entries.reduce(0) { $0 + Self.size($1.name, $1.value) }
    }

    private static func size(_ name: String, _ value: JSON?) -> Int {
        value.map { name.utf8.count + $0.attributeBytes } ?? 0
    }
}
