import LosslessJSON
import Storage

/// What people chose to get (track-api.md §19): `{"topics":{"topic_1":true}}`.
enum SubscriptionTopics {
    static let attribute = "cio_subscription_preferences"
    /// The same with the defaults filled in, which only the workspace writes (§7.2).
    static let computedAttribute = "_cio_subscription_preferences_computed"

    /// The preferences of the primary with the topics that only the secondary has chosen, and the conflicts settled.
    static func merged(_ primary: JSON, _ secondary: JSON, _ conflicts: WorkspaceSettings.TopicConflicts) -> JSON {
        guard var preferences = primary.objectValue, let theirs = secondary["topics"]?.objectValue else {
            return primary
        }
        var topics = preferences["topics"]?.objectValue ?? JSON.Object()
        for topic in theirs where topics[topic.key].map({ $0.isNull }) ?? true || prefers(topic.value, conflicts) {
            topics[topic.key] = topic.value
        }
        preferences["topics"] = .object(topics)
        return .object(preferences)
    }

    /// Whether the secondary's choice outlives another one of the primary.
    private static func prefers(_ choice: JSON, _ conflicts: WorkspaceSettings.TopicConflicts) -> Bool {
        switch conflicts {
        case .primary: false
        case .secondary: true
        case .unsubscribed: choice == false
        }
    }
}

extension WorkspaceSettings {
    /// Which of the workspace's topics somebody with these attributes is subscribed to; `nil` where it has none.
    func computedPreferences(of attributes: AttributeSet) -> JSON? {
        guard !topics.isEmpty else { return nil }
        let chosen = attributes[SubscriptionTopics.attribute]?.value?["topics"]
        var computed = JSON.Object()
        for (number, isSubscribed) in topics.sorted(by: { $0.key < $1.key }) {
            let name = "topic_\(number)"
            computed[name] = .bool(chosen?[name]?.boolValue ?? isSubscribed)
        }
        return ["topics": .object(computed)]
    }
}
