import Postgres
import PostgresServer
import Testing

@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .offThePool)
struct `The URL of a database` {
    @Test(arguments: [
        ("postgresql://jane:secret@db.example:6432/ferry", "postgresql://jane@db.example:6432/ferry"),
        ("postgres://jane:s%40cr%2Fet@db.example/ferry?sslmode=require", "postgresql://jane@db.example:5432/ferry"),
        ("postgresql://jane@db.example/ferry?password=secret", "postgresql://jane@db.example:5432/ferry"),
        ("postgresql://jane:secret@/ferry?host=/run/pg", "postgresql://jane@/ferry?host=/run/pg&port=5432"),
        ("postgresql://jane:secret@one:1,two:2/ferry", "postgresql://jane@one:1,two:2/ferry"),
        ("postgresql://jane:secret@one,two:5433/ferry", "postgresql://jane@one:5432,two:5433/ferry"),
        ("postgresql://jane:secret@[::1]:6432/ferry", "postgresql://jane@[::1]:6432/ferry"),
        ("postgresql://ja%0Ane:secret@db.example/fe%1Brry", "postgresql://ja?ne@db.example:5432/fe?rry"),
        ("postgresql://jane:secret@db.example", "postgresql://jane@db.example:5432/jane"),
    ])
    func `is printed without the password`(text: String, description: String) throws {
        let url = try PostgresURL(text)
        #expect(url.description == description)
        var dumped = ""
        dump(url, to: &dumped)
        for words in ["\(url)", String(reflecting: url), "\([url])", dumped] {
            #expect(!words.contains("secret"))
            #expect(!words.contains("s@cr/et"))
            #expect(!words.contains("s%40cr"))
        }
    }

    @Test func `tells its parts`() throws {
        let url = try PostgresURL("postgresql://jane:secret@db.example:6432/ferry")
        #expect(url.host == "db.example")
        #expect(url.port == "6432")
        #expect(url.user == "jane")
        #expect(url.database == "ferry")
    }

    @Test(arguments: [
        ("", "postgresql://"), ("mysql://jane:secret@db/ferry", "postgresql://"),
        ("host=db password=secret", "postgresql://"),
        ("postgresql://jane:sec@ret@db/ferry", "%40"), ("postgresql://jane:sec/ret@db/ferry", "%40"),
        ("postgresql://jane:12/secret@db/ferry", "%40"), ("postgresql://jane:sec?ret@db/ferry", "%40"),
        ("postgresql://jane:sec ret@db/ferry", "%20"), ("postgresql://jane:secret@db/ferry\n", "control"),
        ("postgresql://jane:se%crt@db/ferry", "percent"), ("postgresql://jane:secret@db:secret/ferry", "port"),
        ("postgresql://jane:secret@db/ferry?sslmod=require", "no setting sslmod"),
        ("postgresql://db/ferry?password=sec&ret=secret", "query parameter"),
        ("postgresql://db/ferry?secret", "separator"),
        ("postgresql://jane:secret@[::1/ferry", "matching"), ("postgresql://jane:secret@d%0Ab/ferry", "control"),
    ])
    func `is refused with words about what is wrong, but not with a piece of the password`(
        text: String,
        words: String
    ) throws {
        let error = try #require(throws: PostgresError.self) { _ = try PostgresURL(text) }
        #expect(error.kind == .badURL)
        #expect(error.description.contains(words), "\(error)")
        for piece in ["secret", "sec", "ret", "jane:"] {
            // "separator" and the like are no pieces.
            let told = error.description.replacing("separator", with: "").replacing("parameter", with: "")
            #expect(!told.contains(piece), "\(error)")
        }
    }

    @Test func `may hold settings that libpq refuses only when it connects`() throws {
        let error = try PostgresURL.refusal("postgresql://jane:secret@127.0.0.1:1/ferry?sslmode=perhaps")
        #expect(error.kind == .badURL)
        #expect(error.description.contains("sslmode"))
    }
}
