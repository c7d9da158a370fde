import Foundation
import LosslessJSON
import NIOCore
import PostgresServer
import Seeding
import Storage
import Synchronization
import Testing

/// Senders at full speed, a server that is killed again and again, and a list of every acknowledged message outside it: at
/// the end each is in the log once and in the workspace once, as it was sent and in the order of its sender.
///
/// `FERRY_CRASHES` says how often the server is killed: a few times here, dozens of times by `scripts/crash-test`.
@Suite(.serialized, .timeLimit(.minutes(30))) struct `Crashes` {
    private static let crashes = ProcessInfo.processInfo.environment["FERRY_CRASHES"].flatMap(Int.init) ?? 4

    @Test func `nothing acknowledged is lost, doubled or changed by kill -9`() async throws {
        let folder = try ScratchFolder()
        let trial = CrashTrial(data: folder.url.appending(path: "data").path)
        try await trial.run(crashes: Self.crashes)
        try await trial.check()
    }

    /// Each life of the server has another time: three days ahead, then back, then on in steps of hours and back again; and
    /// in each the clock jumps once more. A batch may come again several lives later: what a clock jumps ahead in between
    /// has to be less than the 24 hours of deduplication, for more can't be told from a server that was off for so long.
    @Test func `nor by a clock that is set forward and back, also while it runs`() async throws {
        let folder = try ScratchFolder()
        let trial = CrashTrial(data: folder.url.appending(path: "data").path)
        let clock = try await TimeOfDay()
        let jumps = [0, 3, 6, 9, 12]
        trial.beforeEachCrash = { round in
            try? clock.jump(.seconds(3_600 * [3, -3, 1, -2][round % 4]))
            try? await Task.sleep(for: .milliseconds(300))
        }
        try await trial.run(crashes: Self.crashes) { life in
            clock.environment(.seconds(3_600 * (life == 0 ? 72 : jumps[life % jumps.count])))
        }
        try await trial.check()
    }

    /// A small file system, filled up by somebody else now and then. What is sent meanwhile must fit, in the log and in
    /// the workspace.
    @Test(.enabled(if: SmallDisk.canBeMounted, "needs to be root, to mount a small file system"))
    func `nor by a disk that fills up and has room again`() async throws {
        let disk = try SmallDisk(megabytes: 48 + 64 * Self.crashes)
        let trial = CrashTrial(data: disk.path + "/data")
        trial.beforeEachCrash = { [trial] round in
            let before = trial.refusals
            disk.fill(leaving: [0, 64 << 10, 1 << 20][round % 3])
            // Until somebody has met it; a busy machine takes its time.
            for _ in 0..<100 where trial.refusals == before { try? await Task.sleep(for: .milliseconds(50)) }
            disk.makeRoom()
        }
        try await trial.run(crashes: Self.crashes)
        #expect(trial.refusals > 0, "the disk was never full")
        try await trial.check()
    }

    /// The log is in PostgreSQL, whose server goes away now and then as well: by command, or as if the power had failed.
    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `nor by a database server that goes away and comes back`() async throws {
        let folder = try ScratchFolder()
        let server = try PostgresServer()
        let trial = CrashTrial(database: server.url(), folder: folder.url.appending(path: "folder").path)
        let modes: [PostgresServer.StopMode] = [.fast, .immediate, .killed]
        trial.beforeEachCrash = { [trial] round in
            let before = trial.refusals
            server.stop(modes[round % modes.count])
            for _ in 0..<100 where trial.refusals == before { try? await Task.sleep(for: .milliseconds(50)) }
            try? server.start()
            // The same Ferry goes on.
            let acknowledged = trial.count
            for _ in 0..<200 where trial.count == acknowledged { try? await Task.sleep(for: .milliseconds(50)) }
            #expect(trial.count > acknowledged, "nothing was taken once the server was back")
        }
        try await trial.run(crashes: Self.crashes)
        #expect(trial.refusals > 0, "the server was never away")
        try await trial.check()
    }

    /// The log is in PostgreSQL, whose primary server is killed; its standby takes over, under the same URL.
    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `nor by a database server whose standby takes its place`() async throws {
        let folder = try ScratchFolder()
        let primary = try PostgresServer()
        let standby = try primary.standby()
        let trial = CrashTrial(database: primary.url(or: standby), folder: folder.url.appending(path: "folder").path)
        trial.beforeEachCrash = { [trial] round in
            guard round == 0 else { return }
            primary.stop(.killed)
            for _ in 0..<400 where trial.refusals == 0 { try? await Task.sleep(for: .milliseconds(50)) }
            #expect(throws: Never.self) { try standby.promote() }
            // The same Ferry goes on.
            let acknowledged = trial.count
            for _ in 0..<400 where trial.count == acknowledged { try? await Task.sleep(for: .milliseconds(50)) }
            #expect(trial.count > acknowledged, "nothing was taken once the standby was the primary")
        }
        try await trial.run(crashes: 1)
        #expect(trial.statuses == [503])
        try await trial.check()
    }
}

