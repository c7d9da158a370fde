/// The statements on the tables `cursors`, `exceptions`, `requests`, `verdicts` and `tallies`.
enum LedgerTables {
    // MARK: cursors

    static func open(
        _ kind: Ledger.Kind,
        of integration: String,
        startingAt seq: Int64,
        _ connection: Connection
    ) throws -> Ledger.StoredCursor {
        if let cursor = try cursor(kind, of: integration, connection) { return cursor }
        let id = try connection.number(
            "INSERT INTO cursors (integration, kind, start, position) VALUES (?, ?, ?, ?) RETURNING id",
            [Text(integration), kind.text, seq, seq]
        )
        return Ledger.StoredCursor(id: id, start: seq, position: seq)
    }

    static func cursor(
        _ kind: Ledger.Kind,
        of integration: String,
        _ connection: Connection
    ) throws -> Ledger.StoredCursor? {
        let row = try connection.row(
            "SELECT id, start, position FROM cursors WHERE integration = ? AND kind = ?",
            [Text(integration), kind.text]
        )
        return try row.map {
            Ledger.StoredCursor(id: try $0.integer(0), start: try $0.integer(1), position: try $0.integer(2))
        }
    }

    /// Where a cursor stands, and the mark of what was recorded last.
    static func lastCommit(of cursor: Int64, _ connection: Connection) throws -> (position: Int64, mark: Int64?)? {
        try connection.row("SELECT position, last_mark FROM cursors WHERE id = ?", [cursor]).map { row in
            (try row.integer(0), try row.optionalInteger(1))
        }
    }

    static func note(_ mark: Int64, of cursor: Int64, _ connection: Connection) throws {
        try connection.run("UPDATE cursors SET last_mark = ? WHERE id = ?", [mark, cursor])
    }

    // MARK: Writing

    static func write(_ commit: CursorCommit, from position: Int64, _ connection: Connection) throws {
        if commit.position != position {
            try connection.run("UPDATE cursors SET position = ? WHERE id = ?", [commit.position, commit.cursor])
        }
        for row in commit.rows { try settle(row, in: commit, connection) }
        for place in commit.removed {
            try remove(place, of: commit.cursor, connection)
            if let origin = commit.origin { try remove(place, of: origin, connection) }
        }
        for place in commit.erased { try remove(place, of: commit.cursor, connection) }
        for request in commit.requests { try add(request, of: commit.cursor, connection) }
        for tally in commit.tallies { try add(tally, of: commit.cursor, connection) }
    }

    /// A failure of a retry is one of the cursor that it is about, if that has not let go of it meanwhile.
    private static func settle(_ row: StoredOperation, in commit: CursorCommit, _ connection: Connection) throws {
        guard let origin = commit.origin, row.state == .failed else {
            return try put(row, of: commit.cursor, connection)
        }
        try connection.run(
            """
            UPDATE exceptions SET words = ?, at = ?, attempts = attempts + ?
            WHERE cursor = ? AND seq = ? AND place = ? AND state = 1
            """,
            [Text(row.words), row.at, row.attempts, origin, row.seq, row.place]
        )
        try add(.init(minute: row.at / 60_000, failedAgain: row.action), of: commit.cursor, connection)
        try connection.run(
            "DELETE FROM exceptions WHERE cursor = ? AND seq = ? AND place = ?",
            [commit.cursor, row.seq, row.place]
        )
    }

    /// An event that retention kept for an exception goes with the last of them.
    static func remove(_ place: OperationID, of cursor: Int64, _ connection: Connection) throws {
        try connection.run(
            "DELETE FROM exceptions WHERE cursor = ? AND seq = ? AND place = ?",
            [cursor, place.seq, place.place]
        )
        try connection.run(
            "DELETE FROM kept_events WHERE seq = ? AND NOT EXISTS (SELECT 1 FROM exceptions WHERE seq = ?)",
            [place.seq, place.seq]
        )
    }

    private static func put(_ row: StoredOperation, of cursor: Int64, _ connection: Connection) throws {
        try connection.run(
            """
            INSERT INTO exceptions (
                cursor, seq, place, action, state, takes_away, claims, attempts, first_failed_at, failing_for, due_at,
                at, words
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (cursor, seq, place) DO UPDATE SET
                action = excluded.action, state = excluded.state, takes_away = excluded.takes_away,
                claims = excluded.claims, attempts = excluded.attempts, first_failed_at = excluded.first_failed_at,
                failing_for = excluded.failing_for, due_at = excluded.due_at, at = excluded.at, words = excluded.words
            """,
            [
                cursor, row.seq, row.place, Text(row.action), row.state.rawValue, row.takesAway,
                Bytes(PackedNumbers.bytes(of: row.claims)), row.attempts, row.firstFailedAt, row.failingFor, row.dueAt,
                row.at, Text(row.words),
            ]
        )
    }

    static func add(_ tally: CursorCommit.Tally, of cursor: Int64, _ connection: Connection) throws {
        try connection.run("INSERT INTO verdicts (text) VALUES (?) ON CONFLICT DO NOTHING", [Text(tally.verdict)])
        try connection.run(
            """
            INSERT INTO tallies (cursor, minute, verdict, count)
            VALUES (?, ?, (SELECT id FROM verdicts WHERE text = ?), ?)
            ON CONFLICT (cursor, minute, verdict) DO UPDATE SET count = tallies.count + excluded.count
            """,
            [cursor, tally.minute, Text(tally.verdict), tally.count]
        )
    }

    static func tallies(of cursor: Int64, _ connection: Connection) throws -> [String: Int64] {
        let rows = try connection.rows(
            """
            SELECT text, sum(count) FROM tallies JOIN verdicts ON verdicts.id = tallies.verdict
            WHERE cursor = ? GROUP BY text
            """,
            [cursor]
        )
        var tallies: [String: Int64] = [:]
        for row in rows { tallies[try row.text(0)] = try row.integer(1) }
        return tallies
    }

