import Foundation
import LosslessJSON
import NIOCore
import PostgresServer
import Seeding
import Storage
import Synchronization
import Testing

/// Three nodes over one database, senders at full speed to all of them; nodes are killed and stopped, and the database goes
/// away, at random: what was acknowledged is in the log once, and every destination has it in the order of its sender.
///
/// `FERRY_CRASHES` says how often something happens: a few times here, dozens of times by `scripts/crash-test`.
@Suite(.serialized, .enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(60)))
final class `Crashes of nodes`: Sendable {
    private static let rounds = ProcessInfo.processInfo.environment["FERRY_CRASHES"].flatMap(Int.init) ?? 4
    private static let senders = 4
    private static let batchSize = 10

    private enum Mishap: CaseIterable {
        case kill, database, stop, killTwo
    }

    /// What the senders see of it.
    private struct State {
        var urls: [Int: String] = [:]
        var isOver = false
        var acknowledged = [[Int64]](repeating: [], count: senders)
    }

    private let state = Mutex(State())

    @Test func `nothing is lost, doubled or out of order when three nodes and their database fail in turn`()
        async throws
    {
        let server = try PostgresServer()
        let cluster = try await Cluster(integrations: ["main", "other"], url: server.url())
        var chance = SeededGenerator(for: "Crashes of nodes")
        var nodes: [RunningFerry] = []
        for number in 0..<3 { nodes.append(try await start(number, cluster)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<Self.senders { group.addTask { await self.send(as: sender) } }
            defer { state.withLock { $0.isOver = true } }
            for round in 0..<Self.rounds {
                try await Task.sleep(for: .milliseconds(Int.random(in: 200...1_500, using: &chance)))
                let mishap = Mishap.allCases[round % Mishap.allCases.count]
                let victim = Int.random(in: 0..<3, using: &chance)
                let before = count
                switch mishap {
                case .kill, .killTwo:
                    let victims = mishap == .kill ? [victim] : [victim, (victim + 1) % 3]
                    for victim in victims {
                        state.withLock { $0.urls[victim] = nil }
                        nodes[victim].kill()
                    }
                    // The others go on meanwhile.
                    try await goOn(from: before, "\(mishap), \(chance.seed)")
                    for victim in victims { nodes[victim] = try await start(victim, cluster) }
                case .database:
                    server.stop([.fast, .immediate, .killed][Int.random(in: 0..<3, using: &chance)])
                    try await Task.sleep(for: .milliseconds(Int.random(in: 100...3_000, using: &chance)))
                    try server.start()
                case .stop:
                    // Longer than its leases last.
                    nodes[victim].freeze(true)
                    try await Task.sleep(for: .seconds(12))
                    nodes[victim].freeze(false)
                }
                try await goOn(from: count, "\(mishap), \(chance.seed)")
            }
            state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        let acknowledged = state.withLock(\.acknowledged)
        print("Crashes of nodes: \(count) messages acknowledged, \(chance.seed)")
        for sender in acknowledged {
            try await cluster.arrive(try #require(sender.last))
        }
        for node in nodes { #expect(node.stop() == 0) }
        let logged = try await logged(server.url())
        for (sender, numbers) in acknowledged.enumerated() {
            Self.compare(logged[sender], numbers)
            for name in ["main", "other"] {
                let isTheirs = { (number: Int64) in Int(number / 1_000_000) - 1 == sender }
                Self.compare(cluster.firsts(name).filter(isTheirs), numbers)
                Self.compare(cluster.lasts(name).filter(isTheirs), numbers)
            }
        }
    }

    private func start(_ number: Int, _ cluster: Cluster) async throws -> RunningFerry {
        let node = try await cluster.start(["first", "second", "third"][number])
        state.withLock { $0.urls[number] = node.publicURL }
        return node
    }

    private var count: Int { state.withLock { $0.acknowledged.reduce(0) { $0 + $1.count } } }

    private func goOn(from before: Int, _ words: String) async throws {
        for _ in 0..<400 where count == before { try await Task.sleep(for: .milliseconds(50)) }
        #expect(count > before, "nothing was taken: \(words)")
    }

    // MARK: Sending

    /// Batch after batch as an SDK behind a load balancer does: the same one, to whichever node, until it is acknowledged.
    private func send(as sender: Int) async {
        var number = Int64(sender + 1) * 1_000_000
        var turn = sender
        while !state.withLock(\.isOver) {
            let numbers = (0..<Int64(Self.batchSize)).map { number + $0 }
            let batch = JSON.object(["batch": .array(numbers.map { Self.message($0, sender) })]).encoded()
            while await !isTaken(batch, turn) {
                if state.withLock({ $0.isOver }) { return }
                turn += 1
                try? await Task.sleep(for: .milliseconds(20))
            }
            state.withLock { $0.acknowledged[sender] += numbers }
            number += Int64(Self.batchSize)
            turn += 1
        }
    }

    private static func message(_ number: Int64, _ sender: Int) -> JSON {
        [
            "type": "track", "event": "Counted", "messageId": .string("m\(number)"), "userId": .string("u\(sender)"),
            "properties": ["n": .number(JSON.Number(number))],
        ]
    }

    private func isTaken(_ body: [UInt8], _ turn: Int) async -> Bool {
        guard let url = state.withLock({ $0.urls[turn % 3] }) else { return false }
        return await CrashSender.post(body, to: url, within: .seconds(5)) == 200
    }

    // MARK: What is there at the end

    private func logged(_ url: String) async throws -> [[Int64]] {
        var logged = [[Int64]](repeating: [], count: Self.senders)
        let store = try DataStore(opening: .postgres(url, folder: nil))
        var position: Int64 = 0
        while let page = try? await store.log.read(after: position, limit: 1_000), let last = page.last {
            for event in page {
                let number = try #require(try JSON(parsing: event.body)["properties"]?["n"]?.numberValue?.int64)
                logged[Int(number / 1_000_000) - 1].append(number)
            }
            position = last.seq
        }
        try store.close()
        return logged
    }

    /// What is there begins with what was acknowledged, in that order. Behind it may stand the one batch whose answer was lost
    /// at the very end.
    private static func compare(_ found: [Int64], _ acknowledged: [Int64]) {
        #expect(found.starts(with: acknowledged))
        #expect(found.count <= acknowledged.count + batchSize && Set(found).count == found.count)
    }
}
