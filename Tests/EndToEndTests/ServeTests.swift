import Foundation
import LosslessJSON
import Testing

@Suite(.timeLimit(.minutes(3))) struct `ferry serve` {
    @Test func `lands every kind of call in the workspace`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(data: folder.url.appending(path: "data").path)
        let calls: [(String, JSON)] = [
            ("identify", ["userId": "u1", "traits": ["email": "mira@example.com", "plan": "pro"]]),
            ("track", ["userId": "u1", "event": "Order Completed", "properties": ["total": 24]]),
            ("page", ["userId": "u1", "properties": ["url": "https://shop.example/"]]),
            ("screen", ["userId": "u1", "name": "Home"]),
            ("group", ["userId": "u1", "groupId": "acme", "traits": ["name": "Acme"]]),
            ("alias", ["userId": "u1", "previousId": "old"]),
        ]
        for (path, message) in calls {
            let answer = try await ferry.post("/v1/\(path)", message)
            #expect(answer.status == 200)
            #expect(answer.body == ["success": true])
        }
        let person = try await ferry.get("/admin/v1/workspace/people/u1") {
            $0["relationships"]?.arrayValue?.isEmpty == false
        }
        #expect(person["identifiers"]?["email"] == "mira@example.com")
        #expect(person["attributes"]?["plan"] == "pro")
        #expect(
            person["relationships"]?.arrayValue?.first?["identifiers"] == ["object_type_id": "1", "object_id": "acme"]
        )
        let activity = try await ferry.get("/admin/v1/workspace/people/u1/activity") {
            ($0["items"]?.arrayValue ?? []).count >= 5
        }
        let types = (activity["items"]?.arrayValue ?? []).compactMap { $0["type"]?.stringValue }
        #expect(Set(["event", "page", "screen"]).isSubset(of: types))
        #expect(ferry.stop() == 0)
    }

    @Test func `takes events while there is no integration to deliver them to`() async throws {
        let folder = try ScratchFolder()
        let config = try folder.file("ferry.yaml", "sources: { web: { write_key: a } }")
        let ferry = try await RunningFerry(data: folder.url.appending(path: "data").path, config: config)
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"], key: "a").status == 200)
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"], key: "a").status == 200)
        #expect(ferry.stop() == 0)
    }

    @Test func `loses nothing that it acknowledged when it is killed in the middle`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        var acknowledged: [String] = []
        for round in 0..<4 {
            let ferry = try await RunningFerry(data: data)
            let sent = try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        let name = "event-\(round)-\(number)"
                        let answer = try? await ferry.post(
                            "/v1/track",
                            ["userId": .string("u\(number % 7)"), "event": .string(name), "messageId": .string(name)]
                        )
                        return answer?.status == 200 ? name : nil
                    }
                }
                var names: [String] = []
                // The kill comes while others are under way.
                for try await name in group {
                    if let name { names.append(name) }
                    if names.count == 40 {
                        ferry.kill()
                        // Nobody answers any more; the client would go on trying to connect.
                        group.cancelAll()
                    }
                }
                return names
            }
            #expect(sent.count >= 40)
            acknowledged += sent
        }
        let ferry = try await RunningFerry(data: data)
        let expected = Set(acknowledged)
        var seen: [String: Int] = [:]
        while !expected.isSubset(of: seen.keys) {
            seen = [:]
            var cursor: String?
            repeat {
                let page = cursor.map { "&cursor=\($0)" } ?? ""
                let body = try await ferry.get("/admin/v1/workspace/activity?limit=500\(page)").body
                for item in body?["items"]?.arrayValue ?? [] where item["type"] == "event" {
                    seen[item["name"]?.stringValue ?? "", default: 0] += 1
                }
                cursor = body?["next"]?.stringValue ?? body?["next"]?.numberValue?.text
            } while cursor != nil
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(seen.values.allSatisfy { $0 == 1 }, "an event that is sent again is counted once")
    }

    @Test func `names the port that is taken and the way out`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(data: "memory")
        let port = try #require(ferry.publicURL.split(separator: ":").last)
        let data = folder.url.appending(path: "data").path
        let result = try await FerryProcess.run([
            "serve", "--listen-public", "127.0.0.1:\(port)", "--listen-private", "127.0.0.1:0", "--data", data,
        ])
        #expect(result.status == 1)
        #expect(result.errors.contains("127.0.0.1:\(port)"))
        #expect(result.errors.contains("--listen-public"))
    }

    @Test func `refuses a data folder that another Ferry holds`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data)
        let result = try await FerryProcess.run([
            "serve", "--listen-public", "127.0.0.1:0", "--listen-private", "127.0.0.1:0", "--data", data,
        ])
        #expect(result.status == 1)
        #expect(result.errors.contains("in use by another Ferry"))
        #expect(ferry.stop() == 0)
    }

    @Test func `refuses a folder that is a file`() async throws {
        let folder = try ScratchFolder()
        let file = try folder.file("data", "not a folder")
        let result = try await FerryProcess.run([
            "serve", "--listen-public", "127.0.0.1:0", "--listen-private", "127.0.0.1:0", "--data", file,
        ])
        #expect(result.status == 1)
        #expect(result.errors.contains(file))
    }

    @Test func `says which variable is missing`() async throws {
        let folder = try ScratchFolder()
        let config = try folder.file("ferry.yaml", "sources:\n  web: { write_key: env:FERRY_TEST_NOT_SET }\n")
        let result = try await FerryProcess.run(["serve", "--config", config, "--data", "memory"])
        #expect(result.status == 78)
        #expect(result.errors.contains("FERRY_TEST_NOT_SET"))
    }

    @Test func `waits for a destination that can't be reached and loses nothing`() async throws {
        let folder = try ScratchFolder()
        let config = try folder.file(
            "ferry.yaml",
            """
            sources: { web: { write_key: ferry-local } }
            integrations:
              away:
                type: customerio
                settings: { site_id: s, api_key: k, endpoint: "http://127.0.0.1:9" }
              here:
                type: customerio
                settings: { endpoint: workspace }
            """
        )
        let ferry = try await RunningFerry(data: "memory", config: config)
        #expect(try await ferry.post("/v1/identify", ["userId": "u1"]).status == 200)
        _ = try await ferry.get("/admin/v1/workspace/people/u1") { $0["identifiers"]?["id"] == "u1" }
        #expect(ferry.stop() == 0)
    }
}
