import GRDB

/// The statements on the tables `events`, `repeats` and `secrets`.
enum LogTables {
    static func append(
        _ events: [NewEvent],
        keys: [MessageKey?],
        seen: SeenMessages,
        _ connection: Database
    ) throws -> [Appended] {
        let insert = try connection.cachedStatement(
            sql: """
                INSERT INTO events (source, message_id, type, name, user_id, anonymous_id, received_at, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        var results: [Appended] = []
        results.reserveCapacity(events.count)
        for (event, key) in zip(events, keys) {
            if let key, let seq = try seen.find(key, receivedAt: event.receivedAt, connection) {
                try noteRepeat(of: seq, at: event.receivedAt, connection)
                results.append(.duplicate(of: seq))
                continue
            }
            try insert.execute(arguments: [
                Text(event.source), Text(event.messageId), Text(event.type), event.name.map(Text.init),
                event.userId.map(Text.init), event.anonymousId.map(Text.init), event.receivedAt, Bytes(event.body),
            ])
            let seq = connection.lastInsertedRowID
            if let key { try seen.remember(key, seq: seq, receivedAt: event.receivedAt, connection) }
            results.append(.stored(seq: seq))
        }
        if let newest = events.lazy.map(\.receivedAt).max() { try seen.file(for: events.count, at: newest, connection) }
        return results
    }

    /// Counts that a message came again; how often and when last is all that is kept of it.
    private static func noteRepeat(of seq: Int64, at time: Int64, _ connection: Database) throws {
        let statement = try connection.cachedStatement(
            sql: """
                INSERT INTO repeats (seq, times, last_at) VALUES (?, 1, ?)
                ON CONFLICT (seq) DO UPDATE SET times = times + 1, last_at = excluded.last_at
                """
        )
        try statement.execute(arguments: [seq, time])
    }

    static func repeats(of seq: Int64, _ connection: Database) throws -> Repeats? {
        let statement = try connection.cachedStatement(sql: "SELECT times, last_at FROM repeats WHERE seq = ?")
        return try Row.fetchOne(statement, arguments: [seq]).map { row in
            Repeats(times: try row.integer(0), lastAt: try row.integer(1))
        }
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
            let body = try row.optionalBytes(3)
            let size = body?.count ?? 0
            guard events.isEmpty || bytes + size <= maximumBytes else { break }
            bytes += size
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

    static func events(_ seqs: [Int64], _ connection: Database) throws -> [LoggedEvent] {
        try Set(seqs).sorted().compactMap { seq in
            let row =
                try connection.row("SELECT source, received_at, body FROM events WHERE seq = ?", [seq])
                ?? connection.row("SELECT source, received_at, body FROM kept_events WHERE seq = ?", [seq])
            return try row.map { row in
                LoggedEvent(
                    seq: seq,
                    source: try row.text(0),
                    receivedAt: try row.integer(1),
                    body: try row.optionalBytes(2)
                )
            }
        }
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
