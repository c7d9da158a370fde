import Foundation
import LosslessJSON
import PostgresServer
import Storage
import Testing

/// `ferry log copy` on the real program: a server goes over to a database, and back to a folder.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `A server whose log is moved` {
    /// Where a server's log is.
    private struct Place {
        let data: String
        var folder: String?
        var environment: [String: String] = [:]

        func start() async throws -> RunningFerry {
            try await RunningFerry(
                data: data,
                arguments: folder.map { ["--folder", $0] } ?? [],
                environment: environment
            )
        }
    }

    private func send(_ numbers: Range<Int>, to ferry: RunningFerry) async throws {
        let batch = numbers.map { number -> JSON in
            ["type": "track", "userId": "u1", "event": .string("e\(number)"), "messageId": .string("m\(number)")]
        }
        #expect(try await ferry.post("/v1/batch", ["batch": .array(batch)]).status == 200)
    }

    private func pause(_ ferry: RunningFerry, _ verb: String = "pause") async throws {
        #expect(try await ferry.ask("/admin/v1/integrations/default/\(verb)", [:]).status == 200)
    }

    private func status(_ ferry: RunningFerry, waiting: Int64) async throws -> [JSON?] {
        let body = try await ferry.get("/admin/v1/integrations/default") {
            $0["events"]?["waiting"] == .number(JSON.Number(waiting))
        }
        return [body["events"], body["operations"], body["health"]?["state"]]
    }

    private func delivered(_ ferry: RunningFerry, count: Int) async throws -> [String] {
        let path = "/admin/v1/workspace/people/u1/activity?limit=1000"
        let page = try await ferry.get(path) { $0["items"]?.arrayValue?.count { $0["type"] == "event" } ?? 0 >= count }
        let items = page["items"]?.arrayValue ?? []
        return items.filter { $0["type"] == "event" }.compactMap { $0["name"]?.stringValue }.reversed()
    }

    @Test func `knows what was sent, goes on with what waits in order, and has the same sums`() async throws {
        let scratch = try ScratchFolder()
        let (data, back) = (scratch.url.appending(path: "data").path, scratch.url.appending(path: "back").path)
        let environment = ["FERRY_TEST_DATABASE": try await PostgresServer.shared().database()]
        let places = [
            Place(data: data),
            Place(data: "env:FERRY_TEST_DATABASE", folder: data, environment: environment),
            Place(data: back),
        ]
        var ferry = try await places[0].start()
        let made = try await ferry.ask("/admin/v1/sources", ["name": "app"])
        let key = try #require(made.body?["writeKey"]?.stringValue)
        var (sent, others) = (0, 0)
        for (from, to) in zip(places, places.dropFirst()) {
            try await send(sent..<sent + 50, to: ferry)
            _ = try await status(ferry, waiting: 0)
            try await pause(ferry)
            try await send(sent + 50..<sent + 90, to: ferry)
            sent += 90
            let before = try await status(ferry, waiting: 40)
            let copy = ["log", "copy", from.data, to.data, "--folder", data]
            let during = try await FerryProcess.run(copy, environment: environment)
            #expect(during.status == 75 && during.errors.contains("run it again once the server has stopped"))
            let half = try await FerryProcess.run(
                ["serve", "--data", to.data, "--folder", scratch.url.appending(path: "x").path],
                environment: environment
            )
            #expect(half.status == 1 && half.errors.contains("run ferry log copy again"), "\(half.errors)")
            try await send(sent..<sent + 10, to: ferry)
            sent += 10
            _ = try await status(ferry, waiting: 50)
            // A journal that nobody has folded in is a part of a folder's log.
            if from.folder == nil { ferry.kill() } else { #expect(ferry.stop() == 0) }
            let after = try await FerryProcess.run(copy, environment: environment)
            #expect(after.status == 0, "\(after.errors)")
            #expect(
                after.errors.contains("\(sent + others) events, up to \(sent + others), and all else"),
                "\(after.errors)"
            )
            #expect(after.output.contains("cursors: 2 rows, the same in both"), "\(after.output)")
            ferry = try await to.start()
            let moved = try await status(ferry, waiting: 50)
            #expect(before[1] == moved[1] && before[2] == moved[2])
            // What was sent before comes again, with one that is new.
            try await send(0..<sent + 1, to: ferry)
            sent += 1
            #expect(try await status(ferry, waiting: 51)[0]?["accepted"] == .number(JSON.Number(Int64(sent + others))))
            // The key of a source that lives in the log, sealed, lets in.
            let call: JSON = ["userId": "u2", "event": "App"]
            #expect(try await ferry.post("/v1/track", call, key: key).status == 200)
            others += 1
            try await pause(ferry, "resume")
            _ = try await status(ferry, waiting: 0)
            #expect(try await delivered(ferry, count: sent) == (0..<sent).map { "e\($0)" })
        }
        #expect(ferry.stop() == 0)
    }

    /// Copies again and again, and kills the command after a while that is a little longer each time.
    ///
    /// - Returns: how often it was killed.
    private func copyWithKills(_ from: String, _ to: String, _ environment: [String: String]) async throws -> Int {
        var words = ""
        for round in 0..<200 {
            let seconds = 0.1 + 0.05 * Double(round)
            let result = try await FerryProcess.run(
                ["--signal=KILL", "\(seconds)", FerryProcess.program.path, "log", "copy", from, to],
                program: URL(filePath: "/usr/bin/timeout"),
                environment: environment
            )
            // A database notices a little later that the one that was killed is gone, and says that it is used.
            if result.status == 0 { return round }
            // It was killed between its end and its last words.
            if result.errors.contains("holds this log already") { return round }
            words = result.errors
        }
        Issue.record("it came to no end: \(words)")
        return 0
    }

    @Test func `has every event once, under its number, however often the command was killed`() async throws {
        let scratch = try ScratchFolder()
        let (data, back) = (scratch.url.appending(path: "data").path, scratch.url.appending(path: "back").path)
        let url = try await PostgresServer.shared().database()
        func message(_ number: Int) -> NewEvent {
            NewEvent(
                source: "web",
                messageId: "m\(number)",
                type: "track",
                name: "a\u{0}b \(number)",
                userId: nil,
                anonymousId: nil,
                receivedAt: 1_700_000_000_000,
                body: Array("\(number) \(String(repeating: "x", count: 500))".utf8),
                deduplicates: true
            )
        }
        let store = try DataStore(opening: .folder(data))
        _ = try await store.log.append((0..<8_000).map(message))
        let events = try await store.log.read(after: 0, limit: .max)
        try store.close()
        let environment = ["FERRY_TEST_DATABASE": url]
        let database = "env:FERRY_TEST_DATABASE"
        for (from, to, location) in [
            (data, database, DataStore.Location.postgres(url, folder: nil)), (database, back, .folder(back)),
        ] {
            #expect(try await copyWithKills(from, to, environment) > 2)
            let moved = try DataStore(opening: location)
            #expect(try await moved.log.read(after: 0, limit: .max) == events)
            #expect(
                try await moved.log.append([message(0), message(7_999)]) == [.duplicate(of: 1), .duplicate(of: 8_000)]
            )
            try moved.close()
        }
    }

    @Test func `says what it can't copy`() async throws {
        let scratch = try ScratchFolder()
        let none = scratch.url.appending(path: "none").path
        let missing = try await FerryProcess.run(["log", "copy", none, scratch.url.path])
        #expect(missing.status == 1 && missing.errors.contains("there is no folder \(none)"))
        let memory = try await FerryProcess.run(["log", "copy", "memory", none])
        #expect(memory.status == 64)
        let unset = try await FerryProcess.run(["log", "copy", none, "env:FERRY_NOT_SET"])
        #expect(unset.status == 78 && unset.errors.contains("FERRY_NOT_SET"))
    }
}
