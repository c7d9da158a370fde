import Foundation
import Postgres
import PostgresServer
import Testing

@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(1)), .offThePool)
struct `Errors` {
    @Test(
        arguments: [
            ("SELEC 1", .other, "42601"), ("SELECT 1 FROM nowhere", .missingThing, "42P01"),
            ("CREATE TABLE nowhere.t (n int8)", .missingThing, "3F000"), ("SELECT nothing", .other, "42703"),
            ("INSERT INTO t VALUES (1)", .duplicate, "23505"), ("SELECT 1 / 0", .unexpectedValue, "22012"),
            ("INSERT INTO t VALUES (NULL)", .other, "23502"),
        ] as [(String, PostgresError.Kind, String)]
    )
    func `a refused statement is told by its kind`(
        statement: String,
        kind: PostgresError.Kind,
        state: String
    ) async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8 PRIMARY KEY); INSERT INTO t VALUES (1)")
        let error = try connection.refusal(statement)
        #expect(error.kind == kind)
        #expect(error.sqlState == state)
        #expect(error.description.contains(state))
        #expect(!error.isInDoubt)
        let simple = try #require(throws: PostgresError.self) { try connection.run(statement) }
        #expect(simple == error)
        #expect(try connection.number("SELECT 1") == 1)
    }

    @Test(
        arguments: [
            ("57P03", .starting), ("57P01", .unreachable), ("08006", .unreachable), ("53300", .tooManyConnections),
            ("53100", .diskFull), ("25006", .readOnly), ("40001", .serialization), ("40P01", .serialization),
            ("57014", .timeout), ("55P03", .timeout), ("28P01", .refusedLogin), ("28000", .refusedLogin),
            ("3D000", .refusedLogin), ("42501", .notAllowed), ("XX000", .other),
        ] as [(String, PostgresError.Kind)]
    )
    func `what a function raises has the kind of its code`(state: String, kind: PostgresError.Kind) async throws {
        let error = try await connect().refusal(
            "SELECT raised FROM raise('\(state)') AS raised",
            creating: """
                CREATE FUNCTION raise(state text) RETURNS text LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'words' USING ERRCODE = state; END $$
                """
        )
        #expect(error.kind == kind)
        #expect(error.sqlState == state)
    }

    @Test func `a value never stands in an error`() async throws {
        let connection = try await connect()
        try connection.run(
            """
            CREATE TABLE t (mail text PRIMARY KEY, age int8 CHECK (age > 0));
            CREATE FUNCTION raise(words text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', words; END $$
            """
        )
        let secret = Array("jane@example.com".utf8)
        let insert = "INSERT INTO t VALUES ($1, $2)"
        _ = try connection.query(insert, [.text(secret), .integer(4711)])
        let errors = [
            try connection.refusal(insert, [.text(secret), .integer(4711)]),
            try connection.refusal(insert, [.text(secret), .integer(-4711)]),
            try connection.refusal("SELECT $1::int8", [.text(secret)]),
            try connection.refusal("SELECT $1::timestamptz", [.text(secret)]),
            try connection.refusal("SELECT $1::jsonb", [.text(secret)]),
            try connection.refusal("SELECT raise($1)", [.text(secret)]),
            try connection.refusal("SELECT set_config('work_mem', $1, false)", [.text(secret)]),
            try connection.refusal("SELECT $1", [.text(secret + [0])]),
        ]
        #expect(errors.map(\.sqlState) == ["23505", "23514", "22P02", "22007", "22P02", "P0001", "22023", "22021"])
        for error in errors {
            #expect(!error.description.contains("jane"))
            #expect(!error.description.contains("4711"))
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func `a statement that takes longer than the server allows is timed out, and the connection stays`()
        async throws
    {
        var options = PostgresOptions()
        options.settings = [("statement_timeout", "100ms"), ("lock_timeout", "50ms")]
        let connection = try await connect(options)
        let error = try connection.refusal("SELECT pg_sleep(10)")
        #expect(error.kind == .timeout)
        #expect(error.sqlState == "57014")
        #expect(!error.isInDoubt)
        #expect(try connection.number("SELECT 1") == 1)
        let other = try PostgresConnection(connection.url)
        try other.run("CREATE TABLE t (n int8)")
        try other.run("BEGIN; LOCK TABLE t")
        #expect(try connection.refusal("SELECT n FROM t").sqlState == "55P03")
        #expect(try connection.refusal("SELECT n FROM t").kind == .timeout)
    }

    @Test func `a session that may not write says so`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8); SET default_transaction_read_only = on")
        #expect(try connection.refusal("INSERT INTO t VALUES (1)").kind == .readOnly)
        #expect(try connection.number("SELECT count(*) FROM t") == 0)
    }

    @Test func `transactions in each other's way are told apart from other errors`() async throws {
        let one = try await connect()
        let other = try PostgresConnection(one.url)
        try one.run("CREATE TABLE t (n int8); INSERT INTO t VALUES (1)")
        for connection in [one, other] {
            try connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
            #expect(try connection.number("SELECT n FROM t") == 1)
        }
        try one.run("UPDATE t SET n = 2; COMMIT")
        #expect(try other.refusal("UPDATE t SET n = 3").kind == .serialization)
    }

    @Test func `what a user may not do is told`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8); CREATE ROLE \"guest \(connection.url.database)\"")
        try connection.run("SET ROLE \"guest \(connection.url.database)\"")
        #expect(try connection.refusal("SELECT n FROM t").kind == .notAllowed)
    }

    @Test func `a login that is refused is told, without the password`() async throws {
        let server = try PostgresServer.shared()
        let wrong = "postgresql://ferry:not-this-one@127.0.0.1:\(server.port)/postgres"
        let password = try PostgresURL.refusal(wrong)
        #expect(password.kind == .refusedLogin)
        #expect(password.sqlState == "28P01")
        #expect(!password.description.contains("not-this-one"))
        let database = try PostgresURL.refusal(server.url("nowhere"))
        #expect(database.kind == .refusedLogin)
        #expect(database.sqlState == "3D000")
        #expect(database.description.contains("nowhere"))
        let none = try PostgresURL.refusal("postgresql://ferry@127.0.0.1:\(server.port)/postgres?passfile=/dev/null")
        #expect(none.kind == .refusedLogin)
        #expect(none.sqlState == nil)
        let user = try PostgresURL.refusal("postgresql://nobody:secret@127.0.0.1:\(server.port)/postgres")
        #expect(user.kind == .refusedLogin)
        for error in [password, database, none, user] {
            #expect(!error.description.contains("\n"))
            #expect(!error.description.contains("LOCATION"))
            #expect(!error.description.contains(server.password))
        }
    }

    @Test func `a setting that the server does not know is told`() async throws {
        var options = PostgresOptions()
        options.settings = [("no_such_setting", "1")]
        let error = try PostgresURL.refusal(try PostgresServer.shared().url(), options)
        #expect(error.sqlState == "42704")
        #expect(error.description.contains("no_such_setting"))
    }

    @Test func `a server that takes no more connections says so`() async throws {
        let connection = try await connect()
        let name = connection.url.database
        try connection.run("CREATE ROLE \"few \(name)\" LOGIN PASSWORD 'secret' CONNECTION LIMIT 0")
        let port = try PostgresServer.shared().port
        let error = try PostgresURL.refusal("postgresql://few%20\(name):secret@127.0.0.1:\(port)/\(name)")
        #expect(error.kind == .tooManyConnections)
        #expect(error.sqlState == "53300")
    }
}

extension PostgresConnection {
    /// The error that a statement ends with, after something was made for it.
    fileprivate func refusal(_ statement: String, creating: String) throws -> PostgresError {
        try run(creating)
        return try refusal(statement)
    }
}
