import GRDB
import LosslessJSON
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

    /// At a bound of nothing every statement is told: what a person is called stands in none of them.
    @Test(arguments: [true, false])
    func `name nobody, in whichever database, on the disk and in memory`(isOnDisk: Bool) async throws {
        let scratch = try ScratchFolder()
        let notes = Notes()
        let store = try DataStore(
            opening: isOnDisk ? scratch.data : .memory,
            slow: SlowStatements(from: 0, note: notes.note)
        )
        _ = try await store.log.append([event("geheim-4711")])
        try await store.workspaces.write(in: "w") { try $0.suppress([.id("geheim-4713")]) }
        let erasure = try await store.erasures.add(NewErasure(.init(userId: "geheim-4712"), startedAt: 1))
        try await store.erasures.cleanTexts(for: erasure, { _ in .none }, at: 60_000)
        try await store.erasures.cleanWorkspaces(for: erasure, .untold)
        _ = try await store.log.count()
        let told = notes.taken
        #expect(Set(told.map(\.database)) == ["ferry.db", "workspace.db"])
        #expect(
            told.contains { $0.sql.hasPrefix("INSERT INTO events") } && told.contains { $0.sql.hasPrefix("COMMIT") }
        )
        for slow in told { #expect(!slow.sql.contains("geheim"), "\(slow.sql)") }
        try store.close()
    }
}
