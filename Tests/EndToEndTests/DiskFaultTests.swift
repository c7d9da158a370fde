import Foundation
import LosslessJSON
import Storage
import Testing

/// A disk that takes nothing for a while, of which the server learns at the next write or flush. It goes on by itself
/// afterwards. After a flush that failed nobody knows what is on the disk: what was not flushed must not count as stored, and
/// must not be taken for stored when the next flush works.
@Suite(.timeLimit(.minutes(2)))
struct `A disk that takes nothing` {
    private static let names = ["a", "b", "c", "b", "d", "a"]

    /// Sends six calls, `b` and `c` while the disk takes nothing, and looks at what is in the log then.
    private static func send(
        to ferry: RunningFerry,
        data: String,
        _ setFailing: (Bool) throws -> Void
    ) async throws {
        var answers: [UInt] = []
        for (position, name) in names.enumerated() {
            try setFailing(1...2 ~= position)
            let call: JSON = ["userId": "u1", "event": .string(name), "messageId": .string(name)]
            answers.append(try await ferry.post("/v1/track", call).status)
        }
        #expect(answers == [200, 503, 503, 200, 200, 200])
        ferry.kill()
        var logged: [String?] = []
        try LogReader(folder: data).forLast(10) { logged.append(try JSON(parsing: $0.body)["event"]?.stringValue) }
        #expect(logged == ["a", "b", "d"])
    }

    @Test(arguments: [FailingDisk.Fault.fails, .isReadOnly, .breaks, .isFull])
    func `costs the calls that were answered 503, which can come again to the same process`(fault: FailingDisk.Fault)
        async throws
    {
        let disk = try await FailingDisk("ferry.db-wal", fault)
        let data = disk.folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data, environment: disk.environment)
        try await Self.send(to: ferry, data: data) { try disk.set(isFailing: $0) }
    }

    @Test(.enabled(if: SmallDisk.canBeMounted, "needs to be root, to mount a small file system"))
    func `is the same where it is really full`() async throws {
        let disk = try SmallDisk(megabytes: 48)
        let data = disk.path + "/data"
        let ferry = try await RunningFerry(data: data)
        try await Self.send(to: ferry, data: data) { if $0 { disk.fill(leaving: 0) } else { disk.makeRoom() } }
    }
}

/// The journal is flushed, and the file into which it is folded is not. What the file lost counts as folded in, so that the
/// journal would begin anew over the only copy: the process has to end, for the next one begins with all of the journal.
@Suite(.timeLimit(.minutes(2)))
struct `A flush of the file that fails` {
    @Test func `ends the process with the reason, and the next one has everything acknowledged`() async throws {
        let disk = try await FailingDisk("ferry.db", .loses)
        let data = disk.folder.url.appending(path: "data").path
        let log = try disk.folder.file("ferry.log")
        let ferry = try await RunningFerry(data: data, log: log, environment: disk.environment)
        try disk.set(isFailing: true)
        let sending = Task {
            await withTaskGroup(of: Set<String>.self) { senders in
                for sender in 0..<8 { senders.addTask { await Self.send(to: ferry, "\(sender)") } }
                return await senders.reduce(into: Set()) { $0.formUnion($1) }
            }
        }
        #expect(await ferry.end() == EX_IOERR)
        sending.cancel()
        let acknowledged = await sending.value
        try disk.set(isFailing: false)
        let said = try String(contentsOfFile: log, encoding: .utf8)
        #expect(said.contains("\(data)/ferry.db could not be flushed to the disk"), "\(said)")

        let next = try await RunningFerry(data: data)
        #expect(next.stop() == 0)
        var logged: Set<String> = []
        try LogReader(folder: data).forLast(10_000) {
            logged.insert(try JSON(parsing: $0.body)["messageId"]?.stringValue ?? "")
        }
        #expect(!acknowledged.isEmpty && acknowledged.subtracting(logged).isEmpty)
        let verified = try await FerryProcess.run(["log", "verify", "--data", data])
        #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
    }

    /// Sends until it is cancelled, and returns the ids of what was acknowledged.
    private static func send(to ferry: RunningFerry, _ sender: String) async -> Set<String> {
        var acknowledged: Set<String> = []
        let properties: JSON = ["padding": .string(String(repeating: "x", count: 2_000))]
        for number in 0... {
            let id = "\(sender)-\(number)"
            let call: JSON = ["userId": "u1", "event": "e", "messageId": .string(id), "properties": properties]
            guard !Task.isCancelled, let answer = try? await ferry.post("/v1/track", call) else { break }
            if answer.status == 200 { acknowledged.insert(id) }
        }
        return acknowledged
    }
}

@Suite(.timeLimit(.minutes(2)))
struct `A flush that takes long` {
    @Test func `is a slow statement: it is logged without what was stored, and counted`() async throws {
        let disk = try await FailingDisk("ferry.db-wal", .takesLong)
        let log = try disk.folder.file("ferry.log")
        let ferry = try await RunningFerry(
            data: disk.folder.url.appending(path: "data").path,
            config: try disk.folder.file(
                "ferry.yaml",
                "{ log: { format: json, slow_statement_ms: 300 }, sources: { web: { write_key: k } } }"
            ),
            log: log,
            environment: disk.environment
        )
        #expect(
            try await ferry.text("/metrics").contains(#"ferry_storage_slow_statements_total{database="ferry.db"} 0"#)
        )
        try disk.set(isFailing: true)
        let call: JSON = ["userId": "geheim-4711", "event": "geheim-4712"]
        #expect(try await ferry.post("/v1/track", call, key: "k").status == 200)
        try disk.set(isFailing: false)
        let metrics = try await ferry.text("/metrics")
        #expect(ferry.stop() == 0)
        let count = try #require(
            metrics.firstMatch(of: #/slow_statements_total\{database="ferry.db"\} (\d+)/#)?.output.1
        )
        #expect(Int(count) ?? 0 > 0)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        let slow = try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
            .first { $0["message"] == "a statement took long" }
        #expect(slow?["level"] == "warning" && slow?["database"] == "ferry.db", "\(text)")
        #expect(slow?["sql"]?.stringValue?.hasPrefix("COMMIT") == true, "\(text)")
        #expect(Int(slow?["milliseconds"]?.stringValue ?? "") ?? 0 >= 300)
        #expect(!text.contains("geheim"))
    }
}
