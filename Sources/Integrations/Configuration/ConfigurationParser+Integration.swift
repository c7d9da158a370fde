import Diagnostics
import LosslessJSON
import TrackAPI
import Yams

extension ConfigurationParser {
    private static let integrationKeys = [
        "type", "enabled", "sources", "settings", "rate_limit", "actions", "revision",
    ]

    mutating func integration(named name: String, _ key: Node, _ node: Node) -> Integration? {
        guard let entries = reader.mapping(node, "the integration `\(name)`") else { return nil }
        for entry in entries where !Self.integrationKeys.contains(entry.name) {
            reader.noteUnknown(entry.key, "key", entry.name, among: Self.integrationKeys)
        }
        let values = Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        if let type = values["type"] {
            if let text = reader.string(type, "`type`"), text != "customerio" {
                reader.note(type, "unknown type `\(text)`", "the type of an integration is `customerio`")
            }
        } else {
            reader.note(key, "the integration `\(name)` has no `type`", "add `type: customerio`")
        }
        var settings = settings(of: name, key, values["settings"])
        if let limit = values["rate_limit"] {
            settings.rateLimit = reader.int(limit, "`rate_limit`", in: 1...100_000)
        }
        if let revision = values["revision"] { _ = reader.int(revision, "`revision`", in: 1...Int.max) }
        return Integration(
            name: name,
            isEnabled: values["enabled"].flatMap { reader.bool($0, "`enabled`") } ?? true,
            sources: sources(values["sources"]),
            settings: settings,
            actions: actions(values["actions"]),
            definition: IntegrationDefinition(name: name, section: reader.json(node)?.objectValue ?? [:])
        )
    }

    private mutating func sources(_ node: Node?) -> Integration.Sources {
        guard let node, let items = reader.sequence(node, "`sources`") else { return .all }
        let known = knownSources.map { configuration.sources.map(\.name) + $0 }
        var names: [String] = []
        for item in items {
            guard let name = reader.string(item, "a source's name") else { continue }
            guard let known else {
                names.append(name)
                continue
            }
            if known.contains(name) {
                names.append(name)
            } else {
                reader.noteUnknown(item, "source", name, among: known)
            }
        }
        return .only(names)
    }

    // MARK: settings

    private mutating func settings(of name: String, _ key: Node, _ node: Node?) -> Integration.Settings {
        var settings = Integration.Settings(destination: .region(.US))
        var keys: Set<String>? = []
        if let node {
            let known = ["site_id", "api_key", "account_region", "endpoint"]
            var endpoint: Integration.Settings.Destination?
            keys = readKeys(of: node, "`settings`", known: known) { parser, name, value in
                guard let text = parser.reader.string(value, "`\(name)`") else { return }
                switch name {
                case "site_id": settings.siteId = SecretReference(text)
                case "api_key": settings.apiKey = SecretReference(text)
                case "account_region":
                    if let region = Region(rawValue: text) {
                        settings.destination = .region(region)
                    } else {
                        parser.reader.note(value, "unknown region `\(text)`", "write `US` or `EU`")
                    }
                default: endpoint = parser.endpoint(value, text)
                }
            }
            if let endpoint { settings.destination = endpoint }
        }
        if settings.destination != .workspace, let keys {
            for setting in ["site_id", "api_key"] where !keys.contains(setting) {
                reader.note(
                    key,
                    "the integration `\(name)` has no `\(setting)`",
                    "add it to `settings`, for example `\(setting): env:CIO_\(setting.uppercased())`, "
                        + "or send to the embedded workspace with `endpoint: workspace`"
                )
            }
        }
        return settings
    }

    private mutating func endpoint(_ node: Node, _ text: String) -> Integration.Settings.Destination? {
        if text == "workspace" { return .workspace }
        do {
            return .endpoint(try Endpoint(text))
        } catch {
            reader.note(node, "\(error)")
            return nil
        }
    }

    // MARK: tests

    mutating func readTests(_ node: Node) {
        guard let items = reader.sequence(node, "`tests`") else { return }
        for item in items { readTest(item) }
    }

    private mutating func readTest(_ node: Node) {
        var name = "line \(node.mark?.line ?? 0)"
        var integration: String? = configuration.integrations.count == 1 ? configuration.integrations[0].name : nil
        var event: JSON?
        var expectations: [Configuration.TestCase.Expectation]?
        var namesUnknown = false
        let known = ["name", "integration", "event", "expect"]
        let keys = readKeys(of: node, "a test", known: known) { parser, key, value in
            switch key {
            case "name": name = parser.reader.string(value, "`name`") ?? name
            case "integration":
                let known = parser.configuration.integrations.map(\.name)
                guard let text = parser.reader.string(value, "`integration`") else { return }
                integration = text
                if !known.contains(text) {
                    namesUnknown = true
                    parser.reader.noteUnknown(value, "integration", text, among: known)
                }
            case "event": event = parser.reader.json(value)
            default: expectations = parser.expectations(value)
            }
        }
        guard let keys else { return }
        if !keys.isSuperset(of: ["event", "expect"]) {
            reader.note(node, "a test needs an `event` and what to `expect`")
        } else if integration == nil, !keys.contains("integration") {
            reader.note(node, "the test does not say which `integration` it is for")
        }
        guard let integration, let event, let expectations, !namesUnknown else { return }
        let line = node.mark?.line ?? 0
        add(.init(name: name, integration: integration, event: event, expectations: expectations, line: line))
    }

    private mutating func expectations(_ node: Node) -> [Configuration.TestCase.Expectation]? {
        guard let items = reader.sequence(node, "`expect`") else { return nil }
        var expectations: [Configuration.TestCase.Expectation] = []
        for item in items {
            var action: String?
            var path: String?
            var body: JSON?
            var ignored: String?
            let known = ["action", "path", "body", "ignored"]
            let keys = readKeys(of: item, "an expectation", known: known) { parser, key, value in
                switch key {
                case "action": action = parser.reader.string(value, "`action`")
                case "path": path = parser.reader.string(value, "`path`")
                case "body": body = parser.reader.json(value)
                default: ignored = parser.reader.string(value, "`ignored`")
                }
            }
            guard let action else {
                if let keys, !keys.contains("action") { reader.note(item, "an expectation needs an `action`") }
                continue
            }
            expectations.append(.init(action: action, path: path, body: body, ignored: ignored))
        }
        return expectations
    }
}
