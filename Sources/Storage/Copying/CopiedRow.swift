import Crypto
import Postgres

/// A value of a row on its way from one engine to the other.
enum CopiedValue: Sendable {
    case integer(Int64?)
    case text(String?)
    case bytes([UInt8]?)

    init(_ kind: CopiedTable.Kind, _ row: StoredRow, _ column: Int) throws {
        self =
            switch kind {
            case .integer: .integer(try row.optionalInteger(column))
            case .text: .text(try row.optionalText(column))
            case .bytes: .bytes(try row.optionalBytes(column))
            }
    }

    var kind: CopiedTable.Kind {
        switch self {
        case .integer: .integer
        case .text: .text
        case .bytes: .bytes
        }
    }

    var stored: any StoredValue {
        switch self {
        case .integer(let number): number
        case .text(let text): text.map(Text.init)
        case .bytes(let bytes): bytes.map(Bytes.init)
        }
    }
}

/// A row of a table, with its values in the table's order.
struct CopiedRow: Sendable {
    let values: [CopiedValue]

    init(_ values: [CopiedValue]) {
        self.values = values
    }

    init(of table: CopiedTable, _ row: StoredRow) throws {
        values = try table.columns.enumerated().map { try CopiedValue($1.kind, row, $0) }
    }

    /// The number that is its key.
    var number: Int64 {
        if case .integer(let number?)? = values.first { number } else { 0 }
    }

    /// How many bytes its texts and bytes have.
    var size: Int {
        values.reduce(0) { sum, value in
            switch value {
            case .integer: sum
            case .text(let text): sum + (text?.utf8.count ?? 0)
            case .bytes(let bytes): sum + (bytes?.count ?? 0)
            }
        }
    }

    /// Its bytes: those of two rows are the same exactly if the rows are, whichever engines they are of.
    var encoded: [UInt8] {
        var result: [UInt8] = []
        func append(_ length: Int) { withUnsafeBytes(of: Int64(length).littleEndian) { result += $0 } }
        for value in values {
            switch value {
            case .integer(nil), .text(nil), .bytes(nil): append(-1)
            case .integer(let number?): withUnsafeBytes(of: number.littleEndian) { result += $0 }
            case .text(let text?):
                append(text.utf8.count)
                result += text.utf8
            case .bytes(let bytes?):
                append(bytes.count)
                result += bytes
            }
        }
        return result
    }
}

/// How many rows a table has, and a checksum over them: the sum of their SHA-256, so that the order is of no matter.
struct RowSum: Sendable, Equatable {
    private(set) var rows: Int64 = 0
    private var sum: (UInt64, UInt64) = (0, 0)

    static func == (one: RowSum, other: RowSum) -> Bool { one.rows == other.rows && one.sum == other.sum }

    mutating func add(_ row: CopiedRow) {
        rows += 1
        SHA256.hash(data: row.encoded).withUnsafeBytes { bytes in
            let head = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
            let tail = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = sum.1.addingReportingOverflow(tail)
            sum = (sum.0 &+ head &+ (low.overflow ? 1 : 0), low.partialValue)
        }
    }

    /// In 32 digits.
    var digits: String {
        [sum.0, sum.1].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// The statements that read and write rows of any table.
extension Connection {
    /// The next rows in the order of their keys.
    ///
    /// - Parameters:
    ///   - table: whose.
    ///   - last: the row behind which they are; `nil` for the first ones.
    /// - Returns: as many as a page may have, but at least one; none at the end of the table.
    /// - Throws: the errors of the statement.
    func page(of table: CopiedTable, after last: CopiedRow?) throws -> [CopiedRow] {
        var values = last.map(table.key) ?? []
        let marks = values.map { _ in "?" }.joined(separator: ", ")
        var statement = """
            SELECT \(table.columnList) FROM \(table.name) \(values.isEmpty ? "" : "WHERE (\(table.keyList)) > (\(marks))")
            ORDER BY \(table.keyList) LIMIT \(table.pageRows)
            """
        // SQLite is asked for one row after the other. PostgreSQL sends all at once, so it is told how much is wanted.
        if case .postgres = engine, let size = table.size {
            statement = """
                SELECT \(table.columnList) FROM (
                    SELECT *, row_number() OVER before AS page_row, sum(\(size)) OVER before AS page_bytes
                    FROM (\(statement)) AS page WINDOW before AS (ORDER BY \(table.keyList))
                ) AS counted WHERE page_row = 1 OR page_bytes <= ? ORDER BY \(table.keyList)
                """
            values.append(CopiedTable.pageBytes)
        }
        var (rows, bytes) = ([CopiedRow](), 0)
        try forEach(statement, values) { row in
            let row = try CopiedRow(of: table, row)
            bytes += row.size
            guard rows.isEmpty || bytes <= CopiedTable.pageBytes else { return false }
            rows.append(row)
            return true
        }
        return rows
    }

    func insert(_ rows: [CopiedRow], into table: CopiedTable) throws {
        guard !rows.isEmpty else { return }
        let head = "INSERT INTO \(table.name) (\(table.columnList))"
        switch engine {
        case .sqlite:
            let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
            for row in rows { try run("\(head) VALUES (\(marks))", row.values.map(\.stored)) }
        case .postgres(let connection):
            let marks = table.columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
            _ = try connection.query("\(head) SELECT * FROM unnest(\(marks))", columns(of: table, in: rows))
        }
    }

    /// The columns of rows as arrays, which `unnest` makes rows of.
    func columns(of table: CopiedTable, in rows: [CopiedRow]) -> [PostgresValue] {
        table.columns.enumerated().map { column($1.kind, $0, of: rows) }
    }

    private func column(_ kind: CopiedTable.Kind, _ index: Int, of rows: [CopiedRow]) -> PostgresValue {
        let values = rows.lazy.map { $0.values[index] }
        switch kind {
        case .integer: return .integers(values.map { if case .integer(let number) = $0 { number } else { nil } })
        case .text: return .texts(values.map { if case .text(let text) = $0 { text?.postgresBytes } else { nil } })
        case .bytes: return .byteses(values.map { if case .bytes(let bytes) = $0 { bytes } else { nil } })
        }
    }

    /// The highest number that a table has ever given out.
    func lastNumber(of table: CopiedTable) throws -> Int64 {
        switch engine {
        case .sqlite: try row("SELECT seq FROM sqlite_sequence WHERE name = ?", [table.name])?.integer(0) ?? 0
        case .postgres:
            try number(
                """
                SELECT coalesce(pg_sequence_last_value(
                    pg_get_serial_sequence('\(table.name)', '\(table.keyList)')::regclass), 0)
                """
            )
        }
    }

    /// The numbers of a table go on behind this one.
    func setLastNumber(of table: CopiedTable, to last: Int64) throws {
        switch engine {
        case .sqlite:
            try run("DELETE FROM sqlite_sequence WHERE name = ?", [table.name])
            try run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table.name, last])
        case .postgres:
            _ = try row(
                "SELECT setval(pg_get_serial_sequence('\(table.name)', '\(table.keyList)')::regclass, ?1, ?2 <> 0)",
                [max(last, 1), last > 0]
            )
        }
    }
}
