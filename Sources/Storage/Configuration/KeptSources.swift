import GRDB

/// The sources that live in the data, and not in a configuration file. Their write keys are sealed.
package struct KeptSources: Sendable {
    /// A source of the data.
    package struct Source: Sendable, Equatable {
        package let name: String
        /// What lets its clients in; nobody reads it here but who lets them in.
        package let key: String
        package var isEnabled: Bool

        package init(name: String, key: String, isEnabled: Bool = true) {
            self.name = name
            self.key = key
            self.isEnabled = isEnabled
        }
    }

    private let commits: GroupCommit
    private let seal: SecretSeal

    init(_ commits: GroupCommit, seal: SecretSeal) {
        self.commits = commits
        self.seal = seal
    }

    /// All of them, in the order in which they were made.
    ///
    /// - Throws: `corrupt` when a key does not open any more, and the errors of the disk.
    package func all() async throws(StorageError) -> [Source] {
        let rows = try await commits.database.read { connection in
            try connection.rows("SELECT name, sealed, is_enabled FROM kept_sources ORDER BY number").map { row in
                (name: try row.text(0), sealed: try row.bytes(1), isEnabled: try row.integer(2) != 0)
            }
        }
        var sources: [Source] = []
        for row in rows {
            let key = try seal.open(row.sealed, at: Self.place(row.name))
            sources.append(Source(name: row.name, key: key, isEnabled: row.isEnabled))
        }
        return sources
    }

    /// Makes a source, or gives the one of this name another key.
    package func put(_ source: Source) async throws(StorageError) {
        try await commits.commit { [seal] connection in
            try connection.run(
                """
                INSERT INTO kept_sources (name, sealed, is_enabled) VALUES (?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, is_enabled = excluded.is_enabled
                """,
                [
                    Text(source.name), Bytes(try seal.seal(source.key, at: Self.place(source.name))),
                    source.isEnabled ? 1 : 0,
                ]
            )
        }
    }

    /// Removes a source. What it has sent stays.
    package func remove(_ name: String) async throws(StorageError) {
        try await commits.commit { connection in
            try connection.run("DELETE FROM kept_sources WHERE name = ?", [Text(name)])
        }
    }

    private static func place(_ name: String) -> String { "write key of \(name)" }
}
