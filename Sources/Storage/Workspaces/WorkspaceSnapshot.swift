import Crypto
import Foundation
package import LosslessJSON

/// Everything that a workspace remembers, as one JSON value: the rows of its tables as they are, whichever engine they are of.
///
/// Keys stay as they are, unless another workspace has them by now: then all keys of the table move on together, wherever
/// they are referred to.
package enum WorkspaceSnapshot {
    /// What a snapshot can't be restored for, in a sentence.
    package struct Refused: Error, CustomStringConvertible {
        package let description: String
    }

    private static let format = "ferry workspace"

    /// What the rows mean. Tables of both engines are changed together, and those of SQLite one step at a time.
    private static let schema = JSON.array(WorkspaceSchema.steps.map(JSON.string))

    /// So that nobody changes a row by hand: what a row means, other rows know.
    private static func checksum(_ body: JSON) -> JSON {
        .string(SHA256.hash(data: body.encoded()).map { String(format: "%02x", $0) }.joined())
    }
}

extension WorkspaceTransaction {
    /// The snapshot; `nil` when its rows have more than `limit` bytes.
    package func snapshot(upTo limit: Int64) throws -> JSON? {
        // All of them are measured before one is read.
        var bytes: Int64 = 0
        for table in CopiedTable.ofWorkspaces {
            let size = "SELECT CAST(coalesce(sum(\(connection.size(of: table))), 0) AS BIGINT) FROM \(table.name)"
            bytes += try connection.number("\(size) WHERE \(table.isOfWorkspace)", [workspace])
            guard bytes <= limit else { return nil }
        }
        var tables = JSON.Object()
        for table in CopiedTable.ofWorkspaces {
            let rows = try connection.rows(
                "SELECT \(table.columnList) FROM \(table.name) WHERE \(table.isOfWorkspace) ORDER BY \(table.keyList)",
                [workspace]
            )
            tables.append(
                table.name,
                [
                    "columns": .array(table.columnsInWorkspace.map { .string(table.columns[$0].name) }),
                    "rows": .array(
                        try rows.map { row in
                            let values = try CopiedRow(of: table, row).values
                            return .array(table.columnsInWorkspace.map { values[$0].json })
                        }
                    ),
                ]
            )
        }
        return try WorkspaceSnapshot.file(of: self, tables: .object(tables))
    }

    /// Puts what is in a snapshot in the place of what the workspace remembers.
    ///
    /// - Throws: `WorkspaceSnapshot.Refused`; then the transaction must end without a trace.
    package func restore(_ content: WorkspaceSnapshot.Content) throws {
        // Nobody else gets a number meanwhile.
        try connection.holdTables(CopiedTable.ofWorkspaces.filter(\.isNumbered).map(\.name))
        try removeEverything()
        var shifts: [String: Int64] = [:]
        for table in CopiedTable.ofWorkspaces where table.isNumbered {
            shifts[table.keyList] = try shift(of: table, content.rows(of: table))
        }
        for table in CopiedTable.ofWorkspaces {
            let rows = content.rows(of: table).map { row in
                CopiedRow(
                    zip(table.columns, row.values).map { column, value in
                        if column.name == "workspace" { return .integer(workspace) }
                        guard let shift = shifts[column.name], case .integer(let number?) = value else { return value }
                        return .integer(number + shift)
                    }
                )
            }
            try connection.insert(rows, into: table)
            guard table.isNumbered, let last = rows.map(\.number).max() else { continue }
            if try connection.lastNumber(of: table) < last { try connection.setLastNumber(of: table, to: last) }
        }
        known.hasSuppressed = nil
        (known.peopleMade, known.objectsMade) = (content.peopleMade, content.objectsMade)
        try connection.run(
            "UPDATE workspaces SET people_made = ?, objects_made = ?, suppression_key = ? WHERE workspace = ?",
            [content.peopleMade, content.objectsMade, Bytes(content.suppressionKey), workspace]
        )
    }

    /// How far the keys of a table move so that they are nobody else's: usually nowhere.
    private func shift(of table: CopiedTable, _ rows: [CopiedRow]) throws -> Int64 {
        let keys = rows.map(\.number)
        guard let least = keys.min(), let most = keys.max() else { return 0 }
        let taken = try connection.row(
            "SELECT 1 FROM \(table.name) WHERE \(table.keyList) BETWEEN ? AND ? LIMIT 1",
            [least, most]
        )
        guard taken != nil else { return 0 }
        let shift = try connection.lastNumber(of: table).subtractingReportingOverflow(least - 1)
        guard !shift.overflow, !most.addingReportingOverflow(shift.partialValue).overflow else {
            throw WorkspaceSnapshot.Refused(description: "a row of the snapshot is damaged")
        }
        return max(0, shift.partialValue)
    }
}

