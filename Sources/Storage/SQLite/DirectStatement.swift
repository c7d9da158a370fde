import GRDB
import GRDBSQLite

/// A statement whose values go to SQLite as they are.
///
/// GRDB makes a value of its own of each first, in an array of its own, and copies blobs twice. For the statement that is
/// carried out once for each event that was a twentieth of the processor time that a call takes.
///
/// It is carried out within a transaction that the first error ends.
struct DirectStatement: ~Copyable {
    private let database: Database
    private let statement: Statement
    private var handle: SQLiteStatement { statement.sqliteStatement }

    /// Takes the connection's statement of this text, which is compiled once.
    init(_ sql: String, _ database: Database) throws {
        self.database = database
        statement = try database.cachedStatement(sql: sql)
    }

    deinit { sqlite3_clear_bindings(handle) }

    /// A text with a NUL goes in as a blob (`Text`).
    func bind(_ position: CInt, _ text: String?) throws {
        guard var text else { return try check(sqlite3_bind_null(handle, position)) }
        // It has no bytes whose address there were, and no address would be NULL.
        guard !text.isEmpty else { return try check(sqlite3_bind_text(handle, position, "", 0, Self.copied)) }
        let code = text.withUTF8 { bytes in
            bytes.contains(0)
                ? sqlite3_bind_blob64(handle, position, bytes.baseAddress, UInt64(bytes.count), Self.copied)
                : bytes.withMemoryRebound(to: CChar.self) { text in
                    sqlite3_bind_text(handle, position, text.baseAddress, CInt(text.count), Self.copied)
                }
        }
        try check(code)
    }

    func bind(_ position: CInt, _ bytes: [UInt8]) throws {
        let code = bytes.withUnsafeBytes { bytes in
            bytes.isEmpty
                ? sqlite3_bind_zeroblob(handle, position, 0)
                : sqlite3_bind_blob64(handle, position, bytes.baseAddress, UInt64(bytes.count), Self.copied)
        }
        try check(code)
    }

    func bind(_ position: CInt, _ number: Int64) throws {
        try check(sqlite3_bind_int64(handle, position, number))
    }

    /// Carries it out; it gives no rows.
    func run() throws {
        let code = sqlite3_step(handle)
        // Resetting gives the same code again, and may be what tells it in full.
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw failure(code) }
    }

    /// The number in the first column of the first row; `nil` when there is none.
    func number() throws -> Int64? {
        defer { sqlite3_reset(handle) }
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return sqlite3_column_int64(handle, 0)
        case SQLITE_DONE: return nil
        case let code: throw failure(code)
        }
    }

    private func check(_ code: CInt) throws {
        guard code == SQLITE_OK else { throw failure(code) }
    }

    private func failure(_ code: CInt) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code), message: database.lastErrorMessage)
    }

    /// SQLite takes a copy of what is bound (`SQLITE_TRANSIENT`, which is -1 and no address).
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
