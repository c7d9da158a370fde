import GRDB
import LosslessJSON
import Postgres
import PostgresServer
import Synchronization
import Testing

@testable import Storage

@Suite struct `Slow statements` {
    private final class Notes: Sendable {
        private let all = Mutex<[SlowStatement]>([])

        var taken: [SlowStatement] { all.withLock(\.self) }
        var note: @Sendable (SlowStatement) -> Void {
            { [self] slow in all.withLock { $0.append(slow) } }
        }
    }

    /// Counts to two million; its argument is a secret.
    private static let counting = """
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000000)
        SELECT count(*) FROM numbers WHERE n <> ?
        """

    @Test func `are told with their text, how long they took, and no value`() async throws {
        let scratch = try ScratchFolder()
        let notes = Notes()
        let store = try DataStore(opening: scratch.data, slow: SlowStatements(from: 100, note: notes.note))
        let before = notes.taken.count
        _ = try await store.sqlite?.read { connection in
            _ = try Int.fetchOne(connection, sql: "SELECT 1")
            return try Int.fetchOne(connection, sql: Self.counting, arguments: ["geheim-4711"])
        }
        let told = notes.taken.dropFirst(before).filter { $0.sql.hasPrefix("WITH") }
        let slow = try #require(told.first)
        #expect(told.count == 1)
        #expect(slow.database == "ferry.db")
        #expect(slow.seconds >= 0.1 && slow.seconds < 60)
        #expect(
            slow.sql
                == "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000000) "
                + "SELECT count(*) FROM numbers WHERE n <> ?"
        )
        #expect(!notes.taken.contains { $0.sql == "SELECT 1" })
        try store.close()
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `of PostgreSQL are told too, also those that wait and those that fail`() async throws {
        let url = try await PostgresServer.shared().database()
        let notes = Notes()
        let watch = SlowStatements(from: 400, note: notes.note)
        let store = try DataStore(opening: .postgres(url, folder: nil), slow: watch)
        _ = try await store.log.append([event("first")])
        let before = notes.taken.count
        let other = try PostgresConnection(PostgresURL(url))
        try other.run("BEGIN; SELECT * FROM ferry.log_head FOR UPDATE")
        async let appended = store.log.append([event("geheim-4714")])
        try await Task.sleep(for: .milliseconds(600))
        try other.run("COMMIT")
        _ = try await appended
        let slow = try #require(notes.taken.dropFirst(before).first { $0.sql.contains("append_events") })
        #expect(slow.database == "postgresql" && slow.seconds >= 0.4 && slow.seconds < 60)
        #expect(slow.sql == PostgresBatch.statement)
        try other.run("BEGIN; SELECT * FROM ferry.log_head FOR UPDATE")
        async let failed: Void = {
            await #expect(throws: StorageError.self) { try await store.log.append([event("geheim-4714 too")]) }
        }()
        try await Task.sleep(for: .milliseconds(600))
        try other.run(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await failed
        try other.run("COMMIT")
        #expect(notes.taken.dropFirst(before).count { $0.sql == PostgresBatch.statement } == 2)
        try store.close()
    }

    enum Place: CaseIterable {
        case memory, disk, postgres
    }

    /// At a bound of nothing every statement is told: what a person is called stands in none of them.
    @Test(arguments: PostgresServer.isExpected ? Place.allCases : [.memory, .disk])
    func `name nobody, in whichever database, on the disk and in memory`(place: Place) async throws {
        let scratch = try ScratchFolder()
        let notes = Notes()
        let location: DataStore.Location =
            switch place {
            case .memory: .memory
            case .disk: scratch.data
            case .postgres: try await Engine.postgres.data(in: scratch)
            }
        let store = try DataStore(opening: location, slow: SlowStatements(from: 0, note: notes.note))
        _ = try await store.log.append([event("geheim-4711")])
        try await store.workspaces.write(in: "w") { try $0.suppress([.id("geheim-4713")]) }
        let erasure = try await store.erasures.add(NewErasure(.init(userId: "geheim-4712"), startedAt: 1))
        try await store.erasures.cleanTexts(for: erasure, { _ in .none }, at: 60_000)
        try await store.erasures.cleanWorkspaces(for: erasure, .untold)
        _ = try await store.log.count()
        let told = notes.taken
        #expect(Set(told.map(\.database)) == (place == .postgres ? ["postgresql"] : ["ferry.db", "workspace.db"]))
        let append = place == .postgres ? PostgresBatch.statement : "INSERT INTO events"
        #expect(told.contains { $0.sql.hasPrefix(append) } && told.contains { $0.sql.hasPrefix("COMMIT") })
        for slow in told { #expect(!slow.sql.contains("geheim"), "\(slow.sql)") }
        try store.close()
    }
}
