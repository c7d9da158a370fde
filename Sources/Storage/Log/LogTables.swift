/// The statements on the tables `events`, `repeats` and `secrets`.
enum LogTables {
    static func repeats(of seq: Int64, _ connection: Connection) throws -> Repeats? {
        try connection.row("SELECT times, last_at FROM repeats WHERE seq = ?", [seq]).map { row in
            Repeats(times: try row.integer(0), lastAt: try row.integer(1))
        }
    }

    static func events(
        after seq: Int64,
        limit: Int,
        maximumBytes: Int,
        _ connection: Connection
    ) throws -> [LoggedEvent] {
        var events: [LoggedEvent] = []
        var bytes = 0
        var statement = "SELECT seq, source, received_at, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2"
        var values: [any StoredValue] = [seq, max(limit, 0)]
        // SQLite is asked for one row after the other. PostgreSQL sends all at once, so it is told how much is wanted.
        if case .postgres = connection.engine {
            statement = """
                SELECT seq, source, received_at, body FROM (
                    SELECT *, row_number() OVER before AS number, sum(octet_length(body)) OVER before AS bytes
                    FROM (\(statement)) AS page WINDOW before AS (ORDER BY seq)
                ) AS counted WHERE number = 1 OR coalesce(bytes, 0) <= ?3 ORDER BY seq
                """
            values.append(maximumBytes)
        }
        try connection.forEach(statement, values) { row in
            let body = try row.optionalBytes(3)
            let size = body?.count ?? 0
            guard events.isEmpty || bytes + size <= maximumBytes else { return false }
            bytes += size
            events.append(
                LoggedEvent(
                    seq: try row.integer(0),
                    source: try row.text(1),
                    receivedAt: try row.integer(2),
                    body: body
                )
            )
            return true
        }
        return events
    }

    static func events(_ seqs: [Int64], _ connection: Connection) throws -> [LoggedEvent] {
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

    static func lastSequence(_ connection: Connection) throws -> Int64 {
        switch connection.engine {
        case .sqlite:
            try connection.row("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?.integer(0) ?? 0
        case .postgres: try connection.number("SELECT next - 1 FROM log_head")
        }
    }

    /// Numbers have no gaps and rows leave only at the old end: the first and the last number tell how many there are.
    static func count(_ connection: Connection) throws -> Int64 {
        try connection.number("SELECT coalesce((SELECT max(seq) FROM events) - (SELECT min(seq) FROM events) + 1, 0)")
    }

    /// The secret of the message keys, made with the database.
    static func secret(_ connection: Connection) throws -> [UInt8] {
        let secret = try connection.row("SELECT value FROM secrets WHERE name = 'message keys'")?.bytes(0)
        guard let secret, secret.count == 16 else { throw StorageError.unreadable("secret") }
        return secret
    }
}

extension Int64 {
    func subtractingSaturated(_ other: Int64) -> Int64 {
        let (value, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : value
    }
}
