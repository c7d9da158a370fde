/// Manual segments (track-api.md §9.14): who is in them. One without members is not remembered.
extension WorkspaceTransaction {
    package func add(_ person: PersonKey, toSegment segment: Int64) throws {
        try connection.later(
            "INSERT INTO segment_members (workspace, segment, person) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [workspace, segment, person.number]
        )
    }

    package func remove(_ person: PersonKey, fromSegment segment: Int64) throws {
        try connection.later(
            "DELETE FROM segment_members WHERE workspace = ? AND segment = ? AND person = ?",
            [workspace, segment, person.number]
        )
    }

    /// The segments behind a number (`nil`: from the first on) with how many members they have, at most `limit`.
    package func segments(after number: Int64?, limit: Int) throws -> [(segment: Int64, members: Int64)] {
        try connection.rows(
            """
            SELECT segment, count(*) FROM segment_members WHERE workspace = ? AND segment > ?
            GROUP BY segment ORDER BY segment LIMIT ?
            """,
            [workspace, number ?? .min, limit]
        ).map { (try $0.integer(0), try $0.integer(1)) }
    }

    /// The members of a segment behind a place (`nil`: from the first on), at most `limit`.
    package func people(inSegment segment: Int64, after key: Int64?, limit: Int) throws -> [StoredPerson] {
        try connection.rows(
            """
            SELECT p.person, p.id, p.email, p.cio_id, p.made_at
            FROM segment_members s JOIN people p ON p.person = s.person
            WHERE s.workspace = ? AND s.segment = ? AND s.person > ? ORDER BY s.person LIMIT ?
            """,
            [workspace, segment, key ?? 0, limit]
        ).map { try StoredPerson($0) }
    }

    /// Puts a person into the segments of another, too; the other stays in those that both are in.
    package func moveSegments(from: PersonKey, to: PersonKey) throws {
        try connection.later(
            """
            UPDATE segment_members SET person = ?1 WHERE person = ?2
                AND segment NOT IN (SELECT segment FROM segment_members WHERE person = ?1)
            """,
            [to.number, from.number]
        )
    }
}
