import HTTPTypes
import LosslessJSON

/// What is to go wrong in a workspace, under `/admin/v1/workspace/faults`.
struct FaultsAPI: Sendable {
    private let workspaces: EmbeddedWorkspaces

    init(workspaces: EmbeddedWorkspaces) {
        self.workspaces = workspaces
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1/workspace/faults"
        routes.on(.get, root, behind: door) { request, _ in
            try await answering(request) { .admin(.done, json: ["items": .array($0.list)]) }
        }
        routes.on(.post, root, behind: door) { request, _ in
            guard let body = try await request.readAdminBody() else {
                return .admin(.invalid, "the body must be a fault, or an array of them")
            }
            return try await answering(request) { add(body, to: $0) }
        }
        routes.on(.delete, root, behind: door) { request, _ in
            try await answering(request) { .admin(.done, json: ["removed": .number(JSON.Number($0.removeAll()))]) }
        }
        routes.on(.delete, "\(root)/{number}", behind: door) { request, path in
            guard let number = Int(path["number"]) else {
                return .admin(.invalid, "the number of a fault is a whole number")
            }
            return try await answering(request) { faults in
                faults.remove(number)
                    ? .admin(.done, json: ["removed": 1]) : .admin(.unknownPath, "there is no fault \(number)")
            }
        }
    }

    private func answering(_ request: IncomingRequest, _ answer: (Faults) -> Answer) async throws -> Answer {
        try await workspaces.answering(request) { answer(workspaces.double(of: $0).faults) }
    }

    private func add(_ body: JSON, to faults: Faults) -> Answer {
        let list = body.arrayValue ?? [body]
        var made: [Fault] = []
        for (place, json) in list.enumerated() {
            do throws(Fault.Mistake) {
                made.append(try Fault(json))
            } catch {
                let which = body.arrayValue == nil ? "" : "fault \(place): "
                return .admin(.invalid, "\(which)\(error.message). None was added")
            }
        }
        guard !made.isEmpty else { return .admin(.invalid, "there is no fault in the array") }
        guard let added = faults.add(made) else {
            return .admin(.invalid, "a workspace has \(Faults.most) faults at most. None was added")
        }
        return .admin(.done, json: ["items": .array(added)])
    }
}
