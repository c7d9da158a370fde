import LosslessJSON

/// Which of the embedded workspaces are cleaned.
package enum WorkspacePart: Sendable {
    /// Those where no command of the erasure lands.
    case untold
    /// Those where one does. Who stands there by an id that was told, once it was taken, has come since, and is left alone.
    case told
}

/// The statements that erase a person from embedded workspaces, a few rows at a time.
struct WorkspaceErasing: Sendable {
    /// How much of a person a workspace holds.
    struct Found: Sendable {
        var people: Int64 = 0
        var activities: Int64 = 0
    }

    private let person: Erasure.Person
    private let redaction: Redaction
    /// When it was asked for, in seconds since 1970.
    private let since: Int64
    /// The numbers of the workspaces that are cleaned.
    private let workspaces: Set<Int64>
    /// People who have come since.
    private let spared: Set<Int64>

    /// Nobody else writes a workspace until the end of the transaction.
    ///
    /// - Throws: the errors of the disk.
    init(
        _ person: Erasure.Person,
        of erasure: Erasure,
        _ part: WorkspacePart,
        _ connection: Connection
    ) throws {
        self.person = person
        redaction = person.redaction
        since = erasure.startedAt / 1_000
        var workspaces: Set<Int64> = []
        var spared: Set<Int64> = []
        for row in try connection.rows(
            "SELECT workspace, name FROM workspaces ORDER BY workspace" + connection.forUpdate
        ) {
            let (number, name) = (try row.integer(0), try row.text(1))
            let told = erasure.told.filter { $0.workspace.map(name.hasSameBytes) ?? false }
            guard told.isEmpty == (part == .untold) else { continue }
            workspaces.insert(number)
            guard told.contains(where: { $0.answer == .taken }) else { continue }
            spared.formUnion(try Self.named(person, in: number, connection))
        }
        (self.workspaces, self.spared) = (workspaces, spared)
    }

    /// Those who have the id or the address that a command names.
    private static func named(
        _ person: Erasure.Person,
        in workspace: Int64,
        _ connection: Connection
    ) throws -> Set<Int64> {
        let identifiers = [
            person.userId.map(PersonIdentifier.id), person.email.map(PersonIdentifier.email), person.cioId,
        ].compactMap { $0 }
        return try identifiers.reduce(into: []) { people, identifier in
            let condition =
                switch identifier {
                case .id: "id = ?"
                case .cioId: "cio_id = ?"
                case .email, .phone: "email_key = ?"
                }
            let row = try connection.row(
                "SELECT person FROM people WHERE workspace = ? AND \(condition)",
                [workspace, Text(identifier.comparable.value)]
            )
            if let row { people.insert(try row.integer(0)) }
        }
    }

    /// What a command will take away.
    static func find(_ person: Erasure.Person, in workspace: String, _ connection: Connection) throws -> Found {
        let row = try connection.row("SELECT workspace FROM workspaces WHERE name = ?", [Text(workspace)])
        guard let number = try row?.integer(0) else { return Found() }
        let people = try named(person, in: number, connection)
        let activities = try people.reduce(Int64(0)) { count, person in
            let row = try connection.row("SELECT count(*) FROM activity WHERE person = ?", [person])
            return count + (try row?.integer(0) ?? 0)
        }
        return Found(people: Int64(people.count), activities: activities)
    }

    private func isMeant(_ workspace: Int64, _ person: Int64? = nil) -> Bool {
        workspaces.contains(workspace) && !(person.map(spared.contains) ?? false)
    }

    /// One way through one table.
    struct Step: Sendable {
        /// Before the first row, by the columns of the key.
        let beginning: [CopiedValue]
        /// Cleans some rows behind a key; returns the last one's, `nil` at the end.
        let clean:
            @Sendable (
                _ after: [CopiedValue], _ erasing: WorkspaceErasing, _ receipt: inout Erasure.Receipt,
                _ connection: Connection
            ) throws -> [CopiedValue]?
    }

    /// Rows that one transaction looks at.
    private static let limit = 500

    static let steps = [people, anonymousIds, activity] + texts.map(step)

    // MARK: The person

