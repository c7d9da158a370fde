import LosslessJSON

/// Objects and the relationships between people and them (track-api.md §17).
extension WorkspaceTransaction {
    package func object(type: Int64, id: String) throws -> StoredObject? {
        try connection.row(
            "SELECT object, type, id, cio_id FROM objects WHERE workspace = ? AND type = ? AND id = ?",
            [workspace, type, Text(id)]
        ).map { try StoredObject($0) }
    }

    package func object(cioId: String) throws -> StoredObject? {
        try connection.row(
            "SELECT object, type, id, cio_id FROM objects WHERE workspace = ? AND cio_id = ?",
            [workspace, Text(cioId)]
        ).map { try StoredObject($0) }
    }

    /// Makes an object. `cioId` gets the numbers of the workspace and of the object in it, the first being 1.
    package func addObject(
        type: Int64,
        id: String,
        madeAt: Int64,
        cioId: (_ workspace: Int64, _ number: Int64) -> String
    ) throws -> StoredObject {
        known.objectsMade += 1
        try connection.later(
            "UPDATE workspaces SET objects_made = ? WHERE workspace = ?",
            [known.objectsMade, workspace]
        )
        let cioId = cioId(workspace, known.objectsMade)
        let number = try connection.number(
            """
            INSERT INTO objects (workspace, type, id, cio_id, made_at, attributes) VALUES (?, ?, ?, ?, ?, '{}')
            RETURNING object
            """,
            [workspace, type, Text(id), Text(cioId), madeAt]
        )
        return StoredObject(key: ObjectKey(number: number), type: type, id: id, cioId: cioId)
    }

    /// Removes an object with its relationships, those that wait for an anonymous id to be joined included.
    package func remove(_ object: ObjectKey) throws {
        try connection.later("DELETE FROM objects WHERE object = ?", [object.number])
    }

    package func attributes(of object: ObjectKey) throws -> AttributeSet {
        let row = try connection.row("SELECT attributes FROM objects WHERE object = ?", [object.number])
        return try row.map { try AttributeSet(storedText: $0.text(0)) } ?? AttributeSet()
    }

    package func setAttributes(_ attributes: AttributeSet, of object: ObjectKey) throws {
        try connection.later(
            "UPDATE objects SET attributes = ? WHERE object = ?",
            [attributes.storedText, object.number]
        )
    }

    /// The objects behind a place (`nil`: from the first on), at most `limit`.
    package func objects(after key: Int64?, limit: Int) throws -> [StoredObject] {
        try connection.rows(
            """
            SELECT object, type, id, cio_id FROM objects
            WHERE workspace = ? AND object > ? ORDER BY object LIMIT ?
            """,
            [workspace, key ?? 0, limit]
        ).map { try StoredObject($0) }
    }

    // MARK: Relationships

    /// The attributes of a relationship; `nil` when there is none.
    package func relationship(of person: PersonKey, with object: ObjectKey) throws -> AttributeSet? {
        try connection.row(
            "SELECT attributes FROM relationships WHERE person = ? AND object = ?",
            [person.number, object.number]
        ).map { try AttributeSet(storedText: $0.text(0)) }
    }

    package func setRelationship(
        of person: PersonKey,
        with object: ObjectKey,
        attributes: AttributeSet
    ) throws {
        try connection.later(
            """
            INSERT INTO relationships (person, object, attributes) VALUES (?, ?, ?)
            ON CONFLICT (person, object) DO UPDATE SET attributes = excluded.attributes
            """,
            [person.number, object.number, attributes.storedText]
        )
    }

    package func removeRelationship(of person: PersonKey, with object: ObjectKey) throws {
        try connection.later(
            "DELETE FROM relationships WHERE person = ? AND object = ?",
            [person.number, object.number]
        )
    }

    package func relationships(of object: ObjectKey) throws -> [(person: StoredPerson, attributes: AttributeSet)] {
        try connection.rows(
            """
            SELECT p.person, p.id, p.email, p.cio_id, p.made_at, r.attributes
            FROM relationships r JOIN people p ON p.person = r.person WHERE r.object = ? ORDER BY p.person
            """,
            [object.number]
        ).map { (try StoredPerson($0), try AttributeSet(storedText: $0.text(5))) }
    }

    /// Gives a person the relationships of another that they lack; the other keeps the rest.
    package func moveRelationships(from: PersonKey, to: PersonKey) throws {
        try connection.later(
            """
            UPDATE relationships SET person = ?1 WHERE person = ?2
                AND object NOT IN (SELECT object FROM relationships WHERE person = ?1)
            """,
            [to.number, from.number]
        )
    }
}

extension StoredObject {
    /// Columns object, type, id, cio_id, from the given position on.
    init(_ row: StoredRow, from column: Int = 0) throws {
        key = ObjectKey(number: try row.integer(column))
        type = try row.integer(column + 1)
        id = try row.text(column + 2)
        cioId = try row.text(column + 3)
    }
}
