import HTTPTypes

/// What this listener takes and answers, for programs and their authors: `openapi.yaml` under Ferry's own names,
/// `track-openapi.yaml` under Customer.io's.
///
/// The tests hold it against the table of routes and against a running server.
enum OpenAPIDocument {
    static func add(to routes: inout Routes, behind door: AdminDoor) {
        let documents = [
            ("openapi.yaml", PackageResources.openapi_yaml),
            ("track-openapi.yaml", PackageResources.track_openapi_yaml),
        ]
        for (name, text) in documents {
            routes.on(.get, "/admin/v1/\(name)", behind: door) { _, _ in
                Answer(
                    .done,
                    headers: [
                        .contentType: "application/yaml", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
                    ],
                    body: text
                )
            }
        }
    }
}
