import HTTPTypes
import Workspaces

/// What becomes of deliveries, told with credentials or without (track-api.md §2, §9.12, §9.13, §9.16, §9.17).
extension TrackEndpoints {
    func addDeliveries(to routes: inout Routes) {
        onOpen(.post, "/api/v1/metrics", in: &routes) { request, _, workspace in
            try await call(.metric, request, in: workspace, .plural)
        }
        // The second is the first as it was spelled once, and as Ruby's client still does.
        for path in ["/api/v1/push/events", "/push/events"] {
            onOpen(.post, path, in: &routes) { request, _, workspace in
                try await call(.pushMetric, request, in: workspace, .plural)
            }
        }
        on(.post, "/api/v1/cio_deliveries/events", in: &routes) { request, _, workspace in
            try await call(.inAppMetric, request, in: workspace, .plural)
        }
        onOpen(.post, "/unsubscribe/{delivery}", in: &routes) { request, path, workspace in
            guard request.isJSON else {
                return .problem(.invalid, "Content-Type must be application/json", from: workspace.name)
            }
            let delivery = path["delivery"]
            var owner = workspace
            if request.workspace == nil, let known = try await self.workspace(ofDelivery: delivery) {
                owner = known
            }
            return try await call(.unsubscribe(deliveryId: delivery), request, in: owner, .singular)
        }
    }
}

extension IncomingRequest {
    /// Whether the body says that it is JSON, whatever its character set.
    fileprivate var isJSON: Bool {
        let type = headers[.contentType]?.prefix { $0 != ";" && $0 != " " }
        return type?.lowercased() == "application/json"
    }
}
