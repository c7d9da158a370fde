/// The sources that live in the data, and not in a configuration file. Their write keys are sealed.
package struct KeptSources: Sendable {
    /// A source of the data.
    package struct Source: Sendable, Equatable {
        package let name: String
        /// What lets its clients in; `nil` when it does not open with the seal's key any more.
        package let key: String?
        /// What let them in before, and still does until it is retired.
        package let formerKey: String?
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
        let rows = try await commits.engine.read { connection in
            try connection.rows("SELECT name, sealed, former, is_enabled FROM kept_sources ORDER BY number").map {
                row in
                (try row.text(0), try row.bytes(1), try row.optionalBytes(2), try row.integer(3) != 0)
            }
        }
        return rows.map { name, sealed, former, isEnabled in
            let open = { (sealed: [UInt8]) in try? seal.open(sealed, at: Self.place(name)) }
            return Source(name: name, key: open(sealed), formerKey: former.flatMap(open), isEnabled: isEnabled)
        }
    }

    /// Makes a source.
    ///
    /// - Returns: whether it was made: there may be one of this name.
    package func add(_ name: String, key: String) async throws(StorageError) -> Bool {
        try await commits.commit { [seal] connection in
            try NodeTables.configurationChanges(connection)
            return try connection.run(
                "INSERT INTO kept_sources (name, sealed, is_enabled) VALUES (?, ?, 1) ON CONFLICT DO NOTHING",
                [Text(name), Bytes(try seal.seal(key, at: Self.place(name)))]
            ) > 0
        }
    }

    /// Switches a source on or off.
    ///
    /// - Returns: whether it is there.
    package func enable(_ name: String, _ isEnabled: Bool) async throws(StorageError) -> Bool {
        try await commits.commit { connection in
            try NodeTables.configurationChanges(connection)
            return try connection.run(
                "UPDATE kept_sources SET is_enabled = ? WHERE name = ?",
                [isEnabled, Text(name)]
            ) > 0
        }
    }

    /// What came of a wish for another key.
    package enum Rotation: Sendable {
        case done, unknown
        /// The one before the present key is not retired yet: a third would not be kept.
        case underWay
    }

    /// Gives a source another key. The present one goes on letting clients in, until it is retired; one that does not open
    /// any more is forgotten.
    package func rotate(_ name: String, key: String) async throws(StorageError) -> Rotation {
        try await commits.commit { [seal] connection in
            try NodeTables.configurationChanges(connection)
            guard
                let row = try connection.row("SELECT sealed, former FROM kept_sources WHERE name = ?", [Text(name)])
            else { return .unknown }
            guard try row.optionalBytes(1) == nil else { return .underWay }
            let present = try row.bytes(0)
            let former = (try? seal.open(present, at: Self.place(name))) == nil ? nil : Bytes(present)
            try connection.run(
                "UPDATE kept_sources SET sealed = ?, former = ? WHERE name = ?",
                [Bytes(try seal.seal(key, at: Self.place(name))), former, Text(name)]
            )
            return .done
        }
    }

    /// The former key of a source lets nobody in any more.
    ///
    /// - Returns: whether there was one.
    package func retireFormerKey(of name: String) async throws(StorageError) -> Bool {
        try await commits.commit { connection in
            try NodeTables.configurationChanges(connection)
            return try connection.run(
                "UPDATE kept_sources SET former = NULL WHERE name = ? AND former IS NOT NULL",
                [Text(name)]
            ) > 0
        }
    }

    /// Removes a source. What it has sent stays.
    ///
    /// - Returns: whether it was there.
    package func remove(_ name: String) async throws(StorageError) -> Bool {
        try await commits.commit { connection in
            try NodeTables.configurationChanges(connection)
            return try connection.run("DELETE FROM kept_sources WHERE name = ?", [Text(name)]) > 0
        }
    }

    private static func place(_ name: String) -> String { "write key of \(name)" }
}
