import GRDB

/// Which entries of the activity log are looked for.
package struct ActivityFilter: Sendable {
    package var type: String?
    /// The name of an event or a screen, the URL of a page.
    package var name: String?

    package init(type: String? = nil, name: String? = nil) {
        self.type = type
        self.name = name
    }

    package var isEmpty: Bool { type == nil && name == nil }
}

extension WorkspaceTransaction {
    /// Entries that one search looks at: about what 50 ms are enough for.
    package static let searchedEntries = 20_000
    /// People that one search looks at: as many.
    package static let searchedPeople = 5_000

    /// The entries that a filter lets through, from the newest down, below a number (`nil`: from the top), at most
    /// `limit`, of one person or (`nil`) of everybody; none at or below `floor`, which were looked at before.
    ///
    /// - Returns: the entries, and the number below which a search that looked at all it may goes on.
    package func searchActivity(
        of person: PersonKey?,
        _ filter: ActivityFilter,
        above floor: Int64 = 0,
        before number: Int64?,
        limit: Int
    ) throws -> (entries: [ListedActivity], next: Int64?) {
        // The window is cut first, by the index; so the time does not grow with the log.
        let owner = person == nil ? "workspace = ?1" : "person = ?1"
        let window = """
            SELECT entry, type, name FROM activity WHERE \(owner) AND entry < ?2 AND entry > ?3 ORDER BY entry DESC LIMIT ?4
            """
        let arguments: StatementArguments = [person?.number ?? workspace, number ?? .max, floor, Self.searchedEntries]
        let found = try connection.rows(
            "SELECT entry FROM (\(window)) WHERE (?5 IS NULL OR type = ?5) AND (?6 IS NULL OR name = ?6) LIMIT ?7",
            arguments + [filter.type.map(Text.init), filter.name.map(Text.init), limit]
        ).map { try $0.integer(0) }
        let entries = try activity(at: found)
        if found.count == limit { return (entries, found.last) }
        let last = try connection.row("SELECT min(entry), count(*) FROM (\(window))", arguments)
        let isCut = try (last?.integer(1) ?? 0) == Self.searchedEntries
        return (entries, isCut ? try last?.integer(0) : nil)
    }

    /// People whose id, address, cio_id or text in an attribute contains a text, whatever the case of its letters (A to Z),
    /// in the order in which they were made, behind a place (`nil`: from the first on), at most `limit`.
    ///
    /// - Returns: the people, and the place behind which a search that looked at all it may goes on.
    package func searchPeople(
        containing text: String,
        after key: Int64?,
        limit: Int
    ) throws -> (people: [StoredPerson], next: Int64?) {
        let window = "SELECT * FROM people WHERE workspace = ?1 AND person > ?2 ORDER BY person LIMIT ?3"
        let arguments: StatementArguments = [workspace, key ?? 0, Self.searchedPeople]
        let people = try connection.rows(
            """
            SELECT person, id, email, cio_id, made_at FROM (\(window))
            WHERE instr(lower(id), lower(?4)) OR instr(lower(email), lower(?4)) OR instr(lower(cio_id), lower(?4))
                OR EXISTS (
                    SELECT 1 FROM json_each(attributes) a
                    WHERE json_type(a.value, '$[0]') = 'text'
                        AND instr(lower(json_extract(a.value, '$[0]')), lower(?4)))
            LIMIT ?5
            """,
            arguments + [Text(text), limit]
        ).map { try StoredPerson($0) }
        if people.count == limit { return (people, people.last?.key.number) }
        let last = try connection.row("SELECT max(person), count(*) FROM (\(window))", arguments)
        let isCut = try (last?.integer(1) ?? 0) == Self.searchedPeople
        return (people, isCut ? try last?.integer(0) : nil)
    }

    /// The number of the newest entry; 0 when there is none.
    package func newestActivity() throws -> Int64 {
        try connection.row("SELECT entry FROM activity WHERE workspace = ? ORDER BY entry DESC LIMIT 1", [workspace])?
            .integer(0) ?? 0
    }

    /// The kinds of entries and their names among the newest, each once: what there is where something is missed.
    package func recentActivityNames(limit: Int) throws -> [(type: String, name: String?)] {
        try connection.rows(
            """
            SELECT type, name FROM (
                SELECT entry, type, name FROM activity WHERE workspace = ? ORDER BY entry DESC LIMIT 2000)
            GROUP BY type, name ORDER BY max(entry) DESC LIMIT ?
            """,
            [workspace, limit]
        ).map { (try $0.text(0), try $0.optionalText(1)) }
    }
}