    // MARK: exceptions

    static func operations(
        of cursor: Int64,
        _ state: StoredOperation.State,
        after place: OperationID?,
        limit: Int,
        _ connection: Connection
    ) throws -> [StoredOperation] {
        let rows = try connection.rows(
            """
            SELECT \(columns), coalesce(
                (SELECT body IS NULL FROM events WHERE events.seq = exceptions.seq),
                (SELECT body IS NULL FROM kept_events WHERE kept_events.seq = exceptions.seq), FALSE)
            FROM exceptions WHERE cursor = ? AND state = ? AND (seq, place) > (?, ?) ORDER BY seq, place LIMIT ?
            """,
            [cursor, state.rawValue, place?.seq ?? -1, place?.place ?? 0, max(limit, 0)]
        )
        return try rows.map { row in
            var operation = try operation(row)
            operation.isErased = try row.integer(12) != 0
            return operation
        }
    }

    /// What is open or failed of one event.
    static func operations(of cursor: Int64, event seq: Int64, _ connection: Connection) throws -> [StoredOperation] {
        try connection.rows("SELECT \(columns) FROM exceptions WHERE cursor = ? AND seq = ?", [cursor, seq])
            .map { try operation($0) }
    }

    static func operations(
        of cursor: Int64,
        events: ClosedRange<Int64>,
        _ connection: Connection
    ) throws -> [StoredOperation] {
        try connection.rows(
            "SELECT \(columns) FROM exceptions WHERE cursor = ? AND seq BETWEEN ? AND ?",
            [cursor, events.lowerBound, events.upperBound]
        ).map { try operation($0) }
    }

    private static let columns = """
        seq, place, action, state, takes_away, claims, attempts, first_failed_at, failing_for, due_at, at, words
        """

    /// An operation from these columns, of which `first` is the first.
    static func operation(_ row: StoredRow, from first: Int = 0) throws -> StoredOperation {
        guard let state = StoredOperation.State(rawValue: try row.integer(first + 3)) else {
            throw StorageError.unreadable("exception")
        }
        return StoredOperation(
            seq: try row.integer(first),
            place: Int(try row.integer(first + 1)),
            action: try row.text(first + 2),
            state: state,
            takesAway: try row.integer(first + 4) != 0,
            claims: PackedNumbers.numbers(in: try row.bytes(first + 5)),
            attempts: Int(try row.integer(first + 6)),
            firstFailedAt: try row.optionalInteger(first + 7),
            failingFor: try row.integer(first + 8),
            dueAt: try row.optionalInteger(first + 9),
            at: try row.integer(first + 10),
            words: try row.text(first + 11)
        )
    }

    /// How many operations of each action are open, and how many failed.
    static func counts(of cursor: Int64, _ connection: Connection) throws -> [String: Ledger.Counts] {
        let rows = try connection.rows(
            "SELECT action, state, attempts > 0, count(*) FROM exceptions WHERE cursor = ? GROUP BY 1, 2, 3",
            [cursor]
        )
        var counts: [String: Ledger.Counts] = [:]
        for row in rows {
            let number = try row.integer(3)
            switch (try row.integer(1), try row.integer(2) != 0) {
            case (StoredOperation.State.failed.rawValue, _): counts[try row.text(0), default: .init()].failed += number
            case (_, true): counts[try row.text(0), default: .init()].retrying += number
            case (_, false): counts[try row.text(0), default: .init()].waiting += number
            }
        }
        return counts
    }

    // MARK: requests

    /// The widest stretch of the log that one row of `requests` covers, so that an event's rows are found near it.
    private static let stretch: Int64 = 1_000

    /// A row for each stretch of the log that the request's operations came from: one, nearly always.
    private static func add(_ request: SentRequest, of cursor: Int64, _ connection: Connection) throws {
        var operations = request.operations.sorted()[...]
        while let first = operations.first {
            let group = operations.prefix { $0.seq - first.seq < stretch }
            operations = operations.dropFirst(group.count)
            let numbers = group.flatMap { [UInt64($0.seq - first.seq), UInt64($0.place)] }
            try connection.run(
                """
                INSERT INTO requests (cursor, low, sent_at, ms, status, words, operations, trace)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    cursor, first.seq, request.sentAt, request.milliseconds, request.status,
                    request.words.map(Text.init), Bytes(VariableNumbers.bytes(of: numbers)), request.trace,
                ]
            )
        }
    }

    static func requests(of cursor: Int64, withEvent seq: Int64, _ connection: Connection) throws -> [SentRequest] {
        let rows = try connection.rows(
            """
            SELECT low, sent_at, ms, status, words, operations, trace FROM requests
            WHERE cursor = ? AND low > ? AND low <= ? ORDER BY number
            """,
            [cursor, seq - stretch, seq]
        )
        return try rows.compactMap { row in
            let low = try row.integer(0)
            guard let numbers = VariableNumbers.numbers(in: try row.bytes(5)) else {
                throw StorageError.unreadable("request")
            }
            let operations = stride(from: 0, to: numbers.count - 1, by: 2).map { position in
                OperationID(seq: low + Int64(numbers[position]), place: Int(numbers[position + 1]))
            }
            guard operations.contains(where: { $0.seq == seq }) else { return nil }
            return SentRequest(
                operations: operations,
                sentAt: try row.integer(1),
                milliseconds: try row.integer(2),
                status: try row.optionalInteger(3).map(Int.init),
                words: try row.optionalText(4),
                trace: try row.optionalText(6)
            )
        }
    }
}
