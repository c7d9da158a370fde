import Foundation
import Storage
import Testing

/// What was answered is there afterwards, whatever happened; what got an error is not there at all.
@Suite(.timeLimit(.minutes(5))) struct `Faults` {
    @Test func `everything that was answered survives kill -9`() async throws {
        let scratch = try ScratchFolder()
        let path = scratch.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try DataStore(opening: .folder(path + "/data"))
            let answers = open(path + "/answers", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<5_000 {
                    group.addTask {
                        guard let stored = try? await store.log.append([event("message-\(number)")]),
                            case .stored(let seq)? = stored.first
                        else { return }
                        let line = "\(seq) message-\(number)\n"
                        _ = line.withCString { write(answers, $0, strlen($0)) }
                        if seq == 3_000 { kill(getpid(), SIGKILL) }
                    }
                }
            }
        }
        let answered = try String(contentsOfFile: path + "/answers", encoding: .utf8).split(separator: "\n")
        #expect(!answered.isEmpty)
        let store = try DataStore(opening: scratch.data)
        let logged = try await store.log.read(after: 0, limit: .max)
        #expect(logged.map(\.seq) == Array(1...Int64(logged.count)))
        let bodies = Dictionary(uniqueKeysWithValues: logged.map { ($0.seq, String(decoding: $0.body, as: UTF8.self)) })
        for line in answered {
            let parts = line.split(separator: " ")
            let seq = try #require(Int64(parts[0]))
            #expect(bodies[seq] == #"{"messageId":"\#(parts[1])"}"#)
        }
    }

    @Test func `the workspace keeps what was answered before kill -9`() async throws {
        let scratch = try ScratchFolder()
        let path = scratch.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try DataStore(opening: .folder(path + "/data"))
            for number in 0..<200 {
                _ = try await store.workspaces.write(in: "w") { workspace in
                    try workspace.addPerson(id: "u\(number)", email: nil, madeAt: 1) { "\($0)-\($1)" }
                }
            }
            kill(getpid(), SIGKILL)
        }
        let store = try DataStore(opening: scratch.data)
        #expect(try await store.workspaces.read(in: "w") { try $0.counts().people } == 200)
    }

    /// The room on the disk grows by one page from round to round, until nothing fails any more.
    @Test func `a full disk costs the calls that got the error, and nothing else`() async throws {
        let scratch = try ScratchFolder()
        var accepted: [String] = []
        var failures = 0
        var round = 0
        while true {
            let store = try DataStore(opening: scratch.data)
            #expect(try await store.bodies() == accepted)
            try store.limitGrowth(toPages: round)
            let bodies = (0..<40).map { "\(round)-\($0)-" + String(repeating: "x", count: 1_000) }
            var failed = 0
            for pair in stride(from: 0, to: 40, by: 2) {
                let events = bodies[pair..<pair + 2].map { event("\($0.prefix(12))", body: $0) }
                do {
                    _ = try await store.log.append(Array(events))
                    accepted += bodies[pair..<pair + 2]
                } catch {
                    #expect(error.code == .full)
                    failed += 1
                }
            }
            try store.close()
            failures += failed
            if failed == 0 { break }
            round += 1
        }
        #expect(failures > 0)
        let store = try DataStore(opening: scratch.data)
        #expect(try await store.bodies() == accepted)
        #expect(try await store.log.lastSequence() == Int64(accepted.count))
    }

    @Test func `all calls of a group that fails get the error, and the next group is stored`() async throws {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: scratch.data)
        try store.limitGrowth(toPages: 1)
        let hold = store.holdWriter()
        let tasks = (0..<10).map { number in
            Task { try await store.log.append([event("\(number)", body: String(repeating: "x", count: 5_000))]) }
        }
        await until { store.waitingEvents == 10 }
        hold.letGo()
        for task in tasks {
            let error = await #expect(throws: StorageError.self) { try await task.value }
            #expect(error?.code == .full)
        }
        #expect(try await store.log.count() == 0)
        #expect(try await store.log.append([event("small")]) == [.stored(seq: 1)])
    }

    /// A real disk that fills up: give the path of a small file system (a tmpfs of 1 MB) in `FERRY_SMALL_DISK`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["FERRY_SMALL_DISK"] != nil))
    func `a small disk fills up, says so, and is fine again when there is room`() async throws {
        let disk = try #require(ProcessInfo.processInfo.environment["FERRY_SMALL_DISK"])
        let path = disk + "/data"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let ballast = disk + "/ballast"
        try Data(count: 100_000).write(to: URL(fileURLWithPath: ballast))
        let store = try DataStore(opening: .folder(path))
        var accepted: [String] = []
        var error: StorageError?
        while error == nil, accepted.count < 10_000 {
            let body = "\(accepted.count)-" + String(repeating: "x", count: 2_000)
            do {
                _ = try await store.log.append([event("\(accepted.count)", body: body)])
                accepted.append(body)
            } catch let failure {
                error = failure
            }
        }
        #expect(error?.code == .full)
        #expect(try await store.bodies() == accepted)
        try FileManager.default.removeItem(atPath: ballast)
        _ = try await store.log.append([event("after", body: "after")])
        #expect(try await store.bodies() == accepted + ["after"])
        try store.close()
        #expect(try await DataStore(opening: .folder(path)).bodies() == accepted + ["after"])
    }
}
