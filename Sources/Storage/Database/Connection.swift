import GRDB
import Postgres

/// A connection within a transaction, as the statements of this room use it, whichever engine it is of.
///
/// Statements are written in what SQLite and PostgreSQL have in common, with `?` or `?1` for values; where there is nothing
/// in common, the place that needs it asks for the `engine`. They are compiled once for each connection.
struct Connection {
    enum Engine {
        case sqlite(Database)
        case postgres(PostgresConnection)
    }

    let engine: Engine

    init(_ connection: PostgresConnection) {
        engine = .postgres(connection)
    }

    init(_ database: Database) {
        engine = .sqlite(database)
    }

    /// Carries out a statement that gives no rows.
    ///
    /// - Returns: how many rows it has touched.
    @discardableResult
    func run(_ sql: String, _ values: [any StoredValue] = []) throws -> Int {
        switch engine {
        case .sqlite(let database):
            try database.run(sql, StatementArguments(values.map(\.databaseValue)))
            return database.changesCount
        case .postgres(let connection):
            return try connection.result(sql, values).changes
        }
    }

    /// Carries out a statement of which only this is of interest: that it is carried out, before the next one and before the
    /// commit. To a server it goes together with that, so that nobody waits for its answer alone; what it is refused for,
    /// the other one throws.
    func later(_ sql: String, _ values: [any StoredValue] = []) throws {
        switch engine {
        case .sqlite: try run(sql, values)
        case .postgres(let connection): try connection.later(postgresStatement(sql), values.map(\.postgresValue))
        }
    }

    /// Until the end of the transaction statements may go through all of a workspace, and take as long as that takes.
    func takesLong() {
        if case .postgres(let connection) = engine { connection.statementTimeout = .seconds(60) }
    }

    /// The first row of a statement; `nil` when there is none.
    func row(_ sql: String, _ values: [any StoredValue] = []) throws -> StoredRow? {
        switch engine {
        case .sqlite(let database):
            return try database.row(sql, StatementArguments(values.map(\.databaseValue))).map(StoredRow.init)
        case .postgres(let connection):
            let result = try connection.result(sql, values)
            return result.count == 0 ? nil : StoredRow(result, 0)
        }
    }

    /// All rows of a statement.
    func rows(_ sql: String, _ values: [any StoredValue] = []) throws -> [StoredRow] {
        switch engine {
        case .sqlite(let database):
            return try database.rows(sql, StatementArguments(values.map(\.databaseValue))).map(StoredRow.init)
        case .postgres(let connection):
            let result = try connection.result(sql, values)
            return (0..<result.count).map { StoredRow(result, $0) }
        }
    }

    /// Calls `visit` for one row after the other, until it says that this is enough.
    func forEach(
        _ sql: String,
        _ values: [any StoredValue] = [],
        _ visit: (StoredRow) throws -> Bool
    ) throws {
        switch engine {
        case .sqlite(let database):
            let statement = try database.cachedStatement(sql: sql)
            let rows = try Row.fetchCursor(statement, arguments: StatementArguments(values.map(\.databaseValue)))
            while let row = try rows.next(), try visit(StoredRow(row)) {}
        case .postgres(let connection):
            let result = try connection.result(sql, values)
            for row in 0..<result.count {
                guard try visit(StoredRow(result, row)) else { return }
            }
        }
    }

    /// Behind a SELECT: the rows are nobody else's to change until the end of the transaction. SQLite has one writer anyway.
    var forUpdate: String {
        switch engine {
        case .sqlite: ""
        case .postgres: " FOR UPDATE"
        }
    }

    /// Nobody else writes these tables until the end of the transaction. SQLite has one writer anyway.
    func holdTables(_ names: [String]) throws {
        guard case .postgres = engine else { return }
        try run("LOCK TABLE \(names.joined(separator: ", ")) IN SHARE ROW EXCLUSIVE MODE")
    }

    /// A table `k` of numbers in a column `value`: those of the statement's first value, a JSON array.
    var each: String {
        switch engine {
        case .sqlite: "json_each(?1) AS k"
        case .postgres: "(SELECT value::BIGINT FROM json_array_elements_text(?1::JSON)) AS k"
        }
    }

