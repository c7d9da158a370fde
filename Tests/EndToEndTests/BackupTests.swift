import Foundation
import LosslessJSON
import Storage
import Synchronization
import Testing

/// The drill: a server under load is backed up, killed, its folder lost, the backup restored.
@Suite(.timeLimit(.minutes(4))) struct `Backing up and restoring` {
    private static let senders = 4

    /// What four senders got acknowledged, each in its order.
    private final class Load: Sendable {
        private struct State {
            var acknowledged = [[String]](repeating: [], count: senders)
            var isOver = false
        }

        private let state = Mutex(State())

        var acknowledged: [[String]] { state.withLock(\.acknowledged) }

        func end() {
            state.withLock { $0.isOver = true }
        }

        func send(as sender: Int, to ferry: RunningFerry) async {
            for number in 0... {
                let name = "s\(sender)-\(number)"
                let call: JSON = [
                    "type": "track", "userId": .string("u\(sender)"), "event": .string(name),
                    "messageId": .string(name),
                ]
                guard !state.withLock(\.isOver), (try? await ferry.post("/v1/track", call))?.status == 200 else {
                    return
                }
                state.withLock { $0.acknowledged[sender].append(name) }
            }
        }
    }

    @Test func `keep all that was acknowledged before, and delivery goes on in order`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let backup = folder.url.appending(path: "backup").path
        let ferry = try await RunningFerry(data: data)
        let load = Load()
        var before: [[String]] = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { load.end() }
            for sender in 0..<Self.senders { group.addTask { await load.send(as: sender, to: ferry) } }
            while load.acknowledged.contains(where: { $0.count < 40 }) { try await Task.sleep(for: .milliseconds(10)) }
            // From here on it lies in the log: something waits when the backup is made.
            let pause = try await FerryProcess.run(["pause", "default", "--url", ferry.privateURL])
            #expect(pause.status == 0)
            let paused = load.acknowledged
            while zip(load.acknowledged, paused).contains(where: { $0.count < $1.count + 40 }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            before = load.acknowledged
            let made = try await FerryProcess.run(["backup", backup, "--data", data])
            #expect(made.status == 0 && made.errors.contains("seal.key is in it"), "\(made.errors)")
            let after = load.acknowledged
            #expect(zip(after, before).allSatisfy { $0.count > $1.count }, "nobody sent while it was made")
            load.end()
            try await group.waitForAll()
        }
        ferry.kill()
        try FileManager.default.removeItem(atPath: data)
        let restored = try await FerryProcess.run(["restore", backup, "--data", data])
        #expect(restored.status == 0, "\(restored.errors)")
        #expect(try await FerryProcess.run(["log", "verify", "--data", data]).output.isEmpty)
        var logged = [[String]](repeating: [], count: Self.senders)
        try LogReader(folder: data).forLast(.max) { event in
            let name = try #require(try JSON(parsing: event.body)["event"]?.stringValue)
            let sender = try #require(name.dropFirst().prefix { $0 != "-" }.first?.wholeNumberValue)
            logged[sender].append(name)
        }
        for (logged, before) in zip(logged, before) { #expect(logged.starts(with: before)) }

        let again = try await RunningFerry(data: data)
        #expect(try await FerryProcess.run(["resume", "default", "--url", again.privateURL]).status == 0)
        for sender in 0..<Self.senders {
            let last = try #require(logged[sender].last)
            let page = try await again.get("/admin/v1/workspace/people/u\(sender)/activity?limit=1000") { page in
                page["items"]?.arrayValue?.contains { $0["name"]?.stringValue == last } ?? false
            }
            // The newest first. Each once, in the order of the log.
            let names = (page["items"]?.arrayValue ?? []).filter { $0["type"] == "event" }
                .compactMap { $0["name"]?.stringValue }
            #expect(names.reversed() == logged[sender].suffix(names.count))
            #expect(names.count >= min(logged[sender].count, 900))
        }
        // What came later is not known any more: it is taken as new.
        let call: JSON = ["userId": "u0", "event": "later", "messageId": "later"]
        #expect(try await again.post("/v1/track", call).status == 200)
        #expect(again.stop() == 0)
    }

    @Test func `send nothing before somebody has looked, where that is asked for`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let backup = folder.url.appending(path: "backup").path
        let destination = try await RefusingDestination()
        defer { destination.close() }
        let config = try folder.file(
            "ferry.yaml",
            """
            sources: { web: { write_key: k } }
            integrations:
              main: { type: customerio, settings: { endpoint: "\(destination.url)", site_id: s, api_key: k } }
            """
        )
        let ferry = try await RunningFerry(data: data, config: config)
        #expect(try await FerryProcess.run(["pause", "main", "--url", ferry.privateURL]).status == 0)
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"], key: "k").status == 200)
        #expect(try await FerryProcess.run(["resume", "main", "--url", ferry.privateURL]).status == 0)
        _ = try await ferry.get("/admin/v1/integrations/main") { $0["operations"]?["track-event"]?["failed"] == 1 }
        #expect(try await FerryProcess.run(["backup", backup, "--data", data]).status == 0)
        #expect(ferry.stop() == 0)
        let other = folder.url.appending(path: "other").path
        #expect(try await FerryProcess.run(["restore", backup, "--data", other, "--paused"]).status == 0)
        let again = try await RunningFerry(data: other, config: config)
        let sent = destination.traceparents.count
        #expect(try await again.post("/v1/track", ["userId": "u1", "event": "F"], key: "k").status == 200)
        let status = try await again.get("/admin/v1/integrations/main") { $0["events"]?["waiting"] == 1 }
        #expect(status["health"]?["state"] == "paused")
        #expect(destination.traceparents.count == sent)
        #expect(try await FerryProcess.run(["resume", "main", "--url", again.privateURL]).status == 0)
        _ = try await again.get("/admin/v1/integrations/main") { $0["operations"]?["track-event"]?["failed"] == 2 }
        #expect(again.stop() == 0)
    }

    @Test func `say what they do not do`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let backup = folder.url.appending(path: "backup").path
        let nothing = try await FerryProcess.run(["backup", backup, "--data", data])
        #expect(nothing.status == 1 && nothing.errors.contains("there is no folder \(data)"))
        let ferry = try await RunningFerry(data: data)
        #expect(try await FerryProcess.run(["backup", backup + "/", "--data", data, "--without-key"]).status == 0)
        let twice = try await FerryProcess.run(["backup", backup, "--data", data])
        #expect(twice.status == 1 && twice.errors.contains("\(backup) is there already"))
        let inUse = try await FerryProcess.run(["restore", backup, "--data", data])
        #expect(inUse.status == 1 && inUse.errors.contains("in use by another Ferry"))
        #expect(ferry.stop() == 0)
        let full = try await FerryProcess.run(["restore", backup, "--data", data])
        #expect(full.status == 1 && full.errors.contains("\(data) holds data"))
        let other = folder.url.appending(path: "other").path
        let restored = try await FerryProcess.run(["restore", backup, "--data", other])
        #expect(
            restored.status == 0 && restored.errors.contains("seal.key was not in the backup"),
            "\(restored.errors)"
        )
        let wrong = try await FerryProcess.run(["restore", data, "--data", other + "2"])
        #expect(wrong.status == 1 && wrong.errors.contains("\(data) is no backup"))
    }
}
