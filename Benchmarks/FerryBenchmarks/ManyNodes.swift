import Foundation
import LosslessJSON
import Postgres
import PostgresServer

/// One, two and three nodes over one PostgreSQL, in turn, each time new ones: how many events a second they accept and deliver,
/// whose processor time that takes, what it leaves on the disk, and beside it what `pgbench` inserts without Ferry.
///
/// Nodes, PostgreSQL, sender and destination share the machine: more nodes show what sharing a log costs, and not what more
/// machines give.
struct ManyNodes {
    let executable: String
    let events: Int

    private static let rounds = 3
    /// Each has a source of its own, so that each event is delivered once.
    private static let integrations = ["one", "two", "three"]
    private static let connections = 16
    /// What is sent before the clock starts.
    private static let warmUp = 3_000

    /// What one round came to; all but the rates for each event.
    private struct Figures {
        var accepted = 0.0
        var delivered = 0.0
        var nodes = 0.0
        var database = 0.0
        var sender = 0.0
        var eventsOfGroup = 0.0
        var groupsPerSecond = 0.0
        var flushes = 0.0
        var wal = 0.0
        var disk: [Double] = []
    }

    func run() async throws -> String {
        guard PostgresServer.isInstalled else { return "many nodes: left out, there is no PostgreSQL server" }
        let batches = Self.batches(of: events, "measured")
        var figures: [[Figures]] = [[], [], []]
        var floor: [Double] = []
        for _ in 0..<Self.rounds {
            for index in figures.indices { figures[index].append(try await measured(index + 1, batches)) }
            if let rows = try Self.floor() { floor.append(rows) }
        }
        return lines(figures, floor).joined(separator: "\n")
    }

    // MARK: Measuring

    private func measured(_ count: Int, _ batches: [LoadGenerator.Request]) async throws -> Figures {
        let server = try PostgresServer(settings: LogEngines.settings)
        let destination = try await CountingDestination()
        defer { destination.close() }
        let url = try await server.database()
        let database = try Database(server, url)
        var nodes: [FerryProcess] = []
        defer { for node in nodes { node.stop() } }
        for _ in 0..<count {
            let node = try await FerryProcess(
                executable: executable,
                integrations: .whole(Self.configuration(destination.url)),
                database: url,
                others: nodes
            )
            nodes.append(node)
        }
        while try await !Self.areShared(nodes) { try await Task.sleep(for: .milliseconds(50)) }
        try await Self.send(Self.batches(of: Self.warmUp, "warm-up"), to: nodes)
        try await Self.waitFor(Self.warmUp, at: destination)

        let before = try await Meters(nodes, database)
        let start = ContinuousClock.now
        try await Self.send(batches, to: nodes)
        let accepted = start.duration(to: .now) / .seconds(1)
        let atAcceptance = try await Meters(nodes, database)
        try await Self.waitFor(Self.warmUp + events, at: destination)
        let delivered = start.duration(to: .now) / .seconds(1)
        let after = try await Meters(nodes, database)
        // Connections tell what they have flushed when they end, at the latest.
        while let node = nodes.popLast() { node.stop() }

        let count = Double(events)
        let groups = atAcceptance.groups - before.groups
        return Figures(
            accepted: count / accepted,
            delivered: count / delivered,
            nodes: (after.nodes - before.nodes) / count * 1e6,
            database: (after.database - before.database) / count * 1e6,
            sender: (after.own - before.own) / count * 1e6,
            eventsOfGroup: count / groups,
            groupsPerSecond: groups / accepted,
            flushes: try (database.flushes - before.flushes) / count,
            wal: (after.wal - before.wal) / count,
            disk: try database.sizes().map { $0 / Double(events + Self.warmUp) }
        )
    }

    private static func send(_ batches: [LoadGenerator.Request], to nodes: [FerryProcess]) async throws {
        let load = LoadGenerator(
            ports: nodes.map(\.publicPort),
            connections: connections,
            requests: batches,
            sendsEachOnce: true
        )
        let result = try await load.run(seconds: 3600)
        guard result.refused == 0, result.latencies.count == batches.count else {
            throw FerryProcess.Failed(description: "\(result.refused) of \(batches.count) batches were refused")
        }
    }

    private static func waitFor(_ events: Int, at destination: CountingDestination) async throws {
        var last = (events: 0, at: ContinuousClock.now)
        while destination.events < events {
            try await Task.sleep(for: .milliseconds(5))
            if destination.events > last.events { last = (destination.events, .now) }
            guard last.at.duration(to: .now) < .seconds(60) else {
                throw FerryProcess.Failed(description: "\(last.events) of \(events) events arrived, and no more")
            }
        }
    }

    /// Whether each node delivers to about as many integrations as the others.
    private static func areShared(_ nodes: [FerryProcess]) async throws -> Bool {
        for node in nodes {
            let items = try await node.get("/admin/v1/nodes")["items"]?.arrayValue ?? []
            let counts = items.filter { $0["isThere"] == true }.map { item in
                item["leases"]?.arrayValue?.count { $0["name"]?.stringValue?.hasPrefix("integration ") == true } ?? 0
            }
            let most = counts.max() ?? 0
            let isAll = counts.count == nodes.count && counts.reduce(0, +) == integrations.count
            guard isAll, most - (counts.min() ?? 0) < 2 else { return false }
        }
        return true
    }

