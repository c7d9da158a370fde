import Delivery
import Diagnostics
import HTTPTypes
import Integrations
import LosslessJSON
import TrackAPI

/// What somebody asks who sets an integration up: what the actions are, whether a destination can be reached, whether a
/// trigger can be read.
struct SetupAPI: Sendable {
    let live: LiveIntegrations

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1"
        routes.on(.get, "\(root)/integrations/{name}/actions", behind: door) { _, path in
            guard let integration = live.named(path["name"])?.integration else { return live.unknown(path["name"]) }
            return .admin(.done, json: ["items": .array(integration.actions.map(\.json))])
        }
        routes.onCall("\(root)/integrations/{name}/check", behind: door) { _, path in
            guard let integration = live.named(path["name"]) else { return live.unknown(path["name"]) }
            return .admin(.done, json: await integration.checkCredentials().json)
        }
        routes.on(.post, "\(root)/triggers/check", behind: door) { request, _ in try await checkTrigger(request) }
    }

    private func checkTrigger(_ request: IncomingRequest) async throws -> Answer {
        guard let body = try await request.readAdminBody()?.objectValue, body.count == 1,
            let trigger = body["trigger"]?.stringValue
        else { return .admin(.invalid, #"the body must be {"trigger": "type = \"track\""}"#) }
        guard let fault = Integration.fault(inTrigger: trigger) else {
            return .admin(
                .done,
                json: ["valid": true, "words": .null, "line": .null, "column": .null, "excerpt": .null]
            )
        }
        return .admin(
            .done,
            json: [
                "valid": false, "words": .string(fault.words), "line": .number(JSON.Number(Int64(fault.line))),
                "column": .number(JSON.Number(Int64(fault.column))), "excerpt": .string(fault.excerpt),
            ]
        )
    }
}

extension CredentialsCheck {
    fileprivate var json: JSON {
        let (state, words): (String, String) =
            switch self {
            case .valid(_, _, let note): ("valid", note ?? "The destination knows these credentials.")
            case .refused(let words): ("refused", words)
            case .unreachable(let words): ("unreachable", words)
            case .unexpected(let words): ("unexpected", words)
            }
        return ["state": .string(state), "words": .string(words)]
    }
}

extension Action {
    /// What it does, when, and with what: as it is set, and by default.
    fileprivate var json: JSON {
        [
            "name": .string(name), "action": .string(definition.name), "title": .string(definition.title),
            "description": .string(definition.description), "enabled": .bool(isEnabled),
            "trigger": .string(condition), "defaultTrigger": .string(definition.trigger),
            "lockedBecause": definition.lockedBecause.map(JSON.string) ?? .null,
            "convertTimestamps": .bool(options.convertTimestamps), "enableBatching": .bool(options.enableBatching),
            "batchSize": .number(JSON.Number(Int64(options.batchSize))), "changed": .bool(isChanged),
            "fields": .array(
                mappings.map { field, mapping in
                    [
                        "name": .string(field.key.rawValue), "label": .string(field.label), "help": .string(field.help),
                        "kind": .string(field.kind.rawValue), "required": .bool(field.isRequired),
                        "default": .string(field.source.description), "mapping": mapping ?? .null,
                    ]
                }
            ),
        ]
    }

    private var isChanged: Bool {
        !hasDefaultTrigger || options != Options() || mappings.contains { $0.mapping != nil }
    }
}
