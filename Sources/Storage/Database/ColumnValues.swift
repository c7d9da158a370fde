import Foundation
import GRDB

/// A text column that keeps every text.
///
/// GRDB hands a text to SQLite as a C string, which ends at the first NUL: `a\0b` and `a` would be one identifier. A
/// text with a NUL goes in as a blob therefore, which a column of type TEXT keeps as it is.
struct Text: DatabaseValueConvertible {
    let string: String

    init(_ string: String) {
        self.string = string
    }

    var databaseValue: DatabaseValue {
        string.utf8.contains(0) ? Data(string.utf8).databaseValue : string.databaseValue
    }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Text? {
        String.fromDatabaseValue(value).map(Text.init)
    }
}

/// A blob column as bytes.
struct Bytes: DatabaseValueConvertible, StatementColumnConvertible {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(sqliteStatement: SQLiteStatement, index: CInt) {
        bytes = Array(Data(sqliteStatement: sqliteStatement, index: index))
    }

    var databaseValue: DatabaseValue {
        Data(bytes).databaseValue
    }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Bytes? {
        Data.fromDatabaseValue(value).map { Bytes(Array($0)) }
    }
}

/// Columns by their position in the SELECT list. GRDB's subscripts trap on a value of an unexpected kind, which a
/// damaged file can hold; these throw.
extension Row {
    func text(_ column: Int) throws -> String {
        try decode(Text.self, atIndex: column).string
    }

    func bytes(_ column: Int) throws -> [UInt8] {
        try decode(Bytes.self, atIndex: column).bytes
    }

    func optionalBytes(_ column: Int) throws -> [UInt8]? {
        try decode(Bytes?.self, atIndex: column)?.bytes
    }

    func integer(_ column: Int) throws -> Int64 {
        try decode(Int64.self, atIndex: column)
    }
}

/// Statements are compiled once for each connection.
extension Database {
    func row(_ sql: String) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql))
    }

    func rows(_ sql: String) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql))
    }
}
