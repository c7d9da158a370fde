/// A form and what came by it (track-api.md §9.10).
package struct StoredForm: Sendable {
    /// Rises in the order in which forms were first seen.
    package let number: Int64
    package let id: String
    /// Unix seconds.
    package let madeAt: Int64
    /// Answers that were accepted.
    package let submissions: Int64
    /// When the last one was, in Unix seconds.
    package let submittedAt: Int64?
}

/// Forms, and whose the deliveries are of which somebody reports something.
extension WorkspaceTransaction {
    /// Remembers a form, which its first answer makes, also one that is refused (track-api.md §9.10).
    package func registerForm(_ id: String, at time: Int64) throws {
        try connection.later(
            "INSERT INTO forms (workspace, id, made_at) VALUES (?, ?, ?) ON CONFLICT (workspace, id) DO NOTHING",
            [workspace, Text(id), time]
        )
    }

    /// Counts an accepted answer of a form that is registered.
    package func countSubmission(ofForm id: String, at time: Int64) throws {
        try connection.later(
            "UPDATE forms SET submissions = submissions + 1, submitted_at = ? WHERE workspace = ? AND id = ?",
            [time, workspace, Text(id)]
        )
    }

    /// The forms behind a number (`nil`: from the first on), at most `limit`.
    package func forms(after number: Int64?, limit: Int) throws -> [StoredForm] {
        try connection.rows(
            """
            SELECT form, id, made_at, submissions, submitted_at FROM forms
            WHERE workspace = ? AND form > ? ORDER BY form LIMIT ?
            """,
            [workspace, number ?? 0, limit]
        ).map { row in
            StoredForm(
                number: try row.integer(0),
                id: try row.text(1),
                madeAt: try row.integer(2),
                submissions: try row.integer(3),
                submittedAt: try row.optionalInteger(4)
            )
        }
    }

    // MARK: Deliveries

    /// Remembers to whom a delivery went, and by which channel.
    package func setDelivery(_ id: String, person: PersonKey, channel: String) throws {
        try connection.later(
            """
            INSERT INTO deliveries (workspace, id, person, channel) VALUES (?, ?, ?, ?)
            ON CONFLICT (workspace, id) DO UPDATE SET person = excluded.person, channel = excluded.channel
            """,
            [workspace, Text(id), person.number, Text(channel)]
        )
    }

    /// To whom a delivery went, and by which channel; `nil` when nobody has told.
    package func delivery(_ id: String) throws -> (person: PersonKey, channel: String)? {
        try connection.row(
            "SELECT person, channel FROM deliveries WHERE workspace = ? AND id = ?",
            [workspace, Text(id)]
        ).map { (PersonKey(number: try $0.integer(0)), try $0.text(1)) }
    }

    package func moveDeliveries(from: PersonKey, to: PersonKey) throws {
        try connection.later("UPDATE deliveries SET person = ? WHERE person = ?", [to.number, from.number])
    }
}
