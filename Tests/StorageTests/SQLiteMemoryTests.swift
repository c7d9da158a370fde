import GRDB
import GRDBSQLite
import Testing

@Test func `SQLite counts no memory, which takes a lock of all connections`() throws {
    try DatabaseQueue().write { connection in
        try connection.execute(sql: "CREATE TABLE kept (text TEXT)")
        #expect(sqlite3_memory_used() == 0)
    }
}
