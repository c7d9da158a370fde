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
            try database.statement(sql, values).run()
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
        case .postgres(let connection): try connection.later(postgresStatement(sql), values.map { $0.postgresValue })
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
            let statement = try database.statement(sql, values)
            return try statement.step() ? StoredRow(statement) : nil
        case .postgres(let connection):
            let result = try connection.result(sql, values)
            return result.count == 0 ? nil : StoredRow(result, 0)
        }
    }

    /// All rows of a statement.
    func rows(_ sql: String, _ values: [any StoredValue] = []) throws -> [StoredRow] {
        switch engine {
        case .sqlite(let database):
            let statement = try database.statement(sql, values)
            var rows: [StoredRow] = []
            while try statement.step() { rows.append(StoredRow(statement)) }
            return rows
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
            let statement = try database.statement(sql, values)
            while try statement.step(), try visit(StoredRow(statement)) {}
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

extension Database {
    fileprivate func statement(_ sql: String, _ values: [any StoredValue]) throws -> DirectStatement {
        let statement = try DirectStatement(sql, self)
        try statement.bind(values)
        return statement
    }
}

extension PostgresConnection {
    fileprivate func result(_ sql: String, _ values: [any StoredValue]) throws -> PostgresResult {
        try query(postgresStatement(sql), values.map { $0.postgresValue })
    }
}
