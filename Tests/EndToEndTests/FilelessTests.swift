import Foundation
import LosslessJSON
import Testing

/// A server that has no configuration file: what it begins with is the data's.
@Suite(.timeLimit(.minutes(2))) struct `Without a configuration file` {
    @Test func `an integration that is changed stays so, one that is removed stays away`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let changed: JSON = [
            "yaml": "integrations: { default: { type: customerio, enabled: false, settings: { endpoint: workspace } } }"
        ]
        var ferry = try await RunningFerry(data: data)
        #expect(try await ferry.get("/admin/v1/integrations/default").body?["managedBy"] == "database")
        #expect(try await ferry.ask("/admin/v1/configuration", changed).status == 200)
        #expect(ferry.stop() == 0)
        ferry = try await RunningFerry(data: data)
        #expect(try await ferry.get("/admin/v1/integrations/default").body?["enabled"] == false)
        #expect(try await ferry.ask("/admin/v1/integrations/default/remove", [:]).status == 200)
        #expect(ferry.stop() == 0)
        ferry = try await RunningFerry(data: data)
        #expect(try await ferry.get("/admin/v1/integrations").body?["items"] == [])
    }

    @Test func `one that is paused says so also when nothing waits`() async throws {
        let ferry = try await RunningFerry(data: "memory")
        #expect(try await ferry.ask("/admin/v1/integrations/default/pause", [:]).status == 200)
        let paused = try await ferry.get("/admin/v1/integrations/default").body?["health"]
        #expect(paused == ["state": "paused", "words": "paused by an operator; nothing waits"])
        #expect(try await ferry.ask("/admin/v1/integrations/default/resume", [:]).status == 200)
        #expect(try await ferry.get("/admin/v1/integrations/default").body?["health"]?["state"] == "healthy")
    }

    @Test func `a source lets its key in over a kill, and one that is removed at the same time as enabled stays away`()
        async throws
    {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        var ferry = try await RunningFerry(data: data)
        let made = try await ferry.ask("/admin/v1/sources", ["name": "app"])
        let key = try #require(made.body?["writeKey"]?.stringValue)
        ferry.kill()
        ferry = try await RunningFerry(data: data)
        let call: JSON = ["userId": "u1", "event": "E"]
        #expect(try await ferry.post("/v1/track", call, key: key).status == 200)
        #expect(try await ferry.get("/admin/v1/rejected").body?["count"] == 0)
        for round in 0..<5 {
            let name = "source-\(round)"
            let running = ferry
            let answers = try await withThrowingTaskGroup(of: UInt.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await running.ask("/admin/v1/sources", ["name": .string(name)]).status }
                }
                return try await group.reduce(into: [UInt]()) { $0.append($1) }
            }
            #expect(answers.filter { $0 == 200 }.count == 1)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for verb in ["enable", "enable", "remove", "enable", "disable", "enable"] {
                    group.addTask { _ = try await running.ask("/admin/v1/sources/\(name)/\(verb)", [:]) }
                }
                try await group.waitForAll()
            }
            let left = try await ferry.get("/admin/v1/sources").body?["items"]?.arrayValue ?? []
            #expect(!left.contains { $0["name"] == .string(name) }, "round \(round)")
        }
    }

    @Test func `a source changes its key over a kill, and has two meanwhile`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        var ferry = try await RunningFerry(data: data)
        let first = try #require(
            try await ferry.ask("/admin/v1/sources", ["name": "app"]).body?["writeKey"]?.stringValue
        )
        #expect(try await ferry.ask("/admin/v1/sources/app/retire", [:]).status == 400)
        let answer = try await ferry.ask("/admin/v1/sources/app/rotate", [:])
        let second = try #require(answer.body?["writeKey"]?.stringValue)
        #expect(try await ferry.ask("/admin/v1/sources/app/rotate", [:]).status == 400)
        for verb in ["rotate", "retire"] {
            // The one that everybody knows is not the data's.
            #expect(try await ferry.ask("/admin/v1/sources/default/\(verb)", [:]).status == 400)
            #expect(try await ferry.ask("/admin/v1/sources/nobody/\(verb)", [:]).status == 404)
        }
        ferry.kill()
        ferry = try await RunningFerry(data: data)
        let keys = { (ferry: RunningFerry) in
            try await ferry.get("/admin/v1/sources").body?["items"]?.arrayValue?.last?["writeKeys"]
        }
        #expect(try await keys(ferry) == 2)
        #expect(try await ferry.ask("/admin/v1/sources/app/disable", [:]).status == 200)
        for key in [first, second] {
            _ = try await ferry.post("/v1/track", ["userId": "u1", "event": "Off"], key: key)
        }
        #expect(try await ferry.get("/admin/v1/rejected").body?["count"] == 2)
        #expect(try await ferry.ask("/admin/v1/sources/app/enable", [:]).status == 200)
        #expect(try await ferry.ask("/admin/v1/sources/app/retire", [:]).status == 200)
        #expect(try await keys(ferry) == 1)
        for key in [first, second] {
            _ = try await ferry.post("/v1/track", ["userId": "u1", "event": "On"], key: key)
        }
        #expect(try await ferry.get("/admin/v1/rejected").body?["count"] == 3)
        #expect(try await ferry.get("/admin/v1/log").body?["last"] == 1)
    }

    @Test func `a foreign seal.key keeps nobody from starting, and names the source`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        var ferry = try await RunningFerry(data: data)
        #expect(try await ferry.ask("/admin/v1/sources", ["name": "app"]).status == 200)
        #expect(ferry.stop() == 0)
        try FileManager.default.removeItem(atPath: data + "/seal.key")
        ferry = try await RunningFerry(data: data)
        let sources = try await ferry.get("/admin/v1/sources").body?["items"]?.arrayValue ?? []
        #expect(sources.last?["name"] == "app" && sources.last?["enabled"] == false)
        #expect(try await ferry.ask("/admin/v1/sources/app/enable", [:]).status == 400)
        #expect(try await ferry.ask("/admin/v1/sources/app/remove", [:]).status == 200)
        #expect(try await ferry.ask("/admin/v1/sources", ["name": "app"]).status == 200)
    }
}
