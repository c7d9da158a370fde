import PostgresServer
import Testing

@testable import Postgres

@Suite struct `libpq` {
    @Test func `that is not on the machine is named, with the way to it`() throws {
        let error = try #require(throws: PostgresError.self) { _ = try Libpq.load(["libpq.so.nowhere"]).get() }
        #expect(error.kind == .libraryMissing)
        #expect(error.description.contains("libpq.so.nowhere"))
        #expect(error.description.contains("apt install libpq5"))
    }

    @Test func `that lacks a function is none`() throws {
        #if canImport(Darwin)
            let other = "libz.dylib"
        #else
            let other = "libz.so.1"
        #endif
        let error = try #require(throws: PostgresError.self) { _ = try Libpq.load([other]).get() }
        #expect(error.kind == .libraryMissing)
        #expect(error.description.contains("PQcancel"))
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `is looked for under each name in turn`() throws {
        _ = try Libpq.load(["libpq.so.nowhere", "libpq.so.5", "libpq.5.dylib"]).get()
    }

    @Test(
        arguments: [
            (
                """
                connection to server at "db", port 5432 failed: FATAL:  57P03: the database system is starting up
                LOCATION:  ProcessStartupPacket, postmaster.c:2347

                """,
                "connection to server at \"db\", port 5432 failed: FATAL: the database system is starting up (SQLSTATE 57P03)",
                "57P03"
            ),
            (
                """
                connection to server at "one", port 1 failed: Connection refused
                \tIs the server running on that host and accepting TCP/IP connections?
                connection to server at "two", port 2 failed: session is read-only
                """,
                """
                connection to server at "one", port 1 failed: Connection refused; \
                connection to server at "two", port 2 failed: session is read-only
                """,
                nil
            ),
            ("", "", nil),
        ] as [(String, String, String?)]
    )
    func `says why a login failed, which becomes one line`(message: String, words: String, state: String?) {
        let report = LoginReport(message)
        #expect(report.words == words)
        #expect(report.sqlState == state)
        #expect(report.kind == (words.contains("read-only") ? .readOnly : .unreachable))
    }
}
