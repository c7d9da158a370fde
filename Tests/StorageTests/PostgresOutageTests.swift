import LosslessJSON
import Postgres
import PostgresServer
import Synchronization
import Testing

@testable import Storage

/// What a server can do to who appends, beside being away: callers append at full speed meanwhile, each its message again and
/// again until it is acknowledged, and go on by themselves afterwards.
@Suite(
    .enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"),
    .serialized,
    .timeLimit(.minutes(3))
)
struct `Appending to a server in trouble` {
    private func administrator(of server: PostgresServer) throws -> PostgresConnection {
        var options = PostgresOptions()
        options.applicationName = "others"
        options.settings = [("search_path", "ferry")]
        return try PostgresConnection(PostgresURL(server.url()), options: options)
    }

    /// Gives up soon.
    private static var impatient: DataStore.Limits {
        var limits = DataStore.Limits()
        limits.appendTimeout = .seconds(2)
        return limits
    }

    // MARK: Standbys

    enum Loss: CaseIterable {
        case killed, standingStill
    }

    @Test(arguments: Loss.allCases)
    func `goes on at the standby that takes the place of a lost primary, which has all that was acknowledged`(
        loss: Loss
    ) async throws {
        let primary = try PostgresServer()
        let standby = try primary.standby()
        let store = try DataStore(opening: .postgres(primary.url(or: standby), folder: nil), limits: Self.impatient)
        try await store.ledger.advance("a", to: 1)
        let callers = Callers(store)
        try await callers.append {
            await callers.acknowledge(200)
            switch loss {
            case .killed: primary.stop(.killed)
            case .standingStill: primary.freeze(true)
            }
            await callers.meetRefusal()
            try standby.promote()
            await callers.acknowledge(200)
        }
        try await callers.check()
        // On a connection of its own, which is given up after a minute where a server stands still.
        if loss == .killed {
            while (try? await store.ledger.position(of: "a")) == nil {}
            #expect(try await store.ledger.position(of: "a") == 1)
            while (try? await store.ledger.advance("a", to: 2)) == nil {}
            #expect(try await store.ledger.position(of: "a") == 2)
        }
        try store.close()
    }

    /// A commit waits for a standby, for as long as it takes. Who gives up waiting leaves it at the primary alone: the same
    /// message that comes again is acknowledged only with the standby.
    @Test func `acknowledges nothing while the standby is away that is to take over`() async throws {
        let primary = try PostgresServer()
        let standby = try primary.standby()
        let store = try DataStore(opening: .postgres(primary.url(or: standby), folder: nil), limits: Self.impatient)
        let callers = Callers(store)
        try await callers.append {
            await callers.acknowledge(200)
            standby.stop(.immediate)
            await callers.meetRefusal()
            try standby.start()
            await callers.acknowledge(200)
            primary.stop(.killed)
            await callers.meetRefusal()
            try standby.promote()
            await callers.acknowledge(200)
        }
        try await callers.check()
        try store.close()
    }

    @Test func `waits while its server is a standby, which nobody can start with`() async throws {
        let server = try PostgresServer()
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        let callers = Callers(store)
        try await callers.append {
            await callers.acknowledge(100)
            try server.restartAsStandby()
            await callers.meetRefusal()
            for error in [
                #expect(throws: StorageError.self) { try DataStore(opening: .postgres(server.url(), folder: nil)) },
                #expect(throws: StorageError.self) { try DatabaseGlance(at: server.url()) },
                await #expect(throws: StorageError.self) { try await store.log.append([event("a")]) },
                await #expect(throws: StorageError.self) { try await store.log.count() },
            ] {
                #expect(error?.code == .unavailable)
                #expect(error?.description.contains("is a standby") == true, "\(error?.description ?? "")")
                #expect(error?.description.contains("name the primary server in the URL") == true)
                #expect(error?.description.contains(server.password) == false)
            }
            try server.promote()
            await callers.acknowledge(100)
        }
        try await callers.check()
        try store.close()
    }

    @Test func `waits while its server is set to read only`() async throws {
        let server = try PostgresServer()
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        let administrator = try administrator(of: server)
        let callers = Callers(store)
        try await callers.append {
            await callers.acknowledge(100)
            try administrator.run("ALTER SYSTEM SET default_transaction_read_only = on")
            try administrator.run("SELECT pg_reload_conf()")
            await callers.meetRefusal()
            let error = await #expect(throws: StorageError.self) { try await store.log.append([event("a")]) }
            #expect(error?.description.contains("set to read only") == true)
            try administrator.run("ALTER SYSTEM RESET default_transaction_read_only")
            try administrator.run("SELECT pg_reload_conf()")
            await callers.acknowledge(100)
        }
        try await callers.check()
        try store.close()
    }

    // MARK: Connections and locks

