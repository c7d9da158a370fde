import Postgres

/// The keys by which messages are recognised: `seen`, and what SQLite has not filed there yet (`SeenMessages`).
///
/// A key stands with the number of its message, and that row never changes. When the message comes again after it has
/// expired, one with a higher number takes its place; and some time after it has expired it leaves. So what was copied up to
/// a number is as it was, but for those whose place was taken, which come with the higher numbers, and for what has expired,
/// which is left out of the copy. All keys are gone through in their order, while a server goes on; for the end only those
/// of the last messages are left. Each row is read back; at the end counts and sums of both sides are compared, and where
/// they differ, whatever the reason, all keys are copied anew.
extension LogCopy {
    /// Copies the keys of all messages that the source has at the moment.
    ///
    /// - Parameter arranges: whether to put them in the order of time where they are many.
    /// - Throws: the errors of both ends.
    mutating func copyKeys(arranges: Bool) throws {
        let expired = try expiry()
        // Others have come since it was interrupted, and nobody has counted those that it had copied.
        if state.keyPass != nil { try endKeyPass(expired, copied: CopiedTable.seen.pageRows, arranges: arranges) }
        let count = try beginKeyPass()
        try endKeyPass(expired, copied: count, arranges: arranges)
    }

    /// Copies the last keys of a log that nobody uses, and compares all of them.
    mutating func endKeys() throws {
        let expired = try expiry()
        try copyKeys(arranges: false)
        _ = try target.write { try $0.run("DELETE FROM seen WHERE received_at <= ?", [expired]) }
        let original = try source.read { try $0.keySums(after: expired) }
        var copied = try target.read { try $0.keySums(after: expired) }
        if copied != original {
            var moved = state
            (moved.keys, moved.keyPass) = (0, nil)
            try target.write { connection in
                try connection.run("DELETE FROM seen")
                try moved.write(connection)
            }
            state = moved
            try copyKeys(arranges: true)
            copied = try target.read { try $0.keySums(after: expired) }
        }
        guard copied == original else { throw Self.differs(CopiedTable.seen.name, target.name) }
        try report(.table(CopiedTable.seen.name, rows: copied.rows, checksum: copied.digits))
    }

    /// What was received up to then has expired and may have left. By the least of the last times: a clock that is ahead for
    /// a moment makes nobody forget.
    private func expiry() throws -> Int64 {
        let times = "SELECT received_at FROM events ORDER BY seq DESC LIMIT 100"
        let newest = try source.read { connection in
            try connection.row("SELECT min(received_at) FROM (\(times)) AS newest")?.optionalInteger(0)
        }
        return newest.map(MessageKey.leaving) ?? .min
    }

    /// Begins with what is not filed: while the others are gone through, it is, in front of them or behind them.
    private mutating func beginKeyPass() throws -> Int {
        let known = state.keys
        let (last, rows) = try source.read { connection in
            (try LogTables.lastSequence(connection), try connection.recentKeys(ofMessagesAfter: known))
        }
        var moved = state
        moved.keyPass = CopyState.KeyPass(through: last, key: [])
        try add(rows, moved)
        return rows.count
    }

    private mutating func endKeyPass(_ expired: Int64, copied: Int, arranges: Bool) throws {
        guard var pass = state.keyPass else { return }
        let known = state.keys
        var copied = copied
        var isAtEnd = false
        while !isAtEnd {
            let page = try source.read { connection in
                try connection.keys(after: pass.key, ofMessagesAfter: known, receivedAfter: expired)
            }
            isAtEnd = page.count < CopiedTable.seen.pageRows
            if case .bytes(let last?)? = page.last?.values.first { pass.key = last }
            copied += page.count
            var moved = state
            moved.keyPass = pass
            try add(page, moved)
        }
        var moved = state
        (moved.keys, moved.keyPass) = (pass.through, nil)
        try target.write { connection in
            if arranges, copied >= CopiedTable.seen.pageRows { try connection.arrangeKeys() }
            try moved.write(connection)
        }
        state = moved
    }

    private mutating func add(_ rows: [CopiedRow], _ moved: CopyState) throws {
        try target.write { connection in
            try connection.put(keys: rows)
            guard try connection.has(keys: rows) else { throw Self.differs(CopiedTable.seen.name, target.name) }
            try moved.write(connection)
        }
        state = moved
        if !rows.isEmpty { try report(.keys(rows.count)) }
    }
}

/// How many keys there are, and sums over their numbers and times.
private struct KeySums: Equatable {
    let rows: Int64
    let sums: [Int64]

