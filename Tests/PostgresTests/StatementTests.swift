import Postgres
import PostgresServer
import Testing

@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(1)), .offThePool)
struct `Statements` {
    private func bounded(_ bound: Int) async throws -> PostgresConnection {
        var options = PostgresOptions()
        options.preparedStatements = bound
        return try await connect(options)
    }

    private let countPrepared = "SELECT count(*) FROM pg_prepared_statements"
    private let countUses = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement = $1"

    @Test func `a statement is prepared once for its text and types`() async throws {
        let connection = try await connect()
        for number in 1...5 as ClosedRange<Int64> {
            #expect(try connection.number("SELECT $1 + 1", [.integer(number)]) == number + 1)
        }
        #expect(try connection.text("SELECT $1", [.text([0x61])]) == "a")
        #expect(try connection.number("SELECT $1", [.integer(7)]) == 7)
        #expect(try connection.number(countPrepared) == 4)
        #expect(try connection.number(countUses, [.text(Array("SELECT $1 + 1".utf8))]) == 5)
    }

    @Test func `the server keeps no more statements than the bound, the ones used last`() async throws {
        let connection = try await bounded(8)
        for number in 1...50 {
            #expect(try connection.number("SELECT \(number)") == Int64(number))
            #expect(try connection.number("SELECT $1 * 2", [.integer(21)]) == 42)
        }
        // One more until the next statement takes the superfluous one along.
        #expect(try connection.number(countPrepared) <= 9)
        #expect(try connection.number(countUses, [.text(Array("SELECT $1 * 2".utf8))]) == 50)
        #expect(try connection.number("SELECT 1") == 1)
    }

    @Test func `a pipeline may have more statements than the bound`() async throws {
        let connection = try await bounded(3)
        for _ in 0..<2 {
            let results = try connection.pipeline((0..<40).map { ("SELECT \($0 % 20)", []) })
            #expect(try results.map { try $0.integer(0, 0) } == (0..<40).map { Int64($0 % 20) })
        }
        _ = try connection.query("SELECT 1")
        #expect(try connection.number(countPrepared) <= 5)
    }

    @Test func `a bound that is exceeded while statements fail is kept later`() async throws {
        let connection = try await bounded(2)
        try connection.run("CREATE TABLE t (n int8 PRIMARY KEY); INSERT INTO t VALUES (1)")
        for number in 0..<10 {
            let error = try connection.refusal("INSERT INTO t SELECT 1 WHERE \(number) = \(number)")
            #expect(error.kind == .duplicate)
        }
        _ = try connection.query("SELECT 1")
        _ = try connection.query("SELECT 2")
        #expect(try connection.number(countPrepared) <= 4)
    }

