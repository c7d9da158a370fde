/// What was counted long ago, in fewer rows: minutes become hours, and hours days. Whoever adds them up, and nobody does
/// anything else with them, finds the same sums.
extension Ledger {
    /// How old counts are when they stand together, and for how long one row of them stands; both in minutes.
    private static let grains: [(age: Int64, span: Int64)] = [(8 * 24 * 60, 60), (35 * 24 * 60, 24 * 60)]
    /// Spans that one transaction merges, so that events that arrive are not held up.
    private static let spansAtOnce = 8

    /// Merges some counts that are old enough.
    ///
    /// - Parameter now: milliseconds since 1970.
    /// - Returns: whether nothing is left to merge.
    /// - Throws: the errors of the disk; what was not merged stays as it is.
    package func mergeTallies(at now: Int64) async throws(StorageError) -> Bool {
        for (age, span) in Self.grains {
            let end = (now / 60_000 - age) / span * span
            let spans = try await commits.engine.read { connection in
                try LedgerTables.spans(of: span, before: end, limit: Self.spansAtOnce, connection)
            }
            guard !spans.isEmpty else { continue }
            // What is added to them meanwhile is merged too, or stays for the next time.
            try await commits.commit { connection in
                for (cursor, start) in spans { try LedgerTables.merge(cursor, from: start, span, connection) }
            }
            return false
        }
        return true
    }
}

extension LedgerTables {
    /// Spans with counts that don't stand at their beginning.
    fileprivate static func spans(
        of span: Int64,
        before end: Int64,
        limit: Int,
        _ connection: Connection
    ) throws -> [(cursor: Int64, start: Int64)] {
        var spans: [(cursor: Int64, start: Int64)] = []
        for cursor in try connection.rows("SELECT id FROM cursors").map({ try $0.integer(0) }) {
            let rows = try connection.rows(
                """
                SELECT DISTINCT minute - minute % ? FROM tallies
                WHERE cursor = ? AND minute < ? AND minute % ? <> 0 LIMIT ?
                """,
                [span, cursor, end, span, limit - spans.count]
            )
            spans += try rows.map { (cursor, try $0.integer(0)) }
            if spans.count >= limit { break }
        }
        return spans
    }

    /// Puts the counts of a span to those of its first minute.
    fileprivate static func merge(_ cursor: Int64, from start: Int64, _ span: Int64, _ connection: Connection) throws {
        let values: [any StoredValue] = [start, cursor, start, start + span]
        let sums = "SELECT cursor, CAST(?1 AS BIGINT), verdict, sum(count) FROM"
        let put = """
            GROUP BY cursor, verdict
            ON CONFLICT (cursor, minute, verdict) DO UPDATE SET count = tallies.count + excluded.count
            """
        let span = "cursor = ?2 AND minute > ?3 AND minute < ?4"
        switch connection.engine {
        case .sqlite:
            try connection.run(
                "INSERT INTO tallies (cursor, minute, verdict, count) \(sums) tallies WHERE \(span) \(put)",
                values
            )
            try connection.run(
                "DELETE FROM tallies WHERE cursor = ? AND minute > ? AND minute < ?",
                Array(values.dropFirst())
            )
        case .postgres:
            // At once: another node may count meanwhile.
            try connection.run(
                """
                WITH gone AS (DELETE FROM tallies WHERE \(span) RETURNING cursor, verdict, count)
                INSERT INTO tallies (cursor, minute, verdict, count) \(sums) gone \(put)
                """,
                values
            )
        }
    }
}
