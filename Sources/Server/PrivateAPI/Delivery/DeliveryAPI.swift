package import Delivery
import HTTPTypes
import LosslessJSON
package import Storage

/// Delivery under `/admin/v1`: what each integration does, what became of each event, and what failed.
package struct DeliveryAPI: Sendable {
    let data: DataStore
    let live: LiveIntegrations
    let control: ClusterControl
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - data: the log and the ledger.
    ///   - live: the integrations that run.
    ///   - control: of the delivery that runs, here or on other nodes.
    ///   - now: milliseconds since 1970.
    package init(
        _ data: DataStore,
        live: LiveIntegrations,
        control: ClusterControl,
        now: @escaping @Sendable () -> Int64
    ) {
        self.data = data
        self.live = live
        self.control = control
        self.now = now
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1"
        routes.on(.get, "\(root)/integrations", behind: door) { _, _ in try await listIntegrations() }
        routes.on(.get, "\(root)/integrations/{name}", behind: door) { _, path in
            guard let integration = live.named(path["name"]) else { return live.unknown(path["name"]) }
            return .admin(.done, json: try await status(of: integration))
        }
        routes.on(.get, "\(root)/integrations/{name}/counts", behind: door) { request, path in
            try await countOverTime(path["name"], request)
        }
        routes.onCall("\(root)/integrations/{name}/retry", behind: door) { _, path in
            guard live.named(path["name"]) != nil else { return live.unknown(path["name"]) }
            let isRetried = try await stored { () async throws(StorageError) in try await control.retryNow(path["name"])
            }
            return .admin(.done, json: ["retried": .bool(isRetried)])
        }
        routes.on(.post, "\(root)/integrations/{name}/give-up", behind: door) { request, path in
            try await giveUp(request, in: path["name"])
        }
        routes.on(.get, "\(root)/events", behind: door) { request, _ in try await searchEvents(request) }
        routes.on(.get, "\(root)/events/{number}", behind: door) { _, path in try await explainEvent(path["number"]) }
        routes.on(.get, "\(root)/failed", behind: door) { request, _ in try await listFailed(request) }
        routes.on(.get, "\(root)/failed/groups", behind: door) { request, _ in try await groupFailed(request) }
        routes.on(.get, "\(root)/failed/{id}", behind: door) { _, path in try await showFailed(path["id"]) }
        routes.on(.post, "\(root)/failed/discard", behind: door) { request, _ in try await discardFailed(request) }
    }

    /// Lets go of what still waits, or is tried again, of one event.
    private func giveUp(_ request: IncomingRequest, in name: String) async throws -> Answer {
        guard let integration = live.named(name) else { return live.unknown(name) }
        guard let body = try await request.readAdminBody()?.objectValue, body.count == 1,
            let seq = body["event"]?.numberValue?.int64
        else { return .admin(.invalid, #"the body must be {"event": NUMBER}"#) }
        let count = try await stored { () async throws(StorageError) in
            try await control.giveUp(event: seq, in: integration.name)
        }
        guard count > 0 else {
            return .admin(
                .unknownPath,
                "nothing of event \(seq) is still to be delivered to \(name): nothing was given up"
            )
        }
        return .admin(.done, json: ["givenUp": .number(JSON.Number(count))])
    }

}

extension LiveIntegrations {
    /// The answer to a name that none of them has.
    func unknown(_ name: String) -> Answer {
        let names = all.map(\.name).joined(separator: ", ")
        return .admin(.unknownPath, "there is no integration \(name): there are \(names.isEmpty ? "none" : names)")
    }
}
