extension Ledger {
    /// What a cursor has counted in a stretch of time, by what became of the events.
    package struct Bucket: Sendable, Equatable {
        /// Minutes since 1970 at which it begins.
        package let minute: Int64
        package let verdicts: [String: Int64]
    }

    /// What the standing cursors of an integration have counted since a minute (since 1970), in buckets of `step` minutes. Those in
    /// which nothing was counted are left out.
    package func buckets(
        of integration: String,
        since minute: Int64,
        step: Int64
    ) async throws(StorageError) -> [Bucket] {
        let step = max(1, step)
        return try await commits.engine.read { connection in
            var buckets: [Int64: [String: Int64]] = [:]
            for kind in Kind.standing {
                guard let cursor = try LedgerTables.cursor(kind, of: integration, connection) else { continue }
                let rows = try connection.rows(
                    """
                    SELECT (minute - ?1) / ?2, text, sum(count) FROM tallies
                    JOIN verdicts ON verdicts.id = tallies.verdict
                    WHERE cursor = ?3 AND minute >= ?1 GROUP BY 1, text
                    """,
                    [minute, step, cursor.id]
                )
                for row in rows {
                    buckets[try row.integer(0), default: [:]][try row.text(1), default: 0] += try row.integer(2)
                }
            }
            return buckets.sorted { $0.key < $1.key }.map { Bucket(minute: minute + $0.key * step, verdicts: $0.value) }
        }
    }
}
