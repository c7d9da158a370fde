/// What belongs to the members of a list: one statement for all of them, however many there are.
extension WorkspaceTransaction {
    /// How many of one kind are read of each member; a member may have a hundred thousand.
    package static let belongings = 1000

    /// What somebody has of one kind.
    package struct Belongings<Value: Sendable>: Sendable {
        /// The first ones, `belongings` at most.
        package fileprivate(set) var values: [Value] = []
        /// Whether there are more.
        package fileprivate(set) var isCut = false
    }

    package func attributes(of people: [PersonKey]) throws -> [PersonKey: AttributeSet] {
        try attributes("person", "people", people.map(\.number)).mapKeys(PersonKey.init)
    }

    package func attributes(of objects: [ObjectKey]) throws -> [ObjectKey: AttributeSet] {
        try attributes("object", "objects", objects.map(\.number)).mapKeys(ObjectKey.init)
    }

    private func attributes(_ key: String, _ table: String, _ keys: [Int64]) throws -> [Int64: AttributeSet] {
        let rows = try connection.rows(
            "SELECT \(key), attributes FROM \(table) WHERE \(connection.isAmong(key))",
            [keys.description]
        )
        return try rows.reduce(into: [:]) { $0[try $1.integer(0)] = try AttributeSet(storedText: $1.text(1)) }
    }

    /// Devices, by token.
    package func devices(of people: [PersonKey]) throws -> [PersonKey: Belongings<StoredDevice>] {
        try belongings(
            """
            SELECT d.person, d.token, d.platform, d.last_used, d.attributes FROM \(connection.each)
            JOIN devices d ON \(ofWorkspace("d."))d.person = k.value AND d.token <= (
                SELECT max(token) FROM (
                    SELECT token FROM devices WHERE \(ofWorkspace())person = k.value ORDER BY token LIMIT ?3) AS page)
            ORDER BY d.person, d.token
            """,
            of: people.map(\.number)
        ) { try StoredDevice($0) }.mapKeys(PersonKey.init)
    }

    /// Relationships, in the order in which the objects were made.
    package func relationships(
        of people: [PersonKey]
    ) throws -> [PersonKey: Belongings<(object: StoredObject, attributes: AttributeSet)>] {
        try belongings(
            """
            SELECT r.person, o.object, o.type, o.id, o.cio_id, r.attributes FROM \(connection.each)
            JOIN relationships r ON r.person = k.value AND r.object <= (
                SELECT max(object) FROM (
                    SELECT object FROM relationships WHERE person = k.value ORDER BY object LIMIT ?3) AS page)
            JOIN objects o ON o.object = r.object AND o.workspace = ?2
            ORDER BY r.person, r.object
            """,
            of: people.map(\.number)
        ) { (try StoredObject($0, from: 1), try AttributeSet(storedText: $0.text(5))) }.mapKeys(PersonKey.init)
    }

    /// Relationships, in the order in which the people were made.
    package func relationships(
        of objects: [ObjectKey]
    ) throws -> [ObjectKey: Belongings<(person: StoredPerson, attributes: AttributeSet)>] {
        try belongings(
            """
            SELECT r.object, p.person, p.id, p.email, p.cio_id, p.made_at, r.attributes FROM \(connection.each)
            JOIN relationships r ON r.object = k.value AND r.person <= (
                SELECT max(person) FROM (
                    SELECT person FROM relationships WHERE object = k.value ORDER BY person LIMIT ?3) AS page)
            JOIN people p ON p.person = r.person AND p.workspace = ?2
            ORDER BY r.object, r.person
            """,
            of: objects.map(\.number)
        ) { (try StoredPerson($0, from: 1), try AttributeSet(storedText: $0.text(6))) }.mapKeys(ObjectKey.init)
    }

    /// The people of an object behind a place (`nil`: from the first on), at most `limit`.
    package func relationships(
        of object: ObjectKey,
        after key: Int64?,
        limit: Int
    ) throws -> [(person: StoredPerson, attributes: AttributeSet)] {
        try connection.rows(
            """
            SELECT p.person, p.id, p.email, p.cio_id, p.made_at, r.attributes
            FROM relationships r JOIN people p ON p.person = r.person
            WHERE r.object = ? AND r.person > ? ORDER BY r.person LIMIT ?
            """,
            [object.number, key ?? 0, limit]
        ).map { (try StoredPerson($0), try AttributeSet(storedText: $0.text(5))) }
    }

    /// The numbers of the segments, from the lowest on.
    package func segments(of people: [PersonKey]) throws -> [PersonKey: Belongings<Int64>] {
        try belongings(
            """
            SELECT s.person, s.segment FROM \(connection.each)
            JOIN segment_members s ON \(ofWorkspace("s."))s.person = k.value AND s.segment <= (
                SELECT max(segment) FROM (
                    SELECT segment FROM segment_members WHERE person = k.value ORDER BY segment LIMIT ?3) AS page)
            ORDER BY s.person, s.segment
            """,
            of: people.map(\.number)
        ) { try $0.integer(1) }.mapKeys(PersonKey.init)
    }

    /// The beginning of a condition on what a person has, which is in the person's workspace anyway: SQLite's index of it goes
    /// by the workspace too, and PostgreSQL would take another index for it than that of the person.
    private func ofWorkspace(_ table: String = "") -> String {
        if case .sqlite = connection.engine { "\(table)workspace = ?2 AND " } else { "" }
    }

    /// Rows by the member in their first column. The statement takes the members as a JSON array, the workspace, and how
    /// many rows of each it is to find.
    private func belongings<Value>(
        _ statement: String,
        of members: [Int64],
        _ value: (StoredRow) throws -> Value
    ) throws -> [Int64: Belongings<Value>] {
        let rows = try connection.rows(statement, [members.description, workspace, Self.belongings + 1])
        return try rows.reduce(into: [:]) { found, row in
            let member = try row.integer(0)
            if found[member, default: Belongings()].values.count < Self.belongings {
                found[member, default: Belongings()].values.append(try value(row))
            } else {
                found[member]?.isCut = true
            }
        }
    }
}

extension Dictionary {
    fileprivate func mapKeys<Other: Hashable>(_ key: (Key) -> Other) -> [Other: Value] {
        [Other: Value](uniqueKeysWithValues: map { (key($0.key), $0.value) })
    }
}