    /// Whether the number in a column is one of those in the statement's first value, a JSON array.
    func isAmong(_ column: String) -> String {
        switch engine {
        case .sqlite: "\(column) IN (SELECT value FROM json_each(?1))"
        // As an array, so that each is looked up: how many there are PostgreSQL does not see.
        case .postgres: "\(column) = ANY (ARRAY(SELECT value::BIGINT FROM json_array_elements_text(?1::JSON)))"
        }
    }

    /// The first column of the one row that a statement gives: of an insertion the number that it `RETURNING`s.
    func number(_ sql: String, _ values: [any StoredValue] = []) throws -> Int64 {
        guard let row = try row(sql, values) else { throw StorageError.unreadable("number") }
        return try row.integer(0)
    }
}

extension PostgresConnection {
    fileprivate func result(_ sql: String, _ values: [any StoredValue]) throws -> PostgresResult {
        try query(postgresStatement(sql), values.map(\.postgresValue))
    }
}

/// A row that a statement gave. Columns stand at their position in the SELECT list; one of an unexpected kind, which a
/// damaged file can hold, throws.
struct StoredRow {
    private enum Engine {
        case sqlite(Row)
        case postgres(PostgresResult, Int)
    }

    private let engine: Engine

    init(_ row: Row) {
        engine = .sqlite(row)
    }

    init(_ result: PostgresResult, _ row: Int) {
        engine = .postgres(result, row)
    }

    func text(_ column: Int) throws -> String {
        switch engine {
        case .sqlite(let row): try row.text(column)
        case .postgres(let result, let row): String(postgresBytes: try result.bytes(row, column))
        }
    }

    func bytes(_ column: Int) throws -> [UInt8] {
        switch engine {
        case .sqlite(let row): try row.bytes(column)
        case .postgres(let result, let row): try result.bytes(row, column)
        }
    }

    /// Truths are 0 and 1.
    func integer(_ column: Int) throws -> Int64 {
        switch engine {
        case .sqlite(let row): try row.integer(column)
        case .postgres(let result, let row): try result.integer(row, column)
        }
    }

    func optionalText(_ column: Int) throws -> String? {
        isNull(column) ? nil : try text(column)
    }

    func optionalBytes(_ column: Int) throws -> [UInt8]? {
        isNull(column) ? nil : try bytes(column)
    }

    func optionalInteger(_ column: Int) throws -> Int64? {
        isNull(column) ? nil : try integer(column)
    }

    private func isNull(_ column: Int) -> Bool {
        switch engine {
        case .sqlite(let row): row.hasNull(atIndex: column)
        case .postgres(let result, let row): result.isNull(row, column)
        }
    }
}

/// What a statement takes: integers, truths (as 0 and 1), texts, bytes, or none of these.
///
/// The kind is known of what is missing too, because PostgreSQL wants to know it.
protocol StoredValue: DatabaseValueConvertible {
    static var postgresNull: PostgresValue { get }
    var postgresValue: PostgresValue { get }
}

extension Int: StoredValue {
    static var postgresNull: PostgresValue { .integer(nil) }
    var postgresValue: PostgresValue { .integer(Int64(self)) }
}

extension Int64: StoredValue {
    static var postgresNull: PostgresValue { .integer(nil) }
    var postgresValue: PostgresValue { .integer(self) }
}

extension Bool: StoredValue {
    static var postgresNull: PostgresValue { .integer(nil) }
    var postgresValue: PostgresValue { .integer(self ? 1 : 0) }
}

extension String: StoredValue {
    static var postgresNull: PostgresValue { .text(nil) }
    var postgresValue: PostgresValue { .text(postgresBytes) }
}

extension Text: StoredValue {
    static var postgresNull: PostgresValue { .text(nil) }
    var postgresValue: PostgresValue { .text(string.postgresBytes) }
}

extension Bytes: StoredValue {
    static var postgresNull: PostgresValue { .bytes(nil) }
    var postgresValue: PostgresValue { .bytes(bytes) }
}

extension Optional: StoredValue where Wrapped: StoredValue {
    static var postgresNull: PostgresValue { Wrapped.postgresNull }
    var postgresValue: PostgresValue { self?.postgresValue ?? Wrapped.postgresNull }
}
