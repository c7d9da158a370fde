import Integrations
import Server
import Workspaces

extension EmbeddedWorkspaces {
    /// Opens those of earlier runs, and says which keys can't be read.
    func recallSaying() async throws {
        for name in try await recall() {
            Terminal.error(
                "the key of the workspace \(name) does not open with seal.key: who comes first with its name as site id has it"
            )
        }
    }

    /// Adds the workspaces that a file declares.
    ///
    /// - Throws: `SecretReference.Missing` for the keys of a workspace that are not there.
    func declare(_ file: Configuration) throws {
        for workspace in file.workspaces {
            let settings = file.workspaceSettings.changed(by: workspace.settings)
            declare(
                workspace.name,
                siteID: try workspace.siteId.resolved(),
                apiKey: try workspace.apiKey.resolved()
            ) { traits in
                traits = EmbeddedWorkspace.Traits(settings)
                traits.redirectsTo = workspace.redirectsTo
                traits.region = workspace.region == .eu ? .eu : .us
            }
        }
    }
}

extension EmbeddedWorkspace.Traits {
    /// A new workspace's, changed as the file says.
    init(_ file: Configuration.WorkspaceSettings) {
        self.init()
        requestsPerSecond = file.requestsPerSecond
        if let status = file.invalidBatchStatus { answersInvalidBatchInPart = status == 207 }
        if let status = file.unknownSegmentStatus { missesSegments = status == 404 }
        settings = WorkspaceSettings(file)
    }
}

extension WorkspaceSettings {
    fileprivate init(_ file: Configuration.WorkspaceSettings) {
        self.init()
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
        futureDays = file.futureDays.map(Int64.init)
        eventIdDays = file.eventIdDays.map(Int64.init)
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