    @Test func `a statement whose columns changed works again at its second use`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (a int8); INSERT INTO t VALUES (1)")
        #expect(try connection.number("SELECT * FROM t") == 1)
        try connection.run("ALTER TABLE t ADD b text")
        #expect(try connection.refusal("SELECT * FROM t").sqlState == "0A000")
        #expect(try connection.number("SELECT * FROM t") == 1)
    }

    @Test func `statements that the server forgot are prepared anew`() async throws {
        let connection = try await connect()
        #expect(try connection.number("SELECT 1") == 1)
        try connection.run("DISCARD ALL")
        #expect(try connection.refusal("SELECT 1").sqlState == "26000")
        #expect(try connection.number("SELECT 1") == 1)
        #expect(!connection.isBroken)
    }

    @Test func `several statements without values are one transaction`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE a (n int8); CREATE TABLE b (n int8);")
        #expect(try connection.number("SELECT count(*) FROM pg_tables WHERE tablename IN ('a', 'b')") == 2)
        let error = try #require(throws: PostgresError.self) {
            try connection.run("CREATE TABLE c (n int8); SELECT 1 / 0; CREATE TABLE d (n int8)")
        }
        #expect(error.sqlState == "22012")
        #expect(try connection.number("SELECT count(*) FROM pg_tables WHERE tablename IN ('c', 'd')") == 0)
        try connection.run("")
    }

    @Test func `an open transaction goes on over statements of each kind`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8)")
        try connection.run("BEGIN")
        _ = try connection.query("INSERT INTO t VALUES ($1)", [.integer(1)])
        _ = try connection.pipeline([("INSERT INTO t VALUES ($1)", [.integer(2)]), ("INSERT INTO t VALUES (3)", [])])
        try connection.run("INSERT INTO t VALUES (4)")
        #expect(try connection.number("SELECT count(*) FROM t") == 4)
        try connection.run("ROLLBACK")
        #expect(try connection.number("SELECT count(*) FROM t") == 0)
        _ = try connection.query("BEGIN")
        _ = try connection.query("INSERT INTO t VALUES (5)")
        #expect(try connection.refusal("SELECT 1 / 0").sqlState == "22012")
        #expect(try connection.refusal("SELECT 5").sqlState == "25P02")
        _ = try connection.query("ROLLBACK")
        #expect(try connection.number("SELECT count(*) FROM t") == 0)
    }

    @Test func `a statement that can't be in a transaction is carried out`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8)")
        try connection.run("VACUUM t")
        _ = try connection.query("VACUUM t")
        _ = try connection.query("CREATE INDEX CONCURRENTLY i ON t (n)")
    }

    @Test func `COPY, for which there is no way here, ends the connection instead of waiting`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8)")
        let error = try #require(throws: PostgresError.self) { try connection.run("COPY t FROM STDIN") }
        #expect(error.kind == .other)
        #expect(connection.isBroken)
        let other = try await connect()
        #expect(throws: PostgresError.self) { _ = try other.query("COPY (SELECT 1) TO STDOUT") }
        #expect(other.isBroken)
    }

    @Test func `a pipeline is done as a whole or not at all`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8 PRIMARY KEY)")
        let results = try connection.pipeline([
            ("INSERT INTO t VALUES ($1)", [.integer(1)]), ("INSERT INTO t VALUES ($1)", [.integer(2)]),
            ("SELECT sum(n) FROM t", []), ("DELETE FROM t WHERE n > $1", [.integer(5)]),
        ])
        #expect(results.map(\.changes) == [1, 1, 1, 0])
        #expect(try results[2].integer(0, 0) == 3)
        let error = try #require(throws: PostgresError.self) {
            _ = try connection.pipeline([
                ("INSERT INTO t VALUES ($1)", [.integer(3)]), ("INSERT INTO t VALUES ($1)", [.integer(1)]),
                ("INSERT INTO nowhere VALUES (1)", []), ("INSERT INTO t VALUES ($1)", [.integer(4)]),
            ])
        }
        #expect(error.kind == .duplicate)
        #expect(!error.isInDoubt)
        #expect(!connection.isBroken)
        #expect(try connection.number("SELECT count(*) FROM t") == 2)
        #expect(try connection.pipeline([]).isEmpty)
    }

    @Test func `what fails only when it is committed is an error, and not done`() async throws {
        let connection = try await connect()
        try connection.run(
            "CREATE TABLE t (n int8 PRIMARY KEY, next int8 REFERENCES t DEFERRABLE INITIALLY DEFERRED)"
        )
        _ = try connection.pipeline([("INSERT INTO t VALUES (1, 2)", []), ("INSERT INTO t VALUES (2, 1)", [])])
        let error = try #require(throws: PostgresError.self) {
            _ = try connection.pipeline([("INSERT INTO t VALUES (3, 4)", []), ("INSERT INTO t VALUES (5, 1)", [])])
        }
        #expect(error.sqlState == "23503")
        #expect(!error.isInDoubt)
        #expect(try connection.refusal("INSERT INTO t VALUES (6, 9)").sqlState == "23503")
        #expect(try connection.number("SELECT count(*) FROM t") == 2)
    }

    @Test func `statements that wait go out in order with the next one, which throws what they are refused for`()
        async throws
    {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8 PRIMARY KEY)")
        try connection.run("BEGIN")
        for number in Int64(0)..<250 { try connection.later("INSERT INTO t VALUES ($1)", [.integer(number)]) }
        try connection.later("DELETE FROM t WHERE n = 7")
        #expect(try connection.number("SELECT count(*) FROM t") == 249)
        try connection.later("INSERT INTO t VALUES (7)")
        try connection.run("COMMIT")
        #expect(try connection.number("SELECT count(*) FROM t") == 250)
        try connection.run("BEGIN")
        try connection.later("INSERT INTO t VALUES (300)")
        try connection.later("INSERT INTO t VALUES (1)")
        try connection.later("INSERT INTO t VALUES (301)")
        #expect(try connection.refusal("COMMIT").kind == .duplicate)
        try connection.later("INSERT INTO t VALUES (302)")
        connection.forgetWaiting()
        try connection.run("ROLLBACK")
        #expect(try connection.number("SELECT count(*) FROM t") == 250)
    }

    @Test func `a pipeline of megabytes both ways does not stop in the middle`() async throws {
        let connection = try await connect()
        let body = [UInt8](repeating: 7, count: 1 << 20)
        let results = try connection.pipeline((0..<24).map { _ in ("SELECT $1", [.bytes(body)]) })
        #expect(try results.allSatisfy { try $0.bytes(0, 0) == body })
    }

    @Test func `notices stay off the standard error and out of the results`() async throws {
        let connection = try await connect()
        try connection.run("DROP TABLE IF EXISTS nowhere")
        _ = try connection.query("DROP TABLE IF EXISTS nowhere")
        try connection.run("DO $$ BEGIN RAISE WARNING 'look'; END $$")
        #expect(try connection.number("SELECT 1") == 1)
    }
}
