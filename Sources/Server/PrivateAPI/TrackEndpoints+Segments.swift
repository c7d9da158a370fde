import HTTPTypes
import Workspaces

/// Manual segments (track-api.md §9.14, §9.15).
extension TrackEndpoints {
    func addSegments(to routes: inout Routes) {
        on(.post, "/api/v1/segments/{segment}/add_customers", in: &routes) { request, path, workspace in
            let change = V1Call.addToSegment(path["segment"], idType: request.query["id_type"])
            return try await call(change, request, in: workspace, .plural)
        }
        on(.post, "/api/v1/segments/{segment}/remove_customers", in: &routes) { request, path, workspace in
            let change = V1Call.removeFromSegment(path["segment"], idType: request.query["id_type"])
            return try await call(change, request, in: workspace, .plural)
        }
    }
}
