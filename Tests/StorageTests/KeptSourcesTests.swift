import Foundation
import Testing

@testable import Storage

@Suite struct `Sources that live in the data` {
    @Test(arguments: Engine.all) func `are made once, switched, removed, and there after a restart`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        var store = try DataStore(opening: data)
        #expect(try await store.sources.add("web", key: "key-1"))
        #expect(try await !store.sources.add("web", key: "key-2"))
        #expect(try await store.sources.add("app", key: "key-3"))
        #expect(try await store.sources.enable("app", false))
        #expect(try await !store.sources.enable("nobody", false))
        try store.close()
        store = try DataStore(opening: data)
        #expect(try await store.sources.all().map(\.key) == ["key-1", "key-3"])
        #expect(try await store.sources.all().map(\.isEnabled) == [true, false])
        #expect(try await store.sources.remove("web"))
        #expect(try await !store.sources.remove("web"))
        #expect(try await !store.sources.enable("web", true))
        #expect(try await store.sources.all().map(\.name) == ["app"])
        try store.close()
    }

    @Test(arguments: Engine.all) func `have a former key beside the present one until it is retired`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        var store = try DataStore(opening: data)
        #expect(try await store.sources.add("web", key: "key-1"))
        #expect(try await store.sources.rotate("nobody", key: "key-2") == .unknown)
        #expect(try await store.sources.rotate("web", key: "key-2") == .done)
        #expect(try await store.sources.rotate("web", key: "key-3") == .underWay)
        try store.close()
        store = try DataStore(opening: data)
        var web = try #require(try await store.sources.all().first)
        #expect(web.key == "key-2" && web.formerKey == "key-1")
        #expect(try await store.sources.retireFormerKey(of: "web"))
        #expect(try await !store.sources.retireFormerKey(of: "web"))
        #expect(try await store.sources.rotate("web", key: "key-3") == .done)
        web = try #require(try await store.sources.all().first)
        #expect(web.key == "key-3" && web.formerKey == "key-2")
        // One that opens no more is no key that could be kept.
        try store.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/data/seal.key")
        store = try DataStore(opening: data)
        _ = try await store.sources.retireFormerKey(of: "web")
        #expect(try await store.sources.rotate("web", key: "key-4") == .done)
        web = try #require(try await store.sources.all().first)
        #expect(web.key == "key-4" && web.formerKey == nil)
        try store.close()
    }

    @Test(arguments: Engine.all) func `let one of many make a name`(engine: Engine) async throws {
        let store = try DataStore(opening: try await engine.empty())
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 { group.addTask { try await store.sources.add("web", key: "key-\(number)") } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        try store.close()
    }

    @Test(arguments: Engine.all) func `are still named when their key does not open any more`(engine: Engine)
        async throws
    {
        let scratch = try ScratchFolder()
        let data = try await engine.data(in: scratch)
        var store = try DataStore(opening: data)
        #expect(try await store.sources.add("web", key: "key-1"))
        try store.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/data/seal.key")
        store = try DataStore(opening: data)
        #expect(try await store.sources.all().map(\.name) == ["web"])
        #expect(try await store.sources.all().map(\.key) == [nil])
        try store.close()
    }
}
