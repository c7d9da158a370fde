import LosslessJSON

/// The activity log, and what is known of anonymous ids (track-api.md §12, §13, §20).
extension WorkspaceTransaction {
    package func log(_ entry: ActivityEntry) throws {
        var person: Int64?
        var anonymousId: String?
        var identifiers: JSON.Object?
        switch entry.subject {
        case .person(let key): person = key.number
        case .anonymous(let id): anonymousId = id
        case .nobody(let known): identifiers = known
        }
        try connection.later(
            """
            INSERT INTO activity (workspace, person, anonymous_id, type, timestamp, logged_at, name, identifiers, data)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                workspace, person, anonymousId.map(Text.init), Text(entry.type), entry.timestamp, entry.loggedAt,
                entry.name.map(Text.init), identifiers?.storedText, entry.data?.description,
            ]
        )
    }

    /// Remembers the id of an event that was received at `time`. `false` when it was known already: since a time, or
    /// (`nil`) ever.
    package func rememberEvent(_ id: String, at time: Int64, knownSince oldest: Int64?) throws -> Bool {
        try connection.run(
            """
            INSERT INTO event_ids (workspace, id, received_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (workspace, id) DO UPDATE SET received_at = ?3 WHERE event_ids.received_at < ?4
            """,
            [workspace, Text(id), time, oldest ?? .min]
        ) > 0
    }

    /// The log from the newest entry down, below a number (`nil`: from the top), at most `limit`.
    package func activity(before number: Int64?, limit: Int) throws -> [ListedActivity] {
        try connection.rows(
            Self.selectActivity + " WHERE a.workspace = ? AND a.entry < ? ORDER BY a.entry DESC LIMIT ?",
            [workspace, number ?? .max, limit]
        ).map { try ListedActivity($0) }
    }

    /// The log of one person, as `activity(before:limit:)`.
    package func activity(
        of person: PersonKey,
        before number: Int64?,
        limit: Int
    ) throws -> [ListedActivity] {
        try connection.rows(
            Self.selectActivity + " WHERE a.person = ? AND a.entry < ? ORDER BY a.entry DESC LIMIT ?",
            [person.number, number ?? .max, limit]
        ).map { try ListedActivity($0) }
    }

    /// The entries of these numbers, the newest first.
    func activity(at numbers: [Int64]) throws -> [ListedActivity] {
        try connection.rows(
            Self.selectActivity + " WHERE \(connection.isAmong("a.entry")) ORDER BY a.entry DESC",
            [numbers.description]
        ).map { try ListedActivity($0) }
    }

    private static var selectActivity: String {
        """
        SELECT a.entry, a.type, a.timestamp, a.logged_at, a.name, a.data, a.anonymous_id, a.identifiers,
            p.person, p.id, p.email, p.cio_id, p.made_at
        FROM activity a LEFT JOIN people p ON p.person = a.person
        """
    }

    /// Gives a person the events, pages, screens and content events of another.
    package func moveEvents(from: PersonKey, to: PersonKey) throws {
        try connection.later(
            """
            UPDATE activity SET person = ? WHERE person = ?
                AND type IN ('event', 'page', 'screen', 'viewed_content', 'clicked_content')
            """,
            [to.number, from.number]
        )
    }

    // MARK: Anonymous ids

    /// Gives a person the entries of an anonymous id that nobody has and that were logged at `time` or later, and
    /// returns how many they were.
    package func attachActivity(
        ofAnonymous anonymousId: String,
        to person: PersonKey,
        loggedSince time: Int64
    ) throws -> Int {
        try connection.run(
            """
            UPDATE activity SET person = ?
            WHERE workspace = ? AND anonymous_id = ? AND person IS NULL AND logged_at >= ?
            """,
            [person.number, workspace, Text(anonymousId), time]
        )
    }

    /// Removes entries of anonymous ids that nobody has and that were logged before `time`, at most `limit`.
    package func forgetAnonymousActivity(loggedBefore time: Int64, limit: Int) throws {
        try connection.later(
            """
            DELETE FROM activity WHERE entry IN (
                SELECT entry FROM activity
                WHERE workspace = ? AND person IS NULL AND anonymous_id IS NOT NULL AND logged_at < ?
                ORDER BY logged_at, entry LIMIT ?)
            """,
            [workspace, time, limit]
        )
    }

    /// Remembers with whom an anonymous id was joined last, and when (Unix seconds).
    package func join(anonymousId: String, with person: PersonKey, at time: Int64) throws {
        try connection.later(
            """
            INSERT INTO anonymous_people (workspace, anonymous_id, person, joined_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (workspace, anonymous_id) DO UPDATE SET person = excluded.person, joined_at = excluded.joined_at
            """,
            [workspace, Text(anonymousId), person.number, time]
        )
    }

    /// With whom an anonymous id was joined last, and when (Unix seconds).
    package func person(joinedWith anonymousId: String) throws -> (person: PersonKey, at: Int64)? {
        try connection.row(
            "SELECT person, joined_at FROM anonymous_people WHERE workspace = ? AND anonymous_id = ?",
            [workspace, Text(anonymousId)]
        ).map { (PersonKey(number: try $0.integer(0)), try $0.integer(1)) }
    }

    package func moveAnonymousIds(from: PersonKey, to: PersonKey) throws {
        try connection.later("UPDATE anonymous_people SET person = ? WHERE person = ?", [to.number, from.number])
    }

    /// The attributes of a relationship that waits for an anonymous id to be joined; `nil` when there is none.
    package func heldRelationship(ofAnonymous id: String, with object: ObjectKey) throws -> AttributeSet? {
        try connection.row(
            "SELECT attributes FROM anonymous_relationships WHERE workspace = ? AND anonymous_id = ? AND object = ?",
            [workspace, Text(id), object.number]
        ).map { try AttributeSet(storedText: $0.text(0)) }
    }

    package func holdRelationship(
        ofAnonymous id: String,
        with object: ObjectKey,
        attributes: AttributeSet
    ) throws {
        try connection.later(
            """
            INSERT INTO anonymous_relationships (workspace, anonymous_id, object, attributes)
            VALUES (?, ?, ?, ?)
            ON CONFLICT (workspace, anonymous_id, object) DO UPDATE SET attributes = excluded.attributes
            """,
            [workspace, Text(id), object.number, attributes.storedText]
        )
    }

    /// Takes out the relationships that waited for an anonymous id.
    package func takeHeldRelationships(
        ofAnonymous id: String
    ) throws -> [(object: ObjectKey, attributes: AttributeSet)] {
        let rows = try connection.rows(
            """
            SELECT object, attributes FROM anonymous_relationships WHERE workspace = ? AND anonymous_id = ?
            ORDER BY object
            """,
            [workspace, Text(id)]
        )
        guard !rows.isEmpty else { return [] }
        try connection.later(
            "DELETE FROM anonymous_relationships WHERE workspace = ? AND anonymous_id = ?",
            [workspace, Text(id)]
        )
        return try rows.map { (ObjectKey(number: try $0.integer(0)), try AttributeSet(storedText: $0.text(1))) }
    }

    // MARK: Metrics

    package func record(_ metric: DeliveryMetric) throws {
        try connection.later(
            "INSERT INTO metrics (workspace, delivery_id, name, timestamp, data) VALUES (?, ?, ?, ?, ?)",
            [workspace, Text(metric.deliveryId), Text(metric.name), metric.timestamp, metric.data.storedText]
        )
    }

    /// The metrics behind a number (`nil`: from the first on), at most `limit`.
    package func metrics(after number: Int64?, limit: Int) throws -> [(number: Int64, metric: DeliveryMetric)] {
        try connection.rows(
            """
            SELECT metric, delivery_id, name, timestamp, data FROM metrics
            WHERE workspace = ? AND metric > ? ORDER BY metric LIMIT ?
            """,
            [workspace, number ?? 0, limit]
        ).map { row in
            let metric = DeliveryMetric(
                deliveryId: try row.text(1),
                name: try row.text(2),
                timestamp: try row.integer(3),
                data: try JSON.Object(storedText: row.text(4))
            )
            return (try row.integer(0), metric)
        }
    }

    // MARK: The whole

    package func counts() throws -> WorkspaceCounts {
        let row = try connection.row(
            """
            SELECT
                (SELECT count(*) FROM people WHERE workspace = ?1),
                (SELECT count(*) FROM objects WHERE workspace = ?1),
                (SELECT count(*) FROM relationships r JOIN people p ON p.person = r.person WHERE p.workspace = ?1),
                (SELECT count(*) FROM devices WHERE workspace = ?1),
                (SELECT count(*) FROM metrics WHERE workspace = ?1),
                (SELECT count(*) FROM suppressed WHERE workspace = ?1),
                (SELECT count(*) FROM activity WHERE workspace = ?1),
                (SELECT count(*) FROM activity WHERE workspace = ?1
                    AND type IN ('event', 'page', 'screen', 'viewed_content', 'clicked_content')),
                (SELECT count(*) FROM activity WHERE workspace = ?1 AND person IS NULL AND anonymous_id IS NOT NULL)
            """,
            [workspace]
        )
        var counts = WorkspaceCounts()
        guard let row else { return counts }
        counts.people = try row.integer(0)
        counts.objects = try row.integer(1)
        counts.relationships = try row.integer(2)
        counts.devices = try row.integer(3)
        counts.metrics = try row.integer(4)
        counts.suppressed = try row.integer(5)
        counts.activity = try row.integer(6)
        counts.events = try row.integer(7)
        counts.anonymousEvents = try row.integer(8)
        return counts
    }

    /// Empties the workspace. Its number stays, and no number of a person or object is used again.
    package func removeEverything() throws {
        connection.takesLong()
        for table in CopiedTable.ofWorkspaces.reversed() {
            try connection.run("DELETE FROM \(table.name) WHERE \(table.isOfWorkspace)", [workspace])
        }
    }
}

extension ListedActivity {
    fileprivate init(_ row: StoredRow) throws {
        number = try row.integer(0)
        type = try row.text(1)
        timestamp = try row.integer(2)
        loggedAt = try row.integer(3)
        name = try row.optionalText(4)
        data = try row.optionalText(5).map { try JSON(storedText: $0) }
        anonymousId = try row.optionalText(6)
        identifiers = try row.optionalText(7).map { try JSON.Object(storedText: $0) }
        person = try row.optionalInteger(8) == nil ? nil : StoredPerson(row, from: 8)
    }
}
