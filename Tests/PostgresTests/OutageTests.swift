import Foundation
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

    @Test func `of the process behind a connection is noticed at once`() throws {
        let server = try PostgresServer()
        let url = try PostgresURL(server.url())
        let (connection, neighbour) = (try PostgresConnection(url), try PostgresConnection(url))
        let process = try connection.number("SELECT pg_backend_pid()")
        after(0.3) { kill(pid_t(process), SIGKILL) }
        let begun = ContinuousClock.now
        let error = try connection.refusal("SELECT pg_sleep(60)")
        #expect(error.kind == .unreachable)
        #expect(error.isInDoubt)
        #expect(ContinuousClock.now - begun < .seconds(20))
        // The server drops everybody then, and recovers.
        let other = try #require(throws: PostgresError.self) {
            while true { _ = try neighbour.query("SELECT pg_sleep(0.05)") }
        }
        #expect(other.kind == .unreachable)
        while true {
            do {
                #expect(try PostgresConnection(url).number("SELECT 1") == 1)
                return
            } catch let error as PostgresError {
                try #require(error.kind == .starting || error.kind == .unreachable, "\(error)")
                usleep(20_000)
            }
        }
    }

    @Test func `leaves nobody wrong about what was written`() throws {
        let server = try PostgresServer()
        let url = try PostgresURL(server.url())
        try PostgresConnection(url).run("CREATE TABLE t (n int8 PRIMARY KEY)")
        var (written, doubtful): (Set<Int64>, Set<Int64>) = ([], [])
        var number: Int64 = 0
        for outage in 0..<4 {
            let connection = try PostgresConnection(url)
            let mode: PostgresServer.StopMode = outage % 2 == 0 ? .immediate : .fast
            after(.random(in: 0.05...0.4)) { server.stop(mode) }
            while !connection.isBroken {
                number += 1
                do {
                    _ = try connection.pipeline([("INSERT INTO t VALUES ($1)", [.integer(number)]), ("SELECT 1", [])])
                    written.insert(number)
                } catch {
                    #expect(error.kind == .unreachable)
                    if error.isInDoubt { doubtful.insert(number) }
                }
            }
            server.stop()
            try server.start()
        }
        let rows = try PostgresConnection(url).query("SELECT n FROM t")
        let found = Set(try (0..<rows.count).map { try rows.integer($0, 0) })
        #expect(!written.isEmpty)
        #expect(written.isSubset(of: found))
        #expect(found.isSubset(of: written.union(doubtful)))
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