extension `Crashes` {
    /// With a spool nobody has to come again: what is sent while the database is away is taken, and is in the log afterwards,
    /// also where Ferry is killed while it still waits, or is on its way.
    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `nor with a spool, which takes what the database does not`() async throws {
        let folder = try ScratchFolder()
        let server = try PostgresServer()
        let config = try folder.file(
            "ferry.yaml",
            """
            spool: true
            sources: { default: { write_key: ferry-local } }
            integrations: { default: { type: customerio, settings: { endpoint: workspace } } }
            """
        )
        let trial = CrashTrial(
            database: server.url(),
            folder: folder.url.appending(path: "folder").path,
            config: config
        )
        let modes: [PostgresServer.StopMode] = [.killed, .fast, .immediate]
        trial.beforeEachCrash = { [trial] round in
            server.stop(modes[round % modes.count])
            let acknowledged = trial.count
            for _ in 0..<400 where trial.count < acknowledged + 500 {
                try? await Task.sleep(for: .milliseconds(50))
            }
            #expect(trial.count >= acknowledged + 500, "too little was taken while the database was away")
            #expect(trial.refusals == 0)
            // Now and then it is killed on the way, and now and then before.
            if round % 2 == 1 {
                try? server.start()
                try? await Task.sleep(for: .milliseconds(20 * round))
            }
        }
        trial.afterEachCrash = { try? server.start() }
        try await trial.run(crashes: Self.crashes)
        #expect(trial.refusals == 0)
        try await trial.emptySpool()
        try await trial.check()
    }
}

/// One run of senders against a server that does not live long.
private final class CrashTrial: Sendable {
    private static let senders = 4
    private static let batchSize = 25

    private struct State {
        var url: String?
        var isOver = false
        /// By sender: the names of the events that were acknowledged, in the order in which they were sent.
        var acknowledged = [[String]](repeating: [], count: CrashTrial.senders)
        var refusals = 0
        var statuses: Set<UInt> = []
        var beforeEachCrash: (@Sendable (Int) async -> Void)?
        var afterEachCrash: (@Sendable () -> Void)?
    }

    /// Where the log is.
    private let location: DataStore.Location
    /// What the server is started with.
    private let data: String
    private let config: String?
    private let arguments: [String]
    private let environment: [String: String]
    private let state = Mutex(State())

    init(data: String) {
        self.data = data
        (location, config, arguments, environment) = (.folder(data), nil, [], [:])
    }

    /// With the log in a database.
    init(database url: String, folder: String, config: String? = nil) {
        self.config = config
        data = "env:FERRY_TEST_DATABASE"
        location = .postgres(url, folder: nil)
        (arguments, environment) = (["--folder", folder], ["FERRY_TEST_DATABASE": url])
    }

    private func start(_ environment: [String: String] = [:]) async throws -> RunningFerry {
        try await RunningFerry(
            data: data,
            config: config,
            arguments: arguments,
            environment: self.environment.merging(environment) { $1 }
        )
    }

    /// Messages that were acknowledged until now.
    var count: Int { state.withLock { $0.acknowledged.reduce(0) { $0 + $1.count } } }

    /// Requests that were answered, and not with 200.
    var refusals: Int { state.withLock { $0.refusals } }

    /// What they were answered with.
    var statuses: Set<UInt> { state.withLock { $0.statuses } }

    var beforeEachCrash: (@Sendable (Int) async -> Void)? {
        get { state.withLock { $0.beforeEachCrash } }
        set { state.withLock { $0.beforeEachCrash = newValue } }
    }

    var afterEachCrash: (@Sendable () -> Void)? {
        get { state.withLock { $0.afterEachCrash } }
        set { state.withLock { $0.afterEachCrash = newValue } }
    }

