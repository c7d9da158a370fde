/// The statements that erase events.
enum LogErasing {
    /// A part of all events: those of the log, then those kept beside it.
    struct Piece: Sendable {
        let events: [LoggedEvent]
        /// Where the next one begins.
        let position: Int64
        let isOver: Bool
    }

    /// The events behind an erasure's position. Below 0 stand those that are kept beside the log, which come last because
    /// retention may put further ones there meanwhile.
    static func piece(
        of erasure: Erasure,
        limit: Int,
        maximumBytes: Int,
        _ connection: Connection
    ) throws -> Piece {
        if erasure.position >= 0 {
            let events = try LogTables.events(
                after: erasure.position,
                limit: limit,
                maximumBytes: maximumBytes,
                connection
            ).filter { $0.seq <= erasure.last }
            return Piece(events: events, position: events.last?.seq ?? -1, isOver: false)
        }
        // -1 is the beginning of these, and -2 is behind the event 1.
        let rows = try connection.rows(
            """
            SELECT seq, source, received_at, body FROM kept_events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?
            """,
            [-1 - erasure.position, erasure.last, limit / 20]
        )
        let events = try rows.map { row in
            LoggedEvent(
                seq: try row.integer(0),
                source: try row.text(1),
                receivedAt: try row.integer(2),
                body: try row.optionalBytes(3)
            )
        }
        return Piece(
            events: events,
            position: events.last.map { -1 - $0.seq } ?? erasure.position,
            isOver: events.isEmpty
        )
    }

    /// Leaves of an event that there was one.
    static func remove(
        _ seq: Int64,
        at now: Int64,
        _ receipt: inout Erasure.Receipt,
        _ connection: Connection
    ) throws {
        let logged = try connection.run(
            """
            UPDATE events SET message_id = NULL, name = NULL, user_id = NULL, anonymous_id = NULL, body = NULL
            WHERE seq = ? AND body IS NOT NULL
            """,
            [seq]
        )
        let kept = try connection.run("UPDATE kept_events SET body = NULL WHERE seq = ? AND body IS NOT NULL", [seq])
        receipt.events += Int64(max(logged, kept))
        receipt.operations += try removeFailures(of: seq, at: now, connection)
    }

    /// Removes what failed of an event, and counts it as erased.
    static func removeFailures(of seq: Int64, at now: Int64, _ connection: Connection) throws -> Int64 {
        let rows = try connection.rows(
            "SELECT cursor, place, action FROM exceptions WHERE seq = ? AND state = 1",
            [seq]
        )
        for row in rows {
            let cursor = try row.integer(0)
            try LedgerTables.remove(OperationID(seq: seq, place: Int(try row.integer(1))), of: cursor, connection)
            try LedgerTables.add(.init(minute: now / 60_000, erased: try row.text(2)), of: cursor, connection)
        }
        return Int64(rows.count)
    }

    /// Puts an event in its place that does not name the person any more.
    static func replace(
        _ seq: Int64,
        _ body: [UInt8],
        _ redaction: Redaction,
        _ connection: Connection
    ) throws {
        try connection.run("UPDATE kept_events SET body = ? WHERE seq = ?", [Bytes(body), seq])
        let row = try connection.row(
            "SELECT name FROM events WHERE seq = ? AND body IS NOT NULL",
            [seq]
        )
        guard let row else { return }
        // Whose event it is stays as it is, as in the event itself.
        let name = try row.optionalText(0).map { Text(redaction.clean($0, .name)) }
        try connection.run("UPDATE events SET name = ?, body = ? WHERE seq = ?", [name, Bytes(body), seq])
    }
}
