import HTTPTypes
import LosslessJSON
import Storage
import Workspaces

/// What is in the embedded workspaces, as JSON under `/admin/v1/workspace` (design.md, "Two listeners").
struct AdminAPI: Sendable {
    private let workspaces: EmbeddedWorkspaces
    private let door: AdminDoor

    /// The embedded workspaces, for those who get through the door.
    init(workspaces: EmbeddedWorkspaces, door: AdminDoor) {
        self.workspaces = workspaces
        self.door = door
    }

    func add(to routes: inout Routes) {
        let root = "/admin/v1/workspace"
        list("\(root)/people", in: &routes) { workspace, _, page throws(StorageError) in
            try await workspace.people(page)
        }
        list("\(root)/people/{identifier}/activity", in: &routes) { workspace, path, page throws(StorageError) in
            try await workspace.activity(of: path["identifier"], page)
        }
        list("\(root)/objects", in: &routes) { workspace, _, page throws(StorageError) in
            try await workspace.objects(page)
        }
        list("\(root)/activity", in: &routes) { workspace, _, page throws(StorageError) in
            try await workspace.activity(page)
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
        single("\(root)/people/{identifier}", in: &routes) { workspace, path throws(StorageError) in
            try await workspace.person(path["identifier"])
        }
        single("\(root)/objects/{type}/{id}", in: &routes) { workspace, path throws(StorageError) in
            try await workspace.object(type: path["type"], id: path["id"])
        }
    }

    // MARK: The two kinds of reading

    private typealias ReadList =
        @Sendable (Workspace, Routes.Parameters, Page) async throws(StorageError) -> JSON?
    private typealias ReadSingle = @Sendable (Workspace, Routes.Parameters) async throws(StorageError) -> JSON?

    /// A list, of which `limit` and `cursor` tell the part.
    private func list(_ path: String, in routes: inout Routes, _ read: @escaping ReadList) {
        add(path, to: &routes) { request, parameters, workspace in
            let query = request.query
            let limit = query["limit"].map { Int($0) ?? 0 } ?? 100
            guard limit > 0 else { return .refusal("limit must be a whole number from 1 to \(Page.maximum)") }
            guard let page = Page(limit: limit, after: query["cursor"]) else {
                return .refusal("cursor must be the next of a page before")
            }
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
            guard let embedded = workspace(named: request.query["workspace"]) else {
                let names = workspaces.all.map(\.name).joined(separator: ", ")
                return .admin(.unknownPath, "there is no such workspace: workspace=NAME may be one of \(names)")
            }
            switch try await read(request, parameters, embedded.workspace) {
            case .value(let json): return .admin(.done, json: json)
            case .nothing: return .admin(.unknownPath, "there is none")
            case .refusal(let message): return .admin(.invalid, message)
            }
        }
    }

    /// Without a name it is the only workspace.
    private func workspace(named name: String?) -> EmbeddedWorkspace? {
        let workspaces = workspaces.all
        guard let name else { return workspaces.count == 1 ? workspaces.first : nil }
        return workspaces.first { $0.name.hasSameBytes(as: name) }
    }
}
