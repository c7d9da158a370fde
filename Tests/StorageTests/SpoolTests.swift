import Foundation
import GRDB
import Postgres
import PostgresServer
import Seeding
import Synchronization
import Testing

@testable import Storage

/// Events that wait on this machine while a real server is away; all of these tests stop and start the same one.
@Suite(
    .serialized,
    .enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"),
    .timeLimit(.minutes(5))
)
struct `A spool` {
    private static let one = Result { try PostgresServer() }

    private let server: PostgresServer
    private let scratch: ScratchFolder
    private let url: String
    private let notes = Notes()

    private final class Notes: Sendable {
        private let told = Mutex<[SpoolNote]>([])
        var all: [SpoolNote] { told.withLock { $0 } }
        func add(_ note: SpoolNote) { told.withLock { $0.append(note) } }
    }

    init() async throws {
        server = try Self.one.get()
        try server.start()
        scratch = try ScratchFolder()
        url = try await server.database()
    }

    private func open(
        _ folder: String = "data",
        isOn: Bool = true,
        bytes: Int64 = 1_000_000_000
    ) throws -> DataStore {
        let settings = SpoolSettings(isOn: isOn, bytes: bytes, note: notes.add)
        return try DataStore(opening: .postgres(url, folder: "\(scratch.path)/\(folder)"), spool: settings)
    }

    private func tables() throws -> PostgresConnection {
        var options = PostgresOptions()
        options.settings = [("search_path", "ferry")]
        return try PostgresConnection(PostgresURL(url), options: options)
    }

