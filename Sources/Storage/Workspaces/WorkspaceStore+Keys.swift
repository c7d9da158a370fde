/// What opens the workspaces that somebody made by coming with new credentials: nobody else could say it again after a
/// restart. The keys are sealed.
extension WorkspaceStore {
    package struct Keys: Sendable, Equatable {
        /// What the workspace is called.
        package let workspace: String
        package let siteId: String
        /// `nil` when it does not open with the seal of the data folder.
        package let apiKey: String?

        package init(workspace: String, siteId: String, apiKey: String?) {
            self.workspace = workspace
            self.siteId = siteId
            self.apiKey = apiKey
        }
    }

    /// Remembers what opens a workspace.
    package func keep(siteId: String, apiKey: String, of workspace: String) async throws(StorageError) {
        try await engine.write { [seal] connection in
            let sealed = try seal.seal(apiKey, at: Self.place(workspace))
            try connection.run(
                """
                INSERT INTO workspace_keys (name, site_id, sealed) VALUES (?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET site_id = excluded.site_id, sealed = excluded.sealed
                """,
                [Text(workspace), Text(siteId), Bytes(sealed)]
            )
        }
    }

    /// What was kept, by the names of the workspaces.
    package func keptKeys() async throws(StorageError) -> [Keys] {
        try await engine.read { [seal] connection in
            try connection.rows("SELECT name, site_id, sealed FROM workspace_keys ORDER BY name").map { row in
                let name = try row.text(0)
                let key = try? seal.open(row.bytes(2), at: Self.place(name))
                return Keys(workspace: name, siteId: try row.text(1), apiKey: key)
            }
        }
    }

    /// Sealed for one workspace, a key opens no other.
    private static func place(_ workspace: String) -> String { "workspace \(workspace)" }
}
