import GRDB
import GRDBSQLite

/// A statement whose values go to SQLite as they are, and come from it.
///
/// GRDB makes a value of its own of each, in an array of its own, and copies blobs twice. For the statement that is carried
/// out once for each event that was a twentieth of the processor time that a call takes.
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

    deinit {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

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

    /// Binds all of its values.
    func bind(_ values: [any StoredValue]) throws {
        let expected = sqlite3_bind_parameter_count(handle)
        guard values.count == expected else {
            let message = "\(values.count) values for the \(expected) of a statement"
            throw DatabaseError(resultCode: .SQLITE_RANGE, message: message)
        }
        for (index, value) in values.enumerated() { try value.bind(to: self, CInt(index + 1)) }
    }

    /// Goes to the next row. Whether there is one; behind the last the statement begins anew.
    func step() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        // Resetting gives the same code again, and may be what tells it in full.
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw failure(code) }
        return false
    }

    /// Carries it out; rows that it gives are left aside.
    func run() throws {
        while try step() {}
    }

    /// The number in the first column of the first row; `nil` when there is none.
    func number() throws -> Int64? {
        defer { sqlite3_reset(handle) }
        return try step() ? sqlite3_column_int64(handle, 0) : nil
    }

    /// The columns of the row on which it stands.
    var values: [SQLiteValue] {
        (0..<sqlite3_column_count(handle)).map { column in
            switch sqlite3_column_type(handle, column) {
            case SQLITE_INTEGER: .integer(sqlite3_column_int64(handle, column))
            case SQLITE_FLOAT: .real(sqlite3_column_double(handle, column))
            case SQLITE_TEXT:
                .text(String(decoding: bytes(sqlite3_column_text(handle, column), column), as: UTF8.self))
            case SQLITE_BLOB: .bytes(Array(bytes(sqlite3_column_blob(handle, column), column)))
            default: .null
            }
        }
    }

    private func bytes(_ start: UnsafeRawPointer?, _ column: CInt) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
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

/// What stands in a column. A text with a NUL is stored as bytes.
enum SQLiteValue {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case bytes([UInt8])

    /// It is of another kind than this version ever wrote.
    struct UnexpectedKind: Error {}

    var text: String {
        get throws {
            switch self {
            case .text(let text): return text
            case .bytes(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else { throw UnexpectedKind() }
                return text
            default: throw UnexpectedKind()
            }
        }
    }

    var bytes: [UInt8] {
        get throws {
            switch self {
            case .bytes(let bytes): return bytes
            case .text(let text): return Array(text.utf8)
            default: throw UnexpectedKind()
            }
        }
    }

    var integer: Int64 {
        get throws {
            switch self {
            case .integer(let number): return number
            case .real(let real):
                guard let number = Int64(exactly: real) else { throw UnexpectedKind() }
                return number
            default: throw UnexpectedKind()
            }
        }
    }
}
