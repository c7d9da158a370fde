import Foundation
import LosslessJSON
import Postgres
import PostgresServer
import Seeding
import Testing

/// Several Ferries over one database that don't agree, or are disturbed at what they do rarely.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `Nodes on trial` {
    @Test func `clocks that are hours apart change neither order, nor what is repeated, nor who delivers`() async throws
    {
        let clock = try await TimeOfDay()
        let cluster = try await Cluster(integrations: ["main", "other"])
        var nodes = [
            try await cluster.start("first"),
            try await cluster.start("second", environment: clock.environment(.seconds(5 * 3_600))),
            try await cluster.start("third", environment: clock.environment(.seconds(-5 * 3_600))),
        ]
        try await cluster.settle(nodes)
        func send(_ numbers: ClosedRange<Int64>) async throws {
            for number in numbers {
                let call: JSON = [
                    "userId": "u1", "event": "Counted", "properties": ["n": .number(JSON.Number(number))],
                    "messageId": .string("m\(number)"),
                ]
                // The same one at two nodes.
                for turn in [Int(number), Int(number) + 1] {
                    #expect(try await nodes[turn % nodes.count].post("/v1/track", call).status == 200)
                }
            }
        }
        try await send(1...60)
        try await cluster.arrive(60)
        let (holder, _) = try await cluster.holder(of: "main", nodes)
        holder.kill()
        nodes.removeAll { $0 === holder }
        try await send(61...120)
        let wish: JSON = ["yaml": .string(cluster.integration("late", named: "Name"))]
        for node in nodes { #expect(try await node.postAdmin("/admin/v1/configuration", wish).status == 200) }
        try await send(121...180)
        try await cluster.arrive(180)
        try await cluster.arrive(180, at: ["late"])
        for name in ["main", "other"] {
            #expect(cluster.firsts(name) == Array(1...180) && cluster.lasts(name) == Array(1...180))
        }
        #expect(cluster.arrived("late") == Array(121...180))
        let last = try await nodes[0].get("/admin/v1/log").body?["last"]?.numberValue?.int64
        #expect(last == 180, "each message is there once")
        let hours = "SELECT (max(received_at) - min(received_at)) / 3600000 FROM ferry.events"
        #expect(try PostgresConnection(PostgresURL(cluster.url)).query(hours).integer(0, 0) >= 5)
        var begun: (status: UInt, body: JSON?) = (503, nil)
        // It may take the killed one for the one to ask a little longer.
        for _ in 0..<10 where begun.status == 503 {
            begun = try await nodes[0].postAdmin("/admin/v1/erasures", ["userId": "u1", "send": "delete"])
        }
        let number = try #require(begun.body?["number"]?.numberValue?.int64, "\(begun.body?.description ?? "")")
        _ = try await nodes[1].get("/admin/v1/erasures/\(number)") { $0["state"] == "done" }
        for node in nodes { #expect(node.stop() == 0) }
    }

    @Test func `a replay goes on at another node when that which carries it out is killed`() async throws {
        let cluster = try await Cluster(integrations: ["main"])
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        // So large that a request holds some of them only.
        let filling = JSON.string(String(repeating: "x", count: 4_000))
        let messages = (Int64(1)...600).map { number -> JSON in
            [
                "type": "track", "userId": "u1", "event": "Counted",
                "properties": ["n": .number(JSON.Number(number)), "filling": filling],
            ]
        }
        #expect(try await nodes[0].post("/v1/batch", ["batch": .array(messages)]).status == 200)
        try await cluster.arrive(600)
        let (holder, other) = try await cluster.holder(of: "main", nodes)
        let wish: JSON = ["integration": "main", "first": 1, "last": 600, "rate": 2]
        let job = try await other.postAdmin("/admin/v1/replay", wish)
        let id = try #require(job.body?["number"]?.numberValue?.int64, "\(job.body?.description ?? "")")
        for _ in 0..<1_000 where cluster.arrived("main").count < 800 { try await Task.sleep(for: .milliseconds(20)) }
        holder.kill()
        #expect(800..<1_200 ~= cluster.arrived("main").count, "it was under way")
        // What arrives meanwhile has its turn too.
        for number in Int64(601)...610 { try await cluster.send(number, to: other) }
        let done = try await other.get("/admin/v1/jobs/\(id)") { $0["state"] == "done" }
        try await cluster.arrive(610)
        let replayed = cluster.arrived("main").dropFirst(600).filter { $0 <= 600 }
        #expect(Set(replayed) == Set(1...600), "\(done)")
        // Only what was under way is sent again.
        #expect(replayed.count < 1_000, "\(replayed.count)")
        #expect(other.stop() == 0)
    }

    @Test func `files that differ are taken again at both at once, and every event has its turn`() async throws {
        let cluster = try await Cluster(integrations: ["main"])
        func text(_ name: String, and more: String = "") -> String {
            """
            sources: { web: { write_key: ferry-local } }
            integrations:
              main:
                type: customerio
                sources: [web]
                settings: { endpoint: "\(cluster.destinations["main"]?.url ?? "")", site_id: s, api_key: k }
                actions:
                  track-event:
                    mapping: { name: "\(name)", attributes: $.properties }
            \(more)
            """
        }
        let files = [cluster.file("one.yaml"), cluster.file("other.yaml")]
        let late = """
              late:
                type: customerio
                sources: [web]
                settings: { endpoint: "\(cluster.destinations["late"]?.url ?? "")", site_id: s, api_key: k }
            """
        func write(_ round: Int) throws {
            try text("A\(round)").write(toFile: files[0], atomically: true, encoding: .utf8)
            // One that comes and goes at one of them.
            let more = round.isMultiple(of: 2) ? late : ""
            try text("B\(round)", and: more).write(toFile: files[1], atomically: true, encoding: .utf8)
        }
        try write(0)
        let nodes = [
            try await cluster.start("first", config: files[0]), try await cluster.start("second", config: files[1]),
        ]
        var number: Int64 = 0
        for round in 1...10 {
            try write(round)
            for node in nodes { node.hangUp() }
            for _ in 0..<10 {
                number += 1
                try await cluster.send(number, to: nodes[Int(number) % 2])
            }
            try await Task.sleep(for: .milliseconds(round.isMultiple(of: 3) ? 1_500 : 100))
        }
        try await cluster.arrive(number, at: ["main", "late"])
        #expect(cluster.firsts("main") == Array(1...number) && cluster.lasts("main") == Array(1...number))
        var newest: [JSON] = []
        for node in nodes {
            let list = try await node.get("/admin/v1/integrations/main/revisions").body?["items"]?.arrayValue ?? []
            let number = { (revision: JSON) in revision["number"]?.numberValue?.int64 ?? 0 }
            newest.append(list.max { number($0) < number($1) } ?? .null)
        }
        #expect(newest[0] == newest[1])
        for (name, node) in zip(["first.log", "second.log"], nodes) {
            let said = try String(contentsOfFile: cluster.file(name), encoding: .utf8)
            #expect(said.matches(of: #/the configuration file was read again/#).count == 10, "\(said)")
            #expect(node.stop() == 0)
        }
    }

    @Test func `an erasure is carried out however often the database restarts meanwhile`() async throws {
        var chance = SeededGenerator(for: "erasures over restarts")
        let server = try PostgresServer()
        let url = try await server.database()
        let cluster = try await Cluster(integrations: ["main", "other"], url: url)
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        let people = 3
        for number in Int64(1)...60 {
            try await cluster.send(number, to: nodes[Int(number) % 2], user: "person-\(number % Int64(people))")
        }
        try await cluster.arrive(60)
        let modes: [PostgresServer.StopMode] = [.fast, .immediate, .killed]
        for person in 0..<people {
            let wish: JSON = ["userId": .string("person-\(person)"), "send": "delete"]
            var begun: (status: UInt, body: JSON?) = (0, nil)
            for _ in 0..<200 {
                begun = try await nodes[person % 2].postAdmin("/admin/v1/erasures", wish)
                if begun.status < 500 { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &chance)))
            try server.restart(modes[person % 3])
            let id = try #require(begun.body?["number"]?.numberValue?.int64, "\(begun), \(chance.seed)")
            _ = try await nodes[(person + 1) % 2].get("/admin/v1/erasures/\(id)") { $0["state"] == "done" }
        }
        let tables = try PostgresConnection(PostgresURL(url))
        let left = try tables.query(
            "SELECT count(*) FROM ferry.events WHERE position(convert_to('person-', 'UTF8') IN body) > 0"
        )
        #expect(try left.integer(0, 0) == 0)
        for name in ["main", "other"] {
            let told = cluster.destinations[name]?.taken.filter { $0.text.contains(#""delete""#) } ?? []
            for person in 0..<people { #expect(told.contains { $0.text.contains("person-\(person)\"") }, "\(name)") }
        }
        for node in nodes { #expect(node.stop() == 0) }
    }
}
