import Postgres
import PostgresServer
import Storage
import Testing

extension Trait where Self == OnBothEngines {
    static var onBothEngines: Self { OnBothEngines() }
}

/// Carries out each test of a suite with workspaces in SQLite, then with workspaces in PostgreSQL.
struct OnBothEngines: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    /// Where the workspaces of the test that runs are; `nil`: in memory.
    @TaskLocal static var store: WorkspaceStore?

    func scopeProvider(for test: Test, testCase: Test.Case?) -> OnBothEngines? { testCase == nil ? nil : self }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await function()
        guard PostgresServer.isExpected else { return }
        try await Self.withDatabase { try await function() }
    }

    /// Carries out a part of a test with no other workspaces, on the engine that is its turn.
    static func anew<Value: Sendable>(_ part: () async throws -> Value) async throws -> Value {
        store == nil ? try await part() : try await withDatabase(part)
    }

    private static func withDatabase<Value: Sendable>(_ part: () async throws -> Value) async throws -> Value {
        let database = try await Databases.shared.take()
        let result: Result<Value, any Error>
        do {
            result = .success(try await $store.withValue(database.store, operation: part))
        } catch {
            result = .failure(error)
        }
        await Databases.shared.giveBack(database)
        return try result.get()
    }
}

/// Databases that have been used, emptied for the next test: a new one takes longer.
private actor Databases {
    static let shared = Databases()

    struct Database: Sendable {
        let url: String
        let store: WorkspaceStore
    }

    private var free: [Database] = []

    func take() async throws -> Database {
        if let database = free.popLast() { return database }
        let url = try await PostgresServer.shared().database()
        return Database(url: url, store: try DataStore(opening: .postgres(url, folder: nil)).workspaces)
    }

    func giveBack(_ database: Database) {
        let tables =
            "ferry.workspaces, ferry.people, ferry.objects, ferry.activity, ferry.suppressed, ferry.event_ids, "
            + "ferry.metrics, ferry.forms"
        do {
            try PostgresConnection(PostgresURL(database.url)).run("TRUNCATE \(tables) RESTART IDENTITY CASCADE")
            free.append(database)
        } catch {
            Issue.record(error)
        }
    }
}
