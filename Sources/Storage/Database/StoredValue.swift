import Postgres

/// What a statement takes: integers, truths (as 0 and 1), texts, bytes, or none of these.
///
/// The kind is known of what is missing too, because PostgreSQL wants to know it.
protocol StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws
    static var postgresNull: PostgresValue { get }
    var postgresValue: PostgresValue { get }
}

extension Int: StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws {
        try statement.bind(position, Int64(self))
    }
    static var postgresNull: PostgresValue { .integer(nil) }
    var postgresValue: PostgresValue { .integer(Int64(self)) }
}

extension Int64: StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws { try statement.bind(position, self) }
    static var postgresNull: PostgresValue { .integer(nil) }
    var postgresValue: PostgresValue { .integer(self) }
}

extension Bool: StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws {
        try statement.bind(position, self ? 1 : 0)
    }
    static var postgresNull: PostgresValue { .integer(nil) }
    var postgresValue: PostgresValue { .integer(self ? 1 : 0) }
}

extension String: StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws { try statement.bind(position, self) }
    static var postgresNull: PostgresValue { .text(nil) }
    var postgresValue: PostgresValue { .text(postgresBytes) }
}

extension Text: StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws { try statement.bind(position, string) }
    static var postgresNull: PostgresValue { .text(nil) }
    var postgresValue: PostgresValue { .text(string.postgresBytes) }
}

extension Bytes: StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws { try statement.bind(position, bytes) }
    static var postgresNull: PostgresValue { .bytes(nil) }
    var postgresValue: PostgresValue { .bytes(bytes) }
}

extension Optional: StoredValue where Wrapped: StoredValue {
    func bind(to statement: borrowing DirectStatement, _ position: CInt) throws {
        if let self { try self.bind(to: statement, position) } else { try statement.bind(position, nil) }
    }
    static var postgresNull: PostgresValue { Wrapped.postgresNull }
    var postgresValue: PostgresValue { self?.postgresValue ?? Wrapped.postgresNull }
}
