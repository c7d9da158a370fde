import GRDB
import LosslessJSON
import Synchronization
import Testing

@testable import Storage

/// Every statement that an operation runs finds its rows by an index: no operation grows slower as tables grow.
@Suite struct `Query plans` {
    /// Statements that look at a whole table on purpose: tables of one row or a few, the summary, and emptying.
    private static let scans = [
        "SELECT messages, bytes, stranger_bytes FROM refused_size", "UPDATE refused_size",
        "SELECT name FROM workspaces", "SELECT workspace, name FROM workspaces", "FROM workspace_keys",
        "SELECT id FROM cursors",
        "FROM jobs ORDER BY id DESC LIMIT ?", "WHERE seq < ? ORDER BY seq DESC LIMIT 20000",
        "SELECT seq FROM sqlite_sequence", "(SELECT count(*) FROM people WHERE workspace = ?1)",
        "FROM refused_messages ORDER BY number LIMIT 1", "FROM events ORDER BY seq LIMIT ?",
        "FROM refused_messages WHERE source IS NULL ORDER BY number LIMIT 1",
        "FROM erasures ORDER BY number DESC LIMIT ?", "FROM erasures WHERE stage <> ? ORDER BY number",
        // What a search looks at is cut first, by an index.
        "ORDER BY entry DESC LIMIT ?4)", "ORDER BY entry DESC LIMIT 2000)", "SELECT name, writes FROM workspaces",
    ]

    @Test func `of ferry.db`() async throws {
        let store = try DataStore(opening: .memory, limits: .tiny)
        let database = try #require(store.sqlite)
        let statements = collectStatements(of: database)
        try await store.useEverything()
        try await expectIndexes(for: statements, in: database)
    }

    @Test func `of workspace.db`() async throws {
        let data = try DataStore(opening: .memory)
        let store = data.workspaces
        let database = try #require(store.sqlite)
        let statements = collectStatements(of: database)
        try await store.useEverything()
        let person = Erasure.Person(userId: "1", email: "1@x.com")
        let erasure = try await data.erasures.add(NewErasure(person, startedAt: 0))
        try await data.erasures.cleanWorkspaces(for: erasure, .untold)
        try await expectIndexes(for: statements, in: database)
        let skipping = statements.texts.withLock { texts in texts.filter { $0.contains("OFFSET") } }
        #expect(skipping == [], "a page is found by its key")
    }

    // MARK: Looking at them

    private final class Statements: Sendable {
        let texts = Mutex<Set<String>>([])
    }

    private func collectStatements(of database: OpenDatabase) -> Statements {
        let statements = Statements()
        database.writer.writeWithoutTransaction { connection in
            connection.trace(options: .statement) { event in
                guard case .statement(let statement) = event else { return }
                statements.texts.withLock { _ = $0.insert(statement.sql) }
            }
        }
        return statements
    }

    private func expectIndexes(for statements: Statements, in database: OpenDatabase) async throws {
        let texts = statements.texts.withLock { $0 }.sorted()
        #expect(texts.count > 15)
        for text in texts where ["SELECT", "UPDATE", "DELETE"].contains(where: text.hasPrefix) {
            let plan = try await database.write { connection in
                let statement = try connection.makeStatement(sql: "EXPLAIN QUERY PLAN " + text)
                let arguments = StatementArguments(Array(repeating: "[1]", count: statement.sqlite3ParameterCount))
                return try Row.fetchAll(statement, arguments: arguments).map { try $0.text(3) }
            }
            let isScan = plan.contains { $0.isScanOfTable || $0.isWholeWorkspace(text) }
            #expect(!isScan || Self.scans.contains(where: text.contains), "\(text): \(plan)")
        }
    }
}

extension String {
    /// Whether this line of a plan goes through a table: neither through members that were handed in, nor through what
    /// another line has found.
    fileprivate var isScanOfTable: Bool {
        hasPrefix("SCAN") && !contains("CONSTANT") && !contains("VIRTUAL TABLE") && !hasPrefix("SCAN (subquery")
    }

    /// Whether this line of a plan goes through all that a workspace has, or all of it from a time on. A page of a list
    /// does as well, and ends at its limit; emptying a workspace is meant to.
    fileprivate func isWholeWorkspace(_ statement: String) -> Bool {
        let isEmptying = statement.hasPrefix("DELETE") && statement.contains(/WHERE workspace = \?\)?$/)
        return contains(/\(workspace=\?( AND \w+[<>]\?)*\)/) && !statement.contains("LIMIT") && !isEmptying
    }
}

extension Statement {
    /// How many values a statement takes.
    fileprivate var sqlite3ParameterCount: Int {
        // ?1 counts once however often it stands.
        let numbered = (1...9).filter { sql.contains("?\($0)") }.count
        return numbered > 0 ? numbered : sql.utf8.count { $0 == UInt8(ascii: "?") }
    }
}
