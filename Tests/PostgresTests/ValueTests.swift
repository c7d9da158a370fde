import Postgres
import PostgresServer
import Testing

@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(1)), .offThePool)
struct `Values` {
    @Test(arguments: [nil, 0, 1, -1, Int64.min, .max, 1 << 32, -(1 << 31)])
    func `whole numbers come back`(number: Int64?) async throws {
        let result = try await connect().query("SELECT $1, $1 IS NULL", [.integer(number)])
        #expect(result.count == 1)
        #expect(result.isNull(0, 0) == (number == nil))
        #expect(try result.integer(0, 1) == (number == nil ? 1 : 0))
        if let number { #expect(try result.integer(0, 0) == number) }
    }

    @Test(arguments: [nil, "", "a", "Zoë 🦜\r\n\t", "'; DROP TABLE x; --", "\u{1}\u{7f}\u{10ffff}"])
    func `texts come back`(text: String?) async throws {
        let result = try await connect().query("SELECT $1", [.text(text.map { Array($0.utf8) })])
        #expect(result.isNull(0, 0) == (text == nil))
        if let text { #expect(try result.bytes(0, 0) == Array(text.utf8)) }
    }

    @Test(arguments: [nil, [], [0], [0, 0, 0], Array(0...255), [0xff, 0x5c, 0x27, 0x00]] as [[UInt8]?])
    func `bytes come back, whatever they are`(bytes: [UInt8]?) async throws {
        let result = try await connect().query("SELECT $1, octet_length($1)", [.bytes(bytes)])
        #expect(result.isNull(0, 0) == (bytes == nil))
        guard let bytes else { return }
        #expect(try result.bytes(0, 0) == bytes)
        #expect(try result.integer(0, 1) == Int64(bytes.count))
    }

    @Test func `arrays come back element by element, with NULLs`() async throws {
        let connection = try await connect()
        let rows = try connection.query(
            "SELECT * FROM unnest($1, $2, $3)",
            [
                .integers([1, nil, .min, .max]), .texts([Array("é".utf8), [], nil, Array("NULL".utf8)]),
                .byteses([[0, 255], nil, [], [0x5c]]),
            ]
        )
        #expect(rows.count == 4)
        #expect((0..<4).map { rows.isNull($0, 0) } == [false, true, false, false])
        #expect(try [0, 2, 3].map { try rows.integer($0, 0) } == [1, .min, .max])
        #expect((0..<4).map { rows.isNull($0, 1) } == [false, false, true, false])
        #expect(try [0, 1, 3].map { try rows.bytes($0, 1) } == [Array("é".utf8), [], Array("NULL".utf8)])
        #expect((0..<4).map { rows.isNull($0, 2) } == [false, true, false, false])
        #expect(try [0, 2, 3].map { try rows.bytes($0, 2) } == [[0, 255], [], [0x5c]])
    }

    @Test func `an array may be empty`() async throws {
        let connection = try await connect()
        #expect(try connection.number("SELECT cardinality($1)", [.integers([])]) == 0)
        #expect(try connection.number("SELECT cardinality($1)", [.texts([])]) == 0)
        #expect(try connection.number("SELECT cardinality($1)", [.byteses([])]) == 0)
    }

    @Test func `ten thousand elements of a kilobyte go into a table and come back`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE log (number int8 PRIMARY KEY, body bytea NOT NULL, name text NOT NULL)")
        let bodies: [[UInt8]] = (0..<10_000).map { number in
            (0..<1024).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
        }
        let written = try connection.query(
            "INSERT INTO log SELECT * FROM unnest($1, $2, $3)",
            [
                .integers((0..<10_000).map { $0 }), .byteses(bodies),
                .texts((0..<10_000).map { Array("event \($0)".utf8) }),
            ]
        )
        #expect(written.changes == 10_000)
        #expect(written.count == 0)
        let rows = try connection.query("SELECT body, name FROM log ORDER BY number")
        #expect(rows.count == 10_000)
        for row in 0..<10_000 where try rows.bytes(row, 0) != bodies[row] {
            Issue.record("the body of row \(row) is another one")
        }
        #expect(try rows.bytes(9_999, 1) == Array("event 9999".utf8))
    }

    @Test(
        arguments: [
            ("2::int2", 2), ("-7::int4", -7), ("true", 1), ("false", 0), ("count(*)", 1), ("0::numeric", 0),
            ("10000::numeric", 10_000), ("-20000.000::numeric", -20_000), ("9223372036854775807::numeric", .max),
            ("-9223372036854775808::numeric", .min), ("sum(9000000000000000000)", 9_000_000_000_000_000_000),
            ("100000000000000000::numeric", 100_000_000_000_000_000),
        ] as [(String, Int64)]
    )
    func `a whole number may be of a smaller type or numeric`(expression: String, number: Int64) async throws {
        #expect(try await connect().number("SELECT \(expression)") == number)
    }

    @Test(arguments: [
        "NULL::int8", "1.5::numeric", "0.0001::numeric", "9223372036854775808::numeric",
        "-9223372036854775809::numeric",
        "1e30::numeric", "'NaN'::numeric", "'Infinity'::numeric", "1.0::float8", "'1'::text", "now()",
    ])
    func `what is no whole number of 64 bits is refused`(expression: String) async throws {
        let result = try await connect().query("SELECT \(expression)")
        let error = try #require(throws: PostgresError.self) { _ = try result.integer(0, 0) }
        #expect(error.kind == .unexpectedValue)
    }

    @Test(arguments: ["'a'::text", "'a'::varchar(9)", "'a'::char(1)", "'a'::name", "'a'::bytea", "'a'::\"char\""])
    func `texts and bytes of any type are read`(expression: String) async throws {
        #expect(try await connect().text("SELECT \(expression)") == "a")
    }

    @Test(arguments: ["1", "NULL::text", "now()", "'{}'::jsonb", "ARRAY['a']"])
    func `what is neither text nor bytes is refused`(expression: String) async throws {
        let result = try await connect().query("SELECT \(expression)")
        let error = try #require(throws: PostgresError.self) { _ = try result.bytes(0, 0) }
        #expect(error.kind == .unexpectedValue)
    }

    @Test(arguments: [(0, 1), (0, -1), (1, 0), (-1, 0)])
    func `a place outside the result is refused`(row: Int, column: Int) async throws {
        let result = try await connect().query("SELECT 1")
        let error = try #require(throws: PostgresError.self) { _ = try result.integer(row, column) }
        #expect(error.kind == .unexpectedValue)
        #expect(result.isNull(row, column))
    }

    @Test func `the rows that a statement touched are counted`() async throws {
        let connection = try await connect()
        try connection.run("CREATE TABLE t (n int8)")
        #expect(try connection.query("INSERT INTO t VALUES (1), (2), (3)").changes == 3)
        #expect(try connection.query("UPDATE t SET n = n WHERE n > $1", [.integer(1)]).changes == 2)
        #expect(try connection.query("SELECT n FROM t").changes == 3)
        #expect(try connection.query("DELETE FROM t WHERE n = 9 RETURNING n").changes == 0)
        #expect(try connection.query("SET work_mem = '8MB'").changes == 0)
    }

    @Test func `a result outlives its connection`() async throws {
        let connection = try await connect()
        let result = try connection.query("SELECT 'still here'::text")
        connection.close()
        #expect(try result.bytes(0, 0) == Array("still here".utf8))
    }

    @Test func `values of more than a gibibyte are refused before anything is sent`() async throws {
        let connection = try await connect()
        let large = [UInt8](repeating: 0, count: 1 << 26)
        let error = try connection.refusal("SELECT 1 WHERE $1 IS NULL", [.byteses(Array(repeating: large, count: 16))])
        #expect(error.kind == .unexpectedValue)
        #expect(!connection.isBroken)
        #expect(try connection.number("SELECT 1") == 1)
    }
}
