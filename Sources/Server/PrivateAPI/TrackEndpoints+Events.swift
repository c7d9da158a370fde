import HTTPTypes
import Workspaces

/// Events without a person, and forms (track-api.md §9.9, §9.10).
extension TrackEndpoints {
    func addEvents(to routes: inout Routes) {
        on(.post, "/api/v1/events", in: &routes) { request, _, workspace in
            try await call(.anonymousEvent, request, in: workspace, .plural)
        }
        on(.post, "/api/v1/forms/{form}/submit", in: &routes) { request, path, workspace in
            try await call(
                .submitForm(id: path["form"]),
                request,
                in: workspace,
                .plural,
                success: .doneWithoutBody
            )
        }
    }
}
