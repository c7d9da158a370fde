import Integrations
import LosslessJSON
import Storage

/// Changes that other nodes make, and changes beside other nodes.
extension Configurator {
    /// Makes a change while nothing is planned here, knowing what others have changed before.
    ///
    /// - Parameters:
    ///   - integrations: those of which no other node may have read anything behind their positions (delivery.md F40).
    ///   - work: the change.
    /// - Returns: what the change gives.
    /// - Throws: `StorageError` where other nodes don't let go, or the database can't be read; what the change throws.
    func changing<Value>(_ integrations: [String], _ work: () async throws -> Value) async throws -> Value {
        try await nodes.bringing(integrations) {
            try await live.gate.changing {
                _ = try await adoptChanges()
                let value = try await work()
                _ = try await adoptChanges()
                return value
            }
        }
    }

    /// Takes over what other nodes have changed, if they have. Until then nothing is planned that came after it (`Feed`).
    ///
    /// - Returns: what could not be taken over, in words; another node may be able to.
    /// - Throws: `StorageError`.
    package func follow() async throws -> [String] {
        guard try await revisions.configuration() != live.configuration else { return [] }
        return try await live.gate.changing { try await adoptChanges() }
    }

    private func adoptChanges() async throws -> [String] {
        // First: what is read later is at least as new.
        let configuration = try await revisions.configuration()
        guard configuration != live.configuration else { return [] }
        let known = try await histories()
        let kept = try await revisions.keptIntegrations()
        let paused = try await revisions.pausedIntegrations()
        var problems: [String] = []
        for integration in live.all {
            do {
                if integration.home == .database, !kept.contains(where: integration.name.hasSameBytes) {
                    remove(integration.name)
                } else {
                    try await adopt(known[integration.name] ?? [], for: integration)
                    pause(integration, paused.contains(where: integration.name.hasSameBytes))
                }
            } catch let error as StorageError where error.code == .unavailable {
                // It is done again as a whole.
                throw error
            } catch {
                // What it was is over; to deliver by it would be wrong.
                remove(integration.name)
                problems.append("\(integration.name) can't be delivered to by this node: \(error)")
            }
        }
        for name in kept where live.named(name) == nil {
            do {
                let draft = try await restored(name, known[name] ?? [])
                _ = carryOut(draft, nil, isPaused: paused.contains(where: name.hasSameBytes))
            } catch let error as StorageError where error.code == .unavailable {
                throw error
            } catch {
                problems.append("\(name) can't be delivered to by this node: \(error)")
            }
        }
        live.configuration = configuration
        return problems
    }

    /// Revisions that another node has made.
    private func adopt(_ history: [Revision], for integration: LiveIntegration) async throws {
        let present = integration.history.newest.number
        // One that came just before this node's own last one, from a node that was changing it at the same moment.
        integration.history.insert(history.filter { $0.number < present })
        let newer = history.filter { $0.number > present }
        guard let newest = newer.last else { return }
        let compiled = try newest.compile(named: integration.name)
        let secrets =
            integration.home == .database ? try await revisions.secrets(of: integration.name) : integration.secrets
        let connection = try connect(compiled, secrets)
        connection.begin()
        integration.history.append(newest, compiled, behind: newer.dropLast())
        integration.connect(connection, secrets: secrets, home: integration.home, at: now())
        _ = control.retryNow(integration.name)
    }
}
