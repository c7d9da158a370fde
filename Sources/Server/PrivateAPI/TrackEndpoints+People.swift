import HTTPTypes
import Workspaces

/// People and their devices (track-api.md §9.2 to §9.8, §9.11).
extension TrackEndpoints {
    private static let person = "/api/v1/customers/{identifier}"

    func addPeople(to routes: inout Routes) {
        onPerson(.put, "", in: &routes) { request, person, _, workspace in
            try await call(.identify(person: person), request, in: workspace, .singular)
        }
        onPerson(.delete, "", in: &routes) { _, person, _, workspace in
            try await callWithoutBody(.delete(person: person), in: workspace)
        }
        onPerson(.put, "/devices", in: &routes) { request, person, _, workspace in
            try await call(.addDevice(person: person), request, in: workspace, .plural)
        }
        onPerson(.delete, "/devices/{token}", in: &routes) { _, person, path, workspace in
            try await callWithoutBody(.deleteDevice(person: person, token: path["token"]), in: workspace)
        }
        onPerson(.post, "/suppress", in: &routes) { _, person, _, workspace in
            try await callWithoutBody(.suppress(person: person), in: workspace)
        }
        onPerson(.post, "/unsuppress", in: &routes) { _, person, _, workspace in
            try await callWithoutBody(.unsuppress(person: person), in: workspace)
        }
        onPerson(.post, "/events", in: &routes) { request, person, _, workspace in
            try await call(.event(person: person), request, in: workspace, .plural)
        }
        // What a client makes of an empty id.
        for method in [HTTPRequest.Method.put, .delete] {
            on(method, "/api/v1/customers", in: &routes) { _, _, workspace in withoutId(workspace) }
        }
        on(.post, "/api/v1/merge_customers", in: &routes) { request, _, workspace in
            try await call(.merge, request, in: workspace, .singular)
        }
    }

    private typealias PersonHandler =
        @Sendable (IncomingRequest, String, Routes.Parameters, EmbeddedWorkspace) async throws -> Answer

    private func onPerson(
        _ method: HTTPRequest.Method,
        _ path: String,
        in routes: inout Routes,
        _ answer: @escaping PersonHandler
    ) {
        on(method, Self.person + path, in: &routes) { request, parameters, workspace in
            // Doubled slashes make no segment: without this, `/customers//devices` would be a person of that name.
            guard !request.target.contains("/customers//") else { return withoutId(workspace) }
            return try await answer(request, parameters["identifier"], parameters, workspace)
        }
    }

    private func withoutId(_ workspace: EmbeddedWorkspace) -> Answer {
        .problem(.invalid, "id attribute must be present", from: workspace.name)
    }
}
