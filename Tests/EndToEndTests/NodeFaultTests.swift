import Foundation
import LosslessJSON
import Postgres
import PostgresServer
import Testing

/// What several Ferries over one database do when something is in their way.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `Nodes in trouble` {
    private func connection(_ url: String) throws -> PostgresConnection {
        var options = PostgresOptions()
        options.settings = [("search_path", "ferry")]
        return try PostgresConnection(PostgresURL(url), options: options)
    }

    @Test func `of two that apply from the same export at the same moment one is told to export again`() async throws {
        let cluster = try await Cluster(integrations: ["main"])
        let nodes = [try await cluster.start("first"), try await cluster.start("second")]
        try await cluster.settle(nodes)
        let made = try await nodes[0].postAdmin(
            "/admin/v1/configuration",
            ["yaml": .string(cluster.integration("late", named: "Name 0"))]
        )
        #expect(made.status == 200, "\(made.body?.description ?? "")")
        let rounds = 10
        for round in 1...rounds {
            let wishes: [JSON] = (1...2).map { number in
                let text = cluster.integration("late", named: "Name \(2 * round + number)")
                let exported = text.replacing("type: customerio", with: "type: customerio\n    revision: \(round)")
                return ["yaml": .string(exported)]
            }
            async let one = nodes[0].postAdmin("/admin/v1/configuration", wishes[0])
            async let other = nodes[1].postAdmin("/admin/v1/configuration", wishes[1])
            let answers = [try await one, try await other].sorted { $0.status < $1.status }
            #expect(answers.map(\.status) == [200, 400], "round \(round)")
            #expect(answers[0].body?["items"]?.arrayValue?.first?["revision"] == .number(JSON.Number(Int64(round + 1))))
            let words = answers[1].body?.description ?? ""
            #expect(words.contains("the text was exported from revision \(round): export it again"), "\(words)")
        }
        for node in nodes {
            _ = try await node.get("/admin/v1/integrations/late/revisions") {
                $0["items"]?.arrayValue?.count == rounds + 1
            }
            #expect(node.stop() == 0)
        }
    }

    @Test func `a change of another node that can't be read yet delays no beat`() async throws {
        let cluster = try await Cluster(integrations: ["main"])
        let node = try await cluster.start("first")
        try await cluster.settle([node])
        let (holder, tables) = (try connection(cluster.url), try connection(cluster.url))
        try holder.run("BEGIN; LOCK TABLE revisions IN ACCESS EXCLUSIVE MODE")
        try tables.run("UPDATE shared SET configuration = configuration + 1")
        for _ in 0..<50 {
            try await Task.sleep(for: .milliseconds(100))
            let late = try tables.query(
                "SELECT 1 FROM nodes WHERE seen_at < clock_timestamp() - INTERVAL '3 s' OR (SELECT count(*) FROM leases) = 0"
            )
            #expect(late.count == 0)
        }
        try holder.run("ROLLBACK")
        holder.close()
        try await cluster.send(1, to: node)
        try await cluster.arrive(1)
        #expect(node.stop() == 0)
    }

    @Test func `one that hears nothing from the database says so, and works again when it does`() async throws {
        let server = try PostgresServer()
        let cluster = try await Cluster(integrations: ["main"], url: try await server.database())
        let node = try await cluster.start("first")
        try await cluster.settle([node])
        server.freeze(true)
        let paths = ["/admin/v1/events", "/admin/v1/integrations", "/admin/v1/failed", "/admin/v1/jobs"]
        // What a node knows after seven seconds; then soon.
        for (path, bound) in zip(paths, [11, 4, 4, 4]) {
            let start = ContinuousClock.now
            let answer = try await node.get(path)
            let words = answer.body?.description ?? ""
            #expect(answer.status == 503 && start.duration(to: .now) < .seconds(bound), "\(path): \(words)")
            #expect(words.contains("database"), "\(path): \(words)")
        }
        let start = ContinuousClock.now
        let text = cluster.integration("late", named: "Name")
        let change = try await node.postAdmin("/admin/v1/configuration", ["yaml": .string(text)])
        #expect(change.status == 503 && start.duration(to: .now) < .seconds(4), "\(change)")
        server.freeze(false)
        var status: UInt = 0
        for _ in 0..<200 where status != 200 {
            status = try await node.get("/admin/v1/events").status
            if status != 200 { try await Task.sleep(for: .milliseconds(50)) }
        }
        #expect(status == 200)
        try await cluster.send(1, to: node)
        try await cluster.arrive(1)
        #expect(node.stop() == 0)
    }

    @Test func `an older version that comes back after an outage ends without writing, where a newer one was there`()
        async throws
    {
        let cluster = try await Cluster(integrations: ["main"])
        let node = try await cluster.start("first")
        try await cluster.settle([node])
        try await cluster.send(1, to: node)
        try await cluster.arrive(1)
        let tables = try connection(cluster.url)
        node.freeze(true)
        try tables.run(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid();
            INSERT INTO migrations (name) VALUES ('of tomorrow')
            """
        )
        let text = "SELECT next::text || (SELECT max(seen_at)::text FROM nodes) FROM log_head"
        let before = try tables.query(text).bytes(0, 0)
        node.freeze(false)
        let taken = try? await node.post("/v1/track", ["userId": "u1", "event": "Counted"])
        #expect(taken?.status != 200)
        #expect(await node.end() != 0)
        #expect(try tables.query(text).bytes(0, 0) == before)
        let said = try String(contentsOfFile: cluster.file("first.log"), encoding: .utf8)
        #expect(said.contains("was written by a newer version of Ferry"), "\(said)")
    }

    @Test func `both lanes of an integration begin again when one of them could not begin`() async throws {
        let cluster = try await Cluster(integrations: ["main"])
        let node = try await cluster.start("first")
        try await cluster.settle([node])
        try await cluster.send(1, to: node)
        try await cluster.arrive(1)
        #expect(node.stop() == 0)
        let tables = try connection(cluster.url)
        try tables.run(
            """
            DELETE FROM cursors WHERE kind = 'metrics';
            CREATE FUNCTION fail() RETURNS TRIGGER LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure'; END $$;
            CREATE TRIGGER fails BEFORE INSERT ON cursors FOR EACH ROW EXECUTE FUNCTION fail()
            """
        )
        let again = try await cluster.start("first")
        let log = cluster.file("first.log")
        while try !String(contentsOfFile: log, encoding: .utf8).contains("delivery to an integration ends here") {
            try await Task.sleep(for: .milliseconds(50))
        }
        try tables.run("DROP TRIGGER fails ON cursors")
        _ = try await again.get("/admin/v1/integrations/main") { $0["lanes"]?.arrayValue?.count == 2 }
        try await cluster.send(2, to: again)
        try await cluster.arrive(2)
        #expect(again.stop() == 0)
    }
}
