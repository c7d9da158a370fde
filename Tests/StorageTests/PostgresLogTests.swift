import Foundation
import Postgres
import PostgresServer
import Synchronization
import Testing

@testable import Storage

/// What only a log in PostgreSQL has to keep: many append to it, each at its own pace, and may be broken off.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `A log that many append to` {
    private func connection(_ url: String) throws -> PostgresConnection {
        var options = PostgresOptions()
        options.settings = [("search_path", "ferry")]
        return try PostgresConnection(PostgresURL(url), options: options)
    }

    private func node(_ url: String) throws -> (PostgresLog, GroupCommit) {
        let engine = try PostgresLog(url, limits: DataStore.Limits(), node: nil)
        return (engine, GroupCommit(engine, limits: DataStore.Limits()))
    }

    /// Reads as delivery does, from the last number it has seen on, and says where a number was passed over.
    private func watch(_ engine: PostgresLog, until last: Int64) async throws -> [Int64] {
        var (position, holes): (Int64, [Int64]) = (0, [])
        while position < last {
            let after = position
            let seqs = try await engine.read {
                try LogTables.events(after: after, limit: 500, maximumBytes: .max, $0).map(\.seq)
            }
            for seq in seqs {
                if seq != position + 1 { holes.append(seq) }
                position = seq
            }
            if seqs.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        }
        return holes
    }

    /// One appends quickly, others slowly in transactions that stay open, are undone, or whose client is killed or stopped
    /// in the middle (the server ends those).
    @Test func `is read without a hole, whoever is slow, undone or gone`() async throws {
        let url = try await PostgresServer.shared().database()
        let nodes = try (0..<3).map { _ in try node(url) }
        let (calls, size) = (120, 7)
        let disturbances = 40
        let total = Int64(nodes.count * calls * size)
        let disturbing = Task.detached {
            var kept: Int64 = 0
            for round in 0..<disturbances {
                let connection = try self.connection(url)
                try connection.run("BEGIN")
                let batch = try #require(
                    PostgresBatch.batches([event("slow \(round)", deduplicates: round % 2 == 0)], [nil]).last
                )
                _ = try connection.query(PostgresBatch.statement, batch.values)
                try await Task.sleep(for: .milliseconds(round % 4 == 0 ? 20 : 2))
                switch round % 3 {
                case 0:
                    try connection.run("COMMIT")
                    kept += 1
                case 1: try connection.run("ROLLBACK")
                // Gone without a word.
                default: connection.close()
                }
            }
            return kept
        }
        async let holes = watch(nodes[0].0, until: total)
        let numbers = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for (node, (engine, commits)) in nodes.enumerated() {
                for call in 0..<calls {
                    group.addTask {
                        let events = (0..<size).map { event("\(node) \(call) \($0)") }
                        let keys = events.map { MessageKeys(secret: engine.secret).key(of: $0) }
                        return try await engine.append(events, keys: keys, commits).map { appended in
                            guard case .stored(let seq) = appended else { return 0 }
                            return seq
                        }
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(numbers).count == numbers.count && numbers.count == Int(total))
        let kept = try await disturbing.value
        #expect(try await holes == [])
        let (engine, _) = nodes[1]
        let (last, count) = try await engine.read { (try LogTables.lastSequence($0), try LogTables.count($0)) }
        #expect(last == total + kept && count == last, "what was undone gave its numbers back")
        for (engine, _) in nodes { try engine.close() }
    }

    @Test func `lets go of the end of the log when whoever holds it stands still`() async throws {
        let url = try await PostgresServer.shared().database()
        let (engine, commits) = try node(url)
        let still = try connection(url)
        try still.run("SET idle_in_transaction_session_timeout = '300ms'; BEGIN; SELECT * FROM log_head FOR UPDATE")
        #expect(try await engine.append([event("a")], keys: [nil], commits) == [.stored(seq: 1)])
        // It learns of it when it wants to go on.
        #expect(throws: PostgresError.self) { try still.run("COMMIT") }
        try engine.close()
    }

    @Test func `knows a message that another one has just stored`() async throws {
        let url = try await PostgresServer.shared().database()
        let nodes = try (0..<4).map { _ in try node(url) }
        for round in 0..<30 {
            let message = event("m \(round)")
            let results = try await withThrowingTaskGroup(of: Appended?.self) { group in
                for (engine, commits) in nodes {
                    group.addTask {
                        let key = MessageKeys(secret: engine.secret).key(of: message)
                        return try await engine.append([message], keys: [key], commits).first
                    }
                }
                return try await group.reduce(into: [Appended]()) { if let one = $1 { $0.append(one) } }
            }
            let seq = Int64(round + 1)
            #expect(results.count { $0 == .stored(seq: seq) } == 1 && results.count { $0 == .duplicate(of: seq) } == 3)
        }
        for (engine, _) in nodes { try engine.close() }
    }

    @Test func `goes over from one partition to the next, and drops those that may leave as a whole`() async throws {
        let url = try await PostgresServer.shared().database()
        let store = try DataStore(opening: .postgres(url, folder: nil))
        let tables = try connection(url)
        try tables.run("UPDATE log_head SET span = 100")
        let day: Int64 = 86_400_000
        for number in 0..<95 {
            _ = try await store.log.append(
                (0..<10).map { event("\(number) \($0)", receivedAt: Int64(number / 10) * day) }
            )
        }
        func partitions() throws -> Int64 {
            try tables.query("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass").integer(0, 0)
        }
        #expect(try partitions() == 10)
        #expect(try await store.log.read(after: 0, limit: .max).map(\.seq) == Array(1...950))
        // What something is still open of stays, beside the log.
        try await store.ledger.advance(
            "a",
            to: 950,
            rows: [
                StoredOperation(seq: 7, place: 0, action: "x", state: .failed, at: 1, words: "no")
            ]
        )
        let policy = LogRetention.Policy(milliseconds: 3 * day, bytes: .max, dropsUnsettled: false, integrations: ["a"])
        var removed = 0
        while true {
            let outcome = try await store.retention.sweep(policy, at: 8 * day)
            removed += outcome.removed
            if outcome.isDone { break }
        }
        #expect(removed == 600)
        #expect(try partitions() == 4)
        #expect(try await store.log.read(after: 0, limit: 1).map(\.seq) == [601])
        #expect(try await store.log.read([7, 8]).map(\.seq) == [7])
        #expect(try await store.log.count() == 350)
        // By size whole partitions leave, and never the one that is being filled.
        let tiny = LogRetention.Policy(milliseconds: 99 * day, bytes: 1, dropsUnsettled: false, integrations: ["a"])
        while !(try await store.retention.sweep(tiny, at: 8 * day).isDone) {}
        #expect(try partitions() == 1)
        #expect(try await store.log.append([event("next", receivedAt: 9 * day)]) == [.stored(seq: 951)])
        try store.close()
    }

    @Test func `keeps a partition whose last event is old while another one in it is not`() async throws {
        let url = try await PostgresServer.shared().database()
        let store = try DataStore(opening: .postgres(url, folder: nil))
        try connection(url).run("UPDATE log_head SET span = 10")
        let day: Int64 = 86_400_000
        // The clock was set back behind the third.
        _ = try await store.log.append((1...15).map { event("\($0)", receivedAt: $0 == 3 ? 9 * day : 0) })
        try await store.ledger.advance("a", to: 15)
        let policy = LogRetention.Policy(milliseconds: 3 * day, bytes: .max, dropsUnsettled: false, integrations: ["a"])
        while !(try await store.retention.sweep(policy, at: 8 * day).isDone) {}
        #expect(try await store.log.read(after: 0, limit: 99).map(\.seq) == Array(3...15))
        while !(try await store.retention.sweep(policy, at: 12 * day).isDone) {}
        #expect(try await store.log.count() == 0)
        try store.close()
    }

    @Test func `is measured now and then, and anew once something has left`() async throws {
        let url = try await PostgresServer.shared().database()
        let measured = Mutex(0)
        let watch = SlowStatements(from: 0) { slow in
            if slow.sql.contains("pg_total_relation_size") { measured.withLock { $0 += 1 } }
        }
        let store = try DataStore(opening: .postgres(url, folder: nil), slow: watch)
        try connection(url).run("UPDATE log_head SET span = 10")
        _ = try await store.log.append((1...15).map { event("\($0)") })
        try await store.ledger.advance("a", to: 15)
        var policy = LogRetention.Policy(milliseconds: .max, bytes: .max, dropsUnsettled: false, integrations: ["a"])
        for _ in 0..<5 { _ = try await store.retention.sweep(policy, at: 0) }
        #expect(measured.withLock(\.self) == 1)
        policy.bytes = 1
        #expect(try await store.retention.sweep(policy, at: 0).removed == 10)
        #expect(measured.withLock(\.self) == 1)
        for _ in 0..<5 { _ = try await store.retention.sweep(policy, at: 0) }
        #expect(measured.withLock(\.self) == 2)
        try store.close()
    }

    @Test func `is full where what may not leave is too large, and takes more once it may`() async throws {
        let url = try await PostgresServer.shared().database()
        let store = try DataStore(opening: .postgres(url, folder: nil))
        try connection(url).run("UPDATE log_head SET span = 10")
        _ = try await store.log.append((0..<25).map { event("\($0)") })
        try await store.ledger.advance("a", to: 0)
        var policy = LogRetention.Policy(milliseconds: .max, bytes: 1, dropsUnsettled: false, integrations: ["a"])
        #expect(try await store.retention.sweep(policy, at: 0).isFull)
        let error = await #expect(throws: StorageError.self) { try await store.log.append([event("more")]) }
        #expect(error?.code == .overloaded)
        policy.dropsUnsettled = true
        var dropped = 0
        while true {
            let outcome = try await store.retention.sweep(policy, at: 0)
            dropped += outcome.dropped
            if outcome.isDone { break }
        }
        #expect(dropped == 20)
        #expect(try await store.log.append([event("more")]) == [.stored(seq: 26)])
        try store.close()
    }

    @Test func `keys that have expired are forgotten`() async throws {
        let url = try await PostgresServer.shared().database()
        let store = try DataStore(opening: .postgres(url, folder: nil))
        let tables = try connection(url)
        let hour: Int64 = 3_600_000
        _ = try await store.log.append((0..<50).map { event("old \($0)", receivedAt: 0) })
        _ = try await store.log.append((0..<50).map { event("new \($0)", receivedAt: 30 * hour) })
        let policy = LogRetention.Policy(milliseconds: .max, bytes: .max, dropsUnsettled: false, integrations: [])
        for (now, left) in [(36 * hour - 1, 100), (36 * hour, 50)] as [(Int64, Int64)] {
            while !(try await store.retention.sweep(policy, at: now).isDone) {}
            #expect(try tables.query("SELECT count(*) FROM seen").integer(0, 0) == left)
        }
        try store.close()
    }

    @Test func `is looked at beside whoever uses it, and nothing is made`() async throws {
        let url = try await PostgresServer.shared().database()
        var glance = try DatabaseGlance(at: url)
        #expect(!glance.isMade && !glance.isInUse && glance.version.firstMatch(of: /^[0-9]+/) != nil)
        let store = try DataStore(opening: .postgres(url, folder: nil))
        glance = try DatabaseGlance(at: url)
        #expect(glance.isMade && glance.isInUse)
        try store.close()
        while try DatabaseGlance(at: url).isInUse {}
        #expect(try DatabaseGlance(at: url).isMade)
    }

    @Test func `says what is wrong with a server, and never a password`() async throws {
        let url = try await PostgresServer.shared().database()
        for (wrong, code) in [
            (url.replacing(/:[0-9]+\//, with: ":1/"), StorageError.Code.unavailable),
            (url.replacing(/\/[a-z0-9_]+$/, with: "/nothing_here"), .unwritable), ("postgresql://[", .unwritable),
        ] {
            let error = #expect(throws: StorageError.self) { try DataStore(opening: .postgres(wrong, folder: nil)) }
            #expect(error?.code == code, "\(error?.description ?? "")")
            let password = try #require(url.firstMatch(of: /:([^:@\/]+)@/)?.1)
            #expect(error?.description.contains(password) == false)
        }
    }

    @Test func `refuses a database of a newer version`() async throws {
        let url = try await PostgresServer.shared().database()
        try DataStore(opening: .postgres(url, folder: nil)).close()
        try connection(url).run("INSERT INTO migrations (name) VALUES ('2999-01-01 more')")
        let error = #expect(throws: StorageError.self) { try DataStore(opening: .postgres(url, folder: nil)) }
        #expect(error?.code == .newerVersion)
    }

    @Test func `a server that goes away fails what is asked of it, and is used again when it is back`() async throws {
        let server = try PostgresServer()
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        _ = try await store.log.append([event("a")])
        server.stop(.immediate)
        for _ in 0..<2 {
            let error = await #expect(throws: StorageError.self) { try await store.log.append([event("b")]) }
            #expect(error?.code == .unavailable)
            let other = await #expect(throws: StorageError.self) { try await store.log.read(after: 0, limit: 1) }
            #expect(other?.code == .unavailable)
            await #expect(throws: StorageError.self) { try await store.ledger.advance("a", to: 1) }
        }
        try server.start()
        #expect(try await store.log.append([event("a"), event("b")]) == [.duplicate(of: 1), .stored(seq: 2)])
        try await store.ledger.advance("a", to: 1)
        #expect(try await store.log.read(after: 0, limit: 9).map(\.seq) == [1, 2])
        try store.close()
    }

    @Test(arguments: ["a\u{0}b", "\u{10FFFF}", "\u{10FFFF}0", "\u{10FFFF}1\u{0}", "\u{0}", "", "\u{F4}\u{101234}", "é"])
    func `keeps every text apart`(text: String) async throws {
        #expect(String(postgresBytes: text.postgresBytes).utf8.elementsEqual(text.utf8))
        let store = try DataStore(opening: try await Engine.postgres.empty())
        var message = event("id \(text)", name: text)
        message.userId = text
        _ = try await store.log.append([message, event("other")])
        var filter = EventFilter()
        filter.userId = text
        let found = try await store.log.search(filter, limit: 9).events
        #expect(found.map(\.seq) == [1] && found[0].name?.utf8.elementsEqual(text.utf8) == true)
        try store.close()
    }

    @Test(arguments: [
        ("SELECT ?, ?", "SELECT $1, $2"), ("SELECT ?1, ?2, ?1", "SELECT $1, $2, $1"), ("'?' || ?", "'?' || $1"),
        ("'it''s ?' ?", "'it''s ?' $1"), ("", ""), ("?", "$1"), ("a?12b", "a$12b"),
    ])
    func `takes the marks for values of either engine`(sql: String, expected: String) {
        #expect(postgresStatement(sql) == expected)
    }
}

extension LogEngine {
    /// The same, for who waits in a task.
    fileprivate func append(
        _ events: [NewEvent],
        keys: [MessageKey?],
        _ commits: GroupCommit
    ) async throws(StorageError) -> [Appended] {
        try await withCheckedContinuation { continuation in
            append(events, keys: keys, commits) { continuation.resume(returning: $0) }
        }.get()
    }
}