extension WorkspaceSnapshot {
    fileprivate static func file(of transaction: WorkspaceTransaction, tables: JSON) throws -> JSON {
        let made = try transaction.connection.row(
            "SELECT people_made, objects_made FROM workspaces WHERE workspace = ?",
            [transaction.workspace]
        )
        let body: JSON = [
            "schema": schema,
            "people_made": .number(JSON.Number(try made?.integer(0) ?? 0)),
            "objects_made": .number(JSON.Number(try made?.integer(1) ?? 0)),
            // What the marks of suppressed identifiers are made with stands beside them.
            "suppression_key": CopiedValue.bytes(transaction.suppressionKey).json,
            "tables": tables,
        ]
        return ["format": .string(format), "checksum": checksum(body), "workspace": body]
    }

    /// What a snapshot says: one of this version, and whole.
    package struct Content: Sendable {
        fileprivate let peopleMade: Int64
        fileprivate let objectsMade: Int64
        fileprivate let suppressionKey: [UInt8]
        private let tables: [String: [CopiedRow]]

        /// Reads it, which takes a while and so stands before the transaction in which it is restored.
        ///
        /// - Throws: `Refused`.
        package init(_ snapshot: JSON) throws(Refused) {
            guard snapshot.objectValue?.count == 3, snapshot["format"] == .string(format),
                let body = snapshot["workspace"], let peopleMade = body["people_made"]?.numberValue?.int64,
                let objectsMade = body["objects_made"]?.numberValue?.int64, let tables = body["tables"]
            else {
                throw Refused(description: "this is not a snapshot of a workspace: send what GET …/snapshot answered")
            }
            guard body["schema"] == schema else {
                throw Refused(
                    description: "the snapshot is of another version of Ferry: take a new one, or seed instead"
                )
            }
            guard snapshot["checksum"] == checksum(body),
                case .bytes(let key?) = try CopiedValue(.bytes, body["suppression_key"] ?? .null)
            else {
                throw Refused(description: "the snapshot was changed after it was taken: its checksum differs")
            }
            (self.peopleMade, self.objectsMade, suppressionKey) = (peopleMade, objectsMade, key)
            var rows: [String: [CopiedRow]] = [:]
            for table in CopiedTable.ofWorkspaces { rows[table.name] = try Self.rows(of: table, tables) }
            self.tables = rows
        }

        /// The rows of a table; of which workspace is left open.
        private static func rows(of table: CopiedTable, _ tables: JSON) throws(Refused) -> [CopiedRow] {
            let places = table.columnsInWorkspace
            let columns = JSON.array(places.map { .string(table.columns[$0].name) })
            let rows = tables[table.name]?["rows"]?.arrayValue?.map { $0.arrayValue ?? [] }
            guard let rows, tables[table.name]?["columns"] == columns, rows.allSatisfy({ $0.count == places.count })
            else {
                throw Refused(description: "this is not a whole snapshot: its table \(table.name) is damaged")
            }
            return try rows.map { row throws(Refused) in
                var values = [CopiedValue](repeating: .integer(nil), count: table.columns.count)
                for (place, value) in zip(places, row) {
                    values[place] = try CopiedValue(table.columns[place].kind, value)
                }
                return CopiedRow(values)
            }
        }

        fileprivate func rows(of table: CopiedTable) -> [CopiedRow] { tables[table.name] ?? [] }
    }
}

extension CopiedTable {
    /// The places of the columns that a snapshot has: whose it is, it doesn't say.
    fileprivate var columnsInWorkspace: [Int] { columns.indices.filter { columns[$0].name != "workspace" } }
}

extension CopiedValue {
    fileprivate var json: JSON {
        switch self {
        case .integer(nil), .text(nil), .bytes(nil): .null
        case .integer(let number?): .number(JSON.Number(number))
        case .text(let text?): .string(text)
        case .bytes(let bytes?): ["base64": .string(Data(bytes).base64EncodedString())]
        }
    }

    fileprivate init(_ kind: CopiedTable.Kind, _ json: JSON) throws(WorkspaceSnapshot.Refused) {
        switch (kind, json) {
        case (.integer, .null): self = .integer(nil)
        case (.text, .null): self = .text(nil)
        case (.bytes, .null): self = .bytes(nil)
        case (.text, .string(let text)): self = .text(text)
        case (.integer, .number(let number)) where number.int64 != nil: self = .integer(number.int64)
        case (.bytes, .object):
            guard let bytes = json["base64"]?.stringValue.flatMap({ Data(base64Encoded: $0) }) else { fallthrough }
            self = .bytes(Array(bytes))
        default: throw WorkspaceSnapshot.Refused(description: "a row of the snapshot is damaged")
        }
    }
}

extension Connection {
    /// About how many bytes a row has in a snapshot.
    fileprivate func size(of table: CopiedTable) -> String {
        table.columns.map { column in
            switch (column.kind, engine) {
            case (.integer, _): "8"
            case (_, .sqlite): "coalesce(length(CAST(\(column.name) AS BLOB)), 4) + 3"
            case (_, .postgres): "coalesce(octet_length(\(column.name)), 4) + 3"
            }
        }.joined(separator: " + ")
    }
}
