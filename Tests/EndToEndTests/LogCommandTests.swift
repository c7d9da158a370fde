import Foundation
import LosslessJSON
import Testing

@Suite(.timeLimit(.minutes(2))) struct `ferry log` {
    @Test func `names the damage, saves the rest, and serve goes on`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let before = try await RunningFerry(data: data)
        for number in 0..<40 {
            let message = String(repeating: "x", count: 2000)
            let answer = try await before.post(
                "/v1/track",
                ["userId": "u1", "event": .string("E\(number)"), "properties": ["text": .string(message)]]
            )
            #expect(answer.status == 200)
        }
        #expect(before.stop() == 0)
        let sound = try await FerryProcess.run(["log", "verify", "--data", data])
        #expect(sound.status == 0)
        #expect(sound.output.isEmpty && sound.errors.contains("40 events can be read"))

        try Self.damage(data) { count in count * 3 / 4..<count * 3 / 4 + 1 }
        let damaged = try await FerryProcess.run(["log", "verify", "--data", data])
        #expect(damaged.status == 1)
        #expect(!damaged.output.isEmpty)
        #expect(damaged.errors.contains("ferry log repair --data \(data)"))
        let repair = try await FerryProcess.run(["log", "repair", "--data", data])
        #expect(repair.status == 0)
        #expect(repair.errors.contains("events saved; the damaged log is \(data)/ferry.db.damaged"))
        #expect(try await FerryProcess.run(["log", "verify", "--data", data]).status == 0)

        let after = try await RunningFerry(data: data)
        let locked = try await FerryProcess.run(["log", "repair", "--data", data])
        #expect(locked.status == 1 && locked.errors.contains("in use by another Ferry"))
        #expect(try await after.post("/v1/track", ["userId": "u1", "event": "Again"]).status == 200)
        #expect(after.stop() == 0)
    }

    /// Overwrites pages of a log, chosen by how many there are.
    private static func damage(_ data: String, _ choose: (_ count: UInt64) -> Range<UInt64>) throws {
        let file = try FileHandle(forUpdating: URL(filePath: data + "/ferry.db"))
        let pages = choose(try file.seekToEnd() / 4096)
        try file.seek(toOffset: pages.lowerBound * 4096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: pages.count * 4096))
        try file.close()
    }

    @Test(arguments: [
        (0..<1, "restore a backup with ferry restore"), (1..<7, "ferry log repair saves what can be read"),
    ])
    func `is named by a server that finds its log damaged`(pages: Range<UInt64>, words: String) async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let before = try await RunningFerry(data: data)
        #expect(try await before.post("/v1/track", ["userId": "u1", "event": "E"]).status == 200)
        #expect(before.stop() == 0)
        try Self.damage(data) { _ in pages }
        let server = try await FerryProcess.run(["serve", "--data", data, "--listen-public", "127.0.0.1:0"])
        #expect(server.status == 1)
        #expect(server.errors.contains("\(data)/ferry.db") && server.errors.contains(words), "\(server.errors)")
    }

    @Test(arguments: ["verify", "repair"], [true, false])
    func `names the folder in which there is no log, and the way out`(command: String, isThere: Bool) async throws {
        let folder = try ScratchFolder()
        let data = isThere ? folder.url.path : folder.url.appending(path: "none").path
        let result = try await FerryProcess.run(["log", command, "--data", data])
        #expect(result.status == 1)
        let words = isThere ? "\(data) holds no log (ferry.db)" : "there is no folder \(data)"
        #expect(result.errors.contains("\(words): name the data folder of the server with --data"), "\(result.errors)")
    }
}
