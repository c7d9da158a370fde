/// The texts of `ferry.db` beside the events, table by table, a few rows at a time.
struct TextErasing: Sendable {
    /// Before the first row, by the columns of the key.
    let beginning: [Int64]
    private let cleanRows:
        @Sendable (
            _ after: [Int64], _ erasing: Erasing, _ receipt: inout Erasure.Receipt, _ connection: Connection
        ) throws -> [Int64]?

    /// Whom it is about, and when.
    struct Erasing: Sendable {
        let redaction: Redaction
        let reading: Erasures.Reading
        let now: Int64
    }

    /// Rows that one transaction looks at.
    private static let limit = 500

    static let tables = [exceptions, requests, refusedMessages, jobs]

    /// Cleans some rows behind a key; returns the last one's, `nil` at the end of the table.
    func clean(
        _ after: [Int64],
        _ erasing: Erasing,
        _ receipt: inout Erasure.Receipt,
        _ connection: Connection
    ) throws -> [Int64]? {
        try cleanRows(after, erasing, &receipt, connection)
    }

    /// What failed or was told of erased events goes; other words stay, without the person.
    private static let exceptions = TextErasing(
        beginning: [0, 0, -1]
    ) { after, erasing, receipt, connection in
        let (redaction, now) = (erasing.redaction, erasing.now)
        let rows = try connection.rows(
            """
            SELECT cursor, seq, place, words, coalesce(
                (SELECT body IS NULL FROM events WHERE events.seq = exceptions.seq),
                (SELECT body IS NULL FROM kept_events WHERE kept_events.seq = exceptions.seq), FALSE)
            FROM exceptions WHERE (cursor, seq, place) > (?, ?, ?) ORDER BY cursor, seq, place LIMIT \(limit)
            """,
            after
        )
        for row in rows {
            let seq = try row.integer(1)
            let words = try row.text(3)
            var changed: String?
            if try row.integer(4) != 0 {
                receipt.operations += try LogErasing.removeFailures(of: seq, at: now, connection)
                changed = words.isEmpty ? nil : ""
            } else if let (text, count) = redaction.redacted(words) {
                receipt.replaced += Int64(count)
                changed = text
            }
            guard let changed else { continue }
            try connection.run(
                "UPDATE exceptions SET words = ? WHERE cursor = ? AND seq = ? AND place = ?",
                [Text(changed), try row.integer(0), seq, try row.integer(2)]
            )
        }
        return try rows.last.map { try (0..<3).map($0.integer) }
    }

    private static let requests = TextErasing(
        beginning: [0]
    ) { after, erasing, receipt, connection in
        let redaction = erasing.redaction
        let rows = try connection.rows(
            "SELECT number, words FROM requests WHERE number > ? ORDER BY number LIMIT \(limit)",
            after
        )
        for row in rows {
            guard let (words, count) = try row.optionalText(1).flatMap({ redaction.redacted($0) }) else { continue }
            receipt.replaced += Int64(count)
            try connection.run(
                "UPDATE requests SET words = ? WHERE number = ?",
                [Text(words), try row.integer(0)]
            )
        }
        return try rows.last.map { [try $0.integer(0)] }
    }

    private static let refusedMessages = TextErasing(
        beginning: [0]
    ) { after, erasing, receipt, connection in
        let redaction = erasing.redaction
        let rows = try connection.rows(
            """
            SELECT number, source IS NULL, reason, raw, envelope FROM refused_messages
            WHERE number > ? ORDER BY number LIMIT \(limit / 50)
            """,
            after
        )
        for row in rows {
            let (raw, envelope) = (try row.bytes(3), try row.optionalBytes(4))
            let isStranger = try row.integer(1) != 0
            // Their own goes wholly, as an event does.
            if erasing.reading(raw) != .none {
                _ = try RefusedTables.remove(try row.integer(0), connection)
                receipt.replaced += 1
                continue
            }
            let reason = redaction.redacted(try row.text(2))
            let cleanRaw = redaction.redacted(raw, .json)
            let cleanEnvelope = envelope.flatMap { redaction.redacted($0, .json) }
            let count = (reason?.count ?? 0) + (cleanRaw?.count ?? 0) + (cleanEnvelope?.count ?? 0)
            guard count > 0 else { continue }
            receipt.replaced += Int64(count)
            let newRaw = cleanRaw?.bytes ?? raw
            let newEnvelope = cleanEnvelope?.bytes ?? envelope
            let growth = newRaw.count + (newEnvelope?.count ?? 0) - raw.count - (envelope?.count ?? 0)
            try connection.run(
                """
                UPDATE refused_messages SET reason = ?, raw = ?, envelope = ?, size = size + ? WHERE number = ?
                """,
                [
                    Text(try reason?.text ?? row.text(2)), Bytes(newRaw), newEnvelope.map(Bytes.init), growth,
                    try row.integer(0),
                ]
            )
            try RefusedTables.resize(messages: 0, bytes: Int64(growth), isStranger: isStranger, connection)
        }
        return try rows.last.map { [try $0.integer(0)] }
    }

    private static let jobs = TextErasing(beginning: [0]) { after, erasing, receipt, connection in
        let redaction = erasing.redaction
        let rows = try connection.rows(
            "SELECT id, name, user_id, words, anonymous_id, email FROM jobs WHERE id > ? ORDER BY id LIMIT \(limit)",
            after
        )
        for row in rows {
            let texts = try (1...5).map { try row.optionalText($0) }
            let clean = zip(texts, [Redaction.Kind.name, .words, .words, .words, .words]).map { text, kind in
                text.flatMap { redaction.redacted($0, kind) }
            }
            let count = clean.reduce(0) { $0 + ($1?.count ?? 0) }
            guard count > 0 else { continue }
            receipt.replaced += Int64(count)
            let changed = zip(texts, clean).map { ($1?.text ?? $0).map(Text.init) }
            try connection.run(
                "UPDATE jobs SET name = ?, user_id = ?, words = ?, anonymous_id = ?, email = ? WHERE id = ?",
                [changed[0], changed[1], changed[2], changed[3], changed[4], try row.integer(0)]
            )
        }
        return try rows.last.map { [try $0.integer(0)] }
    }
}
