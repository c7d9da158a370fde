package import LosslessJSON

/// What opens the workspaces that nobody could open after a restart otherwise: those that somebody made by coming with new
/// credentials, and those that were asked for. The keys are sealed.
extension WorkspaceStore {
    package struct Keys: Sendable, Equatable {
        /// What the workspace is called.
        package let workspace: String
        package let siteId: String
        /// `nil` when it does not open with the seal of the data folder.
        package let apiKey: String?
        /// How a workspace behaves that was asked for; `nil` of one that somebody made by coming.
        package let traits: JSON.Object?

        package init(workspace: String, siteId: String, apiKey: String?, traits: JSON.Object? = nil) {
            self.workspace = workspace
            self.siteId = siteId
            self.apiKey = apiKey
            self.traits = traits
        }
    }

    /// Remembers what opens a workspace.
    ///
    /// - Returns: `false` when it is opened by something else, as another process has said.
    /// - Throws: the error of the disk.
    package func keep(_ keys: Keys) async throws(StorageError) -> Bool {
        try await engine.write { [seal] connection in
            try connection.holdTables(["workspace_keys"])
            let place = Self.place(keys.workspace)
            let row = try connection.row(
                "SELECT site_id, sealed FROM workspace_keys WHERE name = ?",
                [Text(keys.workspace)]
            )
            // A key that nobody can read opens nothing.
            if let row, let known = try? seal.open(row.bytes(1), at: place) {
                return try known == keys.apiKey && row.text(0) == keys.siteId
            }
            let sealed = try seal.seal(keys.apiKey ?? "", at: place)
            try connection.run(
                """
                INSERT INTO workspace_keys (name, site_id, traits, sealed) VALUES (?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET site_id = excluded.site_id, traits = excluded.traits, sealed = excluded.sealed
                """,
                [Text(keys.workspace), Text(keys.siteId), keys.traits?.storedText, Bytes(sealed)]
            )
            return true
        }
    }

    /// What was kept, by the names of the workspaces.
    package func keptKeys() async throws(StorageError) -> [Keys] {
        try await engine.read { [seal] connection in
            try connection.rows("SELECT name, site_id, traits, sealed FROM workspace_keys ORDER BY name").map { row in
                let name = try row.text(0)
                return Keys(
                    workspace: name,
                    siteId: try row.text(1),
                    apiKey: try? seal.open(row.bytes(3), at: Self.place(name)),
                    traits: try row.optionalText(2).map { try JSON.Object(storedText: $0) }
                )
            }
        }
    }

    /// Sealed for one workspace, a key opens no other.
    private static func place(_ workspace: String) -> String { "workspace \(workspace)" }
}