    func run(crashes: Int, environment: @escaping (Int) -> [String: String] = { _ in [:] }) async throws {
        var chance = SeededGenerator(for: "Crashes")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<Self.senders { group.addTask { await self.send(as: sender) } }
            // The senders go on until they are told, also when something fails here.
            defer { state.withLock { $0.isOver = true } }
            for round in 0...crashes {
                let ferry = try await start(environment(round))
                state.withLock { $0.url = ferry.publicURL }
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...700, using: &chance)))
                await beforeEachCrash?(round)
                if round < crashes { ferry.kill() } else { #expect(ferry.stop() == 0) }
                afterEachCrash?()
            }
            state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
    }

    /// Sends batch after batch as an SDK does: the same one, with the same ids, until it is acknowledged.
    private func send(as sender: Int) async {
        var number = 0
        while true {
            let names = (number..<number + Self.batchSize).map { "sender-\(sender)-\($0)" }
            let batch = JSON.object(["batch": .array(names.map { Self.message($0, sender: sender) })]).encoded()
            while await post(batch) != 200 {
                if state.withLock({ $0.isOver }) { return }
                try? await Task.sleep(for: .milliseconds(20))
            }
            state.withLock { $0.acknowledged[sender] += names }
            number += Self.batchSize
        }
    }

    private static func message(_ name: String, sender: Int) -> JSON {
        [
            "type": "track", "event": .string(name), "messageId": .string(name), "userId": .string("u\(sender)"),
            "properties": properties(name),
        ]
    }

    private static func properties(_ name: String) -> JSON {
        ["text": .string(String(repeating: "\(name) ü ", count: 8)), "price": .number(JSON.Number(validText: "1.10"))]
    }

    private func post(_ body: [UInt8]) async -> UInt? {
        guard let url = state.withLock({ $0.url }) else { return nil }
        let status = await CrashSender.post(body, to: url, within: .seconds(10))
        if let status, status != 200 {
            state.withLock { state in
                state.refusals += 1
                state.statuses.insert(status)
            }
        }
        return status
    }

    // MARK: What is there at the end

    /// Lets the server bring into the log what the last one left on its disk.
    func emptySpool() async throws {
        let ferry = try await start()
        _ = try await ferry.get("/admin/v1/spool") { $0["events"] == 0 }
        #expect(ferry.stop() == 0)
    }

    func check() async throws {
        let acknowledged = state.withLock { $0.acknowledged }
        let count = acknowledged.reduce(0) { $0 + $1.count }
        print("Crashes: \(count) messages acknowledged")
        #expect(acknowledged.allSatisfy { !$0.isEmpty })
        try await checkLog(acknowledged)
        let ferry = try await start()
        try await checkWorkspace(of: ferry, acknowledged)
        #expect(ferry.stop() == 0)
    }

    private func checkLog(_ acknowledged: [[String]]) async throws {
        var logged = [[String]](repeating: [], count: Self.senders)
        var changed: [String] = []
        let store = try DataStore(opening: location)
        var position: Int64 = 0
        while true {
            let page = try await store.log.read(after: position, limit: 1_000)
            guard let last = page.last else { break }
            for event in page {
                let message = try JSON(parsing: event.body)
                let name = try #require(message["event"]?.stringValue)
                if message["properties"]?.description != Self.properties(name).description { changed.append(name) }
                let sender = try #require(name.split(separator: "-").dropFirst().first.flatMap { Int($0) })
                logged[sender].append(name)
            }
            position = last.seq
        }
        try store.close()
        #expect(changed.isEmpty)
        Self.compare(logged, acknowledged)
    }

    private func checkWorkspace(of ferry: RunningFerry, _ acknowledged: [[String]]) async throws {
        for sender in acknowledged.indices {
            let path = "/admin/v1/workspace/people/u\(sender)/activity?limit="
            let last = acknowledged[sender].last
            _ = try await ferry.get("\(path)\(2 * Self.batchSize)") { page in
                page["items"]?.arrayValue?.contains { $0["name"]?.stringValue == last } ?? false
            }
            var names: [String] = []
            var changed: [String] = []
            var cursor: String?
            repeat {
                let page = try #require(
                    try await ferry.get("\(path)1000" + (cursor.map { "&cursor=\($0)" } ?? "")).body
                )
                for item in page["items"]?.arrayValue ?? [] where item["type"] == "event" {
                    let name = try #require(item["name"]?.stringValue)
                    if item["data"]?.description != Self.properties(name).description { changed.append(name) }
                    names.append(name)
                }
                cursor = page["next"]?.stringValue
            } while cursor != nil
            #expect(changed.isEmpty)
            // The newest comes first.
            Self.compare([names.reversed()], [acknowledged[sender]])
        }
    }

    /// What is there begins with what was acknowledged, in that order. Behind it may stand the one batch whose answer
    /// was lost at the very end.
    private static func compare(_ found: [[String]], _ acknowledged: [[String]]) {
        for (found, acknowledged) in zip(found, acknowledged) {
            #expect(found.starts(with: acknowledged))
            #expect(found.count <= acknowledged.count + batchSize)
            #expect(Set(found).count == found.count)
        }
    }
}
