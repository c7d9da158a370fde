import AsyncHTTPClient
import Foundation
import LosslessJSON
import PostgresServer
import Seeding
import Testing

/// Several Ferries over one database: all accept, each integration is delivered to by one of them.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `Many nodes` {
    @Test func `all accept, and one delivers each integration in order; when it is killed another goes on`()
        async throws
    {
        let cluster = try await Cluster(integrations: ["main", "other"])
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        for number in Int64(1)...60 { try await cluster.send(number, to: nodes[Int(number) % 2]) }
        try await cluster.arrive(60)
        #expect(cluster.arrived("main") == Array(1...60) && cluster.arrived("other") == Array(1...60))
        let (holder, left) = try await cluster.holder(of: "main", nodes)
        // What all share one of them tells Prometheus.
        let pages = try await [nodes[0].text("/metrics"), nodes[1].text("/metrics")]
        for line in [#"ferry_delivery_lag_events{integration="main"}"#, "ferry_log_events ", "ferry_nodes 2"] {
            let tellers = pages.count { $0.contains("\n\(line)") }
            #expect(tellers == (line == "ferry_nodes 2" ? 2 : 1), "\(line)")
        }
        for number in Int64(61)...80 { try await cluster.send(number, to: nodes[Int(number) % 2]) }
        holder.kill()
        for number in Int64(81)...100 { try await cluster.send(number, to: left) }
        try await cluster.arrive(100)
        for name in ["main", "other"] {
            #expect(cluster.firsts(name) == Array(1...100) && cluster.lasts(name) == Array(1...100))
        }
        let one = try await FerryProcess.run(["nodes", "--url", left.privateURL])
        #expect(one.status == 1 && one.output.contains("silent") && one.output.contains("integration main"))
        // Started again, it is the same node.
        let again = try await cluster.start(holder === nodes[0] ? "first" : "second")
        try await cluster.settle([left, again])
        let both = try await FerryProcess.run(["nodes", "--url", again.privateURL])
        #expect(both.status == 0 && both.output.matches(of: #/ there/#).count == 2, "\(both.output)\(both.errors)")
        #expect(both.output.contains("the one that answers"))
        for node in [left, again] { #expect(node.stop() == 0) }
    }

    @Test func `one that stood still is followed, sends nothing out of order when it wakes up, and is a node again`()
        async throws
    {
        let cluster = try await Cluster(integrations: ["main"])
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        for number in Int64(1)...20 { try await cluster.send(number, to: nodes[0]) }
        try await cluster.arrive(20)
        let (holder, other) = try await cluster.holder(of: "main", nodes)
        holder.freeze(true)
        for number in Int64(21)...40 { try await cluster.send(number, to: other) }
        try await cluster.arrive(40)
        holder.freeze(false)
        for number in Int64(41)...60 { try await cluster.send(number, to: number.isMultiple(of: 2) ? holder : other) }
        try await cluster.arrive(60)
        #expect(cluster.firsts("main") == Array(1...60) && cluster.lasts("main") == Array(1...60))
        _ = try await holder.get("/admin/v1/nodes") { $0["items"]?.arrayValue?.count { $0["isThere"] == true } == 2 }
        for node in nodes { #expect(node.stop() == 0) }
    }

    @Test func `a change made at one node holds at the others, from the same event on`() async throws {
        let cluster = try await Cluster(integrations: ["main"])
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        let (holder, other) = try await cluster.holder(of: "main", nodes)
        // A source of the data, made at one node, lets its clients in at the other one.
        let made = try await other.postAdmin("/admin/v1/sources", ["name": "app"])
        let key = try #require(made.body?["writeKey"]?.stringValue)
        var status: UInt = 0
        for _ in 0..<100 where status != 200 {
            status = try await holder.post(
                "/v1/track",
                ["userId": "u1", "event": "E", "properties": ["n": 0]],
                key: key
            ).status
            if status != 200 { try await Task.sleep(for: .milliseconds(50)) }
        }
        #expect(status == 200)
        // An integration of the data.
        for round in Int64(1)...5 {
            let text = cluster.integration("late", named: "Round \(round)")
            let asked = [holder, other][Int(round) % 2]
            let answer = try await asked.postAdmin("/admin/v1/configuration", ["yaml": .string(text)])
            #expect(answer.status == 200, "\(answer.body?.description ?? "")")
            // What comes from now on is planned by it, whoever accepts and whoever delivers.
            for part in Int64(0)..<20 { try await cluster.send(round * 100 + part, to: nodes[Int(part) % 2]) }
        }
        try await cluster.arrive(519, at: ["late"])
        for taken in cluster.destinations["late"]?.taken ?? [] {
            #expect(taken.text.contains("Round \(taken.number / 100)\""), "\(taken.text)")
        }
        #expect(cluster.firsts("late").count == 100)
        // Pausing at the node that does not deliver.
        let (lateHolder, lateOther) = try await cluster.holder(of: "late", nodes)
        #expect(try await lateOther.postAdmin("/admin/v1/integrations/late/pause", [:]).status == 200)
        _ = try await lateHolder.get("/admin/v1/integrations/late") { $0["health"]?["state"] == "paused" }
        _ = try await lateOther.get("/admin/v1/integrations/late") { $0["health"]?["state"] == "paused" }
        try await cluster.send(600, to: lateOther)
        // What is in memory of the event at the node that delivers is told by the other one.
        let seq = try #require(
            try await lateOther.get("/admin/v1/events?limit=1").body?["items"]?.arrayValue?.first?["number"]
        )
        var given: (status: UInt, body: JSON?) = (0, nil)
        // It has to be read first.
        for _ in 0..<100 where given.status != 200 {
            given = try await lateOther.postAdmin("/admin/v1/integrations/late/give-up", ["event": seq])
            if given.status != 200 { try await Task.sleep(for: .milliseconds(50)) }
        }
        #expect(given.status == 200 && given.body?["givenUp"] == 1, "\(given.body?.description ?? "")")
        #expect(try await lateOther.postAdmin("/admin/v1/integrations/late/resume", [:]).status == 200)
        // A change that is for what waits too goes where nothing is read ahead.
        let text = cluster.integration("late", named: "Last")
        let wish: JSON = ["yaml": .string(text), "waiting": true]
        let applied = try await lateOther.postAdmin("/admin/v1/configuration", wish)
        #expect(applied.status == 200, "\(applied.body?.description ?? "")")
        try await cluster.send(601, to: lateHolder)
        try await cluster.arrive(601, at: ["late"])
        #expect(cluster.destinations["late"]?.taken.last?.text.contains("Last") == true)
        // And gone at both.
        #expect(try await lateHolder.postAdmin("/admin/v1/integrations/late/remove", [:]).status == 200)
        for node in nodes {
            _ = try await node.get("/admin/v1/integrations") { $0["items"]?.arrayValue?.count == 1 }
        }
        for node in nodes { #expect(node.stop() == 0) }
    }

    @Test func `a database that is dumped under load goes on elsewhere, where the dump was made`() async throws {
        let cluster = try await Cluster(integrations: ["main"])
        let node = try await cluster.start("first")
        try await cluster.settle([node])
        for number in Int64(1)...20 { try await cluster.send(number, to: node) }
        try await cluster.arrive(20)
        // Something waits when it is made.
        #expect(try await node.postAdmin("/admin/v1/integrations/main/pause", [:]).status == 200)
        for number in Int64(21)...40 { try await cluster.send(number, to: node) }
        let dump = cluster.file("ferry.dump")
        async let more: Void = { for number in Int64(41)...80 { try await cluster.send(number, to: node) } }()
        let program = try #require(PostgresServer.program("pg_dump"))
        let dumped = try await FerryProcess.run(
            [cluster.url, "--schema=ferry", "--format=custom", "--file=\(dump)"],
            program: program
        )
        #expect(dumped.status == 0, "\(dumped.errors)")
        try await more
        node.kill()
        let url = try await PostgresServer.shared().database()
        let restored = try await FerryProcess.run(
            ["--dbname=\(url)", "--exit-on-error", dump],
            program: try #require(PostgresServer.program("pg_restore"))
        )
        #expect(restored.status == 0, "\(restored.errors)")
        let again = try await cluster.start("second", url: url)
        let logged = try await again.get("/admin/v1/log").body?["last"]?.numberValue?.int64 ?? 0
        #expect(40...80 ~= logged)
        // It is paused as the other one was.
        #expect(cluster.arrived("main") == Array(1...20))
        #expect(try await again.postAdmin("/admin/v1/integrations/main/resume", [:]).status == 200)
        try await cluster.arrive(logged)
        #expect(cluster.arrived("main") == Array(1...logged))
        let status = try await again.get("/admin/v1/integrations/main") { $0["events"]?["waiting"] == 0 }
        #expect(status["events"]?["planned"] == .number(JSON.Number(logged)), "\(status)")
        #expect(again.stop() == 0)
    }

    @Test func `changes made at two nodes at the same moment are known to both, and each event has one`()
        async throws
    {
        let cluster = try await Cluster(integrations: ["main"])
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        // One that nobody has yet, for waiting events too: nothing has to be brought.
        let wish: JSON = ["yaml": .string(cluster.integration("late", named: "Name 0")), "waiting": true]
        let made = try await nodes[1].postAdmin("/admin/v1/configuration", wish)
        #expect(made.status == 200, "\(made.body?.description ?? "")")
        let rounds = 10
        var number: Int64 = 0
        for round in 0..<rounds {
            let texts = (1...2).map { cluster.integration("late", named: "Name \(2 * round + $0)") }
            async let one = nodes[0].postAdmin("/admin/v1/configuration", ["yaml": .string(texts[0])])
            async let other = nodes[1].postAdmin("/admin/v1/configuration", ["yaml": .string(texts[1])])
            for answer in [try await one, try await other] { #expect(answer.status == 200) }
            for _ in 0..<5 {
                number += 1
                try await cluster.send(number, to: nodes[Int(number) % 2])
            }
        }
        try await cluster.arrive(number, at: ["late"])
        var starts: [Int64] = []
        for node in nodes {
            let list = try await node.get("/admin/v1/integrations/late/revisions") {
                $0["items"]?.arrayValue?.count == 2 * rounds + 1
            }
            starts = list["items"]?.arrayValue?.compactMap { $0["firstEvent"]?.numberValue?.int64 }.sorted() ?? []
        }
        #expect(starts.count == 2 * rounds + 1)
        // Between two changes all events are called the same.
        var names: [Int: Set<Substring>] = [:]
        for taken in cluster.destinations["late"]?.taken ?? [] {
            let name = try #require(taken.text.firstMatch(of: #/Name \d+/#)?.output)
            names[starts.lastIndex { $0 <= taken.number } ?? 0, default: []].insert(name)
        }
        #expect(names.values.allSatisfy { $0.count == 1 }, "\(names)")
        for node in nodes { #expect(node.stop() == 0) }
    }

    @Test func `a person is erased and events are replayed by asking any node`() async throws {
        let cluster = try await Cluster(integrations: ["main", "other"])
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        for number in Int64(1)...30 {
            try await cluster.send(number, to: nodes[Int(number) % 2], user: "u\(number % 3)")
        }
        try await cluster.arrive(30)
        let items = try await nodes[0].get("/admin/v1/nodes").body?["items"]?.arrayValue ?? []
        let eraser = items.first { $0["leases"]?.arrayValue?.contains { $0["name"] == "erasing" } == true }
        let asked = eraser?["isThis"] == true ? nodes[1] : nodes[0]
        let begun = try await asked.postAdmin("/admin/v1/erasures", ["userId": "u1", "send": "delete"])
        let number = try #require(begun.body?["number"]?.numberValue?.int64, "\(begun.body?.description ?? "")")
        let done = try await asked.get("/admin/v1/erasures/\(number)") { $0["state"] == "done" }
        #expect(done["receipt"]?["events"] == 10, "\(done)")
        for name in ["main", "other"] {
            #expect(cluster.destinations[name]?.taken.contains { $0.text.contains(#""delete""#) } == true)
        }
        // Then each has one again.
        try await cluster.settle(nodes)
        let (_, other) = try await cluster.holder(of: "main", nodes)
        let before = cluster.arrived("main").count
        let job = try await other.postAdmin("/admin/v1/replay", ["integration": "main", "first": 1, "last": 30])
        let id = try #require(job.body?["number"]?.numberValue?.int64, "\(job.body?.description ?? "")")
        _ = try await other.get("/admin/v1/jobs/\(id)") { $0["state"] == "done" }
        #expect(cluster.arrived("main").count == before + 20)
        for node in nodes { #expect(node.stop() == 0) }
    }
}

/// A database, destinations, and nodes with the same configuration.
final class Cluster: Sendable {
    let destinations: [String: HostileDestination]
    private let folder: ScratchFolder
    private let config: String
    let url: String
    /// Of integrations in the file.
    private let count: Int

    convenience init(integrations names: [String], url: String? = nil, isCalm: Bool = true) async throws {
        var destinations: [String: HostileDestination] = [:]
        for name in names + ["late"] {
            let destination = try await HostileDestination(SeededGenerator(for: "Many nodes"))
            destination.isCalm = isCalm
            destinations[name] = destination
        }
        let sections = names.map { name in
            """
              \(name):
                type: customerio
                sources: [web]
                settings: { endpoint: "\(destinations[name]?.url ?? "")", site_id: s, api_key: k }
            """
        }
        try await self.init(
            text: "sources: { web: { write_key: ferry-local } }\nintegrations:\n" + sections.joined(separator: "\n"),
            count: names.count,
            to: destinations,
            url: url
        )
    }

    /// Nodes with a configuration file, which names so many integrations.
    init(
        text: String,
        count: Int = 1,
        to destinations: [String: HostileDestination] = [:],
        url: String? = nil
    ) async throws {
        (self.destinations, self.count) = (destinations, count)
        folder = try ScratchFolder()
        if let url { self.url = url } else { self.url = try await PostgresServer.shared().database() }
        config = try folder.file("ferry.yaml", text)
    }

    /// An integration of the data, which calls what it tells by a name.
    func integration(_ name: String, named event: String) -> String {
        """
        integrations:
          \(name):
            type: customerio
            settings: { endpoint: "\(destinations[name]?.url ?? "")", site_id: s, api_key: k }
            actions:
              track-event:
                mapping: { name: "\(event)", attributes: $.properties }
        """
    }

    /// A node with a folder of its own, which has the key of the first one's.
    func start(
        _ name: String,
        url: String? = nil,
        config: String? = nil,
        environment: [String: String] = [:]
    ) async throws -> RunningFerry {
        let own = folder.url.appending(path: name)
        let key = folder.url.appending(path: "first/seal.key")
        if name != "first", !FileManager.default.fileExists(atPath: own.path) {
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: key, to: own.appending(path: "seal.key"))
        }
        return try await RunningFerry(
            data: "env:FERRY_TEST_DATABASE",
            config: config ?? self.config,
            arguments: ["--folder", own.path],
            log: folder.url.appending(path: "\(name).log").path,
            environment: environment.merging(["FERRY_TEST_DATABASE": url ?? self.url]) { $1 }
        )
    }

    func file(_ name: String) -> String { folder.url.appending(path: name).path }

    /// Returns when the integrations are shared among the nodes, and each says so.
    func settle(_ nodes: [RunningFerry]) async throws {
        for node in nodes {
            _ = try await node.get("/admin/v1/nodes") { list in
                let there = (list["items"]?.arrayValue ?? []).filter { $0["isThere"] == true }
                let counts = there.map { node in
                    node["leases"]?.arrayValue?.count { $0["name"]?.stringValue?.hasPrefix("integration") == true } ?? 0
                }
                let most = counts.max() ?? 0
                let all = counts.reduce(0, +)
                return there.count == nodes.count && all == count
                    && most * nodes.count < all + nodes.count
            }
        }
    }

    /// The node that delivers to an integration, and another one.
    func holder(of integration: String, _ nodes: [RunningFerry]) async throws -> (RunningFerry, RunningFerry) {
        for _ in 0..<400 {
            for (index, node) in nodes.enumerated() {
                let items = try await node.get("/admin/v1/nodes").body?["items"]?.arrayValue ?? []
                let this = items.first { $0["isThis"] == true }
                let holds = this?["leases"]?.arrayValue?.contains {
                    $0["name"]?.stringValue == "integration \(integration)"
                }
                if holds == true { return (node, nodes[(index + 1) % nodes.count]) }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw CancellationError()
    }

    func send(_ number: Int64, to node: RunningFerry, user: String = "u1") async throws {
        let call: JSON = [
            "userId": .string(user), "event": "Counted", "properties": ["n": .number(JSON.Number(number))],
        ]
        let answer = try await node.post("/v1/track", call)
        #expect(answer.status == 200, "\(number): \(answer.body?.description ?? "")")
    }

    /// The numbers that an integration's destination has taken.
    func arrived(_ name: String) -> [Int64] { (destinations[name]?.taken ?? []).map(\.number).filter { $0 > 0 } }

    /// Each once, where it came first; and where it came last.
    func firsts(_ name: String) -> [Int64] {
        var known: Set<Int64> = []
        return arrived(name).filter { known.insert($0).inserted }
    }

    func lasts(_ name: String) -> [Int64] {
        var known: Set<Int64> = []
        return arrived(name).reversed().filter { known.insert($0).inserted }.reversed()
    }

    /// Waits until a number has arrived everywhere.
    func arrive(_ number: Int64, at names: [String]? = nil) async throws {
        for name in names ?? destinations.keys.filter({ $0 != "late" }) {
            for _ in 0..<6_000 {
                if arrived(name).contains(number) { break }
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(arrived(name).contains(number), "\(name)")
        }
    }
}
