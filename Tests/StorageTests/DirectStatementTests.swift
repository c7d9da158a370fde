import Foundation
import GRDB
import Testing

@testable import Storage

@Suite struct DirectStatementTests {
    /// A table whose columns take everything as it is.
    private static func database() throws -> DatabaseQueue {
        let database = try DatabaseQueue()
        try database.write { try $0.execute(sql: "CREATE TABLE kept (text TEXT, blob BLOB, number INTEGER UNIQUE)") }
        return database
    }

    private static func rows(_ connection: Database) throws -> [Row] {
        try Row.fetchAll(
            connection,
            sql: "SELECT typeof(text), hex(text), length(text), typeof(blob), hex(blob), number FROM kept"
        )
    }

    @Test(arguments: [
        nil, "", "a", "exactly fifteen", "longer than any text that Swift keeps in place", "Ünïcödé 😀", "a\0b", "\0",
        String(repeating: "x", count: 100_000),
    ])
    func `binds every text as GRDB does`(text: String?) throws {
        let rows = try Self.database().write { connection in
            let statement = try DirectStatement("INSERT INTO kept (text) VALUES (?)", connection)
            try statement.bind(1, text)
            try statement.run()
            try connection.execute(sql: "INSERT INTO kept (text) VALUES (?)", arguments: [text.map(Text.init)])
            return try Self.rows(connection)
        }
        #expect(rows.count == 2 && rows[0] == rows[1])
    }

    @Test(arguments: [[], [0], [UInt8](0...255), [UInt8](repeating: 7, count: 100_000)])
    func `binds all bytes as GRDB does`(bytes: [UInt8]) throws {
        let rows = try Self.database().write { connection in
            let statement = try DirectStatement("INSERT INTO kept (blob) VALUES (?)", connection)
            try statement.bind(1, bytes)
            try statement.run()
            try connection.execute(sql: "INSERT INTO kept (blob) VALUES (?)", arguments: [Data(bytes)])
            return try Self.rows(connection)
        }
        #expect(rows.count == 2 && rows[0] == rows[1])
    }

    @Test func `reads the first number, or none`() throws {
        try Self.database().write { connection in
            try connection.execute(sql: "INSERT INTO kept (number) VALUES (?), (?)", arguments: [Int64.min, Int64.max])
            let statement = try DirectStatement("SELECT number FROM kept WHERE number >= ? ORDER BY number", connection)
            try statement.bind(1, Int64.min)
            #expect(try statement.number() == Int64.min)
            try statement.bind(1, 0)
            #expect(try statement.number() == Int64.max)
            let nothing = try DirectStatement("SELECT number FROM kept WHERE number = ?", connection)
            try nothing.bind(1, 5)
            #expect(try nothing.number() == nil)
        }
    }

    @Test func `what SQLite refuses is thrown as GRDB would, and the statement can be used again`() throws {
        try Self.database().write { connection in
            for number: Int64 in [1, 2] {
                let statement = try DirectStatement("INSERT INTO kept (number) VALUES (?)", connection)
                try statement.bind(1, number)
                try statement.run()
                let error = #expect(throws: DatabaseError.self) { try statement.run() }
                #expect(error?.resultCode == .SQLITE_CONSTRAINT)
                #expect(error?.message?.contains("kept.number") == true)
                #expect(throws: DatabaseError.self) { try statement.bind(2, number) }
            }
            #expect(try Self.rows(connection).count == 2)
        }
    }

    @Test func `reads every kind as GRDB does`() throws {
        try Self.database().write { connection in
            let select =
                "SELECT NULL, 0, 9223372036854775807, '', 'Ünïcödé 😀', CAST(x'610062' AS TEXT), x'', x'00FF', x'61', 2.0"
            let row = try #require(try Row.fetchOne(connection, sql: select))
            let statement = try DirectStatement(select, connection)
            #expect(try statement.step())
            let values = statement.values
            #expect(values.count == row.count)
            for (column, value) in values.enumerated() {
                // GRDB ends a text at its first NUL.
                if column != 5 { #expect((try? value.text) == (try? row.text(column)), "\(column)") }
                #expect((try? value.integer) == (try? row.integer(column)), "\(column)")
                if column != 5 { #expect((try? value.bytes) == (try? row.bytes(column)), "\(column)") }
            }
            #expect(try values[5].text == "a\0b")
            #expect(try !statement.step())
        }
    }

    @Test func `begins anew when it was left in the middle of its rows`() throws {
        try Self.database().write { connection in
            for _ in 0..<2 {
                let statement = try DirectStatement("SELECT value FROM json_each(?)", connection)
                try statement.bind(["[7, 8]"])
                #expect(try statement.step())
                #expect(try statement.values[0].integer == 7)
            }
        }
    }

    @Test(arguments: [0, 1, 3])
    func `takes as many values as it has places`(count: Int) throws {
        try Self.database().write { connection in
            let statement = try DirectStatement("INSERT INTO kept (text, number) VALUES (?, ?)", connection)
            let error = #expect(throws: DatabaseError.self) { try statement.bind([Int](repeating: 1, count: count)) }
            #expect(error?.message == "\(count) values for the 2 of a statement")
        }
    }
}