    /// The people who have one of the ids or addresses. Of one with much activity some is removed at a time, the rest goes with
    /// the person.
    private static let people = Step(beginning: [.integer(0)]) { after, erasing, receipt, connection in
        let rows = try connection.rows(
            """
            SELECT person, id, email, workspace, cio_id, attributes FROM people
            WHERE person > ? ORDER BY person LIMIT \(limit)
            """,
            after.map(\.stored)
        )
        for row in rows {
            let (number, id) = (try row.integer(0), try row.optionalText(1))
            guard erasing.isMeant(try row.integer(3), number) else { continue }
            // Where people are known by id alone the address is one of the attributes.
            let email =
                try row.optionalText(2) ?? AttributeSet(storedText: row.text(5))["email"]?.value?.stringValue
            let cioId = "cio_\(try row.text(4))"
            let isTheirs =
                erasing.person.isId(id) || erasing.person.isAddress(email)
                || erasing.person.userId?.hasSameBytes(as: cioId) == true
            guard isTheirs else { continue }
            let activities = try connection.run(
                "DELETE FROM activity WHERE entry IN (SELECT entry FROM activity WHERE person = ? LIMIT \(limit))",
                [number]
            )
            receipt.activities += Int64(activities)
            // There is more to do here.
            guard activities < limit else { return [.integer(number - 1)] }
            try connection.run("DELETE FROM people WHERE person = ?", [number])
            receipt.people += 1
        }
        return try rows.last.map { [.integer(try $0.integer(0))] }
    }

    private static let anonymousIds = Step(beginning: [.integer(0)]) { after, erasing, receipt, connection in
        guard let workspace = try nextWorkspace(after, connection) else { return nil }
        for id in erasing.person.texts where erasing.isMeant(workspace) {
            let arguments: [any StoredValue] = [workspace, Text(id)]
            let owner = try connection.row(
                "SELECT person FROM anonymous_people WHERE workspace = ? AND anonymous_id = ?",
                arguments
            )?.integer(0)
            guard erasing.isMeant(workspace, owner) else { continue }
            for table in ["anonymous_people", "anonymous_relationships"] {
                try connection.run("DELETE FROM \(table) WHERE workspace = ? AND anonymous_id = ?", arguments)
            }
        }
        return [.integer(workspace)]
    }

    private static func nextWorkspace(_ after: [CopiedValue], _ connection: Connection) throws -> Int64? {
        try connection.row(
            "SELECT workspace FROM workspaces WHERE workspace > ? ORDER BY workspace LIMIT 1",
            after.map(\.stored)
        )?.integer(0)
    }

    /// What anonymous people did goes, also where it has become somebody else's; what speaks of the person otherwise stays
    /// without them.
    private static let activity = Step(beginning: [.integer(0)]) { after, erasing, receipt, connection in
        let rows = try connection.rows(
            """
            SELECT entry, name, identifiers, data, anonymous_id, type, workspace, person, logged_at FROM activity
            WHERE entry > ? ORDER BY entry LIMIT \(limit)
            """,
            after.map(\.stored)
        )
        for row in rows {
            let entry = try row.integer(0)
            guard erasing.isMeant(try row.integer(6), try row.optionalInteger(7)) else { continue }
            if let id = try row.optionalText(4), erasing.person.hasText(id) {
                try connection.run("DELETE FROM activity WHERE entry = ?", [entry])
                receipt.activities += 1
                continue
            }
            let texts = try (1...3).map { try row.optionalText($0) }
            let type = try row.text(5)
            // A merge tells what both were called.
            let data: Redaction.Kind = type == "profile_merge" ? .identifiers : .json
            let clean = zip(texts, [.name, .identifiers, data]).map { text, kind in
                text.flatMap { erasing.redaction.redacted($0, kind) }
            }
            let count = clean.reduce(0) { $0 + ($1?.count ?? 0) }
            guard count > 0 else { continue }
            let loggedAt = try row.integer(8)
            // What the command itself has left is not counted.
            let isOwn = ["profile_delete", "ferry_dropped"].contains(type) && loggedAt >= erasing.since
            if !isOwn { receipt.replaced += Int64(count) }
            var changed = zip(texts, clean).map { ($1?.text ?? $0).map(Text.init) }
            // Who is called by one of these is called by the others too.
            if clean[1] != nil { changed[1] = Text("{}") }
            if clean[2] != nil, type == "profile_merge" { changed[2] = Text("{}") }
            try connection.run(
                "UPDATE activity SET name = ?, identifiers = ?, data = ? WHERE entry = ?",
                [changed[0], changed[1], changed[2], entry]
            )
        }
        return try rows.last.map { [.integer(try $0.integer(0))] }
    }

    // MARK: Other texts