    var digits: String { sums.map { String(UInt64(bitPattern: $0), radix: 16) }.joined(separator: "-") }
}

extension Connection {
    /// Those that are not filed; where there are several of a key, the last one. Also what has expired: it is in the place of
    /// what is filed.
    fileprivate func recentKeys(ofMessagesAfter seq: Int64) throws -> [CopiedRow] {
        guard case .sqlite = engine else { return [] }
        return try rows(
            "SELECT key, max(seq), received_at FROM recent_keys WHERE seq > ? GROUP BY key",
            [seq]
        ).map { try CopiedRow(of: .seen, $0) }
    }

    /// The next ones of those that are filed.
    fileprivate func keys(
        after key: [UInt8],
        ofMessagesAfter seq: Int64,
        receivedAfter time: Int64
    ) throws -> [CopiedRow] {
        try rows(
            """
            SELECT key, seq, received_at FROM seen WHERE key > ? AND seq > ? AND received_at > ?
            ORDER BY key LIMIT \(CopiedTable.seen.pageRows)
            """,
            [Bytes(key), seq, time]
        ).map { try CopiedRow(of: .seen, $0) }
    }

    /// Adds keys; of two rows of one the later message's stays.
    fileprivate func put(keys: [CopiedRow]) throws {
        let conflict = """
            ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, received_at = excluded.received_at
            WHERE excluded.seq > seen.seq
            """
        switch engine {
        case .sqlite:
            for key in keys {
                try run(
                    "INSERT INTO seen (key, seq, received_at) VALUES (?, ?, ?) \(conflict)",
                    key.values.map(\.stored)
                )
            }
        case .postgres(let connection):
            _ = try connection.query(
                """
                INSERT INTO seen (key, seq, received_at)
                SELECT * FROM unnest($1, $2, $3) AS new (key, seq, received_at) ORDER BY received_at \(conflict)
                """,
                columns(of: .seen, in: keys)
            )
        }
    }

    /// Whether these are there, or later ones in their place.
    fileprivate func has(keys: [CopiedRow]) throws -> Bool {
        switch engine {
        case .sqlite:
            return try keys.allSatisfy { key in
                let statement = "SELECT 1 FROM seen WHERE key = ?1 AND (seq > ?2 OR seq = ?2 AND received_at = ?3)"
                return try row(statement, key.values.map(\.stored)) != nil
            }
        case .postgres(let connection):
            let there = try connection.query(
                """
                SELECT count(*) FROM unnest($1, $2, $3) AS new (key, seq, received_at) JOIN seen USING (key)
                WHERE seen.seq > new.seq OR seen.seq = new.seq AND seen.received_at = new.received_at
                """,
                columns(of: .seen, in: keys)
            )
            return try there.integer(0, 0) == Int64(keys.count)
        }
    }

    /// Puts the keys where they would be if they had come one by one.
    ///
    /// PostgreSQL finds those that have expired by where they are: they have to be more or less in the order of their time.
    /// The few of the end are behind all others, in any order.
    fileprivate func arrangeKeys() throws {
        guard case .postgres(let connection) = engine else { return }
        try connection.run(
            """
            CREATE UNLOGGED TABLE arriving AS SELECT key, seq, received_at FROM seen;
            TRUNCATE seen;
            INSERT INTO seen (key, seq, received_at) SELECT key, seq, received_at FROM arriving ORDER BY received_at;
            DROP TABLE arriving
            """
        )
    }

    /// Of the keys that came later than this. Remainders, because the sums of whatever is in a log have to fit.
    fileprivate func keySums(after expired: Int64) throws -> KeySums {
        let keys =
            switch engine {
            case .sqlite:
                """
                (SELECT key, max(seq) AS seq, received_at FROM recent_keys GROUP BY key
                UNION ALL SELECT key, seq, received_at FROM seen WHERE key NOT IN (SELECT key FROM recent_keys))
                """
            case .postgres: "seen"
            }
        let row = try row(
            """
            SELECT count(*), CAST(coalesce(sum(seq % 1000000007), 0) AS BIGINT),
                CAST(coalesce(sum(received_at % 1000000007), 0) AS BIGINT)
            FROM \(keys) AS known WHERE received_at > ?
            """,
            [expired]
        )
        guard let row else { throw StorageError.unreadable("count") }
        return KeySums(rows: try row.integer(0), sums: [try row.integer(1), try row.integer(2)])
    }
}
