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
    /// - Returns: `false` when it is opened by something else, or its site id opens another, as another process has said; and
    ///   when it was asked for before.
    /// - Throws: the error of the disk.
    package func keep(_ keys: Keys) async throws(StorageError) -> Bool {
        try await engine.write { [seal] connection in
            try connection.holdTables(["workspace_keys"])
            let rows = try connection.rows(
                "SELECT name, site_id, sealed, traits FROM workspace_keys WHERE name = ?1 OR site_id = ?2",
                [Text(keys.workspace), Text(keys.siteId)]
            )
            for row in rows {
                let (name, siteId) = (try row.text(0), try row.text(1))
                // A key that nobody can read opens nothing.
                guard let known = try? seal.open(row.bytes(2), at: Self.place(name)) else { continue }
                let isSame = name.hasSameBytes(as: keys.workspace) && siteId.hasSameBytes(as: keys.siteId)
                guard isSame, known == keys.apiKey else { return false }
                guard keys.traits != nil else { return true }
                guard try row.optionalText(3) == nil else { return false }
            }
            let sealed = try seal.seal(keys.apiKey ?? "", at: Self.place(keys.workspace))
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
    ///
    /// - Parameter isWanted: whether somebody asks for what opens a workspace of this name.
    /// - Returns: what is wanted of it.
    /// - Throws: the error of the disk.
    package func keptKeys(
        where isWanted: @escaping @Sendable (_ name: String) -> Bool = { _ in true }
    ) async throws(StorageError) -> [Keys] {
        try await engine.read { [seal] connection in
            let rows = try connection.rows("SELECT name, site_id, traits, sealed FROM workspace_keys ORDER BY name")
            return try rows.compactMap { row in
                let name = try row.text(0)
                guard isWanted(name) else { return nil }
                return Keys(
                    workspace: name,
                    siteId: try row.text(1),
                    apiKey: try? seal.open(row.bytes(3), at: Self.place(name)),
                    traits: try row.optionalText(2).map { try JSON.Object(storedText: $0) }
                )
            }
        }
    }

    /// Numbers that are others once a key was kept, so that nobody has to read them all to know: of a shared store only.
    package func keysMark() async throws(StorageError) -> [Int64] {
        try await engine.read { connection in
            // A seal is never made twice.
            let sum = "coalesce(CAST(sum(hashtext(encode(sealed, 'hex'))) AS BIGINT), 0)"
            let row = try connection.row("SELECT count(*), \(sum) FROM workspace_keys")
            return [try row?.integer(0) ?? 0, try row?.integer(1) ?? 0]
        }
    }

    /// Sealed for one workspace, a key opens no other.
    private static func place(_ workspace: String) -> String { "workspace \(workspace)" }
}
