package import Integrations
import LosslessJSON
package import Storage
import TrackAPI

/// Changes the integrations of a running Ferry: by its file, by the text of an export, by putting back what was.
///
/// Each change of an integration is a revision, which holds from one event on; an integration's events are planned under
/// exactly one each, and none is lost or doubled by a change (delivery.md F40). A change is made as a whole or not at all.
package struct Configurator: Sendable {
    /// Makes the way to an integration's destination; an error of it refuses the change.
    package typealias Connect = @Sendable (Integration, _ sealed: [String: String]) throws -> Connection

    let live: LiveIntegrations
    let revisions: Revisions
    let control: DeliveryControl
    let nodes: Nodes
    let connect: Connect
    let now: @Sendable () -> Moment

    /// - Parameters:
    ///   - live: what runs.
    ///   - revisions: where changes are kept.
    ///   - control: of the lanes that run.
    ///   - nodes: who else delivers.
    ///   - connect: makes the way to a destination.
    ///   - now: the clocks.
    package init(
        _ live: LiveIntegrations,
        revisions: Revisions,
        control: DeliveryControl,
        nodes: Nodes,
        connect: @escaping Connect,
        now: @escaping @Sendable () -> Moment
    ) {
        self.live = live
        self.revisions = revisions
        self.control = control
        self.nodes = nodes
        self.connect = connect
        self.now = now
    }

    // MARK: The file

    /// Makes what runs out of the file and of what is kept in the data; a file that has changed since makes revisions.
    ///
    /// - Throws: `ConfigurationRefusal`, `StorageError`, and what `connect` throws.
    package func begin(with file: Configuration) async throws {
        _ = try await live.gate.changing { try await take(file, behindRead: false) }
    }

    /// Makes what runs out of what is kept in the data. Where nothing ever was, it begins with a preset, which is the data's
    /// from then on, and is changed there.
    ///
    /// - Throws: as `begin(with:)`.
    package func begin(withoutFile preset: Configuration) async throws {
        guard try await !revisions.hasKeptAny() else { return try await begin(with: Configuration()) }
        try await live.gate.changing {
            let configuration = try await revisions.configuration()
            let known = try await histories()
            let drafts = try preset.integrations.map { integration in
                try draft(integration, by: .file, home: .database, false, [:], known[integration.name] ?? [])
            }
            _ = try await carryOut(drafts)
            live.configuration = configuration
        }
    }

    /// Takes the file again while Ferry runs: what it does not define any more, and did, is gone.
    ///
    /// - Parameters:
    ///   - file: what it says now.
    ///   - waiting: whether events that wait in the log are planned by it too.
    /// - Returns: what became of each integration.
    /// - Throws: as `begin`; nothing was changed then.
    package func reload(_ file: Configuration, waiting: Bool) async throws -> [ConfigurationChange] {
        guard !file.sources.isEmpty || !file.integrations.isEmpty else {
            throw ConfigurationRefusal(
                .invalid,
                "the file defines neither sources nor integrations, as one that is being written: nothing was changed"
            )
        }
        return try await changing(waiting ? file.integrations.map(\.name) : []) {
            try await take(file, behindRead: waiting)
        }
    }

    private func take(_ file: Configuration, behindRead: Bool) async throws -> [ConfigurationChange] {
        let configuration = try await revisions.configuration()
        let known = try await histories()
        let kept = try await revisions.keptIntegrations()
        var drafts = try file.integrations.map { integration in
            try draft(integration, by: .file, home: .file, behindRead, [:], known[integration.name] ?? [])
        }
        for name in kept where !drafts.contains(where: { $0.name.hasSameBytes(as: name) }) {
            guard live.named(name) == nil else { continue }
            drafts.append(try await restored(name, known[name] ?? []))
        }
        var changes = try await carryOut(drafts)
        live.fileVariables = file.variables
        for name in kept where drafts.contains(where: { $0.home == .file && $0.name.hasSameBytes(as: name) }) {
            // The file has taken it over.
            try await revisions.release(name)
        }
        for gone in live.all where gone.home == .file {
            guard !file.integrations.contains(where: { $0.name.hasSameBytes(as: gone.name) }) else { continue }
            remove(gone.name)
            changes.append(ConfigurationChange(removed: gone.name))
        }
        live.configuration = configuration
        return changes
    }

    /// An integration of the data, as it was left.
    func restored(_ name: String, _ history: [Revision]) async throws -> Draft {
        guard let newest = history.last else {
            throw ConfigurationRefusal(
                .invalid,
                "the integration \(name) has no revision: restore the data from a copy"
            )
        }
        let integration: Integration
        do {
            integration = try newest.compile(named: name)
        } catch {
            throw ConfigurationRefusal(
                .invalid,
                "\(error)\nthis version does not take what is stored of \(name): define it in the configuration file"
            )
        }
        do {
            let sealed = try await revisions.secrets(of: name)
            return try draft(integration, by: .api, home: .database, false, sealed, history)
        } catch let error as StorageError where error.code == .unavailable {
            throw error
        } catch {
            // One integration's secrets are no reason to take no events: it is paused, and says why.
            let words = "\(error)"
            let connection = Connection { _, _ in
                Exchange(status: nil, answer: .settings(words: words), workspace: nil)
            }
            return Draft(
                integration: integration,
                connection: connection,
                secrets: [:],
                home: .database,
                history: history,
                revision: nil
            )
        }
    }

    // MARK: The API

    /// Makes integrations as a text has them; others stay as they are. Those that the file manages may stand in it unchanged.
    ///
    /// - Parameters:
    ///   - configuration: the text, read.
    ///   - author: who asks for it.
    ///   - waiting: whether events that wait in the log are planned by it too.
    ///   - isForced: whether it may replace a newer revision than the one that the text was exported from.
    /// - Returns: what became of each.
    /// - Throws: `ConfigurationRefusal`, `StorageError`, and what `connect` throws; nothing was changed then.
    package func apply(
        _ configuration: Configuration,
        by author: Revision.Author,
        waiting: Bool,
        isForced: Bool
    ) async throws -> [ConfigurationChange] {
        guard !configuration.integrations.isEmpty else {
            throw ConfigurationRefusal(.invalid, "the text defines no integration: nothing was changed")
        }
        return try await changing(waiting ? configuration.integrations.map(\.name) : []) {
            let known = try await histories()
            let kept = try await revisions.keptIntegrations()
            var drafts: [Draft] = []
            var managed: [ConfigurationChange] = []
            for integration in configuration.integrations {
                let name = integration.name
                if let present = live.named(name), present.home == .file {
                    managed.append(try unchanged(present, integration.definition))
                    continue
                }
                let history = known[name] ?? []
                // Those that don't open any more are what is to be replaced.
                let sealed = (try? await revisions.secrets(of: name)) ?? [:]
                try refuseForeignSecrets(of: integration)
                // One that was removed is made anew, though its text may be the same.
                let isThere = kept.contains(where: name.hasSameBytes)
                var draft = try draft(
                    integration,
                    by: author,
                    home: .database,
                    waiting,
                    sealed,
                    history,
                    isThere: isThere
                )
                if !isForced { draft.revision?.base = integration.definition.base }
                drafts.append(draft)
            }
            return managed + (try await carryOut(drafts))
        }
    }

    /// What the configuration file manages may stand in a text as it is: an export has it too.
    private func unchanged(_ present: LiveIntegration, _ wanted: IntegrationDefinition) throws -> ConfigurationChange {
        let secrets = present.secrets
        let hasOtherSecret = wanted.literals.contains { secret, value in
            secrets[secret.rawValue].map(SecretReference.literal) != value
        }
        let newest = present.history.revisions.last
        guard newest?.yaml == wanted.yaml, !hasOtherSecret else {
            throw ConfigurationRefusal(
                .invalid,
                "\(present.name) is managed by the configuration file: change it there, and reload. Nothing was changed"
            )
        }
        return ConfigurationChange(
            integration: present.name,
            kind: .unchanged,
            home: .file,
            revision: newest?.number,
            firstEvent: newest?.firstEvent,
            difference: nil
        )
    }

    /// Who may change an integration from afar may read neither the server's files nor its environment with it: the value
    /// would go wherever the integration sends.
    private func refuseForeignSecrets(of integration: Integration) throws {
        let (wanted, present) = (integration.settings, live.named(integration.name)?.integration.settings)
        try refuse(wanted.siteId, of: integration.name, .siteId, unless: present?.siteId)
        try refuse(wanted.apiKey, of: integration.name, .apiKey, unless: present?.apiKey)
    }

    private func refuse(
        _ reference: SecretReference?,
        of integration: String,
        _ secret: IntegrationDefinition.Secret,
        unless present: SecretReference?
    ) throws {
        let placeholder = secret.placeholder(for: integration)
        let foreign: String
        switch reference {
        case nil, .literal, present: return
        case .file(let path): foreign = "the file \(path)"
        case .environment(let name):
            if name == placeholder || live.fileVariables.contains(name) { return }
            foreign = "the environment variable \(name)"
        }
        throw ConfigurationRefusal(
            .invalid,
            """
            \(integration) names \(foreign), which only the configuration file may do: write the value, which is sealed, \
            env:\(placeholder), or a variable that the configuration file names. Nothing was changed
            """
        )
    }

    /// Makes a revision of before hold again, as a new revision. Where the configuration file says otherwise, it holds until
    /// the file is taken again.
    ///
    /// - Parameters:
    ///   - number: of the revision that is to hold.
    ///   - name: the integration's.
    ///   - author: who asks for it.
    ///   - waiting: whether events that wait in the log are planned by it too.
    /// - Returns: what became of it.
    /// - Throws: as `apply`; nothing was changed then.
    package func putBack(
        _ number: Int64,
        of name: String,
        by author: Revision.Author,
        waiting: Bool
    ) async throws -> ConfigurationChange {
        try await changing(waiting ? [name] : []) {
            let integration = try integration(named: name)
            let history = integration.history.revisions
            guard let revision = history.first(where: { $0.number == number }) else {
                throw ConfigurationRefusal(.unknown, "\(name) has no revision \(number)")
            }
            let wanted: Integration
            do {
                wanted = try revision.compile(named: integration.name)
            } catch {
                throw ConfigurationRefusal(.invalid, "\(error)\nthis version does not take it. Nothing was changed")
            }
            let draft = try draft(wanted, by: author, home: integration.home, waiting, integration.secrets, history)
            guard let change = try await carryOut([draft]).first else {
                throw ConfigurationRefusal(.invalid, "nothing was changed")
            }
            return change
        }
    }

    /// Takes an integration of the data away. What it has delivered stays told; what waits for it is not delivered.
    package func remove(integration name: String) async throws {
        try await changing([name]) {
            let integration = try integration(named: name)
            guard integration.home == .database else {
                throw ConfigurationRefusal(
                    .invalid,
                    "\(name) is managed by the configuration file: remove it there, and reload. Nothing was changed"
                )
            }
            try await revisions.remove(integration.name)
            remove(integration.name)
        }
    }

    /// Lets everything of an integration wait, also over a restart, or go on. Requests that are under way are finished.
    package func pause(integration name: String, _ isPaused: Bool) async throws {
        let integration = try integration(named: name)
        try await revisions.pause(integration.name, isPaused)
        pause(integration, isPaused)
    }

    func pause(_ integration: LiveIntegration, _ isPaused: Bool) {
        guard integration.isPaused != isPaused else { return }
        integration.pause(isPaused)
        if !isPaused { _ = control.retryNow(integration.name) }
    }

    private func integration(named name: String) throws -> LiveIntegration {
        guard let integration = live.named(name) else {
            throw ConfigurationRefusal(.unknown, "there is no integration \(name)")
        }
        return integration
    }

    /// All that are kept, also of integrations that are gone.
    func histories() async throws -> [String: [Revision]] {
        try await revisions.all().mapValues { $0.map(Revision.init) }
    }

    func remove(_ name: String) {
        live.remove(name)
        control.stop(name)
    }

    // MARK: Carrying out

    /// A change before it is made, with everything that can refuse it done.
    struct Draft {
        let integration: Integration
        let connection: Connection
        let secrets: [String: String]
        let home: LiveIntegration.Home
        let history: [Revision]
        /// `nil` where the text is the newest revision's.
        var revision: NewRevision?

        var name: String { integration.name }
    }

    private func draft(
        _ integration: Integration,
        by author: Revision.Author,
        home: LiveIntegration.Home,
        _ behindRead: Bool,
        _ sealed: [String: String],
        _ history: [Revision],
        isThere: Bool = true
    ) throws -> Draft {
        let definition = integration.definition
        var literals: [String: String] = [:]
        for case (let secret, .literal(let text)) in definition.literals { literals[secret.rawValue] = text }
        let secrets = sealed.merging(literals) { $1 }
        let connection = try connect(integration, secrets)
        // A file's own secrets are no change of it.
        let isSame =
            isThere && history.last?.yaml == definition.yaml && (secrets == sealed || home == .file) && !behindRead
        var revision = NewRevision(
            integration: integration.name,
            author: author.rawValue,
            text: definition.yaml,
            at: now().wall,
            behindRead: behindRead ? live.named(integration.name)?.lastRead ?? 0 : nil,
            isKept: home == .database
        )
        if home == .database {
            revision.secrets = literals
            if !history.isEmpty {
                revision.changedSecrets = literals.keys.filter { sealed[$0] != literals[$0] }.sorted()
            }
        }
        return Draft(
            integration: integration,
            connection: connection,
            secrets: secrets,
            home: home,
            history: history,
            revision: isSame ? nil : revision
        )
    }

    private func carryOut(_ drafts: [Draft]) async throws -> [ConfigurationChange] {
        let paused = try await revisions.pausedIntegrations()
        let made: [StoredRevision]
        do {
            made = try await revisions.add(drafts.compactMap(\.revision))
        } catch {
            // Another node has been faster.
            if error.code == .refused { throw ConfigurationRefusal(.invalid, error.description) }
            throw error
        }
        return drafts.map { draft in
            let revision = made.first { $0.integration.hasSameBytes(as: draft.name) }
            return carryOut(
                draft,
                revision.map(Revision.init),
                isPaused: paused.contains { $0.hasSameBytes(as: draft.name) }
            )
        }
    }

    func carryOut(_ draft: Draft, _ made: Revision?, isPaused: Bool) -> ConfigurationChange {
        let before = draft.history.last
        let holds = made ?? before
        let moment = now()
        draft.connection.begin()
        if let integration = live.named(draft.name) {
            if let made { integration.history.append(made, draft.integration) }
            integration.connect(draft.connection, secrets: draft.secrets, home: draft.home, at: moment)
            _ = control.retryNow(draft.name)
        } else if let holds {
            let history = draft.history.filter { $0.number < holds.number }
            live.add(
                LiveIntegration(
                    RevisionHistory(holds, draft.integration, before: history),
                    home: draft.home,
                    connection: draft.connection,
                    secrets: draft.secrets,
                    isPaused: isPaused,
                    at: moment
                )
            )
        }
        return ConfigurationChange(
            integration: draft.name,
            kind: made == nil ? .unchanged : before == nil ? .created : .changed,
            home: draft.home,
            revision: holds?.number,
            firstEvent: holds?.firstEvent,
            difference: made?.difference(from: before)
        )
    }
}

extension Revision {
    init(_ stored: StoredRevision) {
        self.init(
            number: stored.number,
            firstEvent: stored.firstEvent,
            at: stored.at,
            author: Author(rawValue: stored.author) ?? .api,
            yaml: stored.text,
            changedSecrets: stored.changedSecrets
        )
    }
}