    /// The texts of a table, by its key.
    private struct Texts: Sendable {
        let table: String
        /// The columns of the key, and what is less than the first one's values.
        let key: [(column: String, beginning: CopiedValue)]
        let columns: [(name: String, kind: Redaction.Kind)]
        /// Of these, which repeat what another one has: they are not counted.
        var repeated: [String] = []
        /// Where the row belongs, and to whom, if to somebody.
        var workspace = "workspace"
        var person = "NULL"
        /// A row goes when one of these names the person.
        var goesWith: [String] = []
        /// Of these, which are unique, the number of the row tells what is left apart.
        var numbered: [String] = []
    }

    private static let texts = [
        Texts(
            table: "people",
            key: [("person", .integer(0))],
            columns: [("attributes", .json), ("phone", .name)],
            repeated: ["phone"],
            person: "person"
        ),
        Texts(
            table: "devices",
            key: [("workspace", .integer(0)), ("token", .text(""))],
            columns: [("attributes", .json)],
            person: "person",
            goesWith: ["token"]
        ),
        Texts(
            table: "relationships",
            key: [("person", .integer(0)), ("object", .integer(0))],
            columns: [("attributes", .json)],
            workspace: "(SELECT workspace FROM people WHERE people.person = relationships.person)",
            person: "person"
        ),
        Texts(
            table: "anonymous_relationships",
            key: [("workspace", .integer(0)), ("anonymous_id", .text("")), ("object", .integer(0))],
            columns: [("attributes", .json)]
        ),
        Texts(
            table: "objects",
            key: [("object", .integer(0))],
            columns: [("attributes", .json), ("id", .name)],
            numbered: ["id"]
        ),
        Texts(
            table: "event_ids",
            key: [("workspace", .integer(0)), ("id", .text(""))],
            columns: [],
            goesWith: ["id"]
        ),
        Texts(
            table: "metrics",
            key: [("metric", .integer(0))],
            columns: [("delivery_id", .name), ("name", .name), ("data", .json)]
        ),
        Texts(
            table: "forms",
            key: [("form", .integer(0))],
            columns: [("id", .name)],
            numbered: ["id"]
        ),
        Texts(
            table: "deliveries",
            key: [("workspace", .integer(0)), ("id", .text(""))],
            columns: [],
            goesWith: ["id"]
        ),
    ]

    private static func step(_ texts: Texts) -> Step {
        Step(beginning: texts.key.map(\.beginning)) { after, erasing, receipt, connection in
            let key = texts.key.map(\.column)
            let tests = texts.columns.map(\.name) + texts.goesWith + [texts.workspace, texts.person]
            let marks = key.map { _ in "?" }.joined(separator: ", ")
            let rows = try connection.rows(
                """
                SELECT \((key + tests).joined(separator: ", ")) FROM \(texts.table)
                WHERE (\(key.joined(separator: ", "))) > (\(marks)) ORDER BY \(key.joined(separator: ", "))
                LIMIT \(limit)
                """,
                after.map(\.stored)
            )
            func place(of row: StoredRow) throws -> [CopiedValue] {
                try texts.key.enumerated().map { try CopiedValue($1.beginning.kind, row, $0) }
            }
            let isRow = key.map { "\($0) = ?" }.joined(separator: " AND ")
            for row in rows {
                let place = try place(of: row)
                let owner = key.count + tests.count - 2
                guard erasing.isMeant(try row.integer(owner), try row.optionalInteger(owner + 1)) else { continue }
                let goes = try texts.goesWith.indices.contains { index in
                    let text = try row.text(key.count + texts.columns.count + index)
                    return erasing.redaction.redacted(text, .name) != nil
                }
                if goes {
                    try connection.run("DELETE FROM \(texts.table) WHERE \(isRow)", place.map(\.stored))
                    receipt.replaced += 1
                    continue
                }
                for (index, column) in texts.columns.enumerated() {
                    let text = try row.optionalText(key.count + index)
                    guard let (clean, count) = text.flatMap({ erasing.redaction.redacted($0, column.kind) })
                    else { continue }
                    if !texts.repeated.contains(column.name) { receipt.replaced += Int64(count) }
                    let number = texts.numbered.contains(column.name) ? " \(try row.integer(0))" : ""
                    try connection.run(
                        "UPDATE \(texts.table) SET \(column.name) = ? WHERE \(isRow)",
                        [Text(clean + number)] + place.map(\.stored)
                    )
                }
            }
            return try rows.last.map(place)
        }
    }
}

extension Erasure.Person {
    /// The id of theirs that the workspace itself has made, where it is the one that was given.
    fileprivate var cioId: PersonIdentifier? {
        guard let userId, userId.hasPrefix("cio_") else { return nil }
        return .cioId(String(userId.dropFirst(4)))
    }
}
