import Diagnostics
import HTTPTypes
import LosslessJSON

/// The journal under `/admin/v1/workspace/requests`, for assertions: what was asked, how often, and what is closest to
/// what was not.
struct JournalAPI: Sendable {
    private let workspaces: EmbeddedWorkspaces

    init(workspaces: EmbeddedWorkspaces) {
        self.workspaces = workspaces
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1/workspace/requests"
        routes.on(.get, root, behind: door) { request, _ in
            try await answering(request) { journal, filter in try list(request, journal, filter) }
        }
        routes.on(.get, "\(root)/count", behind: door) { request, _ in
            try await answering(request) { journal, filter in
                let count = journal.entries.count { filter.matches($0) }
                return .admin(.done, json: ["count": .number(JSON.Number(count))])
            }
        }
        routes.on(.get, "\(root)/{number}", behind: door) { request, path in
            try await answering(request) { journal, _ in
                guard let number = Int(path["number"]) else {
                    return .admin(.invalid, "the number of a request is a whole number")
                }
                return journal.entry(number).map { .admin(.done, json: $0.json) }
                    ?? .admin(.unknownPath, "there is no request \(number) in the journal (any more)")
            }
        }
        routes.on(.post, "\(root)/find", behind: door) { request, _ in
            try await workspaces.answering(request) { try await find(request, $0) }
        }
        routes.on(.delete, root, behind: door) { request, _ in
            try await workspaces.answering(request) { embedded in
                workspaces.double(of: embedded).journal.clear()
                return .admin(.done, json: ["cleared": true])
            }
        }
    }

    /// Answers from the journal that a query means: that of a workspace, or of those whose credentials nobody knows.
    private func answering(
        _ request: IncomingRequest,
        _ answer: (Journal, RequestFilter) throws -> Answer
    ) async throws -> Answer {
        let filter: RequestFilter
        do {
            filter = try RequestFilter(request.query)
        } catch {
            return .admin(.invalid, error.message)
        }
        switch request.query["credentials"] {
        case "unknown": return try answer(workspaces.strangers.journal, filter)
        case nil:
            return try await workspaces.answering(request) { try answer(workspaces.double(of: $0).journal, filter) }
        default: return .admin(.invalid, "credentials can be unknown, which are those that open no workspace")
        }
    }

    private func list(_ request: IncomingRequest, _ journal: Journal, _ filter: RequestFilter) throws -> Answer {
        guard let limit = request.query.pageLimit else {
            return .admin(.invalid, "limit must be a whole number from 1 to 1000")
        }
        guard let before = Int(request.query["cursor"] ?? String(Int.max)) else {
            return .admin(.invalid, "cursor must be the next of a page before")
        }
        var items: [JSON] = []
        var last = 0
        for entry in journal.entries where entry.number < before && filter.matches(entry) {
            guard items.count < limit else {
                return .admin(.done, json: ["items": .array(items), "next": .string(String(last))])
            }
            items.append(entry.json)
            last = entry.number
        }
        return .admin(.done, json: ["items": .array(items), "next": .null])
    }

    /// Requests that are shown of those that were found.
    private static let shown = 20

    private func find(_ request: IncomingRequest, _ embedded: EmbeddedWorkspace) async throws -> Answer {
        guard let body = try await request.readAdminBody()?.objectValue else {
            return .admin(
                .invalid,
                #"the body must be an object that says which requests, for example {"name": "Ordered"}"#
            )
        }
        let filter: RequestFilter
        do {
            filter = try RequestFilter(body)
        } catch {
            return .admin(.invalid, error.message)
        }
        let entries = workspaces.double(of: embedded).journal.entries
        let found = entries.filter { filter.matches($0) }
        var nearMiss: JSON = .null
        if found.isEmpty {
            let strangers = workspaces.strangers.journal.entries.count
            let hint =
                strangers == 0 ? "" : "; \(strangers.counting("request")) came with credentials that nobody knows"
            nearMiss = .string(filter.nearMiss(among: entries) + hint)
        }
        return .admin(
            .done,
            json: [
                "count": .number(JSON.Number(found.count)), "items": .array(found.prefix(Self.shown).map(\.json)),
                "nearMiss": nearMiss,
            ]
        )
    }
}
