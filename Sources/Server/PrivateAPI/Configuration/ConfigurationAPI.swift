package import Delivery
import HTTPTypes
import Integrations
import LosslessJSON
package import Storage

/// What the integrations are, what they were, and how they are changed, under `/admin/v1`.
package struct ConfigurationAPI: Sendable {
    /// What reading the configuration file again did.
    package struct Reload: Sendable {
        package let changes: [ConfigurationChange]
        /// What the file says that does not take effect before the next start.
        package let notes: [String]

        package init(changes: [ConfigurationChange], notes: [String]) {
            self.changes = changes
            self.notes = notes
        }
    }

    private let live: LiveIntegrations
    private let log: EventLog
    private let configurator: Configurator
    private let knownSources: @Sendable () -> [String]
    private let reload: @Sendable (_ waiting: Bool) async throws -> Reload

    /// - Parameters:
    ///   - live: the integrations that run.
    ///   - log: the events that a preview looks at.
    ///   - configurator: what changes them.
    ///   - knownSources: the names of the sources.
    ///   - reload: reads the configuration file again.
    package init(
        _ live: LiveIntegrations,
        log: EventLog,
        configurator: Configurator,
        knownSources: @escaping @Sendable () -> [String],
        reload: @escaping @Sendable (_ waiting: Bool) async throws -> Reload
    ) {
        self.live = live
        self.log = log
        self.configurator = configurator
        self.knownSources = knownSources
        self.reload = reload
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1"
        routes.on(.get, "\(root)/configuration", behind: door) { request, _ in export(request) }
        routes.on(.post, "\(root)/configuration", behind: door) { request, _ in try await apply(request) }
        routes.on(.post, "\(root)/configuration/reload", behind: door) { request, _ in
            try await reload(request)
        }
        PreviewAPI(live: live, log: log, knownSources: knownSources).add(to: &routes, behind: door)
        SetupAPI(live: live).add(to: &routes, behind: door)
        routes.on(.get, "\(root)/integrations/{name}/revisions", behind: door) { request, path in
            list(path["name"], request.query)
        }
        routes.on(.get, "\(root)/integrations/{name}/revisions/{number}", behind: door) { _, path in
            show(path["name"], path["number"])
        }
        routes.on(.post, "\(root)/integrations/{name}/revisions/{number}/put-back", behind: door) { request, path in
            try await putBack(path["name"], path["number"], request)
        }
        for (verb, isPaused) in [("pause", true), ("resume", false)] {
            routes.onCall("\(root)/integrations/{name}/\(verb)", behind: door) { _, path in
                try await answering {
                    try await configurator.pause(integration: path["name"], isPaused)
                    return .admin(.done, json: ["paused": .bool(isPaused)])
                }
            }
        }
        routes.onCall("\(root)/integrations/{name}/remove", behind: door) { _, path in
            try await answering {
                try await configurator.remove(integration: path["name"])
                return .admin(.done, json: ["removed": .string(path["name"])])
            }
        }
    }

    // MARK: The whole

    private func export(_ request: IncomingRequest) -> Answer {
        let name = request.query["integration"]
        let chosen = live.all.filter { integration in name.map(integration.name.hasSameBytes) ?? true }
        if let name, chosen.isEmpty { return live.unknown(name) }
        let states = chosen.map { ($0.name, $0.home, $0.history.newest) }
        return .admin(
            .done,
            json: [
                "yaml": .string(
                    IntegrationDefinition.export(states.map { ($0.2.integration.definition, $0.2.number) })
                ),
                "integrations": .array(
                    states.map { name, home, newest in
                        [
                            "name": .string(name), "managedBy": .string(home.rawValue),
                            "revision": .number(JSON.Number(newest.number)),
                        ]
                    }
                ),
            ]
        )
    }

    private func apply(_ request: IncomingRequest) async throws -> Answer {
        guard let wish = try await Wish(request, known: ["yaml", "waiting", "force"]), let yaml = wish.yaml else {
            return .admin(
                .invalid,
                """
                the body must be {"yaml": "integrations: …"}; "waiting": true plans events that wait by it too, "force": true \
                replaces newer revisions
                """
            )
        }
        return try await answering {
            let configuration = try read(yaml)
            let changes = try await configurator.apply(
                configuration,
                by: Revision.Author(of: request),
                waiting: wish.waiting,
                isForced: wish.force
            )
            return .admin(
                .done,
                json: [
                    "items": .array(changes.map { .object($0.json) }),
                    "notes": .array(notes(on: configuration).map(JSON.string)),
                ]
            )
        }
    }

    /// The text with integrations; sources that stand beside them are not made by it.
    private func read(_ yaml: String) throws(ConfigurationRefusal) -> Configuration {
        let known = knownSources()
        let configuration: Configuration
        do {
            configuration = try Configuration(parsing: yaml, file: "the text", knownSources: known)
        } catch {
            throw ConfigurationRefusal(.invalid, "\(error)\nNothing was changed")
        }
        for integration in configuration.integrations {
            guard case .only(let names) = integration.sources,
                let stranger = names.first(where: { !known.contains($0) })
            else { continue }
            throw ConfigurationRefusal(
                .invalid,
                """
                \(integration.name) takes events from the source \(stranger), which the server does not have: add it to the \
                configuration file, and reload. Nothing was changed
                """
            )
        }
        return configuration
    }

    /// What the text has beside integrations.
    private func notes(on configuration: Configuration) -> [String] {
        let others = configuration.sections.filter { $0 != "integrations" }.map { "`\($0)`" }
        guard !others.isEmpty else { return [] }
        let names = others.joined(separator: ", ") + (others.count == 1 ? " is" : " are")
        return ["\(names) not applied, only integrations are: the rest is changed in the configuration file"]
    }

    private func reload(_ request: IncomingRequest) async throws -> Answer {
        guard let wish = try await Wish(request, known: ["waiting"]) else {
            return .admin(.invalid, #"the body must be {} or {"waiting": true}"#)
        }
        return try await answering {
            let reloaded = try await reload(wish.waiting)
            return .admin(
                .done,
                json: [
                    "items": .array(reloaded.changes.map { .object($0.json) }),
                    "notes": .array(reloaded.notes.map(JSON.string)),
                ]
            )
        }
    }

    // MARK: Revisions

    private func list(_ name: String, _ query: RequestQuery) -> Answer {
        guard let integration = live.named(name) else { return live.unknown(name) }
        guard let limit = query.pageLimit else {
            return .admin(.invalid, "limit must be a whole number from 1 to 1000")
        }
        var revisions = integration.history.revisions.reversed()[...]
        if let text = query["cursor"] {
            guard let cursor = Int64(text) else { return .admin(.invalid, "cursor must be the next of a page before") }
            revisions = revisions.drop { $0.number >= cursor }
        }
        let page = revisions.prefix(limit)
        let next = page.count < revisions.count ? page.last.map { String($0.number) } : nil
        return .admin(
            .done,
            json: ["items": .array(page.map { .object($0.json) }), "next": next.map(JSON.string) ?? .null]
        )
    }

    private func show(_ name: String, _ number: String) -> Answer {
        guard let integration = live.named(name) else { return live.unknown(name) }
        let revisions = integration.history.revisions
        guard let position = revisions.firstIndex(where: { String($0.number) == number }) else {
            return .admin(.unknownPath, "\(name) has no revision \(number): the newest is \(revisions.count)")
        }
        let before = position > 0 ? revisions[position - 1] : nil
        var json = revisions[position].json
        json["yaml"] = .string(revisions[position].yaml)
        json["section"] =
            (try? revisions[position].compile(named: name)).map { .object($0.definition.section) } ?? .null
        json["difference"] = revisions[position].difference(from: before).map(JSON.string) ?? .null
        return .admin(.done, json: .object(json))
    }

    private func putBack(_ name: String, _ number: String, _ request: IncomingRequest) async throws -> Answer {
        guard let wish = try await Wish(request, known: ["waiting"]) else {
            return .admin(.invalid, #"the body must be {} or {"waiting": true}"#)
        }
        guard let number = Int64(number) else { return .admin(.invalid, "the number of a revision is a whole number") }
        return try await answering {
            let change = try await configurator.putBack(
                number,
                of: name,
                by: Revision.Author(of: request),
                waiting: wish.waiting
            )
            var json = change.json
            let warnings = live.named(name).map(warningsOfPuttingBack) ?? []
            json["warning"] = warnings.isEmpty ? .null : .string(warnings.joined(separator: "; "))
            return .admin(.done, json: .object(json))
        }
    }

    /// What somebody who puts something back may not expect.
    private func warningsOfPuttingBack(_ integration: LiveIntegration) -> [String] {
        var warnings: [String] = []
        if integration.home == .file {
            warnings.append("the configuration file is taken again at the next start or reload: change it there too")
        }
        let secrets = integration.integration.definition.placeholders.map(\.rawValue)
        if !secrets.isEmpty {
            let names = secrets.joined(separator: " and ") + (secrets.count == 1 ? " is that" : " are those")
            warnings.append("\(names) of today: former secrets are not kept")
        }
        return warnings
    }

    private func answering(_ work: () async throws -> Answer) async throws -> Answer {
        do {
            return try await work()
        } catch let refusal as ConfigurationRefusal {
            switch refusal.kind {
            case .invalid: return .admin(.invalid, refusal.description)
            case .unknown: return .admin(.unknownPath, refusal.description)
            }
        } catch let missing as SecretReference.Missing {
            return .admin(.invalid, "\(missing), here where the server runs. Nothing was changed")
        } catch let error as StorageError {
            return try await stored { () async throws(StorageError) in throw error }
        }
    }

    /// What the body of a call may say.
    private struct Wish {
        var yaml: String?
        var waiting = false
        var force = false

        /// `nil` for a body that says anything else.
        init?(_ request: IncomingRequest, known: Set<String>) async throws {
            guard let body = try await request.readAdminBody()?.objectValue else { return nil }
            for member in body {
                guard known.contains(member.key) else { return nil }
                switch (member.key, member.value) {
                case ("yaml", .string(let text)): yaml = text
                case ("waiting", .bool(let value)): waiting = value
                case ("force", .bool(let value)): force = value
                default: return nil
                }
            }
        }
    }
}

extension ConfigurationChange {
    fileprivate var json: JSON.Object {
        [
            "integration": .string(integration), "change": .string(kind.rawValue),
            "managedBy": .string(home.rawValue),
            "revision": revision.map { .number(JSON.Number($0)) } ?? .null,
            "firstEvent": firstEvent.map { .number(JSON.Number($0)) } ?? .null,
            "difference": difference.map(JSON.string) ?? .null,
        ]
    }
}

extension Revision {
    fileprivate var json: JSON.Object {
        [
            "number": .number(JSON.Number(number)), "firstEvent": .number(JSON.Number(firstEvent)), "at": .time(at),
            "author": .string(author.rawValue),
        ]
    }
}

extension Revision.Author {
    /// Whoever asks from a page of the console says so.
    fileprivate init(of request: IncomingRequest) {
        self = request.headers[.author] == Self.console.rawValue ? .console : .api
    }
}
