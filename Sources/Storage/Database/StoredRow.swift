import Postgres

/// A row that a statement gave. Columns stand at their position in the SELECT list; one of an unexpected kind, which a
/// damaged file can hold, throws.
struct StoredRow {
    private enum Engine {
        case sqlite([SQLiteValue])
        case postgres(PostgresResult, Int)
    }

    private let engine: Engine

    /// The row on which a statement stands.
    init(_ statement: borrowing DirectStatement) {
        engine = .sqlite(statement.values)
    }

    init(_ result: PostgresResult, _ row: Int) {
        engine = .postgres(result, row)
    }

    func text(_ column: Int) throws -> String {
        switch engine {
        case .sqlite(let values): try values[column].text
        case .postgres(let result, let row): String(postgresBytes: try result.bytes(row, column))
        }
    }

    func bytes(_ column: Int) throws -> [UInt8] {
        switch engine {
        case .sqlite(let values): try values[column].bytes
        case .postgres(let result, let row): try result.bytes(row, column)
        }
    }

    /// Truths are 0 and 1.
    func integer(_ column: Int) throws -> Int64 {
        switch engine {
        case .sqlite(let values): try values[column].integer
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
        case .sqlite(let values): if case .null = values[column] { true } else { false }
        case .postgres(let result, let row): result.isNull(row, column)
        }
    }
}
