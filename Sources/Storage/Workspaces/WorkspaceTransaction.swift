import LosslessJSON

/// One workspace inside one transaction: what it remembers, in named operations.
///
/// Lists come in the order in which their members were made. The value is of no use after the closure it was given to.
package struct WorkspaceTransaction {
    let connection: Connection
    /// The workspace's number, 1 for the first; 0 when it was never written.
    package let workspace: Int64
    /// What the marks of suppressed identifiers are made with (`SuppressionMarks`).
    let suppressionKey: [UInt8]
    let known: Known

    /// What need not be asked again: nobody else changes it while this transaction holds the workspace's row.
    final class Known {
        /// How many people and objects the workspace has made so far.
        var peopleMade: Int64 = 0
        var objectsMade: Int64 = 0
        /// Whether anybody is suppressed; `nil` before it is asked.
        var hasSuppressed: Bool?
    }

    private static let columns = "workspace, suppression_key, people_made, objects_made"

    /// To read a workspace.
    init(reading name: String, _ connection: Connection) throws {
        let row = try connection.row("SELECT \(Self.columns) FROM workspaces WHERE name = ?", [Text(name)])
        try self.init(row, connection)
    }

    /// To write a workspace, which is made on first use.
    ///
    /// Others who write it wait until this transaction is over; and each that is counted shows who watches it that there is
    /// something to see.
    init(writing name: String, _ connection: Connection) throws {
        let count = "UPDATE workspaces SET writes = writes + 1 WHERE name = ? RETURNING \(Self.columns)"
        var row = try connection.row(count, [Text(name)])
        if row == nil {
            // Not without looking first, which would use up a number each time.
            try connection.later(
                "INSERT INTO workspaces (name, suppression_key) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                [Text(name), Bytes(SuppressionMarks.newKey())]
            )
            row = try connection.row(count, [Text(name)])
        }
        try self.init(row, connection)
    }

    private init(_ row: StoredRow?, _ connection: Connection) throws {
        self.connection = connection
        workspace = try row?.integer(0) ?? 0
        suppressionKey = try row?.bytes(1) ?? []
        known = Known()
        (known.peopleMade, known.objectsMade) = (try row?.integer(2) ?? 0, try row?.integer(3) ?? 0)
    }

    // MARK: People

    /// The person whom the identifier finds.
    package func person(_ identifier: PersonIdentifier) throws -> StoredPerson? {
        switch identifier {
        case .id: try person("id = ?", identifier)
        case .email: try person("email_key = ?", identifier)
        case .cioId: try person("cio_id = ?", identifier)
        case .phone: try person("phone = ? ORDER BY person LIMIT 1", identifier)
        }
    }

    private func person(_ condition: String, _ identifier: PersonIdentifier) throws -> StoredPerson? {
        try connection.row(
            "SELECT person, id, email, cio_id, made_at FROM people WHERE workspace = ? AND \(condition)",
            [workspace, Text(identifier.comparable.value)]
        ).map { try StoredPerson($0) }
    }

    /// The person at a place.
    package func person(at key: PersonKey) throws -> StoredPerson? {
        try connection.row(
            "SELECT person, id, email, cio_id, made_at FROM people WHERE person = ? AND workspace = ?",
            [key.number, workspace]
        ).map { try StoredPerson($0) }
    }

    /// Makes a person. `cioId` gets the numbers of the workspace and of the person in it, the first being 1.
    package func addPerson(
        id: String?,
        email: String?,
        madeAt: Int64,
        cioId: (_ workspace: Int64, _ number: Int64) -> String
    ) throws -> StoredPerson {
        known.peopleMade += 1
        try connection.later(
            "UPDATE workspaces SET people_made = ? WHERE workspace = ?",
            [known.peopleMade, workspace]
        )
        let cioId = cioId(workspace, known.peopleMade)
        let number = try connection.number(
            """
            INSERT INTO people (workspace, id, email, email_key, cio_id, made_at, attributes)
            VALUES (?, ?, ?, ?, ?, ?, '{}') RETURNING person
            """,
            [
                workspace, id.map(Text.init), email.map(Text.init),
                email.map { Text(PersonIdentifier.comparableEmail($0)) }, Text(cioId), madeAt,
            ]
        )
        return StoredPerson(key: PersonKey(number: number), id: id, email: email, cioId: cioId, madeAt: madeAt)
    }

    /// Gives a person the `id` and `email` that the value has. Nobody else may own them.
    package func setIdentifiers(of person: StoredPerson) throws {
        try connection.later(
            "UPDATE people SET id = ?, email = ?, email_key = ? WHERE person = ?",
            [
                person.id.map(Text.init), person.email.map(Text.init),
                person.email.map { Text(PersonIdentifier.comparableEmail($0)) }, person.key.number,
            ]
        )
    }

    /// Removes a person with everything of theirs: devices, relationships, segments, activity, deliveries, anonymous
    /// ids.
    package func remove(_ person: PersonKey) throws {
        try connection.later("DELETE FROM people WHERE person = ?", [person.number])
    }

    package func attributes(of person: PersonKey) throws -> AttributeSet {
        let row = try connection.row("SELECT attributes FROM people WHERE person = ?", [person.number])
        return try row.map { try AttributeSet(storedText: $0.text(0)) } ?? AttributeSet()
    }

    package func setAttributes(_ attributes: AttributeSet, of person: PersonKey) throws {
        try connection.later(
            "UPDATE people SET attributes = ?, phone = ? WHERE person = ?",
            [attributes.storedText, attributes.phone.map(Text.init), person.number]
        )
    }

    /// The people behind a place (`nil`: from the first on), at most `limit`.
    package func people(after key: Int64?, limit: Int) throws -> [StoredPerson] {
        try connection.rows(
            """
            SELECT person, id, email, cio_id, made_at FROM people
            WHERE workspace = ? AND person > ? ORDER BY person LIMIT ?
            """,
            [workspace, key ?? 0, limit]
        ).map { try StoredPerson($0) }
    }

    // MARK: Suppression

    /// Blocks identifiers; those that are blocked together are freed together. What is kept does not tell whom, so that
    /// somebody can be suppressed and erased.
    package func suppress(_ identifiers: [PersonIdentifier]) throws {
        let last = try connection.row(
            "SELECT together FROM suppressed WHERE workspace = ? ORDER BY together DESC LIMIT 1",
            [workspace]
        )
        known.hasSuppressed = true
        let together = (try last?.integer(0) ?? 0) + 1
        for identifier in identifiers {
            let (kind, value) = identifier.comparable
            try connection.later(
                """
                INSERT INTO suppressed (workspace, kind, value, together) VALUES (?, ?, ?, ?)
                ON CONFLICT (workspace, kind, value) DO UPDATE SET together = excluded.together
                """,
                [workspace, kind, mark(of: value, kind), together]
            )
        }
    }

    package func isSuppressed(_ identifier: PersonIdentifier) throws -> Bool {
        guard try hasSuppressed() else { return false }
        let (kind, value) = identifier.comparable
        return try connection.row(
            "SELECT 1 FROM suppressed WHERE workspace = ? AND kind = ? AND value = ?",
            [workspace, kind, mark(of: value, kind)]
        ) != nil
    }

    /// Whether anybody is. In most workspaces nobody is, and no mark has to be made for each identifier that comes.
    private func hasSuppressed() throws -> Bool {
        if let known = known.hasSuppressed { return known }
        let isAny = try connection.row("SELECT 1 FROM suppressed WHERE workspace = ? LIMIT 1", [workspace]) != nil
        known.hasSuppressed = isAny
        return isAny
    }

    private func mark(of value: String, _ kind: String) -> Bytes {
        SuppressionMarks.mark(of: value, kind, with: suppressionKey)
    }

    /// Frees an identifier and those that were blocked together with it.
    package func unsuppress(_ identifier: PersonIdentifier) throws {
        let (kind, value) = identifier.comparable
        try connection.later(
            """
            DELETE FROM suppressed WHERE workspace = ?1 AND together IN (
                SELECT together FROM suppressed WHERE workspace = ?1 AND kind = ?2 AND value = ?3)
            """,
            [workspace, kind, mark(of: value, kind)]
        )
    }

    // MARK: Devices

    package func device(_ token: String) throws -> StoredDevice? {
        try connection.row(
            """
            SELECT person, token, platform, last_used, attributes FROM devices WHERE workspace = ? AND token = ?
            """,
            [workspace, Text(token)]
        ).map { try StoredDevice($0) }
    }

    /// Adds a device, or puts it in the place of the one with the same token, whoever had it.
    package func setDevice(_ device: StoredDevice) throws {
        try connection.later(
            """
            INSERT INTO devices (workspace, token, person, platform, last_used, attributes)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (workspace, token) DO UPDATE SET person = excluded.person, platform = excluded.platform,
                last_used = excluded.last_used, attributes = excluded.attributes
            """,
            [
                workspace, Text(device.token), device.person.number, Text(device.platform), device.lastUsed,
                device.attributes.storedText,
            ]
        )
    }

    package func removeDevice(_ token: String) throws {
        try connection.later("DELETE FROM devices WHERE workspace = ? AND token = ?", [workspace, Text(token)])
    }

    package func moveDevices(from: PersonKey, to: PersonKey) throws {
        try connection.later("UPDATE devices SET person = ? WHERE person = ?", [to.number, from.number])
    }
}

extension StoredPerson {
    /// Columns person, id, email, cio_id, made_at, from the given position on.
    init(_ row: StoredRow, from column: Int = 0) throws {
        key = PersonKey(number: try row.integer(column))
        id = try row.optionalText(column + 1)
        email = try row.optionalText(column + 2)
        cioId = try row.text(column + 3)
        madeAt = try row.integer(column + 4)
    }
}

extension StoredDevice {
    /// Columns person, token, platform, last_used, attributes.
    init(_ row: StoredRow) throws {
        person = PersonKey(number: try row.integer(0))
        token = try row.text(1)
        platform = try row.text(2)
        lastUsed = try row.integer(3)
        attributes = try JSON.Object(storedText: row.text(4))
    }
}