    @Test func `waits while others have all connections, and says what helps`() async throws {
        let server = try PostgresServer(settings: ["max_connections=16"])
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        let administrator = try administrator(of: server)
        let callers = Callers(store)
        try await callers.append { await callers.acknowledge(100) }
        // While nobody appends, Ferry does not take them again.
        try administrator.run(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = 'ferry'"
        )
        var others: [PostgresConnection] = []
        while let other = try? self.administrator(of: server) { others.append(other) }
        try await callers.append {
            await callers.meetRefusal()
            let error = #expect(throws: StorageError.self) {
                try DataStore(opening: .postgres(server.url(), folder: nil))
            }
            #expect(error?.code == .unavailable)
            #expect(error?.description.contains("too many clients") == true, "\(error?.description ?? "")")
            let way = "Ferry needs 7, and 3 more where embedded workspaces are used: raise max_connections"
            #expect(error?.description.contains(way) == true)
            for other in others { other.close() }
            await callers.acknowledge(100)
        }
        try await callers.check()
        try store.close()
    }

    @Test func `waits while another one holds the end of the log, and no longer than senders do`() async throws {
        let server = try PostgresServer()
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        let administrator = try administrator(of: server)
        let callers = Callers(store)
        try await callers.append {
            await callers.acknowledge(100)
            try administrator.run("BEGIN; SELECT * FROM log_head FOR UPDATE")
            await callers.meetRefusal()
            try administrator.run("COMMIT")
            await callers.acknowledge(100)
        }
        try await callers.check()
        try store.close()
    }

    @Test func `goes on however often its statements are cancelled and its connections ended`() async throws {
        let server = try PostgresServer()
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        let administrator = try administrator(of: server)
        let callers = Callers(store)
        try await callers.append {
            for round in 0..<80 {
                let function = round % 2 == 0 ? "pg_terminate_backend" : "pg_cancel_backend"
                try administrator.run(
                    "SELECT \(function)(pid) FROM pg_stat_activity WHERE application_name = 'ferry'"
                )
                try await Task.sleep(for: .milliseconds(round % 7 * 5))
            }
            await callers.meetRefusal(again: false)
            await callers.acknowledge(100)
        }
        try await callers.check()
        try store.close()
    }
}

/// Callers at full speed, and what was acknowledged to them.
private final class Callers: Sendable {
    private static let callers = 4
    private static let batchSize = 5

    private struct State {
        var isOver = false
        /// By caller, in the order in which it asked.
        var acknowledged = [[String]](repeating: [], count: Callers.callers)
        var refusals = 0
        /// Errors that are not to be.
        var unexpected: [StorageError] = []
        var longest = Duration.zero
    }

    private let store: DataStore
    private let state = Mutex(State())

    init(_ store: DataStore) {
        self.store = store
    }

    /// Appends while a body goes on, and until each caller has its last acknowledgement or refusal.
    func append(while body: () async throws -> Void) async throws {
        state.withLock { $0.isOver = false }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<Self.callers { group.addTask { await self.append(as: caller) } }
            defer { state.withLock { $0.isOver = true } }
            try await body()
            state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
    }

    private func append(as caller: Int) async {
        var number = state.withLock { $0.acknowledged[caller].count }
        while true {
            let names = (number..<number + Self.batchSize).map { "\(caller) \($0)" }
            while await !isAcknowledged(names) {
                if state.withLock({ $0.isOver }) { return }
                try? await Task.sleep(for: .milliseconds(5))
            }
            state.withLock { $0.acknowledged[caller] += names }
            if state.withLock({ $0.isOver }) { return }
            number += Self.batchSize
        }
    }

    private func isAcknowledged(_ names: [String]) async -> Bool {
        let start = ContinuousClock.now
        var failure: StorageError?
        do { _ = try await store.log.append(names.map { event($0) }) } catch { failure = error }
        return state.withLock { state in
            state.longest = max(state.longest, .now - start)
            guard let failure else { return true }
            state.refusals += 1
            if failure.code != .unavailable { state.unexpected.append(failure) }
            return false
        }
    }

    private var count: Int { state.withLock { $0.acknowledged.reduce(0) { $0 + $1.count } } }

    /// Waits until so much more is acknowledged.
    func acknowledge(_ more: Int) async {
        let before = count
        while count < before + more { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// Waits until a call was refused, from now on or at all.
    func meetRefusal(again: Bool = true) async {
        let before = again ? state.withLock { $0.refusals } : 0
        while state.withLock({ $0.refusals }) == before { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// The log begins with what was acknowledged to each, in that order and once. Behind it may stand the one batch whose
    /// acknowledgement was lost at the end.
    func check() async throws {
        let state = self.state.withLock { $0 }
        #expect(state.unexpected == [])
        #expect(state.longest < .seconds(45), "a caller was kept waiting")
        var logged = [[String]](repeating: [], count: Self.callers)
        let events = try await store.log.read(after: 0, limit: .max)
        #expect(events.map(\.seq) == Array(1...Int64(events.count)))
        for event in events {
            let name = try #require(try JSON(parsing: event.body)["messageId"]?.stringValue)
            let caller = try #require(name.split(separator: " ").first.flatMap { Int($0) })
            logged[caller].append(name)
        }
        for (logged, acknowledged) in zip(logged, state.acknowledged) {
            #expect(!acknowledged.isEmpty && logged.starts(with: acknowledged))
            #expect(logged.count <= acknowledged.count + Self.batchSize)
            #expect(Set(logged).count == logged.count)
        }
    }
}
