import LosslessJSON

/// One state of an integration's configuration as it is kept. What the text means is not this room's to know.
package struct StoredRevision: Sendable, Equatable {
    package let integration: String
    /// From 1, for each integration.
    package let number: Int64
    /// The first event that it holds for.
    package let firstEvent: Int64
    /// Milliseconds since 1970.
    package let at: Int64
    package let author: String
    package let text: String
    /// Secrets that became others with it, though the text may be the same.
    package let changedSecrets: [String]
}

/// A revision that is to be made.
package struct NewRevision: Sendable {
    package var integration: String
    package var author: String
    package var text: String
    /// Milliseconds since 1970.
    package var at: Int64
    /// The last event that delivery has read for the integration, when the revision is to hold from the next one on; `nil`
    /// for a revision that holds for what is not in the log yet.
    package var behindRead: Int64?
    /// Whether the integration lives here, and not in a file.
    package var isKept: Bool
    /// Secrets of the text, to be sealed; those that are not named stay as they are.
    package var secrets: [String: String] = [:]
    /// Which of them there were before, with another value.
    package var changedSecrets: [String] = []
    /// The revision that the text was made from: it replaces no other one, unless that says the same.
    package var base: Int64?

    func says(nothingMoreThan other: StoredRevision) -> Bool {
        text.hasSameBytes(as: other.text) && behindRead == nil && secrets.isEmpty && changedSecrets.isEmpty
    }

    package init(integration: String, author: String, text: String, at: Int64, behindRead: Int64?, isKept: Bool) {
        self.integration = integration
        self.author = author
        self.text = text
        self.at = at
        self.behindRead = behindRead
        self.isKept = isKept
    }
}

/// The configuration of integrations as it was and is (delivery.md C.2, F40).
package struct Revisions: Sendable {
    private let commits: GroupCommit
    private let seal: SecretSeal

    init(_ commits: GroupCommit, seal: SecretSeal) {
        self.commits = commits
        self.seal = seal
    }

    /// Rises with each change of integrations and sources by any node; always 0 where there is only one.
    package func configuration() async throws(StorageError) -> Int64 {
        try await commits.engine.read { try NodeTables.shared($0).configuration }
    }

    /// All of them, each integration's in their order.
    package func all() async throws(StorageError) -> [String: [StoredRevision]] {
        let all = try await commits.engine.read { try RevisionTables.revisions("", [], $0) }
        return Dictionary(grouping: all, by: \.integration)
    }

    /// The integrations that live here, in the order in which they were made.
    package func keptIntegrations() async throws(StorageError) -> [String] {
        try await commits.engine.read { connection in
            try connection.rows("SELECT name FROM kept_integrations ORDER BY number").map { try $0.text(0) }
        }
    }

    /// Whether an integration has ever lived here.
    package func hasKeptAny() async throws(StorageError) -> Bool {
        try await commits.engine.read { connection in
            switch connection.engine {
            case .sqlite:
                try connection.row("SELECT seq FROM sqlite_sequence WHERE name = 'kept_integrations'") != nil
            case .postgres:
                try connection.number("SELECT CASE WHEN is_called THEN 1 ELSE 0 END FROM kept_integrations_number_seq")
                    != 0
            }
        }
    }

    /// The sealed secrets of an integration, by setting.
    package func secrets(of integration: String) async throws(StorageError) -> [String: String] {
        let sealed = try await commits.engine.read { try RevisionTables.secrets(of: integration, $0) }
        var secrets: [String: String] = [:]
        for (setting, bytes) in sealed { secrets[setting] = try seal.open(bytes, at: Self.place(integration, setting)) }
        return secrets
    }

    /// Makes revisions, all of them or none, and returns when they are on the disk. From which event each holds is found
    /// in the same transaction, so that no event lies between two of them.
    ///
    /// - Throws: `refused` where another revision than its base is the newest one of an integration.
    package func add(_ revisions: [NewRevision]) async throws(StorageError) -> [StoredRevision] {
        guard !revisions.isEmpty else { return [] }
        return try await commits.commit { [seal] connection in
            try NodeTables.configurationChanges(connection) {
                for new in revisions { try RevisionTables.checkBase(of: new, connection) }
            }
            return try revisions.map { new in
                let made = try RevisionTables.add(new, connection)
                for (setting, secret) in new.secrets {
                    let sealed = try seal.seal(secret, at: Self.place(new.integration, setting))
                    try RevisionTables.put(sealed, setting, of: new.integration, connection)
                }
                return made
            }
        }
    }

    /// Forgets that an integration lives here, with its secrets: a file has taken it over.
    package func release(_ integration: String) async throws(StorageError) {
        try await commits.commit { connection in
            try NodeTables.configurationChanges(connection)
            try RevisionTables.release(integration, connection)
        }
    }

    /// Removes an integration that lives here, with its secrets and with what waits for it: one of its name begins anew. Its
    /// revisions stay, and what failed: they tell what happened.
    package func remove(_ integration: String) async throws(StorageError) {
        try await commits.commit { connection in
            try NodeTables.configurationChanges(connection)
            try RevisionTables.release(integration, connection)
            try RevisionTables.endCursors(of: integration, connection)
        }
    }

    /// Writes down whether an integration is paused.
    package func pause(_ integration: String, _ isPaused: Bool) async throws(StorageError) {
        try await commits.commit { connection in
            try NodeTables.configurationChanges(connection)
            let sql =
                isPaused
                ? "INSERT INTO paused_integrations (name) VALUES (?) ON CONFLICT DO NOTHING"
                : "DELETE FROM paused_integrations WHERE name = ?"
            try connection.run(sql, [Text(integration)])
        }
    }

    package func pausedIntegrations() async throws(StorageError) -> [String] {
        try await commits.engine.read { connection in
            try connection.rows("SELECT name FROM paused_integrations").map { try $0.text(0) }
        }
    }

    private static func place(_ integration: String, _ setting: String) -> String {
        "\(setting) of \(integration)"
    }
}

