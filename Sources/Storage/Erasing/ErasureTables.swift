/// The statements on the tables `erasures` and `erasure_commands`.
enum ErasureTables {
    /// Adds an erasure with what is told of it. `found` is how much of the person is in the workspaces where a command lands,
    /// by the integrations that are told there.
    static func add(
        _ new: NewErasure,
        found: [String: WorkspaceErasing.Found],
        _ connection: Connection
    ) throws -> Erasure {
        let last = try LogTables.lastSequence(connection)
        let commands = new.tellings.map { ($0.integration, $0.command) }
        let telling =
            commands.isEmpty ? nil : try ErasureEvent(new.person, commands).append(at: new.startedAt, connection)
        let number = try connection.number(
            """
            INSERT INTO erasures (stage, person, command, last, telling, started_at) VALUES (?, ?, ?, ?, ?, ?)
            RETURNING number
            """,
            [
                Erasure.Stage.looking.rawValue, Text(new.person.storedText), new.command?.rawValue, last, telling,
                new.startedAt,
            ]
        )
        for telling in new.tellings {
            try connection.run(
                """
                INSERT INTO erasure_commands
                    (erasure, integration, command, workspace, answer, people, activities)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """,
                [
                    number, Text(telling.integration), telling.command.rawValue, telling.workspace.map(Text.init),
                    Erasure.Told.Answer.waiting.rawValue, found[telling.integration]?.people ?? 0,
                    found[telling.integration]?.activities ?? 0,
                ]
            )
        }
        return try erasure(number, connection)
    }

    static func erasure(_ number: Int64, _ connection: Connection) throws -> Erasure {
        guard let erasure = try erasures("WHERE number = ?", [number], connection).first else {
            throw StorageError(.refused, "there is no such erasure")
        }
        return erasure
    }

    static func erasures(
        _ condition: String,
        _ values: [any StoredValue],
        _ connection: Connection
    ) throws -> [Erasure] {
        let rows = try connection.rows(
            """
            SELECT number, stage, person, command, last, position, events, operations, people, activities, replaced,
                started_at, ended_at, telling
            FROM erasures \(condition)
            """,
            values
        )
        return try rows.map { try erasure($0, connection) }
    }

    private static func erasure(_ row: StoredRow, _ connection: Connection) throws -> Erasure {
        guard let stage = Erasure.Stage(rawValue: try row.text(1)) else { throw StorageError.unreadable("erasure") }
        var receipt = Erasure.Receipt()
        receipt.events = try row.integer(6)
        receipt.operations = try row.integer(7)
        receipt.people = try row.integer(8)
        receipt.activities = try row.integer(9)
        receipt.replaced = try row.integer(10)
        let number = try row.integer(0)
        return Erasure(
            number: number,
            stage: stage,
            person: try row.optionalText(2).map { try Erasure.Person(storedText: $0) },
            command: try row.optionalText(3).flatMap(Erasure.Command.init),
            last: try row.integer(4),
            telling: try row.optionalInteger(13),
            position: try row.integer(5),
            receipt: receipt,
            told: try told(number, connection),
            startedAt: try row.integer(11),
            endedAt: try row.optionalInteger(12)
        )
    }

    private static func told(_ number: Int64, _ connection: Connection) throws -> [Erasure.Told] {
        try connection.rows(
            """
            SELECT integration, command, workspace, answer, words, attempts, at FROM erasure_commands
            WHERE erasure = ?
            """,
            [number]
        ).map { row in
            guard let command = Erasure.Command(rawValue: try row.text(1)),
                let answer = Erasure.Told.Answer(rawValue: try row.text(3))
            else { throw StorageError.unreadable("erasure") }
            return Erasure.Told(
                integration: try row.text(0),
                command: command,
                workspace: try row.optionalText(2),
                answer: answer,
                words: try row.optionalText(4),
                attempts: try row.integer(5),
                at: try row.optionalInteger(6)
            )
        }
    }

    /// What a command has removed from a workspace is counted once it was taken.
    static func note(_ told: Erasure.Told, _ number: Int64, _ connection: Connection) throws {
        if told.answer == .taken {
            try connection.run(
                """
                UPDATE erasures SET people = erasures.people + command.people,
                    activities = erasures.activities + command.activities
                FROM (
                    SELECT people, activities FROM erasure_commands
                    WHERE erasure = ?1 AND integration = ?2 AND answer <> 'taken'
                ) AS command
                WHERE number = ?1
                """,
                [number, Text(told.integration)]
            )
        }
        try connection.run(
            """
            UPDATE erasure_commands SET workspace = ?, answer = ?, words = ?, attempts = ?, at = ?
            WHERE erasure = ? AND integration = ?
            """,
            [
                told.workspace.map(Text.init), told.answer.rawValue, told.words.map(Text.init), told.attempts, told.at,
                number,
                Text(told.integration),
            ]
        )
    }

    /// `person` is written if there is one, and stays as it is else.
    static func moveOn(
        _ number: Int64,
        to position: Int64,
        person: Erasure.Person?,
        _ connection: Connection
    ) throws {
        try connection.run("UPDATE erasures SET position = ? WHERE number = ?", [position, number])
        guard let person else { return }
        try connection.run(
            "UPDATE erasures SET person = ?1 WHERE number = ?2 AND person <> ?1",
            [Text(person.storedText), number]
        )
    }

    static func add(_ receipt: Erasure.Receipt, to number: Int64, _ connection: Connection) throws {
        guard !receipt.isEmpty else { return }
        try connection.run(
            """
            UPDATE erasures SET events = events + ?, operations = operations + ?, people = people + ?,
                activities = activities + ?, replaced = replaced + ?
            WHERE number = ?
            """,
            [
                receipt.events, receipt.operations, receipt.people, receipt.activities, receipt.replaced, number,
            ]
        )
    }
}