    /// Rows a second that `pgbench` inserts with as many clients as there are connections here; `nil` where its script is not at
    /// hand.
    private static func floor() throws -> Double? {
        let script = "scripts/pgbench-floor"
        guard FileManager.default.isExecutableFile(atPath: script) else { return nil }
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: script)
        process.environment = ProcessInfo.processInfo.environment.merging(["FLOOR_SECONDS": "5"]) { $1 }
        process.standardOutput = output
        // Tasks run on threads that take no signals, which programs inherit; pgbench's time is over at one.
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let rows = text.split(separator: "\n").map { $0.split(separator: " ") }
        return rows.first { $0.first == "\(connections)" }.flatMap { Double($0[1]) }
    }

    // MARK: What is sent

    private static func configuration(_ endpoint: String) -> String {
        let sources = integrations.map { "  \($0): { write_key: \($0) }" }
        let settings = "settings: { endpoint: \"\(endpoint)\", site_id: site, api_key: key }"
        let sections = integrations.map { "  \($0): { type: customerio, sources: [\($0)], \(settings) }" }
        return (["sources:"] + sources + ["integrations:"] + sections).joined(separator: "\n") + "\n"
    }

    /// Batches of 100 track calls of 1 KB each, to one source after the other; their texts can't be pressed together.
    private static func batches(of events: Int, _ name: String) -> [LoadGenerator.Request] {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/".utf8)
        return (0..<events / 100).map { batch in
            let items = (0..<100).map { item -> String in
                let number = batch * 100 + item
                let start = """
                    {"type":"track","event":"Ordered","userId":"u\(number * 7919 % 50_000)",\
                    "messageId":"\(name)-\(number)-0123456789abcdef","properties":{"text":"\(CountingDestination.mark)
                    """
                let text = (start.utf8.count..<1_000 - 3).map { _ in letters[Int.random(in: 0..<letters.count)] }
                return start + String(decoding: text, as: UTF8.self) + "\"}}"
            }
            let body = "{\"batch\":[" + items.joined(separator: ",") + "]}"
            return LoadGenerator.request("/v1/batch", key: integrations[batch % 3], body: Array(body.utf8))
        }
    }

    // MARK: Words

    private func lines(_ figures: [[Figures]], _ floor: [Double]) -> [String] {
        var lines = [
            """

            many nodes: \(events) events of 1 KB in batches of 100 over \(Self.connections) connections, to \
            \(Self.integrations.count) integrations; \(Self.rounds) rounds in turn
            """
        ]
        func line(_ name: String, _ format: String, _ value: (Figures) -> Double) {
            let cells = figures.map { range($0.map(value), format).padded(to: 26) }
            lines.append("  " + name.padded(to: 32) + cells.joined())
        }
        lines.append("  " + "".padded(to: 32) + ["1 node", "2 nodes", "3 nodes"].map { $0.padded(to: 26) }.joined())
        line("accepted, events/s", "%.0f", \.accepted)
        line("delivered, events/s", "%.0f", \.delivered)
        line("nodes, µs an event", "%.0f", \.nodes)
        line("PostgreSQL, µs an event", "%.0f", \.database)
        line("sender and destination, µs", "%.0f", \.sender)
        line("events a group", "%.0f", \.eventsOfGroup)
        line("groups/s", "%.0f", \.groupsPerSecond)
        line("flushes of 1,000 events", "%.1f") { $0.flushes * 1_000 }
        line("bytes of WAL an event", "%.0f", \.wal)
        for (index, name) in Database.parts.enumerated() { line("bytes of \(name)", "%.0f") { $0.disk[index] } }
        if !floor.isEmpty {
            lines.append("  pgbench, \(Self.connections) clients: \(range(floor)) rows/s")
        }
        return lines
    }

    // MARK: Meters

    /// What has been used so far.
    private struct Meters {
        var nodes = 0.0
        let database: Double
        let own: Double
        let wal: Double
        let flushes: Double
        var groups = 0.0

        init(_ nodes: [FerryProcess], _ database: Database) async throws {
            self.nodes = nodes.map(\.cpuSeconds).reduce(0, +)
            self.database = database.processorTime
            own = ProcessorTime.own
            wal = try database.walBytes
            flushes = try database.flushes
            for node in nodes {
                let commits = try await node.get("/admin/v1/log")["commits"]
                groups += commits?["groups"]?.numberValue?.double ?? 0
            }
        }
    }

    /// What PostgreSQL tells of itself.
    private struct Database {
        /// Of the disk, for each event.
        static let parts = ["events", "their index", "keys", "the rest"]

        private let connection: PostgresConnection
        private let process: Int32

        init(_ server: PostgresServer, _ url: String) throws {
            connection = try PostgresConnection(PostgresURL(url))
            let text = try String(contentsOf: server.folder.appending(path: "data/postmaster.pid"), encoding: .utf8)
            process = text.split(separator: "\n").first.flatMap { Int32($0) } ?? 0
        }

        var processorTime: Double { ProcessorTime.of(familyOf: process) }

        var walBytes: Double {
            get throws { try number("SELECT (pg_current_wal_lsn() - '0/0')::BIGINT") }
        }

        var flushes: Double {
            get throws { try number("SELECT wal_sync FROM pg_stat_wal") }
        }

        /// Bytes of the `parts`.
        func sizes() throws -> [Double] {
            let schema = "FROM pg_class WHERE relnamespace = 'ferry'::regnamespace AND relkind = 'r'"
            let events = "\(schema) AND relname LIKE 'events\\_%'"
            let sizes = try [
                "SELECT sum(pg_table_size(oid))::BIGINT \(events)",
                "SELECT sum(pg_indexes_size(oid))::BIGINT \(events)",
                "SELECT pg_total_relation_size('ferry.seen')",
            ].map(number)
            let all = try number("SELECT sum(pg_total_relation_size(oid))::BIGINT \(schema)")
            return sizes + [all - sizes.reduce(0, +)]
        }

        private func number(_ statement: String) throws -> Double {
            Double(try connection.query(statement).integer(0, 0))
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { padding(toLength: width, withPad: " ", startingAt: 0) }
}
