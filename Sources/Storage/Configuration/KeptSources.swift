import GRDB

/// The sources that live in the data, and not in a configuration file. Their write keys are sealed.
package struct KeptSources: Sendable {
    /// A source of the data.
    package struct Source: Sendable, Equatable {
        package let name: String
        /// What lets its clients in; `nil` when it does not open with the seal's key any more.
        package let key: String?
        package let isEnabled: Bool
    }

    private let commits: GroupCommit
    private let seal: SecretSeal

    init(_ commits: GroupCommit, seal: SecretSeal) {
        self.commits = commits
        self.seal = seal
    }

    /// All of them, in the order in which they were made.
    package func all() async throws(StorageError) -> [Source] {
        let rows = try await commits.database.read { connection in
            try connection.rows("SELECT name, sealed, is_enabled FROM kept_sources ORDER BY number").map { row in
                (name: try row.text(0), sealed: try row.bytes(1), isEnabled: try row.integer(2) != 0)
            }
        }
        return rows.map { row in
            Source(name: row.name, key: try? seal.open(row.sealed, at: Self.place(row.name)), isEnabled: row.isEnabled)
        }
    }

    /// Makes a source.
    ///
    /// - Returns: whether it was made: there may be one of this name.
    package func add(_ name: String, key: String) async throws(StorageError) -> Bool {
        try await commits.commit { [seal] connection in
            try connection.run(
                "INSERT OR IGNORE INTO kept_sources (name, sealed, is_enabled) VALUES (?, ?, 1)",
                [Text(name), Bytes(try seal.seal(key, at: Self.place(name)))]
            )
            return connection.changesCount > 0
        }
    }

    /// Switches a source on or off.
    ///
    /// - Returns: whether it is there.
    package func enable(_ name: String, _ isEnabled: Bool) async throws(StorageError) -> Bool {
        try await commits.commit { connection in
            try connection.run(
                "UPDATE kept_sources SET is_enabled = ? WHERE name = ?",
                [isEnabled ? 1 : 0, Text(name)]
            )
            return connection.changesCount > 0
        }
    }

    /// Removes a source. What it has sent stays.
    ///
    /// - Returns: whether it was there.
    package func remove(_ name: String) async throws(StorageError) -> Bool {
        try await commits.commit { connection in
            try connection.run("DELETE FROM kept_sources WHERE name = ?", [Text(name)])
            return connection.changesCount > 0
        }
    }

    private static func place(_ name: String) -> String { "write key of \(name)" }
}
