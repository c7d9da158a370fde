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
        "SELECT name FROM workspaces", "SELECT workspace, name FROM workspaces", "FROM workspace_keys ORDER BY name",
        "SELECT id FROM cursors",
        "FROM jobs ORDER BY id DESC LIMIT ?", "WHERE seq < ? ORDER BY seq DESC LIMIT 20000",
        "SELECT seq FROM sqlite_sequence", "(SELECT count(*) FROM people WHERE workspace = ?1)",
        "FROM refused_messages ORDER BY number LIMIT 1", "FROM events ORDER BY seq LIMIT ?",
        "FROM refused_messages WHERE source IS NULL ORDER BY number LIMIT 1",
        "FROM erasures ORDER BY number DESC LIMIT ?", "FROM erasures WHERE stage <> ? ORDER BY number",
        // What a search looks at is cut first, by an index.
        "ORDER BY entry DESC LIMIT ?4)", "ORDER BY entry DESC LIMIT 2000)",
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
        let statements = collectStatements(of: store.database)
        try await store.write(in: "w") { workspace in
            let one = try workspace.addPerson(id: "1", email: "1@x.com", madeAt: 0) { "\($0)-\($1)" }
            let two = try workspace.addPerson(id: "2", email: nil, madeAt: 0) { "\($0)-\($1)" }
            let object = try workspace.addObject(type: 1, id: "o", madeAt: 0) { "\($0)-\($1)" }
            try usePeople(workspace, one, two)
            try useObjects(workspace, one, two, object)
            try useActivity(workspace, one, two, object)
            try useSegments(workspace, one, two)
            _ = try workspace.counts()
            try workspace.remove(object.key)
            try workspace.remove(two.key)
            try workspace.removeEverything()
        }
        _ = try await store.names()
        try await store.keep(siteId: "s", apiKey: "k", of: "w")
        _ = try await store.keptKeys()
        let person = Erasure.Person(userId: "1", email: "1@x.com")
        let erasure = try await data.erasures.add(NewErasure(person, startedAt: 0))
        try await data.erasures.cleanWorkspaces(for: erasure, .untold)
        try await expectIndexes(for: statements, in: store.database)
        let skipping = statements.texts.withLock { texts in texts.filter { $0.contains("OFFSET") } }
        #expect(skipping == [], "a page is found by its key")
    }

    private func usePeople(_ workspace: WorkspaceTransaction, _ one: StoredPerson, _ two: StoredPerson) throws {
        _ = try [.id("1"), .email("1@x.com"), .cioId("1-1"), .phone("+1")].map { try workspace.person($0) }
        _ = try workspace.person(at: one.key)
        try workspace.setIdentifiers(of: one)
        try workspace.setAttributes(try workspace.attributes(of: one.key), of: one.key)
        _ = try workspace.people(after: nil, limit: 1)
        try workspace.suppress([.id("x")])
        _ = try workspace.isSuppressed(.id("x"))
        try workspace.unsuppress(.id("x"))
        try workspace.setDevice(
            StoredDevice(person: one.key, token: "t", platform: "ios", lastUsed: 0, attributes: JSON.Object())
        )
        _ = try workspace.device("t")
        _ = try workspace.attributes(of: [one.key, two.key])
        _ = try workspace.devices(of: [one.key, two.key])
        try workspace.moveDevices(from: one.key, to: two.key)
        try workspace.removeDevice("t")
    }

    private func useObjects(
        _ workspace: WorkspaceTransaction,
        _ one: StoredPerson,
        _ two: StoredPerson,
        _ object: StoredObject
    ) throws {
        _ = try workspace.object(type: 1, id: "o")
        _ = try workspace.object(cioId: "1-1")
        try workspace.setAttributes(try workspace.attributes(of: object.key), of: object.key)
        _ = try workspace.objects(after: nil, limit: 1)
        try workspace.setRelationship(of: one.key, with: object.key, attributes: AttributeSet())
        _ = try workspace.relationship(of: one.key, with: object.key)
        _ = try workspace.attributes(of: [object.key])
        _ = try workspace.relationships(of: [one.key])
        _ = try workspace.relationships(of: [object.key])
        _ = try workspace.relationships(of: object.key)
        _ = try workspace.relationships(of: object.key, after: nil, limit: 1)
        try workspace.moveRelationships(from: one.key, to: two.key)
        try workspace.removeRelationship(of: two.key, with: object.key)
    }

    private func useActivity(
        _ workspace: WorkspaceTransaction,
        _ one: StoredPerson,
        _ two: StoredPerson,
        _ object: StoredObject
    ) throws {
        try workspace.log(ActivityEntry(subject: .anonymous("a"), type: "event", timestamp: 0, loggedAt: 0))
        _ = try workspace.attachActivity(ofAnonymous: "a", to: one.key, loggedSince: 0)
        try workspace.forgetAnonymousActivity(loggedBefore: 0, limit: 1)
        _ = try workspace.rememberEvent("e", at: 0, knownSince: nil)
        _ = try workspace.activity(before: nil, limit: 1)
        _ = try workspace.activity(of: one.key, before: nil, limit: 1)
        _ = try workspace.searchActivity(of: nil, ActivityFilter(type: "event"), before: nil, limit: 1)
        _ = try workspace.searchActivity(of: one.key, ActivityFilter(name: "A"), before: nil, limit: 1)
        _ = try workspace.searchPeople(containing: "a", after: nil, limit: 1)
        _ = try workspace.newestActivity()
        _ = try workspace.recentActivityNames(limit: 1)
        try workspace.moveEvents(from: one.key, to: two.key)
        try workspace.join(anonymousId: "a", with: one.key, at: 0)
        _ = try workspace.person(joinedWith: "a")
        try workspace.moveAnonymousIds(from: one.key, to: two.key)
        try workspace.holdRelationship(ofAnonymous: "a", with: object.key, attributes: AttributeSet())
        _ = try workspace.heldRelationship(ofAnonymous: "a", with: object.key)
        _ = try workspace.takeHeldRelationships(ofAnonymous: "a")
        try workspace.record(DeliveryMetric(deliveryId: "d", name: "opened", timestamp: 0, data: JSON.Object()))
        _ = try workspace.metrics(after: nil, limit: 1)
    }

    private func useSegments(_ workspace: WorkspaceTransaction, _ one: StoredPerson, _ two: StoredPerson) throws {
        try workspace.add(one.key, toSegment: 1)
        _ = try workspace.segments(of: [one.key])
        _ = try workspace.segments(after: nil, limit: 1)
        _ = try workspace.people(inSegment: 1, after: nil, limit: 1)
        try workspace.moveSegments(from: one.key, to: two.key)
        try workspace.remove(two.key, fromSegment: 1)
        try workspace.registerForm("f", at: 0)
        try workspace.countSubmission(ofForm: "f", at: 0)
        _ = try workspace.forms(after: nil, limit: 1)
        try workspace.setDelivery("d", person: one.key, channel: "email")
        _ = try workspace.delivery("d")
        try workspace.moveDeliveries(from: one.key, to: two.key)
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
        let isEmptying = statement.hasPrefix("DELETE") && statement.hasSuffix("WHERE workspace = ?")
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