    private func drained(_ store: DataStore) async throws {
        while (store.log.commits.engine as? PostgresLog)?.ownSpool?.isInUse ?? false {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func `keeps what the database doesn't take, and brings it there in its order when it is back`() async throws {
        let store = try open()
        #expect(try await store.log.append([event("a")]) == [.stored(seq: 1)])
        var appended = store.log.appended.makeAsyncIterator()
        server.stop(.immediate)
        let events = [
            event("b", receivedAt: 1_700_000_000_007), event("a"), event("k", deduplicates: false),
            event("nul \u{0}é", name: "x\u{0}y"),
        ]
        #expect(try await store.log.append(events) == [.spooled, .spooled, .spooled, .spooled])
        #expect(try await store.log.append([event("b"), event("c")]) == [.duplicate(of: nil), .spooled])
        #expect(store.spool == SpoolStatus(events: 5, oldestAt: 1_700_000_000_007))
        #expect(try SpoolGlance(of: scratch.path + "/data")?.status == store.spool)
        try server.start()
        try await drained(store)
        await appended.next()
        // Those of before are known there, too.
        let logged = try await store.log.read(after: 0, limit: 99)
        #expect(logged.map(\.receivedAt).prefix(2) == [1_700_000_000_000, 1_700_000_000_007])
        #expect(
            try await store.bodies() == ["a", "b", "k", "nul \u{0}é", "c"].map { #"{"messageId":"\#($0)"}"# }
        )
        #expect(try await store.log.repeats(of: 1)?.times == 1)
        #expect(try await store.log.append([event("c"), event("d")]) == [.duplicate(of: 5), .stored(seq: 6)])
        guard case .began(let reason)? = notes.all.first else { return #expect(notes.all == [], "nothing was told") }
        #expect(!reason.isEmpty && notes.all.dropFirst() == [.ended(events: 5)])
        try store.close()
    }

    /// A process that is killed when the database has committed, and the spool still holds the events: here by going on
    /// from a copy of before.
    @Test func `brings nothing twice, however old it is and whether it has an id`() async throws {
        let day: Int64 = 86_400_000
        let store = try open()
        _ = try await store.log.append([event("first", receivedAt: 0)])
        server.stop()
        let events = (0..<5_000).map {
            event("\($0)", receivedAt: day + Int64($0), deduplicates: $0.isMultiple(of: 3))
        }
        for start in stride(from: 0, to: events.count, by: 100) {
            #expect(try await store.log.append(Array(events[start..<start + 100])).allSatisfy { $0 == .spooled })
        }
        try store.close()
        let (folder, copy) = (scratch.path + "/data", scratch.path + "/copy")
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
        try server.start()
        let next = try open()
        // Before all of it is there, as often as not.
        while try await next.log.count() == 1 { await Task.yield() }
        try next.close()
        let half = try open("copy")
        try await drained(half)
        let policy = LogRetention.Policy(milliseconds: .max, bytes: .max, dropsUnsettled: false, integrations: [])
        while !(try await half.retention.sweep(policy, at: 9 * day).isDone) {}
        #expect(try tables().query("SELECT count(*) FROM seen").integer(0, 0) == 0)
        try half.close()
        // Once more, now that nobody there knows their keys.
        let last = try open()
        try await drained(last)
        let bodies = try await last.bodies()
        #expect(bodies.first == #"{"messageId":"first"}"#)
        #expect(bodies.dropFirst() == events.map { String(decoding: $0.body, as: UTF8.self) }[...])
        try last.close()
    }

    private enum Fate: CaseIterable {
        case committed, undone
    }

    /// The answer to a commit is lost: once because it waits for a standby, where it is done, and once because it waits for
    /// another writer, where it is not.
    @Test(arguments: Fate.allCases) private func `knows what became of a group whose answer was lost`(fate: Fate)
        async throws
    {
        let store = try open()
        _ = try await store.log.append([event("a")])
        let other = try tables()
        switch fate {
        case .committed:
            try other.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            try other.run("SELECT pg_reload_conf()")
            try await Task.sleep(for: .milliseconds(300))
        case .undone: try other.run("BEGIN; SELECT * FROM log_head FOR UPDATE")
        }
        let events = [event("b", deduplicates: false), event("c"), event("d", deduplicates: false)]
        #expect(try await store.log.append(events) == [.spooled, .spooled, .spooled])
        #expect(try await store.log.append([event("e", deduplicates: false)]) == [.spooled])
        switch fate {
        case .committed:
            try other.run("ALTER SYSTEM RESET synchronous_standby_names")
            try other.run("SELECT pg_reload_conf()")
        case .undone: try other.run("ROLLBACK")
        }
        try await drained(store)
        #expect(try await store.bodies() == ["a", "b", "c", "d", "e"].map { #"{"messageId":"\#($0)"}"# })
        #expect(try await store.log.append([event("f")]) == [.stored(seq: 6)])
        try store.close()
    }

    @Test func `what comes late to the database after it was settled is undone`() throws {
        try DataStore(opening: .postgres(url, folder: nil)).close()
        let tables = try tables()
        func settle(_ step: Int64) throws -> [Int64] {
            let rows = try tables.query("SELECT * FROM spool_settle('x', $1)", [.integer(step)])
            return try (0..<3).map { try rows.integer(0, $0) }
        }
        #expect(try settle(7) == [0, 8, 0])
        for late in ["SELECT spool_step('x', 7)", "SELECT spool_step('y', 1)"] {
            let error = #expect(throws: PostgresError.self) { _ = try tables.query(late) }
            #expect(error?.kind == .serialization)
        }
        #expect(try settle(7) == [0, 8, 0])
        _ = try tables.query("SELECT spool_step('x', 9)")
        #expect(try settle(9) == [1, 9, 0] && settle(9) == [1, 9, 0])
        _ = try tables.query("SELECT spool_forward('x', 1, 20)")
        #expect(throws: PostgresError.self) { _ = try tables.query("SELECT spool_forward('x', 20, 30)") }
        _ = try tables.query("SELECT spool_forward('x', 21, 30)")
        #expect(try settle(3) == [0, 9, 30])
    }

    @Test func `takes what fits, and all of that arrives`() async throws {
        let store = try open(bytes: 1_500_000)
        server.stop()
        var taken: [String] = []
        var refusal: StorageError?
        while refusal == nil {
            let one = event("\(taken.count)", body: "\(taken.count) " + String(repeating: "x", count: 20_000))
            do {
                _ = try await store.log.append([one])
                taken.append(String(decoding: one.body, as: UTF8.self))
            } catch {
                refusal = error
            }
        }
        #expect(refusal?.code == .unavailable && refusal?.description.contains("spool_size") == true)
        #expect((30...75).contains(taken.count), "\(taken.count)")
        try server.start()
        try await drained(store)
        #expect(try await store.bodies() == taken)
        #expect(try await store.log.append([event("more")]) == [.stored(seq: Int64(taken.count + 1))])
        try store.close()
    }

    @Test func `on a disk that is full nothing is taken, and nothing is lost`() async throws {
        let store = try open()
        server.stop()
        #expect(try await store.log.append([event("a")]) == [.spooled])
        let file = try #require((store.log.commits.engine as? PostgresLog)?.ownSpool?.log.database.writer)
        func limit(_ pages: String) throws {
            try file.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
        }
        let pages = try await file.read { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        try limit("\(pages)")
        let large = event("b", body: String(repeating: "x", count: 100_000))
        let error = await #expect(throws: StorageError.self) { try await store.log.append([large]) }
        #expect(error?.code == .full && error?.description.contains("spool.db") == true)
        try limit("1000000")
        #expect(try await store.log.append([large]) == [.spooled])
        try server.start()
        try await drained(store)
        #expect(try await store.log.read(after: 0, limit: 9).map(\.body.count) == [17, 100_000])
        try store.close()
    }

    @Test func `is brought into the log where it is not wanted any more, and takes nothing more then`() async throws {
        let first = try open()
        server.stop()
        _ = try await first.log.append([event("a"), event("b")])
        try first.close()
        try server.start()
        // Whoever would leave them there is told.
        let folder = scratch.path + "/data"
        let (opened, copied) = (
            #expect(throws: StorageError.self) { try DataStore(opening: .folder(folder)) },
            #expect(throws: StorageError.self) {
                try LogCopy.run(from: .postgres(url, folder: folder), to: .folder(scratch.path + "/to"))
            }
        )
        for error in [opened, copied] {
            #expect(error?.code == .refused && error?.description.contains("2 accepted") == true)
        }
        let store = try open(isOn: false)
        #expect(notes.all.contains(.found(events: 2)))
        try await drained(store)
        #expect(try await store.log.append([event("a"), event("c")]) == [.duplicate(of: 1), .stored(seq: 3)])
        server.stop()
        let error = await #expect(throws: StorageError.self) { try await store.log.append([event("d")]) }
        #expect(error?.code == .unavailable)
        try store.close()
        try server.start()
        #expect(try open(isOn: false).spool == nil)
        try DataStore(opening: .folder(scratch.path + "/data")).close()
    }

    @Test func `makes its file small again`() async throws {
        let store = try open()
        server.stop()
        let text = String(repeating: "x", count: 60_000)
        for round in 0..<10 {
            _ = try await store.log.append((0..<50).map { event("\(round) \($0)", body: "\(round) \($0) \(text)") })
        }
        func bytes() throws -> Int {
            try #require(
                try FileManager.default.attributesOfItem(atPath: scratch.path + "/data/spool.db")[.size] as? Int
            )
        }
        while try bytes() < 25_000_000 { try await Task.sleep(for: .milliseconds(20)) }
        try server.start()
        try await drained(store)
        while try bytes() > 1_000_000 { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await store.log.count() == 500)
        try store.close()
    }

    @Test func `is not without a folder`() throws {
        let error = #expect(throws: StorageError.self) {
            try DataStore(opening: .postgres(url, folder: nil), spool: SpoolSettings(isOn: true))
        }
        #expect(error?.code == .refused)
    }

    @Test func `holds up erasures, and that keys are forgotten which its events may repeat`() async throws {
        let hour: Int64 = 3_600_000
        let store = try open()
        _ = try await store.log.append([event("a", receivedAt: 0)])
        // Nothing goes into the log, and nothing out of the spool, as long as somebody else is at the end of the log.
        let other = try tables()
        try other.run("BEGIN; SELECT * FROM log_head FOR UPDATE")
        _ = try await store.log.append([event("a", receivedAt: 2 * hour), event("b", receivedAt: 3 * hour)])
        let error = await #expect(throws: StorageError.self) {
            try await store.erasures.add(NewErasure(.init(userId: "u1"), startedAt: 1))
        }
        #expect(error?.code == .unavailable)
        let policy = LogRetention.Policy(milliseconds: .max, bytes: .max, dropsUnsettled: false, integrations: [])
        _ = try await store.retention.sweep(policy, at: 99 * hour)
        #expect(store.spool?.events == 2)
        try other.run("ROLLBACK")
        try await drained(store)
        #expect(try await store.bodies() == ["a", "b"].map { #"{"messageId":"\#($0)"}"# })
        while !(try await store.retention.sweep(policy, at: 99 * hour).isDone) {}
        #expect(try tables().query("SELECT count(*) FROM seen").integer(0, 0) == 0)
        _ = try await store.erasures.add(NewErasure(.init(userId: "u1"), startedAt: 1))
        try store.close()
    }

