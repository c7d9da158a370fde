import Postgres
import PostgresServer
import Testing

/// One after the other: each has a server of its own, and they are many processes.
@Suite(
    .enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"),
    .serialized,
    .timeLimit(.minutes(2)),
    .offThePool
)
struct `An outage` {
    @Test(arguments: [PostgresServer.StopMode.fast, .immediate, .killed])
    func `in the middle of a statement breaks the connection, and a new one works after it`(
        mode: PostgresServer.StopMode
    ) throws {
        let server = try PostgresServer()
        let url = try PostgresURL(server.url())
        let connection = try PostgresConnection(url)
        try connection.run("CREATE TABLE t (n int8); INSERT INTO t VALUES (1)")
        // Of a server whose first process is killed, the others go on until they look for it.
        let statement = mode == .killed ? "SELECT pg_sleep(2)" : "SELECT pg_sleep(60)"
        after(0.5) { server.stop(mode) }
        let error = try? #require(throws: PostgresError.self) {
            _ = try connection.query(statement)
            while true { _ = try connection.query("SELECT 1") }
        }
        #expect(error?.kind == .unreachable)
        if mode != .killed { #expect(error?.isInDoubt == true) }
        #expect(connection.isBroken)
        let away = try PostgresURL.refusal(server.url())
        #expect(away.kind == .unreachable || away.kind == .starting)
        try server.start()
        #expect(try connection.refusal("SELECT 1").kind == .unreachable)
        #expect(try PostgresConnection(url).number("SELECT count(*) FROM t") == 1)
    }

    @Test func `without a word ends a statement at its deadline`() throws {
        let server = try PostgresServer()
        let connection = try PostgresConnection(PostgresURL(server.url()))
        connection.statementTimeout = .seconds(1)
        server.freeze(true)
        defer { server.freeze(false) }
        // Too much to be on its way when the server reads nothing.
        let error = try connection.refusal("SELECT $1", [.bytes([UInt8](repeating: 0, count: 1 << 24))])
        #expect(error.kind == .timeout)
        #expect(error.isInDoubt)
        #expect(connection.isBroken)
    }

    @Test func `between statements is noticed before the next one is sent`() throws {
        let server = try PostgresServer()
        let connection = try PostgresConnection(PostgresURL(server.url()))
        try server.restart()
        let error = try connection.refusal("SELECT 1")
        #expect(error.kind == .unreachable)
        #expect(!error.isInDoubt)
        #expect(connection.isBroken)
    }
}
