import GRDB

/// The tables of `spool.db`: those of a log, and what it takes to bring its events into another one, each once.
enum SpoolTables {
    static var migrator: DatabaseMigrator {
        var migrator = LogSchema.migrator
        migrator.registerMigration("2026-11-26 spool") { connection in
            try connection.execute(
                sql: """
                    CREATE TABLE spool (
                        one INTEGER PRIMARY KEY CHECK (one = 1),
                        id BLOB NOT NULL,
                        -- The group that was on its way into the database when it went away, and its last event here.
                        doubtful_step INTEGER NOT NULL,
                        doubtful_last INTEGER NOT NULL
                    );
                    -- Events that have no key by which they are recognised.
                    CREATE TABLE keyless (seq INTEGER PRIMARY KEY);
                    """
            )
        }
        return migrator
    }

    /// Whose events these are in the database, and which of them may be there already.
    struct Identity: Sendable {
        let id: [UInt8]
        let doubtfulStep: Int64
        let doubtfulLast: Int64
    }

    static func identity(_ connection: Connection) throws -> Identity? {
        try connection.row("SELECT id, doubtful_step, doubtful_last FROM spool").map { row in
            Identity(id: try row.bytes(0), doubtfulStep: try row.integer(1), doubtfulLast: try row.integer(2))
        }
    }

    static func setIdentity(_ id: [UInt8], _ connection: Connection) throws {
        try connection.run(
            "INSERT OR REPLACE INTO spool (one, id, doubtful_step, doubtful_last) VALUES (1, ?, -1, 0)",
            [Bytes(id)]
        )
    }

    /// All that is here was on its way into the database as this group.
    static func noteDoubt(_ step: Int64, _ connection: Connection) throws {
        try connection.run(
            "UPDATE spool SET doubtful_step = ?, doubtful_last = ?",
            [step, try LogTables.lastSequence(connection)]
        )
    }

    static func noteKeyless(_ seq: Int64, _ connection: Connection) throws {
        try connection.run("INSERT INTO keyless (seq) VALUES (?)", [seq])
    }

    static func status(_ connection: Connection) throws -> SpoolStatus {
        SpoolStatus(
            events: Int(try LogTables.count(connection)),
            oldestAt: try connection.row("SELECT received_at FROM events ORDER BY seq LIMIT 1")?.integer(0)
        )
    }

    /// The first events, as they were appended, and the number of the last of them.
    static func first(
        _ limit: Int,
        maximumBytes: Int,
        _ connection: Connection
    ) throws -> (events: [NewEvent], first: Int64, last: Int64)? {
        var events: [NewEvent] = []
        var numbers: (first: Int64, last: Int64)?
        var bytes = 0
        try connection.forEach(
            """
            SELECT events.seq, source, message_id, type, name, user_id, anonymous_id, received_at, body, keyless.seq IS NULL
            FROM events LEFT JOIN keyless ON keyless.seq = events.seq ORDER BY events.seq LIMIT ?
            """,
            [limit]
        ) { row in
            let (seq, body) = (try row.integer(0), try row.bytes(8))
            bytes += body.count
            guard events.isEmpty || bytes <= maximumBytes else { return false }
            numbers = (numbers?.first ?? seq, seq)
            events.append(
                NewEvent(
                    source: try row.text(1),
                    messageId: try row.text(2),
                    type: try row.text(3),
                    name: try row.optionalText(4),
                    userId: try row.optionalText(5),
                    anonymousId: try row.optionalText(6),
                    receivedAt: try row.integer(7),
                    body: body,
                    deduplicates: try row.integer(9) != 0
                )
            )
            return true
        }
        return numbers.map { (events, $0.first, $0.last) }
    }

    /// Removes what is in the database. By what its events are recognised when they come again stays.
    static func remove(through seq: Int64, _ connection: Connection) throws {
        for table in ["events", "keyless", "repeats"] {
            try connection.run("DELETE FROM \(table) WHERE seq <= ?", [seq])
        }
    }
}