    @Test func `does without a server that stands still`() async throws {
        let store = try open()
        _ = try await store.log.append([event("a")])
        server.freeze(true)
        let start = ContinuousClock.now
        #expect(try await store.log.append([event("b")]) == [.spooled])
        #expect(start.duration(to: .now) < .seconds(15))
        #expect(try await store.log.append([event("c")]) == [.spooled])
        server.freeze(false)
        try await drained(store)
        #expect(try await store.bodies() == ["a", "b", "c"].map { #"{"messageId":"\#($0)"}"# })
        try store.close()
    }

    // MARK: At random

    /// What senders were told.
    private final class Senders: Sendable {
        struct State {
            var store: DataStore?
            var acknowledged: [[String]]
            var spooled = 0
            var stored = 0
            var isOver = false
        }
        let state: Mutex<State>

        init(_ count: Int) { state = Mutex(State(acknowledged: Array(repeating: [], count: count))) }

        /// Appends one event after the other until it is over. One that is refused comes again: with its id, or, where it
        /// has none, as another one.
        func run(_ sender: Int) async {
            var (number, attempt) = (0, 0)
            while !state.withLock({ $0.isOver }) {
                let hasId = (sender + number).isMultiple(of: 2)
                let name = hasId ? "\(sender)-\(number)" : "\(sender)-\(number)-\(attempt)"
                guard let store = state.withLock({ $0.store }),
                    let result = try? await store.log.append([event(name, body: name, deduplicates: hasId)]).first
                else {
                    attempt += 1
                    try? await Task.sleep(for: .milliseconds(5))
                    continue
                }
                state.withLock { state in
                    state.acknowledged[sender].append(name)
                    if result == .spooled { state.spooled += 1 }
                    if case .stored = result { state.stored += 1 }
                }
                (number, attempt) = (number + 1, 0)
            }
        }
    }

