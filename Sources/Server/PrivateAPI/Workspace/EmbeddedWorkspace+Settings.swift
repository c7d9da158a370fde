package import Integrations
import LosslessJSON
import TrackAPI
import Workspaces

extension EmbeddedWorkspace.Traits {
    /// Changes what the settings of a file name, and nothing else.
    package mutating func change(by file: Configuration.WorkspaceSettings) {
        if let requestsPerSecond = file.requestsPerSecond { self.requestsPerSecond = requestsPerSecond }
        if let status = file.invalidBatchStatus { answersInvalidBatchInPart = status == 207 }
        if let status = file.unknownSegmentStatus { missesSegments = status == 404 }
        settings.change(by: file)
    }

    /// What somebody has asked for that can't be had, in a sentence.
    struct Mistake: Error {
        let sentence: String
    }

    /// Changes what somebody has asked for: `region`, `redirectTo` and `settings`, each of which may be left out.
    mutating func change(by wish: JSON.Object) throws(Mistake) {
        guard let region = (wish["region"] ?? "us").stringValue.flatMap(EmbeddedWorkspace.Region.init) else {
            throw Mistake(sentence: "region is us or eu")
        }
        self.region = region
        if let value = wish["redirectTo"] {
            redirectsTo = value.stringValue.flatMap { try? Endpoint($0) }
            guard redirectsTo != nil, region == .eu else {
                throw Mistake(sentence: "redirectTo is the URL of the EU's host, of a workspace of the region eu")
            }
        }
        guard let given = wish["settings"] else { return }
        do {
            change(by: try Configuration.WorkspaceSettings(given))
        } catch {
            throw Mistake(sentence: error.sentence)
        }
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

extension ConfigurationError {
    /// The first mistake, without the place in a text that nobody has written so.
    fileprivate var sentence: String {
        let first = problems.first
        return "settings: \(first?.message ?? "")\(first?.suggestion.map { "; \($0)" } ?? "")"
    }
}
