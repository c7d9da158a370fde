import Postgres
import PostgresServer
import Testing

@testable import Storage

/// In PostgreSQL as well every statement finds its rows by an index: looked at as it is carried out, by `auto_explain`, over
/// tables of thousands of rows.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `Plans of PostgreSQL` {
    /// Tables that grow with what Ferry does.
    private static let growing = [
        "events", "kept_events", "seen", "repeats", "exceptions", "requests", "tallies", "refused_messages", "jobs",
        "people", "objects", "activity", "devices", "relationships", "segment_members", "deliveries", "event_ids",
        "anonymous_people", "anonymous_relationships", "suppressed", "metrics", "forms",
    ]
    /// Rows that a step of a plan may look at in vain.
    private static let inVain = 1_000

    /// Statements that go through much of a table on purpose, and seldom: a partition that is about to be dropped because of its
    /// age, and counts of long ago that are to stand together.
    private static let thorough = ["SELECT max(received_at) FROM events_", "SELECT DISTINCT minute - minute %"]

    /// What has been carried out: a statement, and how.
    private struct Plan {
        let statement: String
        let steps: [String]
    }

    @Test func `of every operation use indexes`() async throws {
        let server = try PostgresServer()
        var limits = DataStore.Limits()
        limits.refusedBytes = 1_500_000
        var store = try DataStore(opening: .postgres(server.url(), folder: nil), limits: limits)
        try await fill(store, PostgresConnection(PostgresURL(server.url())))
        try store.close()
        let start = server.logText.utf8.count
        let explaining = [
            "session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on",
            "auto_explain.log_timing=off", "auto_explain.log_nested_statements=on",
        ]
        let options = explaining.map { "-c%20" + $0.replacing("=", with: "%3D") }.joined(separator: "%20")
        let url = server.url() + "?options=\(options)"
        store = try DataStore(opening: .postgres(url, folder: nil), limits: limits)
        try await store.useEverything()
        try await store.workspaces.useEverything()
        let erasure = try await store.erasures.add(NewErasure(.init(userId: "1", email: "1@x.com"), startedAt: 0))
        try await store.erasures.cleanWorkspaces(for: erasure, .untold)
        try store.close()
        let scan = "SELECT count(*) FROM ferry.seen WHERE seq = -1"
        _ = try PostgresConnection(PostgresURL(url)).query(scan)
        let plans = Self.plans(in: server.logText.utf8.dropFirst(start))
        #expect(Set(plans.map(\.statement)).count > 80, "every statement was looked at")
        let found = try #require(plans.first { $0.statement == scan })
        #expect(Self.problems(of: found).count == 2, "a scan would be found")
        for plan in plans where plan.statement != scan && !Self.thorough.contains(where: plan.statement.hasPrefix) {
            for problem in Self.problems(of: plan) { Issue.record("\(problem): \(plan.statement)\n\(plan.steps)") }
        }
    }

    /// As right after a large import, or where one workspace is much larger than all others.
    @Test func `of lists in workspaces use indexes before the server knows how much there is`() async throws {
        let explaining = [
            "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on", "auto_explain.log_timing=off",
        ]
        let server = try PostgresServer(
            settings: ["session_preload_libraries=auto_explain", "autovacuum=off"] + explaining
        )
        let store = try DataStore(opening: .postgres(server.url(), folder: nil))
        try await fill(store, PostgresConnection(PostgresURL(server.url())), analyzes: false)
        let start = server.logText.utf8.count
        try await store.workspaces.read(in: "other") { workspace in
            let people = try workspace.people(after: nil, limit: 250)
            _ = try workspace.devices(of: people.map(\.key))
            _ = try workspace.segments(of: people.map(\.key))
            _ = try workspace.searchActivity(of: nil, ActivityFilter(name: "B"), before: nil, limit: 10)
            _ = try workspace.activity(before: nil, limit: 10)
            _ = try workspace.objects(after: nil, limit: 10)
            _ = try workspace.metrics(after: nil, limit: 10)
        }
        try store.close()
        let plans = Self.plans(in: server.logText.utf8.dropFirst(start)).filter { $0.statement.contains(" FROM ") }
        #expect(plans.count >= 7)
        for plan in plans {
            let others = ["Bitmap", "Seq Scan", "Hash Join", "Merge Join", "devices_pkey", "segment_members_pkey"]
            let found = others.filter(plan.steps.joined().contains)
            #expect(found == [], "\(plan.statement)\n\(plan.steps)")
        }
    }

    private func fill(_ store: DataStore, _ tables: PostgresConnection, analyzes: Bool = true) async throws {
        try tables.run("SET search_path = ferry; UPDATE log_head SET span = 4000")
        for part in 0..<10 {
            _ = try await store.log.append(
                (0..<1_000).map { event("\(part) \($0)", body: $0 == 0 ? #"{"userId":"u1"}"# : nil) }
            )
        }
        _ = try await store.ledger.open(.live, of: "i", startingAt: 0)
        for number in 2...40 { _ = try await store.ledger.open(.live, of: "k\(number)", startingAt: 0) }
        try tables.run(
            """
            INSERT INTO exceptions (cursor, seq, place, action, state, takes_away, claims, attempts, failing_for, at, words)
                SELECT 1 + n % 40, n, 0, 'a' || n % 5, n % 2, 0, '', 0, 0, 0, 'no ' || n % 50
                FROM generate_series(1, 6000) AS n;
            INSERT INTO kept_events (seq, source, received_at, body)
                SELECT -n, 'web', 0, '{}' FROM generate_series(1, 5000) AS n;
            INSERT INTO repeats (seq, times, last_at) SELECT n, 1, 0 FROM generate_series(1, 10000) AS n;
            INSERT INTO requests (cursor, low, sent_at, ms, status, operations)
                SELECT 1 + n % 40, n, 0, 1, 200, '' FROM generate_series(1, 10000) AS n;
            INSERT INTO verdicts (text) SELECT 'verdict ' || n FROM generate_series(1, 200) AS n;
            INSERT INTO tallies (cursor, minute, verdict, count)
                SELECT 1 + n % 40, n * 60 * 24, 1 + n % 200, 1 FROM generate_series(1, 10000) AS n;
            INSERT INTO jobs (kind, integration, state, first, last, as_new, includes_taking_away, cursor, started_at)
                SELECT 'replay', 'k2', 'done', 1, 2, 0, 0, 40, 0 FROM generate_series(1, 5000) AS n;
            INSERT INTO refused_messages (source, code, reason, raw, is_cut, path, received_at, size)
                SELECT 'web', 'c', 'r', '{}', 0, 'batch', 0, 300 FROM generate_series(1, 5000) AS n;
            UPDATE refused_size SET messages = 5000, bytes = 1500000;
            INSERT INTO workspaces (name, suppression_key) VALUES ('other', ''), ('w', '\\x000102030405060708090a0b0c0d0e0f');
            INSERT INTO people (workspace, id, email, email_key, cio_id, phone, made_at, attributes)
                SELECT 1, n, n, n, n, n, 0, '{}' FROM generate_series(1, 5000) AS n;
            INSERT INTO objects (workspace, type, id, cio_id, made_at, attributes)
                SELECT 1, 1, n, n, 0, '{}' FROM generate_series(1, 5000) AS n;
            INSERT INTO activity (workspace, person, type, timestamp, logged_at, name)
                SELECT 1, n, 'event', 0, 0, 'A' FROM generate_series(1, 5000) AS n;
            INSERT INTO activity (workspace, anonymous_id, type, timestamp, logged_at, name)
                SELECT 1, n, 'event', 0, 0, 'A' FROM generate_series(1, 5000) AS n;
            INSERT INTO devices (workspace, token, person, platform, last_used, attributes)
                SELECT 1, n, n, 'ios', 0, '{}' FROM generate_series(1, 5000) AS n;
            INSERT INTO relationships (person, object, attributes) SELECT n, n, '{}' FROM generate_series(1, 5000) AS n;
            INSERT INTO segment_members (workspace, segment, person) SELECT 1, 1, n FROM generate_series(1, 5000) AS n;
            INSERT INTO deliveries (workspace, id, person, channel) SELECT 1, n, n, 'push' FROM generate_series(1, 5000) AS n;
            INSERT INTO event_ids (workspace, id, received_at) SELECT 1, n, 0 FROM generate_series(1, 5000) AS n;
            INSERT INTO anonymous_people (workspace, anonymous_id, person, joined_at)
                SELECT 1, n, n, 0 FROM generate_series(1, 5000) AS n;
            INSERT INTO anonymous_relationships (workspace, anonymous_id, object, attributes)
                SELECT 1, n, n, '{}' FROM generate_series(1, 5000) AS n;
            INSERT INTO suppressed (workspace, kind, value, together)
                SELECT 1, 'id', decode(lpad(to_hex(n), 8, '0'), 'hex'), n FROM generate_series(1, 5000) AS n;
            INSERT INTO metrics (workspace, timestamp, delivery_id, name, data)
                SELECT 1, 0, n, 'opened', '{}' FROM generate_series(1, 5000) AS n;
            INSERT INTO forms (workspace, made_at, id) SELECT 1, 0, n FROM generate_series(1, 5000) AS n
            """
        )
        if analyzes { try tables.run("VACUUM ANALYZE") }
    }

    // MARK: Reading the log

    /// Behind `LOG:  duration: … plan:` stands what belongs to it, each line with a tab before it: the statement, then the
    /// steps.
    private static func plans(in log: Substring.UTF8View) -> [Plan] {
        var plans: [Plan] = []
        var (statement, steps, isReading): ([Substring], [String], Bool) = ([], [], false)
        func end() {
            guard isReading, !steps.isEmpty else { return }
            let words = statement.joined(separator: " ").split { $0.isWhitespace }
            // Behind "Query Text:".
            plans.append(Plan(statement: words.dropFirst(2).joined(separator: " "), steps: steps))
        }
        for bytes in log.split(separator: UInt8(ascii: "\n")) {
            let line = Substring(bytes)
            guard isReading, bytes.first == UInt8(ascii: "\t") else {
                end()
                (statement, steps, isReading) = ([], [], line.hasSuffix("plan:"))
                continue
            }
            if !steps.isEmpty || line.contains("  (cost=") {
                steps.append(String(line))
            } else {
                statement.append(line)
            }
        }
        end()
        return plans
    }

    /// The whole of a table that grows, or much of it for nothing. What was not carried out doesn't count.
    private static func problems(of plan: Plan) -> [String] {
        plan.steps.compactMap { line in
            let step = line.drop { "\t ->".contains($0) }
            if step.hasPrefix("Seq Scan on "), !step.contains("never executed") {
                let table = step.dropFirst("Seq Scan on ".count).prefix { $0 == "_" || $0.isLetter }
                let name = table.hasSuffix("_") ? table.dropLast() : table
                return growing.contains(String(name)) ? "all of \(name)" : nil
            }
            guard step.hasPrefix("Rows Removed by"), let removed = step.split(separator: " ").last.flatMap({ Int($0) })
            else { return nil }
            return removed > inVain ? "\(removed) rows in vain" : nil
        }
    }
}
