import GRDB

/// A connection within a transaction, as the statements of this room use it, whichever engine it is of.
///
/// Statements are written in what SQLite and PostgreSQL have in common, with `?` or `?1` for values; where there is nothing
/// in common, the place that needs it asks for the `engine`. They are compiled once for each connection.
struct Connection {
    enum Engine {
        case sqlite(Database)
    }

    let engine: Engine

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
        }
    }

    /// The first row of a statement; `nil` when there is none.
    func row(_ sql: String, _ values: [any StoredValue] = []) throws -> StoredRow? {
        switch engine {
        case .sqlite(let database):
            try database.row(sql, StatementArguments(values.map(\.databaseValue))).map(StoredRow.init)
        }
    }

    /// All rows of a statement.
    func rows(_ sql: String, _ values: [any StoredValue] = []) throws -> [StoredRow] {
        switch engine {
        case .sqlite(let database):
            try database.rows(sql, StatementArguments(values.map(\.databaseValue))).map(StoredRow.init)
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
        }
    }

    /// The first column of the one row that a statement gives: of an insertion the number that it `RETURNING`s.
    func number(_ sql: String, _ values: [any StoredValue] = []) throws -> Int64 {
        guard let row = try row(sql, values) else { throw StorageError.unreadable("number") }
        return try row.integer(0)
    }
}

/// A row that a statement gave. Columns stand at their position in the SELECT list; one of an unexpected kind, which a
/// damaged file can hold, throws.
struct StoredRow {
    private enum Engine {
        case sqlite(Row)
    }

    private let engine: Engine

    init(_ row: Row) {
        engine = .sqlite(row)
    }

    func text(_ column: Int) throws -> String {
        switch engine {
        case .sqlite(let row): try row.text(column)
        }
    }

    func optionalText(_ column: Int) throws -> String? {
        switch engine {
        case .sqlite(let row): try row.optionalText(column)
        }
    }

    func bytes(_ column: Int) throws -> [UInt8] {
        switch engine {
        case .sqlite(let row): try row.bytes(column)
        }
    }

    func optionalBytes(_ column: Int) throws -> [UInt8]? {
        switch engine {
        case .sqlite(let row): try row.optionalBytes(column)
        }
    }

    func integer(_ column: Int) throws -> Int64 {
        switch engine {
        case .sqlite(let row): try row.integer(column)
        }
    }

    func optionalInteger(_ column: Int) throws -> Int64? {
        switch engine {
        case .sqlite(let row): try row.optionalInteger(column)
        }
    }
}

/// What a statement takes: integers, truths (as 0 and 1), texts, bytes, or none of these.
protocol StoredValue: DatabaseValueConvertible {}

extension Int: StoredValue {}
extension Int64: StoredValue {}
extension Bool: StoredValue {}
extension String: StoredValue {}
extension Text: StoredValue {}
extension Bytes: StoredValue {}
extension Optional: StoredValue where Wrapped: StoredValue {}
