import GRDB

/// The statements on the tables `events`, `seen` and `secrets`.
enum LogTables {
    /// How long a message id is remembered, in milliseconds (source-api.md §2.7).
    static let memoryMilliseconds: Int64 = 24 * 60 * 60 * 1000

    static func append(_ events: [NewEvent], keys: [MessageKey?], _ connection: Database) throws -> [Appended] {
        let insert = try connection.cachedStatement(
            sql: """
                INSERT INTO events (source, message_id, type, name, user_id, anonymous_id, received_at, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        var results: [Appended] = []
        results.reserveCapacity(events.count)
        for (event, key) in zip(events, keys) {
            let oldest = event.receivedAt.subtractingSaturated(memoryMilliseconds)
            if let key, let seq = try sequence(of: key, receivedAfter: oldest, connection) {
                results.append(.duplicate(of: seq))
                continue
            }
            try insert.execute(arguments: [
                Text(event.source), Text(event.messageId), Text(event.type), event.name.map(Text.init),
                event.userId.map(Text.init), event.anonymousId.map(Text.init), event.receivedAt, Bytes(event.body),
            ])
            let seq = connection.lastInsertedRowID
            if let key { try remember(key, seq: seq, receivedAt: event.receivedAt, connection) }
            results.append(.stored(seq: seq))
        }
        if let newest = events.lazy.map(\.receivedAt).max() {
            try forget(receivedBefore: newest.subtractingSaturated(memoryMilliseconds), 2 * events.count, connection)
        }
        return results
    }

    private static func sequence(
        of key: MessageKey,
        receivedAfter oldest: Int64,
        _ connection: Database
    ) throws -> Int64? {
        let statement = try connection.cachedStatement(sql: "SELECT seq FROM seen WHERE key = ? AND received_at > ?")
        return try Int64.fetchOne(statement, arguments: [Bytes(key.bytes), oldest])
    }

    private static func remember(_ key: MessageKey, seq: Int64, receivedAt: Int64, _ connection: Database) throws {
        let statement = try connection.cachedStatement(
            sql: "INSERT OR REPLACE INTO seen (key, seq, received_at) VALUES (?, ?, ?)"
        )
        try statement.execute(arguments: [Bytes(key.bytes), seq, receivedAt])
    }

    /// Removes at most `limit` expired keys, twice as many as the call can have added: so they never pile up, and no
    /// call pays for many others.
    private static func forget(receivedBefore oldest: Int64, _ limit: Int, _ connection: Database) throws {
        let statement = try connection.cachedStatement(
            sql: """
                DELETE FROM seen WHERE key IN (
                    SELECT key FROM seen WHERE received_at <= ? ORDER BY received_at LIMIT ?)
                """
        )
        try statement.execute(arguments: [oldest, limit])
    }

    static func events(
        after seq: Int64,
        limit: Int,
        maximumBytes: Int,
        _ connection: Database
    ) throws -> [LoggedEvent] {
        let statement = try connection.cachedStatement(
            sql: "SELECT seq, source, received_at, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        let rows = try Row.fetchCursor(statement, arguments: [seq, max(limit, 0)])
        var events: [LoggedEvent] = []
        var bytes = 0
        while let row = try rows.next() {
            let body = try row.bytes(3)
            guard events.isEmpty || bytes + body.count <= maximumBytes else { break }
            bytes += body.count
            events.append(
                LoggedEvent(
                    seq: try row.integer(0),
                    source: try row.text(1),
                    receivedAt: try row.integer(2),
                    body: body
                )
            )
        }
        return events
    }

    static func lastSequence(_ connection: Database) throws -> Int64 {
        try Int64.fetchOne(connection, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'events'") ?? 0
    }

    /// Numbers have no gaps and rows leave only at the old end: the first and the last number tell how many there are.
    static func count(_ connection: Database) throws -> Int64 {
        try Int64.fetchOne(
            connection,
            sql: "SELECT coalesce((SELECT max(seq) FROM events) - (SELECT min(seq) FROM events) + 1, 0)"
        ) ?? 0
    }

    /// The secret of the message keys, made with the database.
    static func secret(_ connection: Database) throws -> [UInt8] {
        let secret = try Bytes.fetchOne(connection, sql: "SELECT value FROM secrets WHERE name = 'message keys'")
        guard let secret, secret.bytes.count == 16 else { throw StorageError.unreadable("secret") }
        return secret.bytes
    }
}

extension Int64 {
    func subtractingSaturated(_ other: Int64) -> Int64 {
        let (value, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : value
    }
}
