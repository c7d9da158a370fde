import HTTPTypes

/// `openapi.yaml`: what this listener takes and answers under Ferry's own names, for programs and their authors.
///
/// The tests hold it against the table of routes and against a running server.
enum OpenAPIDocument {
    static func add(to routes: inout Routes, behind door: AdminDoor) {
        routes.on(.get, "/admin/v1/openapi.yaml", behind: door) { _, _ in
            Answer(
                .done,
                headers: [
                    .contentType: "application/yaml", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
                ],
                body: PackageResources.openapi_yaml
            )
        }
    }
}
