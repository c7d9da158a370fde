import LosslessJSON
import PostgresServer
import Testing

@testable import Storage

@Suite struct `Snapshots of a workspace` {
    @Test func `know whose the rows of each table are, and all that there are`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        let columns = try await store.engine.read { connection in
            try connection.rows(
                """
                SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'grdb%'
                """
            ).map { "\(try $0.text(0)).\(try $0.text(1))" }
        }
        let tables = CopiedTable.ofWorkspaces + [.workspaces, .workspaceKeys]
        #expect(Set(columns) == Set(tables.flatMap { table in table.columns.map { "\(table.name).\($0.name)" } }))
        let keys = tables.filter(\.isNumbered).map(\.keyList)
        #expect(keys.count == 6 && Set(keys).count == 6, "each number has a name of its own: \(keys)")
        for table in CopiedTable.ofWorkspaces {
            #expect(table.columns.contains { ["workspace", "person"].contains($0.name) }, "\(table.name)")
        }
    }

    @Test(arguments: Engine.all)
    func `are nothing where there are more bytes than wanted`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        try await store.write(in: "w") { workspace in
            for number in 0..<100 {
                _ = try workspace.addPerson(id: "\(number)", email: nil, madeAt: 1) { "\($0)-\($1)" }
            }
        }
        #expect(try await store.read(in: "w") { try $0.snapshot(upTo: 1000) } == nil)
        let snapshot = try await store.read(in: "w") { try $0.snapshot(upTo: 1 << 20) }
        #expect(snapshot?["workspace"]?["tables"]?["people"]?["rows"]?.arrayValue?.count == 100)
    }

    @Test(arguments: Engine.all)
    func `take along whom they suppress, into another database too`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        try await store.write(in: "w") { try $0.suppress([.id("gone"), .email("Gone@example.com")]) }
        let snapshot = try #require(try await store.read(in: "w") { try $0.snapshot(upTo: 1 << 20) })
        #expect(!snapshot.description.contains("gone"))
        let other = try DataStore(opening: try await engine.other.empty()).workspaces
        try await other.write(in: "v") { try $0.suppress([.id("here")]) }
        try await other.write(in: "w") { try $0.restore(WorkspaceSnapshot.Content(snapshot)) }
        let isThere = try await other.read(in: "w") { workspace in
            try [PersonIdentifier.id("gone"), .email("gone@EXAMPLE.com"), .id("here")].map {
                try workspace.isSuppressed($0)
            }
        }
        #expect(isThere == [true, true, false])
        #expect(try await other.read(in: "v") { try $0.isSuppressed(.id("here")) })
    }

    @Test(arguments: Engine.all)
    func `bring numbers back, so that what comes next gets the same cio_id again`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty()).workspaces
        let add = { (id: String) in
            try await store.write(in: "w") { try $0.addPerson(id: id, email: nil, madeAt: 1) { "\($0)-\($1)" }.cioId }
        }
        _ = try await add("a")
        let snapshot = try #require(try await store.read(in: "w") { try $0.snapshot(upTo: 1 << 20) })
        #expect(try await add("b") == "1-2")
        try await store.write(in: "w") { try $0.restore(WorkspaceSnapshot.Content(snapshot)) }
        #expect(try await add("c") == "1-2")
        #expect(try await store.read(in: "w") { try $0.person(.id("b")) } == nil)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Changes of workspaces` {
    @Test func `wake who waits for them, and nobody else`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        let count = store.changes.count(of: "one")
        async let waiting: Void = store.changes.wait(for: "one", beyond: count)
        try await store.write(in: "two") { _ in }
        #expect(store.changes.count(of: "one") == count)
        try await store.write(in: "one") { _ in }
        await waiting
        // What has happened since is not waited for.
        await store.changes.wait(for: "one", beyond: count)
        #expect(store.changes.count(of: "one") == count + 1)
    }

    @Test func `are not waited for by who is cancelled`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        for _ in 0..<200 {
            let waiting = Task { await store.changes.wait(for: "one", beyond: 0) }
            if Bool.random() { await Task.yield() }
            waiting.cancel()
            await waiting.value
        }
    }

    @Test func `are none when the work fails`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        await #expect(throws: StorageError.self) { try await store.write(in: "one") { _ in throw CancellationError() } }
        #expect(store.changes.count(of: "one") == 0)
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `of another process wake as well, whenever they came`() async throws {
        let location = DataStore.Location.postgres(try await PostgresServer.shared().database(), folder: nil)
        let (one, two) = (try DataStore(opening: location), try DataStore(opening: location))
        for _ in 0..<3 {
            let count = one.workspaces.changes.count(of: "w")
            // Before anybody waits.
            try await two.workspaces.write(in: "w") { _ in }
            await one.workspaces.changes.wait(for: "w", beyond: count)
        }
        // What was seen late may wake once without need.
        try await Task.sleep(for: .milliseconds(300))
        let count = one.workspaces.changes.count(of: "w")
        let waiting = Task { await one.workspaces.changes.wait(for: "w", beyond: count) }
        try await Task.sleep(for: .milliseconds(300))
        try await two.workspaces.write(in: "w") { _ in }
        await waiting.value
        try one.close()
        try two.close()
    }
}
