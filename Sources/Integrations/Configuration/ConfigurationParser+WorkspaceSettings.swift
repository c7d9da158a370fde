package import LosslessJSON
import Yams

extension Configuration {
    /// How the embedded workspaces behave where workspaces differ, or where nothing public settles it (track-api.md §24).
    /// What is not named stays as a new workspace has it.
    package struct WorkspaceSettings: Sendable, Equatable {
        /// What can be switched on and off; the texts are the keys of the file.
        package enum Switch: String, Sendable, CaseIterable {
            case updatesEmailUsingId = "update_email_using_id"
            case mergesAutomatically = "merge_people"
            case mergesAnonymousEvents = "join_anonymous_events"
            case eventsMakePeople = "events_make_people"
            case keepsAttributesOfRefusedIdentify = "keep_attributes_of_refused_identify"
            case identifiesByPhone = "identify_by_phone"
            case trimsEventNames = "trim_event_names"
            case asksForULIDs = "require_ulids"
        }

        /// By what people are known.
        package enum Identifiers: String, Sendable, CaseIterable {
            case emailOrId = "email_or_id"
            case id, email
        }

        package internal(set) var switches: [Switch: Bool] = [:]
        /// Whose choice of a topic outlives a merge.
        package enum TopicConflicts: String, Sendable, CaseIterable {
            case primary, secondary, unsubscribed
        }

        package internal(set) var identifiers: Identifiers?
        /// The subscription topics, and whether somebody who has not chosen is subscribed.
        package internal(set) var topics: [Int: Bool]?
        package internal(set) var topicConflicts: TopicConflicts?
        /// Whether a suppression blocks the id and the e-mail address, and not only what was passed.
        package internal(set) var suppressesAll: Bool?
        /// The manual segments that there are; `nil`: any.
        package internal(set) var segments: [Int]?
        /// The object types that there are; `nil`: any.
        package internal(set) var objectTypes: [Int]?
        /// How far an event's time may lie ahead.
        package internal(set) var futureDays: Int?
        /// How long the id of an event is remembered.
        package internal(set) var eventIdDays: Int?
        /// What a batch is answered of which every item is wrong.
        package internal(set) var invalidBatchStatus: Int?
        /// What a call is answered that names a segment that is not there.
        package internal(set) var unknownSegmentStatus: Int?
        package internal(set) var requestsPerSecond: Int?

        package init() {}

        /// The settings that JSON holds under the keys of the file.
        ///
        /// - Throws: `ConfigurationError` with every mistake in it.
        package init(_ json: JSON) throws(ConfigurationError) {
            // JSON is YAML.
            let text = "workspace_settings: \(json)"
            self = try Configuration(parsing: text, file: "settings").workspaceSettings
        }
    }
}

extension ConfigurationParser {
    /// The settings of all workspaces or of one; `what` is the section's key.
    mutating func workspaceSettings(_ node: Node, _ what: String) -> Configuration.WorkspaceSettings {
        var settings = Configuration.WorkspaceSettings()
        let known =
            Configuration.WorkspaceSettings.Switch.allCases.map(\.rawValue)
            + [
                "identifiers", "topics", "topic_conflicts", "suppress", "segments", "object_types", "future_days",
                "event_id_days", "invalid_batch_status", "unknown_segment_status", "rate_limit",
            ]
        readKeys(of: node, "`\(what)`", known: known) { parser, name, value in
            switch name {
            case "identifiers": settings.identifiers = parser.choice(value, name)
            case "topics": settings.topics = parser.topics(value)
            case "topic_conflicts": settings.topicConflicts = parser.choice(value, name)
            case "suppress":
                switch parser.reader.string(value, "`suppress`") {
                case "passed": settings.suppressesAll = false
                case "all": settings.suppressesAll = true
                case let text?: parser.reader.note(value, "unknown reach `\(text)`", "write `passed` or `all`")
                case nil: break
                }
            case "segments": settings.segments = parser.numbers(value, name, "a segment's number")
            case "object_types": settings.objectTypes = parser.numbers(value, name, "an object type's number")
            case "future_days": settings.futureDays = parser.reader.int(value, "`future_days`", in: 0...36_500)
            case "event_id_days": settings.eventIdDays = parser.reader.int(value, "`event_id_days`", in: 1...36_500)
            case "invalid_batch_status": settings.invalidBatchStatus = parser.status(value, name, among: [400, 207])
            case "unknown_segment_status":
                settings.unknownSegmentStatus = parser.status(value, name, among: [400, 404])
            case "rate_limit": settings.requestsPerSecond = parser.reader.int(value, "`rate_limit`", in: 1...100_000)
            default:
                guard let key = Configuration.WorkspaceSettings.Switch(rawValue: name) else { return }
                settings.switches[key] = parser.reader.bool(value, "`\(name)`")
            }
        }
        return settings
    }

    private mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ node: Node,
        _ name: String
    ) -> Choice? {
        guard let text = reader.string(node, "`\(name)`") else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let choices = Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: " or ")
        reader.note(node, "`\(text)` is no value of `\(name)`", "write \(choices)")
        return nil
    }

    private mutating func numbers(_ node: Node, _ name: String, _ what: String) -> [Int] {
        (reader.sequence(node, "`\(name)`") ?? []).compactMap { reader.int($0, what, in: 1...Int.max) }
    }

    private mutating func status(_ node: Node, _ name: String, among known: [Int]) -> Int? {
        guard let status = reader.int(node, "`\(name)`", in: 200...404) else { return nil }
        if known.contains(status) { return status }
        let words = known.map(String.init).joined(separator: " or ")
        reader.note(node, "`\(status)` is no value of `\(name)`", "write \(words)")
        return nil
    }

    /// `{ 1: subscribed, 2: unsubscribed }`.
    private mutating func topics(_ node: Node) -> [Int: Bool] {
        var topics: [Int: Bool] = [:]
        for entry in reader.mapping(node, "`topics`") ?? [] {
            guard let number = Int(entry.name), number > 0 else {
                reader.note(entry.key, "`\(entry.name)` is no number of a topic", "write 1 for topic_1")
                continue
            }
            switch reader.string(entry.value, "the default of a topic") {
            case "subscribed": topics[number] = true
            case "unsubscribed": topics[number] = false
            case let text?:
                reader.note(entry.value, "unknown default `\(text)`", "write `subscribed` or `unsubscribed`")
            case nil: break
            }
        }
        return topics
    }
}
