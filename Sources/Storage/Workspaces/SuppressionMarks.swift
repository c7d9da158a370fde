import GRDB

/// Marks of identifiers that are suppressed: hashes under a secret of the database, which do not tell the identifier.
enum SuppressionMarks {
    static func mark(of value: String, _ kind: String, _ connection: Database) throws -> Bytes {
        let row = try connection.row("SELECT value FROM secrets WHERE name = 'suppressed'")
        guard let secret = try row?.bytes(0), secret.count == 16 else { throw StorageError.unreadable("secret") }
        var input: [UInt8] = []
        input.append(field: kind)
        input.append(field: value)
        return Bytes(SipHash128.hash(input, secret: secret).bytes)
    }

    /// Makes the secret, and marks of the identifiers that are there.
    static func introduce(_ connection: Database) throws {
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try connection.execute(
            sql: "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
        )
        try connection.run("INSERT INTO secrets (name, value) VALUES ('suppressed', ?)", [Bytes(secret)])
        for row in try connection.rows("SELECT workspace, kind, value FROM suppressed") {
            let (workspace, kind, value) = (try row.integer(0), try row.text(1), try row.text(2))
            try connection.run(
                "UPDATE suppressed SET value = ? WHERE workspace = ? AND kind = ? AND value = ?",
                [try mark(of: value, kind, connection), workspace, Text(kind), Text(value)]
            )
        }
    }
}
