import LosslessJSON

/// The statements on the tables `nodes`, `leases`, `questions` and `shared`, which only PostgreSQL has.
enum NodeTables {
    /// What a node brings to a beat.
    struct Beat: Sendable {
        let node: String
        let session: Int64
        let about: Nodes.About
        let held: [Lease]
        /// What it holds and is done with.
        let over: [(LeaseName, Int64)]
        let wanted: [LeaseName]
        let isGathering: Bool
    }

    /// What it takes from it.
    struct Answer: Sendable {
        /// `nil` when another process has the node's place.
        var shared: SharedState?
        var renewed: [LeaseName: Int64] = [:]
        var taken: [(LeaseName, Int64)] = []
        /// All that the node should hold.
        var names: Set<LeaseName> = []
        var seen = Nodes.Seen()
    }

    // MARK: Nodes

    static func join(_ node: String, _ about: Nodes.About, _ connection: Connection) throws -> Int64 {
        try connection.run("DELETE FROM nodes WHERE seen_at < clock_timestamp() - INTERVAL '1 day'")
        try connection.run("DELETE FROM questions WHERE node = ?", [node])
        try connection.run(
            "UPDATE leases SET ends_at = '-infinity', wanted_by = NULL WHERE node = ?",
            [node]
        )
        return try connection.number(
            """
            INSERT INTO nodes AS n (id, session, started_at, seen_at, host, version)
            VALUES (?, 1, clock_timestamp(), clock_timestamp(), ?, ?)
            ON CONFLICT (id) DO UPDATE SET session = n.session + 1, started_at = excluded.started_at,
                seen_at = excluded.seen_at, host = excluded.host, version = excluded.version
            RETURNING session
            """,
            [node, Text(about.host), about.version]
        )
    }

    static func leave(_ node: String, _ session: Int64, _ connection: Connection) throws {
        guard try connection.run("DELETE FROM nodes WHERE id = ? AND session = ?", [node, session]) > 0 else { return }
        try connection.run("UPDATE leases SET ends_at = '-infinity' WHERE node = ?", [node])
        try connection.run("UPDATE leases SET wanted_by = NULL WHERE wanted_by = ?", [node])
    }

    /// Whether another node was there a while ago, and has not left: after an outage all of them come again.
    static func wasAnybodyThere(but node: String, _ connection: Connection) throws -> Bool {
        try connection.row(
            "SELECT 1 FROM nodes WHERE id <> ? AND seen_at > clock_timestamp() - INTERVAL '\(Nodes.memory)' LIMIT 1",
            [node]
        ) != nil
    }

    /// What opens with the key of all nodes.
    static func seal(_ connection: Connection) throws -> [UInt8]? {
        // Who comes at the same time waits.
        try connection.row("SELECT seal FROM shared FOR UPDATE")?.optionalBytes(0)
    }

    static func setSeal(_ sealed: [UInt8], _ connection: Connection) throws {
        try connection.run("UPDATE shared SET seal = ?", [Bytes(sealed)])
    }

    // MARK: Beating

    static func beat(_ beat: Beat, _ connection: Connection) throws -> Answer {
        var answer = Answer()
        // One after the other, or two could wait for each other's rows.
        _ = try connection.row("SELECT pg_advisory_xact_lock(hashtext('ferry leases'))")
        let names = JSON.array(beat.about.integrations.map { .string($0) })
        let isThere = try connection.run(
            """
            UPDATE nodes SET seen_at = clock_timestamp(), host = ?, version = ?, public_url = ?, private_url = ?,
                integrations = ?, lanes = ?
            WHERE id = ? AND session = ?
            """,
            [
                Text(beat.about.host), beat.about.version, Text(beat.about.publicURL), Text(beat.about.privateURL),
                Text(names.description), Text(beat.about.lanes), beat.node, beat.session,
            ]
        )
        guard isThere > 0 else { return answer }
        for (name, number) in beat.over {
            try connection.run(
                "UPDATE leases SET ends_at = '-infinity', node = NULL WHERE name = ? AND number = ? AND node = ?",
                [Text(name.text), number, beat.node]
            )
        }
        // In one order, so that nodes don't wait for each other in a ring.
        for lease in beat.held.sorted(by: { $0.name.text < $1.name.text }) where !beat.over.contains(lease) {
            let isOurs = try connection.run(
                """
                UPDATE leases SET ends_at = clock_timestamp() + INTERVAL '\(Nodes.patience)'
                WHERE name = ? AND number = ? AND node = ?
                """,
                [Text(lease.name.text), lease.number ?? 0, beat.node]
            )
            if isOurs > 0 { answer.renewed[lease.name] = lease.number }
        }
        try note(beat, connection)
        answer.shared = try shared(connection)
        let leases = try leases(connection)
        let nodes = try nodes(connection, leases)
        let isErasing = try connection.row("SELECT 1 FROM erasures WHERE stage <> 'done' LIMIT 1") != nil
        let eraser = leases.first { $0.row.name == .erasing }
        let assignment = LeaseAssignment(
            members: nodes.filter(\.isThere).map { .init(id: $0.id, integrations: Set($0.about.integrations)) }
                .sorted { $0.id < $1.id },
            rows: leases.map(\.row),
            gatherer: eraser.flatMap { isErasing || $0.isGathering ? $0.row.holder : nil }
        )
        answer.names = assignment.names(for: beat.node)
        for name in answer.names.sorted(by: { $0.text < $1.text })
        where answer.renewed[name] == nil && assignment.isFree(name) {
            if let number = try take(name, for: beat.node, connection) { answer.taken.append((name, number)) }
        }
        // What was taken just now is told at once.
        let all = answer.taken.isEmpty ? leases : try Self.leases(connection)
        answer.seen.nodes = answer.taken.isEmpty ? nodes : try Self.nodes(connection, all)
        answer.seen.rows = all.map(\.row)
        answer.seen.gatherer = assignment.gatherer
        return answer
    }

