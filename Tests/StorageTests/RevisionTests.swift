import Foundation
import Storage
import Testing

@Suite struct `Revisions in the data` {
    private func new(_ name: String, _ text: String, behindRead: Int64? = nil, isKept: Bool = true) -> NewRevision {
        NewRevision(integration: name, author: "API", text: text, at: 5, behindRead: behindRead, isKept: isKept)
    }

    @Test(arguments: Engine.all) func `begin with the next event, or with the next that is read`(engine: Engine)
        async throws
    {
        let store = try DataStore(opening: try await engine.empty())
        _ = try await store.log.append((1...10).map { event("m\($0)") })
        let cursor = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.ledger.record(CursorCommit(cursor: cursor.id, position: 4))
        let first = try await store.revisions.add([new("a", "one"), new("b", "other")])
        #expect(first.map(\.firstEvent) == [11, 11] && first.map(\.number) == [1, 1])
        // Behind what was recorded, and behind what was read.
        #expect(try await store.revisions.add([new("a", "two", behindRead: 0)]).map(\.firstEvent) == [5])
        #expect(try await store.revisions.add([new("a", "three", behindRead: 7)]).map(\.firstEvent) == [8])
        // What another node has read is as good, in whatever order it was written down.
        try await store.ledger.note(readThrough: 9, of: "a")
        try await store.ledger.note(readThrough: 8, of: "a")
        #expect(try await store.revisions.add([new("a", "four", behindRead: 7)]).map(\.firstEvent) == [10])
        let all = try await store.revisions.all()
        #expect(all["a"]?.map(\.text) == ["one", "two", "three", "four"] && all["a"]?.map(\.number) == [1, 2, 3, 4])
        #expect(all["b"]?.map(\.text) == ["other"])
    }

    @Test(arguments: Engine.all) func `keep secrets that nobody can read without the key`(engine: Engine) async throws {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        let store = try DataStore(opening: data)
        var revision = new("a", "text")
        revision.secrets = ["api_key": "open sesame", "site_id": "the site"]
        _ = try await store.revisions.add([revision])
        #expect(try await store.revisions.secrets(of: "a") == ["api_key": "open sesame", "site_id": "the site"])
        try store.close()
        for file in try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/data") {
            let bytes = try Data(contentsOf: URL(filePath: scratch.path + "/data/" + file))
            #expect(bytes.range(of: Data("open sesame".utf8)) == nil, "\(file)")
        }
        let again = try DataStore(opening: data)
        #expect(try await again.revisions.secrets(of: "a")["api_key"] == "open sesame")
        // A later revision that names no secret leaves them.
        _ = try await again.revisions.add([new("a", "text 2")])
        #expect(try await again.revisions.secrets(of: "a").count == 2)
        try again.close()

        try Data(repeating: 7, count: 32).write(to: URL(filePath: scratch.path + "/data/seal.key"))
        let other = try DataStore(opening: data)
        let error = await #expect(throws: StorageError.self) { try await other.revisions.secrets(of: "a") }
        #expect(error?.code == .corrupt && error?.description.contains("apply its integration again") == true)
        try other.close()
        try Data(repeating: 7, count: 5).write(to: URL(filePath: scratch.path + "/data/seal.key"))
        #expect(throws: StorageError.self) { try DataStore(opening: data) }
    }

    @Test(arguments: Engine.all) func `are kept when their integration is removed, and its secrets are not`(
        engine: Engine
    ) async throws {
        let store = try DataStore(opening: try await engine.empty())
        var revision = new("a", "text")
        revision.secrets = ["api_key": "open sesame"]
        _ = try await store.revisions.add([revision, new("b", "text"), new("file", "text", isKept: false)])
        #expect(try await store.revisions.keptIntegrations() == ["a", "b"])
        try await store.revisions.remove("a")
        #expect(try await store.revisions.keptIntegrations() == ["b"])
        #expect(try await store.revisions.secrets(of: "a").isEmpty)
        #expect(try await store.revisions.add([new("a", "text")]).map(\.number) == [2])
    }

    @Test(arguments: Engine.all) func `replace no other revision than the one that they were made from`(
        engine: Engine
    ) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let make = { (name: String, text: String, base: Int64?) in
            var revision = new(name, text)
            revision.base = base
            return revision
        }
        // One that is not there yet has nothing to be replaced.
        #expect(try await store.revisions.add([make("a", "one", 7)]).map(\.number) == [1])
        #expect(try await store.revisions.add([make("a", "two", 1)]).map(\.number) == [2])
        let before = try await store.revisions.configuration()
        let error = await #expect(throws: StorageError.self) {
            try await store.revisions.add([make("b", "other", nil), make("a", "three", 1)])
        }
        #expect(error?.code == .refused)
        #expect(error?.description.contains("a is at revision 2, and the text was exported from revision 1") == true)
        // Nothing of it was made.
        #expect(try await store.revisions.all().mapValues(\.count) == ["a": 2])
        #expect(try await store.revisions.keptIntegrations() == ["a"])
        #expect(try await store.revisions.configuration() == before)
        // Two that say the same are no two changes.
        #expect(try await store.revisions.add([make("a", "two", 1)]).map(\.number) == [2])
        #expect(try await store.revisions.add([make("a", "four", nil)]).map(\.number) == [3])
        try store.close()
    }
}