/// The statements on the tables `revisions`, `kept_integrations` and `sealed_secrets`.
enum RevisionTables {
    static func revisions(
        _ condition: String,
        _ values: [any StoredValue],
        _ connection: Connection
    ) throws -> [StoredRevision] {
        let rows = try connection.rows(
            """
            SELECT integration, number, first_event, at, author, text, changed_secrets FROM revisions \(condition)
            ORDER BY integration, number
            """,
            values
        )
        return try rows.map { row in
            StoredRevision(
                integration: try row.text(0),
                number: try row.integer(1),
                firstEvent: try row.integer(2),
                at: try row.integer(3),
                author: try row.text(4),
                text: try row.text(5),
                changedSecrets: try row.text(6).split(separator: ",").map(String.init)
            )
        }
    }

    private static func newest(of integration: String, _ connection: Connection) throws -> StoredRevision? {
        try revisions(
            "WHERE integration = ? AND number = (SELECT max(number) FROM revisions WHERE integration = ?)",
            [Text(integration), Text(integration)],
            connection
        ).last
    }

    /// Nobody's change is lost: whoever has changed a text knows what it was before.
    static func checkBase(of new: NewRevision, _ connection: Connection) throws {
        guard let base = new.base, let newest = try newest(of: new.integration, connection), newest.number != base,
            !newest.text.hasSameBytes(as: new.text)
        else { return }
        throw StorageError(
            .refused,
            """
            \(new.integration) is at revision \(newest.number), and the text was exported from revision \(base): export it \
            again, or force it. Nothing was changed
            """
        )
    }

