import LosslessJSON

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
    /// Those whose attributes are in memory at a time; a person may have 300 KB of them.
    private static let searchedPage = 250

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
        let values: [any StoredValue] = [person?.number ?? workspace, number ?? .max, floor, Self.searchedEntries]
        let found = try connection.rows(
            """
            SELECT entry FROM (\(window)) AS looked
            WHERE (?5 IS NULL OR type = ?5) AND (?6 IS NULL OR name = ?6) ORDER BY entry DESC LIMIT ?7
            """,
            values + [filter.type.map(Text.init), filter.name.map(Text.init), limit]
        ).map { try $0.integer(0) }
        let entries = try activity(at: found)
        if found.count == limit { return (entries, found.last) }
        let last = try connection.row("SELECT min(entry), count(*) FROM (\(window)) AS looked", values)
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
        let text = Array(text.utf8).lowercased
        var (people, looked, last) = ([StoredPerson](), 0, key)
        while looked < Self.searchedPeople {
            let page = try self.people(after: last, limit: Self.searchedPage)
            let attributes = try attributes(of: page.map(\.key))
            for person in page {
                (looked, last) = (looked + 1, person.key.number)
                guard person.contains(text) || attributes[person.key]?.containsText(text) == true else { continue }
                people.append(person)
                if people.count == limit { return (people, last) }
            }
            if page.count < Self.searchedPage { return (people, nil) }
        }
        return (people, last)
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
                SELECT entry, type, name FROM activity WHERE workspace = ? ORDER BY entry DESC LIMIT 2000) AS looked
            GROUP BY type, name ORDER BY max(entry) DESC LIMIT ?
            """,
            [workspace, limit]
        ).map { (try $0.text(0), try $0.optionalText(1)) }
    }
}

extension StoredPerson {
    /// Whether an identifier contains a text of small letters.
    fileprivate func contains(_ text: [UInt8]) -> Bool {
        [id, email, cioId].contains { $0.map { Array($0.utf8).lowercased.contains(text) } ?? false }
    }
}

extension AttributeSet {
    /// Whether the text of an attribute contains a text of small letters.
    fileprivate func containsText(_ text: [UInt8]) -> Bool {
        entries.contains { entry in
            entry.value?.stringValue.map { Array($0.utf8).lowercased.contains(text) } ?? false
        }
    }
}

extension [UInt8] {
    /// With small letters for A to Z.
    fileprivate var lowercased: [UInt8] {
        map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
    }
}
