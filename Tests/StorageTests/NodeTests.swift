import Dispatch
import Foundation
import Postgres
import PostgresServer
import Seeding
import Synchronization
import Testing

@testable import Storage

/// Processes that share a database: who may do what alone.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `Nodes of a database` {
    private struct Member {
        let store: DataStore

        init(_ url: String, _ integrations: [String] = ["a", "b"]) throws {
            store = try DataStore(opening: .postgres(url, folder: nil), about: .init(host: "here", version: "1"))
            store.nodes.tell { $0.integrations = integrations }
        }

        var nodes: Nodes { store.nodes }

        func beat() async throws { try await nodes.beat() }

        func holds(_ name: String) -> Bool { nodes.held(.integration(name)) != nil }

        var held: [String] { ["a", "b", "c", "d"].filter(holds) }
    }

    private func connection(_ url: String) throws -> PostgresConnection {
        var options = PostgresOptions()
        options.settings = [("search_path", "ferry")]
        return try PostgresConnection(PostgresURL(url), options: options)
    }

    /// As if so much time had passed without a word of a node.
    private func expire(_ node: Nodes, _ tables: PostgresConnection) throws {
        _ = try tables.query(
            "UPDATE leases SET ends_at = clock_timestamp() - INTERVAL '1 s' WHERE node = $1",
            [.text(Array(node.id.utf8))]
        )
        _ = try tables.query(
            "UPDATE nodes SET seen_at = clock_timestamp() - INTERVAL '11 s' WHERE id = $1",
            [.text(Array(node.id.utf8))]
        )
    }

    @Test func `one has everything, and shares it with the next one that comes`() async throws {
        let url = try await PostgresServer.shared().database()
        let first = try Member(url, ["a", "b", "c", "d"])
        try await first.beat()
        #expect(first.held == ["a", "b", "c", "d"] && first.nodes.held(.retention) != nil)
        let second = try Member(url, ["a", "b", "c", "d"])
        try await second.beat()
        #expect(second.held == [] && second.nodes.held(.retention) == nil && second.nodes.all.count == 2)
        // The first one learns of it, and lets go of what nobody needs any more.
        try await first.beat()
        #expect(first.held == ["a", "b"] && Set(first.nodes.ending.compactMap(\.integration)) == ["c", "d"])
        try await second.beat()
        #expect(second.held == [])
        try await first.beat()
        try await second.beat()
        #expect(first.held == ["a", "b"] && second.held == ["c", "d"] && first.nodes.ending == [])
        // Who leaves lets go of all at once.
        await first.nodes.leave()
        try first.store.close()
        try await second.beat()
        #expect(second.held == ["a", "b", "c", "d"] && second.nodes.held(.erasing) != nil)
        try second.store.close()
    }

    @Test func `what is done under a lease is finished before another node gets it`() async throws {
        let url = try await PostgresServer.shared().database()
        let (first, second) = (try Member(url), try Member(url))
        try await first.beat()
        let lease = try #require(first.nodes.held(.integration("b")))
        let (isDone, finish) = AsyncStream.makeStream(of: Void.self)
        let (began, begin) = AsyncStream.makeStream(of: Void.self)
        let work = Task {
            try await lease.holding {
                begin.yield()
                for await _ in isDone { return 7 }
                return 0
            }
        }
        for await _ in began { break }
        try await second.beat()
        for _ in 0..<3 {
            try await first.beat()
            try await second.beat()
            #expect(!first.holds("b") && !second.holds("b") && lease.isCertain)
        }
        // Nothing new begins under it.
        #expect(try await lease.holding { 1 } == nil)
        finish.yield()
        #expect(try await work.value == 7)
        try await first.beat()
        try await second.beat()
        #expect(second.holds("b"))
        for member in [first, second] { try member.store.close() }
    }

    @Test func `who was silent for too long loses what another one has taken, and writes nothing any more`()
        async throws
    {
        let url = try await PostgresServer.shared().database()
        let tables = try connection(url)
        let (first, second) = (try Member(url, ["a"]), try Member(url, ["a"]))
        try await first.beat()
        let lease = try #require(first.nodes.held(.integration("a")))
        let cursor = try await first.store.ledger.under(lease).open(.live, of: "a", startingAt: 0)
        let advance = { (ledger: Ledger, position: Int64) in
            try await ledger.record(CursorCommit(cursor: cursor.id, position: position), mark: position)
        }
        try await advance(first.store.ledger.under(lease), 1)
        // Late, but nobody was there in between: it goes on.
        try expire(first.nodes, tables)
        try await advance(first.store.ledger.under(lease), 2)
        try await first.beat()
        #expect(first.holds("a") && lease.isCertain)
        try expire(first.nodes, tables)
        let cancelled = Mutex(false)
        let (began, begin) = AsyncStream.makeStream(of: Void.self)
        let work = Task {
            try await lease.holding {
                begin.yield()
                try? await Task.sleep(for: .seconds(60))
                cancelled.withLock { $0 = Task.isCancelled }
            }
        }
        for await _ in began { break }
        try await second.beat()
        let taken = try #require(second.nodes.held(.integration("a")))
        #expect(taken.number == lease.number.map { $0 + 1 })
        try await advance(second.store.ledger.under(taken), 3)
        // It wakes up, and does not know yet.
        let error = await #expect(throws: StorageError.self) { try await advance(first.store.ledger.under(lease), 9) }
        #expect(error?.code == .locked && !lease.isCertain)
        try await work.value
        #expect(cancelled.withLock { $0 })
        for ledger in [first.store.ledger.under(lease), first.store.ledger.under(lease)] {
            await #expect(throws: StorageError.self) { try await advance(ledger, 4) }
        }
        #expect(try await second.store.ledger.cursor(.live, of: "a")?.position == 3)
        // What anybody may write it still writes, and it is a node like any other.
        _ = try await first.store.log.append([event("x")])
        try await first.beat()
        #expect(!first.holds("a"))
        for member in [first, second] { try member.store.close() }
    }

    @Test func `of many that take leases at once, each lease has one holder at any time`() async throws {
        let url = try await PostgresServer.shared().database()
        var chance = SeededGenerator(for: "leases")
        let tables = try connection(url)
        let members = try (0..<4).map { _ in try Member(url, ["a", "b", "c"]) }
        for _ in 0..<40 {
            let silent = Int.random(in: 0..<4, using: &chance)
            if Bool.random(using: &chance) { try expire(members[silent].nodes, tables) }
            try await withThrowingDiscardingTaskGroup { group in
                for (number, member) in members.enumerated() where number != silent {
                    group.addTask { try await member.beat() }
                }
            }
            // Those that were not silent know of each other's.
            for name in ["a", "b", "c"] {
                let holders = members.enumerated().filter { $0.offset != silent && $0.element.holds(name) }
                #expect(holders.count <= 1, "\(chance.seed)")
            }
        }
        for _ in 0..<6 { for member in members { try await member.beat() } }
        let held = members.map(\.held.count)
        #expect(held.reduce(0, +) == 3 && held.max() == 1, "\(held), \(chance.seed)")
        for member in members { try member.store.close() }
    }

    /// Whatever nodes come and go and whatever they can deliver to: every integration has a node as soon as one can, all have
    /// about as many where all can have all, and nothing moves once it stands.
    @Test func `leases are spread evenly, and stay where they are`() {
        var chance = SeededGenerator(for: "spread leases")
        for _ in 0..<300 {
            let names = (0..<Int.random(in: 1...12, using: &chance)).map { "i\($0)" }
            let members = (0..<Int.random(in: 1...5, using: &chance)).map { number in
                let all = Bool.random(using: &chance)
                return LeaseAssignment.Member(
                    id: "n\(number)",
                    integrations: Set(names.filter { _ in all || Bool.random(using: &chance) })
                )
            }
            var rows = names.map { name in
                LeaseAssignment.Row(
                    name: .integration(name),
                    number: 1,
                    holder: Bool.random(using: &chance) ? members.randomElement(using: &chance)?.id : nil,
                    wantedBy: nil
                )
            }
            func held() -> [String: Set<LeaseName>] {
                let now = LeaseAssignment(members: members, rows: rows, gatherer: nil)
                return Dictionary(
                    uniqueKeysWithValues: members.map { member in
                        (member.id, now.names(for: member.id).filter { $0.integration != nil })
                    }
                )
            }
            let first = held()
            rows = names.map { name in
                let holder = first.first { $0.value.contains(.integration(name)) }?.key
                return LeaseAssignment.Row(name: .integration(name), number: 2, holder: holder, wantedBy: nil)
            }
            #expect(held() == first, "\(chance.seed)")
            for name in names {
                let able = members.filter { $0.integrations.contains(name) }.map(\.id)
                let holders = members.map(\.id).filter { first[$0]?.contains(.integration(name)) == true }
                #expect(holders.count == (able.isEmpty ? 0 : 1) && Set(holders).isSubset(of: able), "\(chance.seed)")
            }
            if members.allSatisfy({ $0.integrations.count == names.count }) {
                let counts = first.values.map(\.count)
                #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "\(counts), \(chance.seed)")
            }
        }
    }

    @Test func `an integration goes only to nodes that have it`() async throws {
        let url = try await PostgresServer.shared().database()
        let (first, second) = (try Member(url, ["a"]), try Member(url, ["a", "b", "c"]))
        for _ in 0..<4 { for member in [first, second] { try await member.beat() } }
        #expect(first.held == ["a"] && second.held == ["b", "c"])
        // An erasure has to reach all of them.
        #expect(first.nodes.held(.erasing) == nil && second.nodes.held(.erasing) != nil)
        #expect(first.nodes.foreignIntegrations == ["b", "c"] && second.nodes.foreignIntegrations == [])
        for member in [first, second] { try member.store.close() }
    }

    @Test func `brings an integration to the node that needs it for a moment, and all of them for an erasure`()
        async throws
    {
        let url = try await PostgresServer.shared().database()
        let (first, second) = (try Member(url), try Member(url))
        for _ in 0..<4 { for member in [first, second] { try await member.beat() } }
        #expect(first.held.count == 1 && second.held.count == 1)
        let others = Task {
            while !Task.isCancelled {
                try await first.beat()
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let wanted = first.held
        #expect(try await second.nodes.bringing(wanted) { second.held }.starts(with: wanted))
        // The erasing one gathers; it is whoever has its lease.
        others.cancel()
        let eraser = first.nodes.held(.erasing) == nil ? second : first
        let other = first.nodes.held(.erasing) == nil ? first : second
        let beats = Task {
            while !Task.isCancelled {
                try await other.beat()
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let held = try await eraser.nodes.gathering { () async throws(StorageError) in eraser.held }
        #expect(held == ["a", "b"])
        beats.cancel()
        for _ in 0..<4 { for member in [first, second] { try await member.beat() } }
        #expect(first.held.count == 1 && second.held.count == 1)
        for member in [first, second] { try member.store.close() }
    }

    @Test func `integrations are spread evenly, and those that are gone count for nobody`() async throws {
        let url = try await PostgresServer.shared().database()
        let some = ["a", "b", "c", "d"]
        let members = try (0..<3).map { _ in try Member(url, some + (1...8).map { "gone \($0)" }) }
        for _ in 0..<6 { for member in members { try await member.beat() } }
        for member in members { member.nodes.tell { $0.integrations = some } }
        for _ in 0..<6 { for member in members { try await member.beat() } }
        #expect(members.map(\.held.count).sorted() == [1, 1, 2])
        // And it stays so.
        let held = members.map(\.held)
        for _ in 0..<3 { for member in members { try await member.beat() } }
        #expect(members.map(\.held) == held)
        for member in members { try member.store.close() }
    }

    @Test func `brings an integration that no node has yet, as one that is about to be made`() async throws {
        let url = try await PostgresServer.shared().database()
        let (first, second) = (try Member(url), try Member(url))
        for _ in 0..<4 { for member in [first, second] { try await member.beat() } }
        #expect(try await second.nodes.bringing(["c"]) { second.holds("c") })
        for _ in 0..<2 { for member in [first, second] { try await member.beat() } }
        #expect(!second.holds("c") && second.nodes.ending == [])
        for member in [first, second] { try member.store.close() }
    }

    @Test func `a node that comes again after its connection was lost waits for one that starts just then`()
        async throws
    {
        let url = try await PostgresServer.shared().database()
        let tables = try connection(url)
        let first = try Member(url)
        try await first.beat()
        _ = try tables.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        )
        // As whoever starts does.
        _ = try tables.query("SELECT pg_advisory_lock(\(PostgresHold.key))")
        for _ in 0..<2 {
            let error = await #expect(throws: StorageError.self) { try await first.beat() }
            #expect(error?.code == .unavailable, "\(error?.description ?? "")")
        }
        _ = try tables.query("SELECT pg_advisory_unlock(\(PostgresHold.key))")
        try await first.beat()
        #expect(first.held == ["a", "b"])
        try first.store.close()
    }

    @Test func `one that stands still in the middle of a beat holds the others up for a moment only`() async throws {
        let url = try await PostgresServer.shared().database()
        let (first, second) = (try Member(url), try Member(url))
        for _ in 0..<4 { for member in [first, second] { try await member.beat() } }
        let lease = try #require(second.nodes.held(.integration(second.held[0])))
        let engine = try #require(first.store.log.commits.engine as? PostgresLog)
        let keeper = try #require(engine.keeper)
        let (began, begin) = AsyncStream.makeStream(of: Void.self)
        let goOn = DispatchSemaphore(value: 0)
        let standing = Task {
            await keeper.performing { connection in
                try connection.transaction { connection in
                    _ = try connection.row("SELECT pg_advisory_xact_lock(hashtext('ferry leases'))")
                    begin.yield()
                    goOn.wait()
                }
            }
        }
        for await _ in began { break }
        // As often as a node does, until it is through.
        while (try? await second.beat()) == nil { #expect(lease.isCertain) }
        #expect(lease.isCertain)
        goOn.signal()
        _ = await standing.value
        try await first.beat()
        #expect(first.held.count == 1)
        for member in [first, second] { try member.store.close() }
    }

    @Test func `asks the node that holds a lease, in words that the database can't read`() async throws {
        let url = try await PostgresServer.shared().database()
        let folder = try ScratchFolder()
        let open = { (name: String) in
            let path = "\(folder.path)/\(name)"
            if name != "first" {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: "\(folder.path)/first/seal.key", toPath: "\(path)/seal.key")
            }
            return try DataStore(opening: .postgres(url, folder: path))
        }
        let (first, second) = (try open("first"), try open("second"))
        first.nodes.tell { $0.integrations = ["a"] }
        try await first.nodes.beat()
        try await second.nodes.beat()
        #expect(try await first.nodes.ask("who?", holderOf: .integration("a")) == nil)
        let answering = Task {
            while !Task.isCancelled {
                for (number, question) in try await first.nodes.questions() {
                    try await first.nodes.answer("\(question) I", to: number)
                }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        #expect(try await second.nodes.ask("who?", holderOf: .integration("a")) == "who? I")
        answering.cancel()
        _ = await answering.result
        let silence = await #expect(throws: StorageError.self) {
            try await second.nodes.ask("secret", holderOf: .integration("a"), patience: .milliseconds(200))
        }
        #expect(silence?.code == .busy)
        let tables = try connection(url)
        _ = try await second.nodes.glance()
        #expect(try tables.query("SELECT count(*) FROM questions").integer(0, 0) == 0)
        // Another key is no node's.
        let error = #expect(throws: StorageError.self) {
            try DataStore(opening: .postgres(url, folder: folder.path + "/third"))
        }
        #expect(error?.code == .refused && error?.description.contains("seal.key") == true)
        // The folder of one that is gone has its id and its leases; two at a time can't have them.
        let id = first.nodes.id
        try first.close()
        let again = try open("first")
        #expect(again.nodes.id == id)
        again.nodes.tell { $0.integrations = ["a"] }
        try await again.nodes.beat()
        #expect(again.nodes.held(.integration("a"))?.number == 2)
        try again.close()
        try second.close()
    }

    @Test func `an older version is not changed under its nodes`() async throws {
        let url = try await PostgresServer.shared().database()
        let first = try Member(url)
        let tables = try connection(url)
        try tables.run("DELETE FROM migrations WHERE name = (SELECT max(name) FROM migrations)")
        let error = #expect(throws: StorageError.self) { try Member(url) }
        #expect(error?.code == .locked)
        try first.store.close()
    }

    @Test func `tables are not changed under a node that has lost the connection of its leases only`() async throws {
        let url = try await PostgresServer.shared().database()
        let first = try Member(url)
        _ = try await first.store.log.append([event("x")])
        let engine = try #require(first.store.log.commits.engine as? PostgresLog)
        let keeper = try #require(engine.keeper)
        let pid = try await keeper.performing { try $0.query("SELECT pg_backend_pid()::bigint").integer(0, 0) }.get()
        let tables = try connection(url)
        _ = try tables.query("SELECT pg_terminate_backend($1::bigint::int, 5000)", [.integer(pid)])
        let error = #expect(throws: StorageError.self) { try PostgresHold.takeAlone(tables) }
        #expect(error?.code == .locked)
        try first.store.close()
        // Its connections take a moment to end.
        for _ in 0..<200 where (try? PostgresHold.takeAlone(tables)) == nil {
            try await Task.sleep(for: .milliseconds(20))
        }
        try PostgresHold.takeAlone(tables)
    }

    @Test func `writes nothing more where a newer version was meanwhile, whichever connection comes first`()
        async throws
    {
        let url = try await PostgresServer.shared().database()
        let tables = try connection(url)
        let first = try Member(url)
        _ = try await first.store.log.append([event("x")])
        try tables.run(
            """
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid();
            INSERT INTO migrations (name) VALUES ('of tomorrow')
            """
        )
        let revision = NewRevision(integration: "a", author: "API", text: "t", at: 5, behindRead: nil, isKept: true)
        let attempts: [() async throws -> Void] = [
            { _ = try await first.store.log.append([event("y")]) },
            { _ = try await first.store.revisions.add([revision]) },
            { try await first.store.workspaces.write(in: "w") { _ in } },
            { try await first.beat() },
        ]
        for attempt in attempts {
            let error = await #expect(throws: StorageError.self) { try await attempt() }
            #expect(error?.code == .newerVersion, "\(error?.description ?? "")")
        }
        let counts = "SELECT (SELECT next FROM log_head) + (SELECT count(*) FROM revisions)"
        #expect(try tables.query(counts).integer(0, 0) == 2)
        try first.store.close()
    }

    @Test func `a statement that works for long is awaited while the database answers`() async throws {
        let url = try await PostgresServer.shared().database()
        let first = try Member(url)
        let keeping = Task {
            while !Task.isCancelled {
                try await first.beat()
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        let engine = first.store.log.commits.engine
        let isDone = try await engine.read { try $0.number("SELECT count(*) FROM (SELECT pg_sleep(8)) AS slow") }
        #expect(isDone == 1)
        keeping.cancel()
        _ = await keeping.result
        try first.store.close()
    }
}