    static func add(_ new: NewRevision, _ connection: Connection) throws -> StoredRevision {
        let last = try newest(of: new.integration, connection)
        // Two nodes that begin with the same file make it once.
        if let last, new.says(nothingMoreThan: last), try isThere(new, connection) { return last }
        let made = StoredRevision(
            integration: new.integration,
            number: (last?.number ?? 0) + 1,
            firstEvent: try firstEvent(of: new, connection),
            at: new.at,
            author: new.author,
            text: new.text,
            changedSecrets: new.changedSecrets
        )
        try connection.run(
            """
            INSERT INTO revisions (integration, number, first_event, at, author, text, changed_secrets)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                Text(made.integration), made.number, made.firstEvent, made.at, made.author, Text(made.text),
                made.changedSecrets.joined(separator: ","),
            ]
        )
        if new.behindRead == nil { try beginCursors(of: made, connection) }
        if new.isKept {
            try connection.run(
                "INSERT INTO kept_integrations (name) VALUES (?) ON CONFLICT DO NOTHING",
                [Text(new.integration)]
            )
        }
        return made
    }

    /// The next event of the log, or the next one that delivery reads: no standing cursor reads behind its position again
    /// but for operations that were planned already.
    private static func firstEvent(of new: NewRevision, _ connection: Connection) throws -> Int64 {
        guard let read = new.behindRead else { return try LogTables.lastSequence(connection) + 1 }
        let position = try connection.row(
            "SELECT max(position), max(read_through) FROM cursors WHERE integration = ? AND kind IN ('live', 'metrics')",
            [Text(new.integration)]
        )
        return max(read, try position?.optionalInteger(0) ?? 0, try position?.optionalInteger(1) ?? 0) + 1
    }

    /// Whether it lives where it is to live: one that was removed is made anew, though its text may be the same.
    private static func isThere(_ new: NewRevision, _ connection: Connection) throws -> Bool {
        guard new.isKept else { return true }
        return try connection.row("SELECT 1 FROM kept_integrations WHERE name = ?", [Text(new.integration)]) != nil
    }

    /// A new integration starts with the events that arrive after it was made (actions.md §1), also where delivering to it
    /// begins later.
    private static func beginCursors(of made: StoredRevision, _ connection: Connection) throws {
        guard try LedgerTables.cursor(.live, of: made.integration, connection) == nil else { return }
        for kind in Ledger.Kind.standing {
            _ = try LedgerTables.open(kind, of: made.integration, startingAt: made.firstEvent - 1, connection)
        }
    }

    /// The cursors stay for the stories of what they delivered, under a kind that nobody opens again.
    static func endCursors(of integration: String, _ connection: Connection) throws {
        try connection.run("DELETE FROM paused_integrations WHERE name = ?", [Text(integration)])
        try connection.run(
            "DELETE FROM exceptions WHERE state = 0 AND cursor IN (SELECT id FROM cursors WHERE integration = ?)",
            [Text(integration)]
        )
        try connection.run(
            "UPDATE jobs SET state = 'stopped' WHERE integration = ? AND state IN ('running', 'paused')",
            [Text(integration)]
        )
        try connection.run(
            "UPDATE cursors SET kind = kind || ', removed ' || id WHERE integration = ? AND kind IN ('live', 'metrics')",
            [Text(integration)]
        )
    }

    static func release(_ integration: String, _ connection: Connection) throws {
        try connection.run("DELETE FROM kept_integrations WHERE name = ?", [Text(integration)])
        try connection.run("DELETE FROM sealed_secrets WHERE integration = ?", [Text(integration)])
    }

    static func put(_ sealed: [UInt8], _ setting: String, of integration: String, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO sealed_secrets (integration, setting, sealed) VALUES (?, ?, ?)
            ON CONFLICT (integration, setting) DO UPDATE SET sealed = excluded.sealed
            """,
            [Text(integration), setting, Bytes(sealed)]
        )
    }

    static func secrets(of integration: String, _ connection: Connection) throws -> [(String, [UInt8])] {
        let rows = try connection.rows(
            "SELECT setting, sealed FROM sealed_secrets WHERE integration = ?",
            [Text(integration)]
        )
        return try rows.map { (try $0.text(0), try $0.bytes(1)) }
    }
}
