import Diagnostics
import Events
import HTTPTypes
import Integrations
import LosslessJSON
import Storage
import TrackAPI
import Workspaces

/// The embedded workspaces as wholes: which there are, emptied, kept aside, put back, filled, and what time it is there.
struct WorkspaceAPI: Sendable {
    /// Of a snapshot.
    private static let snapshotBytes = 64 << 20
    /// Of the body that seeds.
    private static let seedBytes = 16 << 20

    private let workspaces: EmbeddedWorkspaces
    private let clock: WorkspaceClock

    init(workspaces: EmbeddedWorkspaces, clock: WorkspaceClock) {
        self.workspaces = workspaces
        self.clock = clock
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1/workspace"
        routes.on(.get, "/admin/v1/workspaces", behind: door) { _, _ in
            try await stored { () async throws(StorageError) in try await workspaces.learn() }
            return .admin(.done, json: ["items": .array(workspaces.all.map(\.json))])
        }
        routes.on(.post, "/admin/v1/workspaces", behind: door) { request, _ in try await declare(request) }
        routes.onCall("\(root)/reset", behind: door) { request, _ in
            try await workspaces.answering(request, reset)
        }
        routes.on(.get, "\(root)/snapshot", behind: door) { request, _ in
            try await workspaces.answering(request, snapshot)
        }
        routes.on(.post, "\(root)/restore", behind: door) { request, _ in
            try await workspaces.answering(request) { try await restore(request, $0) }
        }
        routes.on(.post, "\(root)/seed", behind: door) { request, _ in
            try await workspaces.answering(request) { try await seed(request, $0) }
        }
        routes.on(.get, "\(root)/clock", behind: door) { _, _ in .admin(.done, json: clock.json) }
        routes.on(.post, "\(root)/clock", behind: door) { request, _ in try await move(request) }
    }

    // MARK: Which there are

    private func declare(_ request: IncomingRequest) async throws -> Answer {
        let body = try await request.readAdminBody()?.objectValue ?? [:]
        let known = ["name", "siteId", "apiKey", "region", "redirectTo", "settings"]
        let texts = ["siteId", "apiKey"].map { body[$0]?.stringValue ?? "" }
        let name = (body["name"] ?? .string(texts[0])).stringValue ?? ""
        guard (texts + [name]).allSatisfy({ 1...150 ~= $0.utf8.count }),
            body.allSatisfy({ known.contains($0.key) })
        else {
            return .admin(
                .invalid,
                #"the body must be {"siteId": "…", "apiKey": "…"}, each of 150 bytes at most; "name" is else the site id, "region" us or eu"#
            )
        }
        guard name.fitsOnLine else {
            return .admin(.invalid, "the name of a workspace can't have line breaks or control characters")
        }
        let wish = body.removing { ["name", "siteId", "apiKey"].contains($0) }
        do {
            guard let made = try await workspaces.add(name, siteID: texts[0], apiKey: texts[1], wish) else {
                return .admin(.invalid, "there is a workspace of this name or site id, or there can be no further ones")
            }
            return .admin(.done, json: made.json)
        } catch let mistake as EmbeddedWorkspace.Traits.Mistake {
            return .admin(.invalid, mistake.sentence)
        }
    }

    // MARK: The whole

    private func reset(_ embedded: EmbeddedWorkspace) async throws -> Answer {
        try await stored { () async throws(StorageError) in try await embedded.workspace.reset() }
        let double = workspaces.double(of: embedded)
        double.faults.removeAll()
        double.journal.clear()
        return .admin(.done, json: ["reset": .string(embedded.name)])
    }

    private func snapshot(_ embedded: EmbeddedWorkspace) async throws -> Answer {
        let snapshot = try await stored { () async throws(StorageError) in
            try await embedded.workspace.snapshot(upTo: Int64(Self.snapshotBytes))
        }
        guard let snapshot else {
            return .admin(
                .invalid,
                "the workspace is larger than 64 MiB: copy workspace.db while the server is stopped, or the database"
            )
        }
        return .admin(.done, json: snapshot)
    }

    private func restore(_ request: IncomingRequest, _ embedded: EmbeddedWorkspace) async throws -> Answer {
        // Written as JSON, rows are a little longer than the snapshot counts them.
        guard let body = try await request.readAdminBody(upTo: 2 * Self.snapshotBytes) else {
            return .admin(.invalid, "this is not a snapshot of a workspace: it is no JSON")
        }
        let refused = try await stored { () async throws(StorageError) in try await embedded.workspace.restore(body) }
        if let refused { return .admin(.invalid, "\(refused). Nothing was changed") }
        return .admin(.done, json: ["restored": .string(embedded.name)])
    }

    private func seed(_ request: IncomingRequest, _ embedded: EmbeddedWorkspace) async throws -> Answer {
        let body = try await request.readAdminBody(upTo: Self.seedBytes)
        guard let operations = body?.arrayValue else {
            return .admin(.invalid, "the body must be an array of operations as /api/v2/batch takes them")
        }
        let refusals = try await stored { () async throws(StorageError) in
            try await embedded.workspace.seed(operations, now: clock.now.seconds)
        }
        guard let first = refusals.first else {
            return .admin(.done, json: ["seeded": .number(JSON.Number(operations.count))])
        }
        return .admin(
            .invalid,
            "operation \(first.index): \(first.refusal.words) (\(refusals.count.counting("mistake")) in all). Nothing was changed"
        )
    }

    // MARK: The clock

    private func move(_ request: IncomingRequest) async throws -> Answer {
        let body = try await request.readAdminBody()
        let move: WorkspaceClock.Move
        do throws(WorkspaceClock.Move.Fault) {
            move = try WorkspaceClock.Move(body)
        } catch {
            return .admin(.invalid, error.message)
        }
        guard clock.move(move) else {
            return .admin(.invalid, "the clock stays between the years 1970 and 9999. It was not moved")
        }
        return .admin(.done, json: clock.json)
    }
}

extension EmbeddedWorkspace {
    fileprivate var json: JSON {
        [
            "name": .string(name), "siteId": .string(site), "region": .string(traits.region.rawValue),
            "environmentId": .number(JSON.Number(environmentID)),
        ]
    }
}

extension WorkspaceClock {
    fileprivate var json: JSON {
        let reading = reading
        return [
            "now": .time(reading.now), "movedMilliseconds": .number(JSON.Number(reading.moved)),
            "frozen": .bool(reading.isFrozen),
        ]
    }
}
