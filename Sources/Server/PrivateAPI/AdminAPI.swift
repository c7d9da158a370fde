import HTTPTypes
import LosslessJSON
import Storage
import Workspaces

/// What is in the embedded workspaces, as JSON under `/admin/v1/workspace` (design.md, "Two listeners"). What tests wait
/// for is in `WatchAPI`.
struct AdminAPI: Sendable {
    private let workspaces: EmbeddedWorkspaces
    private let door: AdminDoor
    /// Of a text that is looked for.
    private static let searchedBytes = 500

    /// The embedded workspaces, for those who get through the door.
    init(workspaces: EmbeddedWorkspaces, door: AdminDoor) {
        self.workspaces = workspaces
        self.door = door
    }

    func add(to routes: inout Routes) {
        let root = "/admin/v1/workspace"
        add("\(root)/people", to: &routes) { request, _, workspace in try await people(request.query, workspace) }
        list("\(root)/objects", in: &routes) { workspace, _, page throws(StorageError) in
            try await workspace.objects(page)
        }
        list("\(root)/metrics", in: &routes) { workspace, _, page throws(StorageError) in
            try await workspace.metrics(page)
        }
        list("\(root)/segments", in: &routes) { workspace, _, page throws(StorageError) in
            try await workspace.segments(page)
        }
        list("\(root)/segments/{segment}/people", in: &routes) { workspace, path, page throws(StorageError) in
            try await workspace.people(inSegment: path["segment"], page)
        }
        list("\(root)/forms", in: &routes) { workspace, _, page throws(StorageError) in
            try await workspace.forms(page)
        }
        list("\(root)/objects/{type}/{id}/relationships", in: &routes) { workspace, path, page throws(StorageError) in
            try await workspace.relationships(ofObject: path["id"], type: path["type"], page)
        }
        single("\(root)/objects/{type}/{id}", in: &routes) { workspace, path throws(StorageError) in
            try await workspace.object(type: path["type"], id: path["id"])
        }
    }

    private func people(_ query: RequestQuery, _ workspace: Workspace) async throws -> Reading {
        guard let page = Page(query) else { return .refusal(Page.mistake(in: query)) }
        let text = query["contains"] ?? ""
        guard text.utf8.count <= Self.searchedBytes else {
            return .refusal("contains must be a text of at most \(Self.searchedBytes) bytes")
        }
        return .value(
            try await stored { () async throws(StorageError) in
                text.isEmpty ? try await workspace.people(page) : try await workspace.people(containing: text, page)
            }
        )
    }

    // MARK: The two kinds of reading

    private typealias ReadList =
        @Sendable (Workspace, Routes.Parameters, Page) async throws(StorageError) -> JSON?
    private typealias ReadSingle = @Sendable (Workspace, Routes.Parameters) async throws(StorageError) -> JSON?

    /// A list, of which `limit` and `cursor` tell the part.
    private func list(_ path: String, in routes: inout Routes, _ read: @escaping ReadList) {
        add(path, to: &routes) { request, parameters, workspace in
            guard let page = Page(request.query) else { return .refusal(Page.mistake(in: request.query)) }
            return try await stored { () async throws(StorageError) in
                try await read(workspace, parameters, page)
            }.map { .value($0) } ?? .nothing
        }
    }

    private func single(_ path: String, in routes: inout Routes, _ read: @escaping ReadSingle) {
        add(path, to: &routes) { _, parameters, workspace in
            try await stored { () async throws(StorageError) in
                try await read(workspace, parameters)
            }.map { .value($0) } ?? .nothing
        }
    }

    /// What was read, before it is an answer.
    private enum Reading {
        case value(JSON)
        case nothing
        case refusal(String)
    }

    private func add(
        _ path: String,
        to routes: inout Routes,
        _ read: @escaping @Sendable (IncomingRequest, Routes.Parameters, Workspace) async throws -> Reading
    ) {
        routes.on(.get, path, behind: door) { request, parameters in
            try await workspaces.answering(request) { embedded in
                switch try await read(request, parameters, embedded.workspace) {
                case .value(let json): .admin(.done, json: json)
                case .nothing: .admin(.unknownPath, "there is none")
                case .refusal(let message): .admin(.invalid, message)
                }
            }
        }
    }
}
