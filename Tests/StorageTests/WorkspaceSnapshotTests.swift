import GRDB
import LosslessJSON
import Testing

@testable import Storage

@Suite struct `Snapshots of a workspace` {
    @Test func `know whose the rows of each table are`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        let tables = try await store.database.read { try WorkspaceSnapshot.tables($0) }
        #expect(tables.count >= 10)
        for table in tables {
            #expect(table.belongsToWorkspace || table.columns.contains("person"), "\(table.name)")
        }
        let keys = tables.compactMap(\.key)
        #expect(Set(keys).count == keys.count, "each key has a name of its own: \(keys)")
    }

    @Test func `are nothing where there are more bytes than wanted`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        try await store.write(in: "w") { workspace in
            for number in 0..<100 {
                _ = try workspace.addPerson(id: "\(number)", email: nil, madeAt: 1) { "\($0)-\($1)" }
            }
        }
        #expect(try await store.read(in: "w") { try $0.snapshot(upTo: 1000) } == nil)
        let snapshot = try await store.read(in: "w") { try $0.snapshot(upTo: 1 << 20) }
        #expect(snapshot?["workspace"]?["tables"]?["people"]?["rows"]?.arrayValue?.count == 100)
    }

    @Test func `take along whom they suppress, into another database too`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        try await store.write(in: "w") { try $0.suppress([.id("gone"), .email("Gone@example.com")]) }
        let snapshot = try #require(try await store.read(in: "w") { try $0.snapshot(upTo: 1 << 20) })
        #expect(!snapshot.description.contains("gone"))
        let other = try DataStore(opening: .memory).workspaces
        try await other.write(in: "v") { try $0.suppress([.id("here")]) }
        let refused = await #expect(throws: StorageError.self) {
            try await other.write(in: "w") { try $0.restore(snapshot) }
        }
        #expect(refused != nil)
        try await other.write(in: "v") { try $0.removeEverything() }
        try await other.write(in: "w") { try $0.restore(snapshot) }
        let isThere = try await other.read(in: "w") { workspace in
            try [PersonIdentifier.id("gone"), .email("gone@EXAMPLE.com"), .id("here")].map {
                try workspace.isSuppressed($0)
            }
        }
        #expect(isThere == [true, true, false])
    }

    @Test func `bring numbers back, so that what comes next gets the same cio_id again`() async throws {
        let store = try DataStore(opening: .memory).workspaces
        let add = { (id: String) in
            try await store.write(in: "w") { try $0.addPerson(id: id, email: nil, madeAt: 1) { "\($0)-\($1)" }.cioId }
        }
        _ = try await add("a")
        let snapshot = try #require(try await store.read(in: "w") { try $0.snapshot(upTo: 1 << 20) })
        #expect(try await add("b") == "1-2")
        try await store.write(in: "w") { try $0.restore(snapshot) }
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
}