    /// Which leases of others the node needs, and whether it is gathering all of them.
    private static func note(_ beat: Beat, _ connection: Connection) throws {
        try connection.run(
            "UPDATE leases SET is_gathering = ? WHERE name = ? AND node = ? AND is_gathering <> ?",
            [beat.isGathering, LeaseName.erasing.text, beat.node, beat.isGathering]
        )
        let known = try connection.rows("SELECT name FROM leases WHERE wanted_by = ? ORDER BY name", [beat.node])
            .map { LeaseName(text: try $0.text(0)) }
        for name in known where !beat.wanted.contains(name) {
            try connection.run(
                "UPDATE leases SET wanted_by = NULL WHERE name = ? AND wanted_by = ?",
                [Text(name.text), beat.node]
            )
        }
        for name in beat.wanted.sorted(by: { $0.text < $1.text }) where !known.contains(name) {
            // Whoever was first has it first.
            try connection.run(
                """
                INSERT INTO leases (name, number, ends_at, wanted_by) VALUES (?, 0, '-infinity', ?)
                ON CONFLICT (name) DO UPDATE SET wanted_by = excluded.wanted_by WHERE leases.wanted_by IS NULL
                    OR NOT EXISTS (SELECT 1 FROM nodes WHERE id = leases.wanted_by
                        AND seen_at > clock_timestamp() - INTERVAL '\(Nodes.patience)')
                """,
                [Text(name.text), beat.node]
            )
        }
    }

    /// The number under which a node has taken a lease; `nil` where it is somebody else's by now.
    private static func take(_ name: LeaseName, for node: String, _ connection: Connection) throws -> Int64? {
        try connection.row(
            """
            INSERT INTO leases (name, node, number, ends_at)
            VALUES (?, ?, 1, clock_timestamp() + INTERVAL '\(Nodes.patience)')
            ON CONFLICT (name) DO UPDATE SET node = excluded.node, number = leases.number + 1,
                ends_at = clock_timestamp() + INTERVAL '\(Nodes.patience)', is_gathering = 0
            WHERE leases.ends_at < clock_timestamp() RETURNING number
            """,
            [Text(name.text), node]
        )?.integer(0)
    }

    // MARK: Looking

    private struct StoredLease {
        let row: LeaseAssignment.Row
        let isGathering: Bool
    }

    private static func leases(_ connection: Connection) throws -> [StoredLease] {
        let rows = try connection.rows(
            """
            SELECT name, number, CASE WHEN ends_at >= clock_timestamp() THEN node END, wanted_by, is_gathering
            FROM leases ORDER BY name
            """
        )
        return try rows.map { row in
            StoredLease(
                row: .init(
                    name: LeaseName(text: try row.text(0)),
                    number: try row.integer(1),
                    holder: try row.optionalText(2),
                    wantedBy: try row.optionalText(3)
                ),
                isGathering: try row.integer(4) != 0
            )
        }
    }

