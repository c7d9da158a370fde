import LosslessJSON
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
            case asksForULIDs = "require_ulids"
        }

        package internal(set) var switches: [Switch: Bool] = [:]
        /// Whether a suppression blocks the id and the e-mail address, and not only what was passed.
        package internal(set) var suppressesAll: Bool?
        /// The manual segments that there are; `nil`: any.
        package internal(set) var segments: [Int]?
        package internal(set) var requestsPerSecond: Int?

        init() {}
    }
}

extension ConfigurationParser {
    mutating func workspaceSettings(_ node: Node) -> Configuration.WorkspaceSettings {
        var settings = Configuration.WorkspaceSettings()
        let known =
            Configuration.WorkspaceSettings.Switch.allCases.map(\.rawValue) + ["suppress", "segments", "rate_limit"]
        readKeys(of: node, "`workspace_settings`", known: known) { parser, name, value in
            switch name {
            case "suppress":
                switch parser.reader.string(value, "`suppress`") {
                case "passed": settings.suppressesAll = false
                case "all": settings.suppressesAll = true
                case let text?: parser.reader.note(value, "unknown reach `\(text)`", "write `passed` or `all`")
                case nil: break
                }
            case "segments":
                settings.segments = (parser.reader.sequence(value, "`segments`") ?? []).compactMap {
                    parser.reader.int($0, "a segment's number", in: 1...Int.max)
                }
            case "rate_limit": settings.requestsPerSecond = parser.reader.int(value, "`rate_limit`", in: 1...100_000)
            default:
                guard let key = Configuration.WorkspaceSettings.Switch(rawValue: name) else { return }
                settings.switches[key] = parser.reader.bool(value, "`\(name)`")
            }
        }
        return settings
    }
}
