/// Sessions of the console that were ended before their time: no node lets them in any more, also after a restart.
package struct EndedSessions: Sendable {
    private let commits: GroupCommit

    init(_ commits: GroupCommit) {
        self.commits = commits
    }

    /// Writes down that a session is over, and forgets those that would be by themselves.
    ///
    /// - Parameters:
    ///   - id: of the session.
    ///   - end: when it ends by itself at every node, in milliseconds since 1970.
    ///   - now: by this node's clock.
    /// - Throws: what a write does; `unavailable` where the database can't be reached.
    package func add(_ id: String, until end: Int64, at now: Int64) async throws(StorageError) {
        try await commits.commit { connection in
            try connection.run("DELETE FROM ended_sessions WHERE ends_at < ?", [now])
            try connection.run(
                "INSERT INTO ended_sessions (id, ends_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [Text(id), end]
            )
        }
    }

    package func contains(_ id: String) async throws(StorageError) -> Bool {
        try await commits.engine.read { try $0.row("SELECT 1 FROM ended_sessions WHERE id = ?", [Text(id)]) != nil }
    }
}