    private static func nodes(_ connection: Connection, _ leases: [StoredLease]) throws -> [Node] {
        let rows = try connection.rows(
            """
            SELECT id, host, version, public_url, private_url, integrations, lanes,
                (extract(epoch FROM started_at) * 1000)::BIGINT, (extract(epoch FROM seen_at) * 1000)::BIGINT,
                CASE WHEN seen_at > clock_timestamp() - INTERVAL '\(Nodes.patience)' THEN 1 ELSE 0 END
            FROM nodes ORDER BY id
            """
        )
        return try rows.map { row in
            let id = try row.text(0)
            var about = Nodes.About(host: try row.text(1), version: try row.text(2))
            (about.publicURL, about.privateURL) = (try row.text(3), try row.text(4))
            let names = try JSON(parsing: try row.text(5)).arrayValue ?? []
            about.integrations = names.compactMap(\.stringValue)
            about.lanes = try row.text(6)
            return Node(
                id: id,
                about: about,
                startedAt: try row.integer(7),
                seenAt: try row.integer(8),
                isThere: try row.integer(9) != 0,
                leases: leases.filter { $0.row.holder == id }.map { ($0.row.name, $0.row.number) }
            )
        }
    }

    static func glance(_ node: String, _ connection: Connection) throws -> Glance? {
        let row = try connection.row(
            """
            SELECT (SELECT next - 1 FROM log_head), (SELECT configuration FROM shared),
                CASE WHEN EXISTS (SELECT 1 FROM questions WHERE node = ? AND answer IS NULL) THEN 1 ELSE 0 END
            """,
            [node]
        )
        return try row.map { row in
            Glance(
                lastSequence: try row.integer(0),
                configuration: try row.integer(1),
                hasQuestions: try row.integer(2) != 0
            )
        }
    }

    static func shared(_ connection: Connection) throws -> SharedState {
        var state = SharedState()
        guard case .postgres = connection.engine,
            let row = try connection.row("SELECT configuration, is_full, forgotten FROM shared")
        else { return state }
        (state.configuration, state.isFull) = (try row.integer(0), try row.integer(1) != 0)
        state.forgotten = try row.integer(2)
        return state
    }

    /// All nodes are to forget what they keep in memory of requests.
    static func forgetRequests(_ connection: Connection) throws {
        guard case .postgres = connection.engine else { return }
        try connection.run("UPDATE shared SET forgotten = forgotten + 1")
    }

    /// Integrations or sources are about to change; from now until the end of the transaction nobody else changes them, and
    /// nothing is appended.
    ///
    /// So whoever sees an event that came after the change sees the change (`EventLog.page`).
    ///
    /// - Parameters:
    ///   - connection: of the transaction.
    ///   - check: refuses the change, by what others have changed before.
    /// - Throws: what `check` throws, before anything is written.
    static func configurationChanges(_ connection: Connection, _ check: () throws -> Void = {}) throws {
        guard case .postgres = connection.engine else { return try check() }
        try connection.run("SELECT 1 FROM log_head FOR UPDATE")
        try check()
        try connection.run("UPDATE shared SET configuration = configuration + 1")
    }

    static func set(isFull: Bool, _ connection: Connection) throws {
        guard case .postgres = connection.engine else { return }
        try connection.run("UPDATE shared SET is_full = ? WHERE is_full <> ?", [isFull, isFull])
    }

    // MARK: Questions

    static func ask(_ body: [UInt8], of node: String, _ connection: Connection) throws -> Int64 {
        try connection.number("INSERT INTO questions (node, body) VALUES (?, ?) RETURNING number", [node, Bytes(body)])
    }

    static func questions(of node: String, _ connection: Connection) throws -> [(Int64, [UInt8])] {
        // Whoever has asked has given up on what is older.
        try connection.run("DELETE FROM questions WHERE asked_at < clock_timestamp() - INTERVAL '1 minute'")
        let rows = try connection.rows(
            "SELECT number, body FROM questions WHERE node = ? AND answer IS NULL ORDER BY number LIMIT 100",
            [node]
        )
        return try rows.map { (try $0.integer(0), try $0.bytes(1)) }
    }

    static func answer(_ number: Int64, _ body: [UInt8], _ connection: Connection) throws {
        try connection.run("UPDATE questions SET answer = ? WHERE number = ?", [Bytes(body), number])
    }

    static func takeAnswer(to number: Int64, _ connection: Connection) throws -> [UInt8]? {
        try connection.row("DELETE FROM questions WHERE number = ? AND answer IS NOT NULL RETURNING answer", [number])?
            .bytes(0)
    }

    static func forget(_ number: Int64, _ connection: Connection) throws {
        try connection.run("DELETE FROM questions WHERE number = ?", [number])
    }
}

extension [(LeaseName, Int64)] {
    fileprivate func contains(_ lease: Lease) -> Bool {
        contains { $0.0 == lease.name && $0.1 == lease.number }
    }
}
