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
        var limits = DataStore.Limits()
        limits.refusedBytes = 1
        limits.recentKeys = 1
        let store = try DataStore(opening: .memory, limits: limits)
        let database = try #require(store.sqlite)
        let statements = collectStatements(of: database)
        _ = try await store.log.append([event("a"), event("a")])
        for number in 0..<10 { _ = try await store.log.append([event("\(number)")]) }
        _ = try await store.log.repeats(of: 1)
        _ = try await store.log.read(after: 0, limit: 10)
        _ = try await store.log.lastSequence()
        _ = try await store.log.count()
        try await useLedger(store.ledger)
        let failures = try await store.failures.list(FailureFilter(), limit: 1).failures
        _ = try await store.failures.groups(FailureFilter(), limit: 1)
        _ = try await store.failures.spans(FailureFilter())
        _ = try await store.failures.discard(failures.map(\.id), minute: 0)
        let job = NewJob(.replay, integration: "i", selection: Job.Selection(first: 1, last: 2), startedAt: 0)
        _ = try await store.jobs.add(job)
        _ = try await store.jobs.list(limit: 1)
        _ = try await store.jobs.running()
        _ = try await store.jobs.set(.stopped, of: 1, at: 0)
        _ = try await store.jobs.hasReceived("i")
        _ = try await store.log.search(EventFilter(), limit: 1)
        _ = try await store.log.stretch(from: 0, until: 1)
        _ = try await store.log.read([1])
        let refused = RefusedMessage(source: nil, code: "c", reason: "r", raw: [1], receivedAt: 0)
        try await store.refusedMessages.record([refused, refused])
        _ = try await store.refusedMessages.list(limit: 1)
        let policy = LogRetention.Policy(milliseconds: 0, bytes: 1, dropsUnsettled: true, integrations: ["i"])
        _ = try await store.retention.sweep(policy, at: 0)
        try await erase(in: store)
        try await expectIndexes(for: statements, in: database)
    }

    private func erase(in store: DataStore) async throws {
        let asked = try await store.erasures.add(NewErasure(.init(userId: "u1"), startedAt: 0))
        let reading: Erasures.Reading = { _ in .theirs(tiedId: "a") }
        var (erasure, isOver) = try await store.erasures.look(for: asked, reading)
        while !isOver { (erasure, isOver) = try await store.erasures.look(for: erasure, reading) }
        erasure = try await store.erasures.move(erasure, to: .removing)
        isOver = false
        while !isOver { (erasure, _, isOver) = try await store.erasures.remove(for: erasure, reading, at: 0) }
        try await store.erasures.cleanTexts(for: erasure, { _ in .none }, at: 0)
        try await store.erasures.cleanWorkspaces(for: erasure, .untold)
        _ = try await store.erasures.unfinished()
        _ = try await store.erasures.list(limit: 1)
        _ = try await store.erasures.forget(erasure)
    }

    private func useLedger(_ ledger: Ledger) async throws {
        let cursor = try await ledger.open(.live, of: "i", startingAt: 0)
        let row = StoredOperation(seq: 1, place: 0, action: "a", state: .failed, at: 0, words: "")
        var commit = CursorCommit(cursor: cursor.id, position: 1)
        commit.rows = [row]
        commit.removed = [.init(seq: 1, place: 1)]
        commit.requests = [
            SentRequest(operations: [.init(seq: 1, place: 0)], sentAt: 0, milliseconds: 1, status: 200, words: nil)
        ]
        commit.tallies = [.init(minute: 0, verdict: "v", count: 1)]
        try await ledger.record(commit)
        _ = try await ledger.openOperations(of: cursor.id, limit: 1)
        _ = try await ledger.operations(of: cursor.id, event: 1)
        _ = try await ledger.counted(.live, of: "i")
        _ = try await ledger.requests(of: cursor.id, withEvent: 1)
        _ = try await ledger.tallies(of: cursor.id)
        commit.tallies = [.init(minute: 1, verdict: "v", count: 1)]
        try await ledger.record(commit)
        let isMerged = try await ledger.mergeTallies(at: .max / 2)
        #expect(!isMerged)
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
