import Crypto
import Foundation
import GRDB
package import LosslessJSON

/// Everything that a workspace remembers, as one JSON value: the rows of its tables as they are.
///
/// Rows are found by the names of columns: `workspace` in each table that belongs to one, and the name of a table's key
/// wherever it is referred to. So what a later migration adds is in the snapshot, too. Keys stay as they are, unless
/// another workspace has them by now: then all keys of the table move on together.
package enum WorkspaceSnapshot {
    /// What a snapshot can't be restored for, in a sentence.
    package struct Refused: Error, CustomStringConvertible {
        package let description: String
    }

    private static let format = "ferry workspace"

    struct Table {
        let name: String
        let columns: [String]
        /// Its INTEGER PRIMARY KEY.
        let key: String?

        var belongsToWorkspace: Bool { columns.contains("workspace") }
        /// Which of its rows are a workspace's.
        var condition: String {
            belongsToWorkspace ? "workspace = ?" : "person IN (SELECT person FROM people WHERE workspace = ?)"
        }
    }

    /// The tables that hold rows of workspaces, parents before children.
    static func tables(_ connection: Database) throws -> [Table] {
        let names = try connection.rows(
            """
            SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                AND name NOT IN ('workspaces', 'workspace_keys', 'grdb_migrations', 'secrets') ORDER BY rootpage
            """
        ).map { try $0.text(0) }
        return try names.map { name in
            let rows = try connection.rows("SELECT name, type, pk FROM pragma_table_info(?)", [name])
            let columns = try rows.map { try $0.text(0) }
            let keys = try rows.filter { try $0.integer(2) > 0 }
            let isNumber = try keys.count == 1 && keys.first?.text(1) == "INTEGER"
            return Table(name: name, columns: columns, key: isNumber ? try keys.first?.text(0) : nil)
        }
    }

    private static func schema(_ connection: Database) throws -> [JSON] {
        try connection.rows("SELECT identifier FROM grdb_migrations ORDER BY rowid").map { .string(try $0.text(0)) }
    }

    /// So that nobody changes a row by hand: what a row means, other rows know.
    private static func checksum(_ body: JSON) -> JSON {
        .string(SHA256.hash(data: body.encoded()).map { String(format: "%02x", $0) }.joined())
    }
}

extension WorkspaceTransaction {
    /// The snapshot; `nil` when its rows have more than `limit` bytes.
    package func snapshot(upTo limit: Int64) throws -> JSON? {
        var bytes: Int64 = 0
        var tables = JSON.Object()
        for table in try WorkspaceSnapshot.tables(connection) {
            let columns = table.columns.filter { $0 != "workspace" }
            let list = columns.joined(separator: ", ")
            let size = columns.map { "coalesce(length(CAST(\($0) AS BLOB)), 4) + 3" }.joined(separator: " + ")
            let sum = "SELECT coalesce(sum(\(size)), 0) FROM \(table.name) WHERE \(table.condition)"
            bytes += try connection.row(sum, [workspace])?.integer(0) ?? 0
            guard bytes <= limit else { return nil }
            let order = table.key.map { " ORDER BY \($0)" } ?? ""
            let rows = try connection.rows(
                "SELECT \(list) FROM \(table.name) WHERE \(table.condition)\(order)",
                [workspace]
            )
            tables.append(
                table.name,
                [
                    "columns": .array(columns.map(JSON.string)),
                    "rows": .array(rows.map { row in .array(row.databaseValues.map(\.json)) }),
                ]
            )
        }
        return try WorkspaceSnapshot.file(of: self, tables: .object(tables))
    }

    /// Puts what is in a snapshot in the place of what the workspace remembers.
    ///
    /// - Throws: `WorkspaceSnapshot.Refused`; then the transaction must end without a trace.
    package func restore(_ snapshot: JSON) throws {
        let content = try WorkspaceSnapshot.content(of: snapshot, for: connection)
        let tables = try WorkspaceSnapshot.tables(connection)
        // Children may come before their parents until the commit.
        try connection.execute(sql: "PRAGMA defer_foreign_keys = ON")
        for table in tables.reversed() {
            try connection.run("DELETE FROM \(table.name) WHERE \(table.condition)", [workspace])
        }
        var shifts: [String: Int64] = [:]
        for table in tables {
            if let key = table.key { shifts[key] = try shift(of: table, key, content.rows(of: table)) }
        }
        for table in tables {
            let columns = table.columns.filter { $0 != "workspace" }
            let all = table.belongsToWorkspace ? columns + ["workspace"] : columns
            let marks = all.map { _ in "?" }.joined(separator: ", ")
            let statement = "INSERT INTO \(table.name) (\(all.joined(separator: ", "))) VALUES (\(marks))"
            for row in try content.rows(of: table) {
                var values: [(any DatabaseValueConvertible)?] = try zip(columns, row).map { column, value in
                    let value = try DatabaseValue(value)
                    guard let shift = shifts[column], let number = Int64.fromDatabaseValue(value) else { return value }
                    return number + shift
                }
                if table.belongsToWorkspace { values.append(workspace) }
                try connection.run(statement, StatementArguments(values))
            }
        }
        try WorkspaceSnapshot.adopt(content.suppressionKey, workspace, connection)
        try connection.run(
            "UPDATE workspaces SET people_made = ?, objects_made = ? WHERE workspace = ?",
            [content.peopleMade, content.objectsMade, workspace]
        )
    }

