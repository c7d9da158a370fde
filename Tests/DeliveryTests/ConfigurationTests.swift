import Events
import Integrations
import LosslessJSON
import Seeding
import Storage
import Synchronization
import Testing
import TrackAPI

@testable import Delivery

@Suite(.timeLimit(.minutes(2))) struct `A configuration that changes` {
    /// What stands in the place of the ferry room: connections that remember what they were sent.
    private final class World: Sendable {
        let live = LiveIntegrations()
        let store: DataStore
        let sent = Mutex<[(name: String, mark: String, connection: Int)]>([])
        /// With which secrets connections were made, in their order.
        let secrets = Mutex<[[String: String]]>([])
        private let connections = Mutex(0)

        init(_ store: DataStore) {
            self.store = store
        }

        var configurator: Configurator {
            Configurator(
                live,
                revisions: store.revisions,
                control: DeliveryControl(),
                nodes: store.nodes,
                connect: { _, sealed in
                    self.secrets.withLock { $0.append(sealed) }
                    return self.connection()
                },
                now: { Moment(steady: 0, wall: 1_700_000_000_000) }
            )
        }

        private func connection() -> Connection {
            let number = connections.withLock { number in
                number += 1
                return number
            }
            return Connection { operations, _ in
                self.sent.withLock { sent in
                    for operation in operations {
                        let mark = operation.body["attributes"]?["mark"]?.stringValue ?? ""
                        sent.append((operation.body["name"]?.stringValue ?? "", mark, number))
                    }
                }
                return Exchange(status: 200, answer: .delivered(operations.map { _ in "" }), workspace: nil)
            }
        }

        func configuration(_ mark: String, _ names: [String] = ["a"]) throws -> Configuration {
            var text = "integrations:\n"
            for name in names {
                text += """
                      \(name):
                        type: customerio
                        settings: { endpoint: workspace }
                        actions:
                          track-event: { mapping: { attributes: { mark: "\(mark)" } } }

                    """
            }
            return try Configuration(parsing: text, file: "ferry.yaml")
        }

        func dispatcher() -> Dispatcher {
            let clock = FastClock()
            return Dispatcher(
                integrations: live,
                log: store.log,
                ledger: store.ledger,
                jobs: store.jobs,
                nodes: store.nodes,
                surroundings: Dispatcher.Surroundings(
                    now: { clock.now },
                    sleep: { await clock.sleep($0) },
                    chance: { 0 }
                ),
                logger: quiet
            )
        }
    }

    @Test(arguments: [false, true])
    func `gives each event exactly one revision, and loses or doubles none`(waiting: Bool) async throws {
        let store = try DataStore(opening: .memory)
        let world = World(store)
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await world.configurator.begin(with: try world.configuration("0"))
        let run = Task { try await world.dispatcher().run() }
        async let appending: Void = {
            for group in 0..<100 {
                try await store.log.appendTracks((0..<10).map { "e-\(group * 10 + $0)" }) { "u-\($0)" }
                try await Task.sleep(for: .milliseconds(2))
            }
        }()
        for round in 1...20 {
            let changes = try await world.configurator.reload(world.configuration("\(round)"), waiting: waiting)
            #expect(changes.map(\.kind) == [.changed] && changes.first?.revision == Int64(round + 1))
            try await Task.sleep(for: .milliseconds(8))
        }
        try await appending
        while try await !store.isSettled("a", through: 1_000) { try await Task.sleep(for: .milliseconds(2)) }
        run.cancel()
        try await run.value
        let sent = world.sent.withLock { $0.map { ($0.name, $0.mark) } }
        #expect(sent.count == 1_000)
        let marks = Dictionary(sent) { first, _ in first }
        #expect(marks.count == 1_000)
        let history = try #require(world.live.named("a")?.history)
        for logged in try await store.log.read(after: 0, limit: .max) {
            let name = try JSON(parsing: logged.body)["event"]?.stringValue ?? ""
            let number = history.revision(of: logged.seq).number
            #expect(marks[name] == "\(number - 1)", "event \(logged.seq)")
        }
        #expect(Set(marks.values).count > 3, "the changes came too late to be seen")
        try store.close()
    }

    /// Clients are let in as soon as it is made, and lanes begin when they come to it.
    @Test func `delivers what has come since an integration was made, and nothing of before`() async throws {
        let store = try DataStore(opening: .memory)
        let world = World(store)
        try await store.log.appendTracks(["before"]) { _ in "u" }
        try await world.configurator.begin(with: try world.configuration("0"))
        try await store.log.appendTracks(["early"]) { _ in "u" }
        let run = Task { try await world.dispatcher().run() }
        try await store.log.appendTracks(["late"]) { _ in "u" }
        while try await !store.isSettled("a", through: 3) { try await Task.sleep(for: .milliseconds(2)) }
        run.cancel()
        try await run.value
        #expect(world.sent.withLock { $0.map(\.name) } == ["early", "late"])
        try store.close()
    }

    @Test func `is the same after a restart, and what the file has changed since is a revision`() async throws {
        let scratch = ScratchStore()
        var store = try scratch.open()
        var world = World(store)
        try await world.configurator.begin(with: try world.configuration("0"))
        _ = try await world.configurator.apply(
            world.configuration("x", ["kept"]),
            by: .console,
            waiting: false,
            isForced: false
        )
        try store.close()
        store = try scratch.open()
        world = World(store)
        try await world.configurator.begin(with: try world.configuration("0"))
        #expect(world.live.all.map(\.name) == ["a", "kept"] && world.live.all.map(\.home) == [.file, .database])
        #expect(world.live.all.map(\.history.newest.number) == [1, 1])
        #expect(world.live.named("kept")?.history.revisions.map(\.author) == [.console])
        try store.close()
        store = try scratch.open()
        world = World(store)
        try await world.configurator.begin(with: try world.configuration("1", ["a", "kept"]))
        #expect(world.live.all.map(\.history.newest.number) == [2, 2])
        // The file has taken it over.
        #expect(world.live.all.map(\.home) == [.file, .file])
        #expect(try await store.revisions.keptIntegrations().isEmpty)
        try store.close()
    }

    @Test func `refuses what can't be, and changes nothing then`() async throws {
        let store = try DataStore(opening: .memory)
        let world = World(store)
        let configurator = world.configurator
        try await configurator.begin(with: try world.configuration("0"))
        let refusals: [(String, () async throws -> Void)] = [
            (
                "a is managed by the configuration file",
                {
                    _ = try await configurator.apply(
                        world.configuration("1", ["new", "a"]),
                        by: .api,
                        waiting: false,
                        isForced: true
                    )
                }
            ),
            (
                "the text defines no integration",
                { _ = try await configurator.apply(Configuration(), by: .api, waiting: false, isForced: false) }
            ),
            ("there is no integration b", { _ = try await configurator.putBack(1, of: "b", by: .api, waiting: false) }),
            ("a has no revision 2", { _ = try await configurator.putBack(2, of: "a", by: .api, waiting: false) }),
            ("remove it there, and reload", { try await configurator.remove(integration: "a") }),
            ("there is no integration b", { try await configurator.remove(integration: "b") }),
        ]
        for (words, attempt) in refusals {
            let refusal = await #expect(throws: ConfigurationRefusal.self) { try await attempt() }
            #expect(refusal?.description.contains(words) == true, "\(words)")
        }
        #expect(world.live.all.map(\.name) == ["a"] && world.live.all.map(\.history.newest.number) == [1])
        #expect(try await store.revisions.all().count == 1)
    }

    @Test func `refuses the export of an older revision unless it is forced`() async throws {
        let store = try DataStore(opening: .memory)
        let world = World(store)
        let configurator = world.configurator
        let apply = { (mark: String, base: Int?, isForced: Bool) in
            var text = IntegrationDefinition.export([(try world.configuration(mark).integrations[0].definition, 1)])
            text = text.replacing("    revision: 1\n", with: base.map { "    revision: \($0)\n" } ?? "")
            let configuration = try Configuration(parsing: text, file: "x")
            return try await configurator.apply(configuration, by: .api, waiting: false, isForced: isForced)
        }
        #expect(try await apply("0", nil, false).map(\.kind) == [.created])
        #expect(try await apply("1", 1, false).map(\.kind) == [.changed])
        let refusal = await #expect(throws: ConfigurationRefusal.self) { try await apply("2", 1, false) }
        #expect(refusal?.description.contains("a is at revision 2, and the text was exported from revision 1") == true)
        #expect(try await apply("1", 1, false).map(\.kind) == [.unchanged])
        #expect(try await apply("2", 1, true).map(\.revision) == [3])
        let back = try await configurator.putBack(1, of: "a", by: .console, waiting: false)
        #expect(back.kind == .changed && back.revision == 4)
        #expect(back.difference?.contains("-         mark: '2'\n+         mark: '0'") == true, "\(back)")
    }

    @Test(arguments: [true, false])
    func `knows its secrets when something of before is put back`(isFile: Bool) async throws {
        let store = try DataStore(opening: .memory)
        let world = World(store)
        let configurator = world.configurator
        let configuration = { (limit: Int, key: String) in
            let settings = "{ endpoint: \"http://127.0.0.1:9\", site_id: site, api_key: \(key) }"
            let text = "integrations: { a: { type: customerio, rate_limit: \(limit), settings: \(settings) } }"
            return try Configuration(parsing: text, file: "x")
        }
        let change = { (limit: Int, key: String) in
            isFile
                ? try await configurator.reload(configuration(limit, key), waiting: false)
                : try await configurator.apply(configuration(limit, key), by: .api, waiting: false, isForced: false)
        }
        try await configurator.begin(with: isFile ? configuration(5, "secret") : Configuration())
        if !isFile { _ = try await change(5, "secret") }
        #expect(try await change(5, "secret").map(\.kind) == [.unchanged])
        #expect(try await change(7, "secret").map(\.kind) == [.changed])
        for _ in 0..<2 {
            let back = try await configurator.putBack(1, of: "a", by: .api, waiting: true)
            #expect(back.kind == .changed)
            #expect(world.live.named("a")?.integration.settings.rateLimit == 5)
            #expect(world.secrets.withLock { $0.last } == ["site_id": "site", "api_key": "secret"])
        }
        // A new key is no other text. Where it is sealed it is a revision, in a file it stands there.
        #expect(try await change(5, "other").map(\.kind) == [isFile ? .unchanged : .changed])
        #expect(world.secrets.withLock { $0.last?["api_key"] } == "other")
        try store.close()
    }

    @Test func `takes an integration away and makes it again`() async throws {
        let store = try DataStore(opening: .memory)
        let world = World(store)
        let control = DeliveryControl()
        let configurator = Configurator(
            world.live,
            revisions: store.revisions,
            control: control,
            nodes: store.nodes,
            connect: { _, _ in
                Connection { operations, _ in
                    Exchange(status: 200, answer: .delivered(operations.map { _ in "" }), workspace: nil)
                }
            },
            now: { Moment(steady: 0, wall: 0) }
        )
        let clock = FastClock()
        let dispatcher = Dispatcher(
            integrations: world.live,
            log: store.log,
            ledger: store.ledger,
            jobs: store.jobs,
            nodes: store.nodes,
            control: control,
            surroundings: .init(now: { clock.now }, sleep: { await clock.sleep($0) }, chance: { 0 }),
            logger: quiet
        )
        let run = Task { try await dispatcher.run() }
        let configuration = try world.configuration("0")
        for round in 0..<5 {
            _ = try await configurator.apply(configuration, by: .api, waiting: false, isForced: false)
            while control.statuses.count < 2 { await Task.yield() }
            try await store.log.appendTracks(["e\(round)"])
            while try await !store.isSettled("a", through: try await store.log.lastSequence()) { await Task.yield() }
            try await configurator.remove(integration: "a")
            while !control.statuses.isEmpty { await Task.yield() }
        }
        run.cancel()
        try await run.value
        #expect(world.live.all.isEmpty)
    }

    @Test func `waits for plans under way, and plans wait for it`() async throws {
        let gate = PlanningGate()
        let watch = Watch()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    if number % 10 == 0 {
                        await gate.changing { await watch.during(\.changing) }
                    } else {
                        await gate.planning { await watch.during(\.planning) }
                    }
                }
            }
        }
        #expect(watch.wrong == 0)
    }

    /// Counts who is in, and who should not be beside whom.
    private final class Watch: Sendable {
        struct State {
            var planning = 0
            var changing = 0
            var wrong = 0
        }

        private let state = Mutex(State())

        var wrong: Int { state.withLock(\.wrong) }

        func during(_ role: any WritableKeyPath<State, Int> & Sendable) async {
            state.withLock { state in
                state[keyPath: role] += 1
                if state.changing > 1 || state.changing == 1 && state.planning > 0 { state.wrong += 1 }
            }
            await Task.yield()
            state.withLock { $0[keyPath: role] -= 1 }
        }
    }
}
