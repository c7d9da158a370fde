package import Integrations
import Workspaces

extension EmbeddedWorkspace.Traits {
    /// Changes what the settings of a file name, and nothing else.
    package mutating func change(by file: Configuration.WorkspaceSettings) {
        if let requestsPerSecond = file.requestsPerSecond { self.requestsPerSecond = requestsPerSecond }
        if let status = file.invalidBatchStatus { answersInvalidBatchInPart = status == 207 }
        if let status = file.unknownSegmentStatus { missesSegments = status == 404 }
        settings.change(by: file)
    }
}

extension WorkspaceSettings {
    fileprivate mutating func change(by file: Configuration.WorkspaceSettings) {
        for (key, isOn) in file.switches { self[keyPath: Self.path(of: key)] = isOn }
        switch file.identifiers {
        case .emailOrId: identifiers = .emailOrId
        case .id: identifiers = .id
        case .email: identifiers = .email
        case nil: break
        }
        if let topics = file.topics {
            self.topics = Dictionary(uniqueKeysWithValues: topics.map { (Int64($0.key), $0.value) })
        }
        switch file.topicConflicts {
        case .primary: topicConflicts = .primary
        case .secondary: topicConflicts = .secondary
        case .unsubscribed: topicConflicts = .unsubscribed
        case nil: break
        }
        if let suppressesAll = file.suppressesAll { suppressionReach = suppressesAll ? .all : .passed }
        if let segments = file.segments { self.segments = .only(Set(segments.map(Int64.init))) }
        if let types = file.objectTypes { objectTypes = .only(Set(types.map(Int64.init))) }
        if let days = file.futureDays { futureDays = Int64(days) }
        if let days = file.eventIdDays { eventIdDays = Int64(days) }
    }

    private static func path(of key: Configuration.WorkspaceSettings.Switch) -> WritableKeyPath<Self, Bool> {
        switch key {
        case .updatesEmailUsingId: \.updatesEmailUsingId
        case .mergesAutomatically: \.mergesAutomatically
        case .mergesAnonymousEvents: \.mergesAnonymousEvents
        case .eventsMakePeople: \.eventsMakePeople
        case .keepsAttributesOfRefusedIdentify: \.keepsAttributesOfRefusedIdentify
        case .identifiesByPhone: \.identifiesByPhone
        case .trimsEventNames: \.trimsEventNames
        case .asksForULIDs: \.asksForULIDs
        }
    }
}