    /// How far the keys of a table move so that they are nobody else's: usually nowhere.
    private func shift(of table: WorkspaceSnapshot.Table, _ key: String, _ rows: [[JSON]]) throws -> Int64 {
        guard let column = table.columns.filter({ $0 != "workspace" }).firstIndex(of: key) else { return 0 }
        let keys = rows.compactMap { $0[column].numberValue?.int64 }
        guard let least = keys.min(), let most = keys.max() else { return 0 }
        let taken = try connection.row(
            "SELECT 1 FROM \(table.name) WHERE \(key) BETWEEN ? AND ? LIMIT 1",
            [least, most]
        )
        guard taken != nil else { return 0 }
        let last = try connection.row("SELECT seq FROM sqlite_sequence WHERE name = ?", [table.name])?.integer(0) ?? 0
        return max(0, last - least + 1)
    }
}

extension WorkspaceSnapshot {
    fileprivate static func file(of transaction: WorkspaceTransaction, tables: JSON) throws -> JSON {
        let made = try transaction.connection.row(
            "SELECT people_made, objects_made FROM workspaces WHERE workspace = ?",
            [transaction.workspace]
        )
        let body: JSON = [
            "schema": .array(try schema(transaction.connection)),
            "people_made": .number(JSON.Number(try made?.integer(0) ?? 0)),
            "objects_made": .number(JSON.Number(try made?.integer(1) ?? 0)),
            "suppression_key": try suppressionKey(transaction.connection),
            "tables": tables,
        ]
        return ["format": .string(format), "checksum": checksum(body), "workspace": body]
    }

    /// What a snapshot says, once it is known to be one of this version.
    fileprivate struct Content {
        let peopleMade: Int64
        let objectsMade: Int64
        let suppressionKey: JSON
        let tables: JSON

        func rows(of table: Table) throws -> [[JSON]] {
            let rows = tables[table.name]?["rows"]?.arrayValue?.map { $0.arrayValue ?? [] }
            let count = table.columns.filter { $0 != "workspace" }.count
            guard let rows, rows.allSatisfy({ $0.count == count }) else {
                throw Refused(description: "this is not a whole snapshot: its table \(table.name) is damaged")
            }
            return rows
        }
    }

    fileprivate static func content(of snapshot: JSON, for connection: Database) throws -> Content {
        guard snapshot.objectValue?.count == 3, snapshot["format"] == .string(format), let body = snapshot["workspace"],
            let peopleMade = body["people_made"]?.numberValue?.int64,
            let objectsMade = body["objects_made"]?.numberValue?.int64, let tables = body["tables"]
        else {
            throw Refused(description: "this is not a snapshot of a workspace: send what GET …/snapshot answered")
        }
        guard try body["schema"] == .array(schema(connection)) else {
            throw Refused(description: "the snapshot is of another version of Ferry: take a new one, or seed instead")
        }
        guard snapshot["checksum"] == checksum(body) else {
            throw Refused(description: "the snapshot was changed after it was taken: its checksum differs")
        }
        return Content(
            peopleMade: peopleMade,
            objectsMade: objectsMade,
            suppressionKey: body["suppression_key"] ?? .null,
            tables: tables
        )
    }

    // MARK: Whom it suppresses

    /// What the marks of suppressed identifiers are made with (`SuppressionMarks`). It stands beside them in the database,
    /// and beside them in a snapshot.
    private static func suppressionKey(_ connection: Database) throws -> JSON {
        try connection.row("SELECT value FROM secrets WHERE name = 'suppressed'")?.databaseValues.first?.json ?? .null
    }

    /// Marks that were made with another key say nothing here: the key comes along, if nobody else needs the one there is.
    fileprivate static func adopt(_ key: JSON, _ workspace: Int64, _ connection: Database) throws {
        guard try key != suppressionKey(connection),
            try connection.row("SELECT 1 FROM suppressed WHERE workspace = ? LIMIT 1", [workspace]) != nil
        else { return }
        guard try connection.row("SELECT 1 FROM suppressed WHERE workspace <> ? LIMIT 1", [workspace]) == nil else {
            throw Refused(
                description: """
                    the snapshot and another workspace here suppress people under different keys: restore it in a Ferry of \
                    its own
                    """
            )
        }
        try connection.run("UPDATE secrets SET value = ? WHERE name = 'suppressed'", [DatabaseValue(key)])
    }
}

extension DatabaseValue {
    fileprivate var json: JSON {
        switch storage {
        case .null: .null
        case .int64(let number): .number(JSON.Number(number))
        case .double(let number): JSON.Number("\(number)").map(JSON.number) ?? .null
        case .string(let text): .string(text)
        case .blob(let bytes): ["base64": .string(bytes.base64EncodedString())]
        }
    }

    fileprivate init(_ json: JSON) throws {
        switch json {
        case .null: self = .null
        case .number(let number):
            guard let whole = number.int64 else { self = number.double.databaseValue; return }
            self = whole.databaseValue
        case .string(let text): self = Text(text).databaseValue
        case .bool, .array, .object:
            guard let bytes = json["base64"]?.stringValue.flatMap({ Data(base64Encoded: $0) }) else {
                throw WorkspaceSnapshot.Refused(description: "a row of the snapshot is damaged")
            }
            self = bytes.databaseValue
        }
    }
}