    @Test func `keeps order and number of everything through whatever comes, at random`() async throws {
        var chance = SeededGenerator(for: "A spool")
        let count = 6
        let senders = Senders(count)
        var store = try open()
        senders.state.withLock { [store] in $0.store = store }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<count { group.addTask { await senders.run(sender) } }
            defer { senders.state.withLock { $0.isOver = true } }
            while senders.state.withLock({ $0.stored == 0 }) { try await Task.sleep(for: .milliseconds(5)) }
            for _ in 0..<8 {
                switch Int.random(in: 0..<10, using: &chance) {
                case 0..<6:
                    server.stop(chance.pick([.fast, .immediate, .killed]))
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...400, using: &chance)))
                    try server.start()
                case 6:
                    server.freeze(true)
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...6_500, using: &chance)))
                    server.freeze(false)
                default:
                    senders.state.withLock { $0.store = nil }
                    try store.close()
                    store = try open()
                    senders.state.withLock { [store] in $0.store = store }
                }
                if chance.chance(50) { try await drained(store) }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &chance)))
            }
            senders.state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        try await drained(store)
        let state = senders.state.withLock { ($0.acknowledged, $0.spooled, $0.stored) }
        #expect(state.1 > 0 && state.2 > 0, "\(state.1) waited, \(state.2) did not")
        let bodies = try await store.bodies()
        #expect(Set(bodies).count == bodies.count)
        for sender in 0..<count {
            let acknowledged = Set(state.0[sender])
            #expect(bodies.filter { $0.hasPrefix("\(sender)-") && acknowledged.contains($0) } == state.0[sender])
        }
        // Every one with an id that is there was acknowledged, but for the last.
        func hasId(_ name: String) -> Bool { name.split(separator: "-").count == 2 }
        #expect(bodies.count(where: hasId) <= state.0.joined().count(where: hasId) + count)
        try store.close()
    }
}
