import Postgres

/// The tables in PostgreSQL. Migrations are only ever appended, and never edited once released.
enum PostgresSchema {
    /// The schema in which all of it stands.
    static let name = "ferry"

    private static let migrations: [(name: String, sql: String)] = [
        ("2026-11-26 log", log), ("2026-11-26 append", append), ("2026-11-26 delivery", delivery),
        ("2026-11-26 configuration", configuration), ("2026-11-26 refused messages", refusedMessages),
        ("2026-11-26 erasures", erasures), ("2026-11-26 traces", "ALTER TABLE requests ADD COLUMN trace TEXT"),
        ("2026-11-26 nodes", nodes),
        (
            "2026-11-26 how far is read",
            "ALTER TABLE cursors ADD COLUMN read_through BIGINT NOT NULL DEFAULT 0"
        ),
        ("2026-11-26 spools", spools), ("2026-11-26 workspaces", PostgresWorkspaceSchema.tables),
        (
            "2026-11-26 ended sessions",
            "CREATE TABLE ended_sessions (id TEXT PRIMARY KEY, ends_at BIGINT NOT NULL)"
        ),
        (
            "2026-11-26 what all forget",
            "ALTER TABLE shared ADD COLUMN forgotten BIGINT NOT NULL DEFAULT 0"
        ),
    ]

    /// Makes what is missing, one process at a time.
    ///
    /// - Throws: `newerVersion` where another version of Ferry has been here before.
    static func migrate(_ connection: PostgresConnection) throws {
        _ = try connection.transaction { _ in
            // Whoever starts at the same time waits here.
            try connection.run("SELECT pg_advisory_xact_lock(hashtext('ferry migrations'))")
            let exists = try connection.query(
                "SELECT 1 FROM pg_namespace WHERE nspname = $1",
                [.text(Array(name.utf8))]
            )
            if exists.count == 0 { try connection.run("CREATE SCHEMA \(name)") }
            try connection.run("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)")
            let applied = try applied(connection)
            for migration in migrations where !applied.contains(migration.name) {
                try connection.run(migration.sql)
                _ = try connection.query(
                    "INSERT INTO migrations (name) VALUES ($1)",
                    [.text(Array(migration.name.utf8))]
                )
            }
        }
    }

    /// Whether the tables are there, as this version knows them.
    static func isMade(_ connection: PostgresConnection) throws -> Bool {
        let table = try connection.query("SELECT 1 WHERE to_regclass('\(name).migrations') IS NOT NULL")
        return try table.count != 0 && applied(connection).count == migrations.count
    }

    /// - Throws: `newerVersion` where there are tables that this version does not know.
    static func refuseNewer(_ connection: PostgresConnection) throws { _ = try applied(connection) }

    private static func applied(_ connection: PostgresConnection) throws -> [String] {
        let rows = try connection.query("SELECT name FROM migrations", [])
        let applied = try (0..<rows.count).map { String(decoding: try rows.bytes($0, 0), as: UTF8.self) }
        let known = migrations.map(\.name)
        guard applied.allSatisfy(known.contains) else {
            throw StorageError(
                .newerVersion,
                "the database was written by a newer version of Ferry (schema \(applied.count)); "
                    + "this one knows up to \(known.count). Use that version, or another database"
            )
        }
        return applied
    }

    // MARK: The log

    private static let log = """
        CREATE TABLE secrets (name TEXT PRIMARY KEY, value BYTEA NOT NULL);
        INSERT INTO secrets (name, value) VALUES ('message keys', decode(replace(gen_random_uuid()::text, '-', ''), 'hex'));
        -- Whoever gives out numbers holds this row until the commit.
        CREATE TABLE log_head (
            one SMALLINT PRIMARY KEY CHECK (one = 1),
            next BIGINT NOT NULL,
            -- Below this number there are partitions, and so many numbers the next one has. A partition whose events may
            -- all leave is dropped as a whole.
            room BIGINT NOT NULL,
            span BIGINT NOT NULL
        ) WITH (fillfactor = 10);
        INSERT INTO log_head (one, next, room, span) VALUES (1, 1, 1, 1000000);
        CREATE TABLE events (
            seq BIGINT PRIMARY KEY,
            source TEXT NOT NULL,
            message_id TEXT,
            type TEXT NOT NULL,
            name TEXT,
            user_id TEXT,
            anonymous_id TEXT,
            received_at BIGINT NOT NULL,
            body BYTEA
        ) PARTITION BY RANGE (seq);
        -- Who delivers, and how often that has changed.
        CREATE TABLE place (one SMALLINT PRIMARY KEY CHECK (one = 1), number BIGINT NOT NULL);
        INSERT INTO place (one, number) VALUES (1, 0);
        CREATE TABLE seen (key BYTEA PRIMARY KEY, seq BIGINT NOT NULL, received_at BIGINT NOT NULL);
        -- In the order of the table itself: next to nothing to keep up, and enough to find what is old.
        CREATE INDEX seen_by_time ON seen USING brin (received_at) WITH (pages_per_range = 16, autosummarize = on);
        CREATE TABLE repeats (seq BIGINT PRIMARY KEY, times BIGINT NOT NULL, last_at BIGINT NOT NULL);
        CREATE TABLE kept_events (
            seq BIGINT PRIMARY KEY, source TEXT NOT NULL, received_at BIGINT NOT NULL, body BYTEA
        );
        """

    /// Appending, as one statement that the server carries out alone.
    ///
    /// The lock on `log_head` is held from before the first number is given out until the transaction is over, and
    /// PostgreSQL makes a commit visible before it lets go of locks. So of two appends the one with the lower numbers is
    /// visible before the other one begins; whoever sees a number sees all below it; and one that is broken off gives its
    /// numbers back, because `next` goes back with it. Under READ COMMITTED each statement of the function sees what was
    /// committed before it began, so all that was appended by others while it waited for the lock.
    private static let append = """
        CREATE FUNCTION add_partition(first BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
        DECLARE
            beyond BIGINT := first + (SELECT span FROM log_head);
        BEGIN
            -- Made beside, then attached: this holds up nobody who reads or appends.
            EXECUTE format('CREATE TABLE events_%s (LIKE events INCLUDING ALL)', first);
            EXECUTE format('ALTER TABLE events ATTACH PARTITION events_%s FOR VALUES FROM (%s) TO (%s)', first, first, beyond);
            RETURN beyond;
        END $$;

        CREATE FUNCTION append_events(
            keys BYTEA[], sources TEXT[], message_ids TEXT[], types TEXT[], names TEXT[], user_ids TEXT[],
            anonymous_ids TEXT[], times BIGINT[], bodies BYTEA[],
            -- Up to when what was received is forgotten.
            forgotten BIGINT[]
        ) RETURNS TABLE (place BIGINT, seq BIGINT, is_new BOOLEAN) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            head BIGINT;
            space BIGINT;
        BEGIN
            SELECT log_head.next, log_head.room INTO head, space FROM log_head FOR UPDATE;
            WHILE head + cardinality(times) > space LOOP
                space := add_partition(space);
                UPDATE log_head SET room = space;
            END LOOP;
            RETURN QUERY
            WITH input AS MATERIALIZED (
                SELECT i.key, i.time, i.forgotten, i.place,
                    CASE WHEN i.key IS NULL THEN i.place ELSE min(i.place) OVER (PARTITION BY i.key) END AS first
                FROM unnest(keys, times, forgotten) WITH ORDINALITY AS i (key, time, forgotten, place)
            ), known AS MATERIALIZED (
                SELECT i.place, s.seq FROM input i
                JOIN seen s ON s.key = i.key AND s.received_at > i.forgotten
            ), fresh AS MATERIALIZED (
                SELECT i.place, i.key, i.time, head + row_number() OVER (ORDER BY i.place) - 1 AS seq
                FROM input i LEFT JOIN known k ON k.place = i.place
                WHERE i.first = i.place AND k.place IS NULL
            ), advanced AS (
                UPDATE log_head SET next = head + (SELECT count(*) FROM fresh)
            ), stored AS (
                INSERT INTO events (seq, source, message_id, type, name, user_id, anonymous_id, received_at, body)
                SELECT f.seq, i.source, i.message_id, i.type, i.name, i.user_id, i.anonymous_id, i.time, i.body
                FROM unnest(sources, message_ids, types, names, user_ids, anonymous_ids, times, bodies)
                    WITH ORDINALITY AS i (source, message_id, type, name, user_id, anonymous_id, time, body, place)
                JOIN fresh f ON f.place = i.place
            ), remembered AS (
                INSERT INTO seen AS s (key, seq, received_at)
                SELECT f.key, f.seq, f.time FROM fresh f WHERE f.key IS NOT NULL
                ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, received_at = excluded.received_at
            ), answers AS (
                SELECT i.place, coalesce(k.seq, f.seq) AS seq, k.seq IS NULL AND i.place = i.first AS is_new, i.time
                FROM input i
                LEFT JOIN known k ON k.place = i.place
                LEFT JOIN fresh f ON f.place = i.first
            ), repeated AS (
                INSERT INTO repeats AS r (seq, times, last_at)
                SELECT a.seq, count(*), max(a.time) FROM answers a WHERE NOT a.is_new GROUP BY a.seq
                ON CONFLICT (seq) DO UPDATE SET times = r.times + excluded.times, last_at = excluded.last_at
            )
            SELECT a.place, a.seq, a.is_new FROM answers a;
        END $$;
        """

    // MARK: Spools

    /// What the database knows of the spools of machines (`Spool`): how far each is, written down together with its events.
    ///
    /// Whoever comes late finds that its number holds no more, and is undone (as a transaction that another one was in the
    /// way of).
    private static let spools = """
        CREATE TABLE spools (
            id BYTEA PRIMARY KEY,
            -- The last group that came directly.
            step BIGINT NOT NULL,
            -- The last event that came out of the spool, by its number there.
            forwarded BIGINT NOT NULL
        ) WITH (fillfactor = 10);

        CREATE FUNCTION spool_step(spool BYTEA, number BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE spools SET step = number WHERE id = spool AND step < number;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'this group of events has been given up' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN number;
        END $$;

        CREATE FUNCTION spool_forward(spool BYTEA, first BIGINT, last BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE spools SET forwarded = last WHERE id = spool AND forwarded < first;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'these events have been forwarded' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN last;
        END $$;

        -- How far a spool is, and whether the group that nobody knows of has come; if it has not, it never will.
        CREATE FUNCTION spool_settle(spool BYTEA, doubtful BIGINT)
        RETURNS TABLE (has_doubtful BOOLEAN, at_step BIGINT, at_event BIGINT) LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO spools (id, step, forwarded) VALUES (spool, 0, 0) ON CONFLICT DO NOTHING;
            SELECT step = doubtful, step, forwarded INTO has_doubtful, at_step, at_event
                FROM spools WHERE id = spool FOR UPDATE;
            IF at_step < doubtful THEN
                at_step := doubtful + 1;
                UPDATE spools SET step = at_step WHERE id = spool;
            END IF;
            RETURN NEXT;
        END $$;
        """

    // MARK: Delivery

    private static let delivery = """
        CREATE TABLE cursors (
            id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            integration TEXT NOT NULL,
            kind TEXT NOT NULL,
            -- Behind which event it began.
            start BIGINT NOT NULL,
            position BIGINT NOT NULL,
            -- Of what was recorded last.
            last_mark BIGINT,
            UNIQUE (integration, kind)
        ) WITH (fillfactor = 50);
        CREATE TABLE exceptions (
            cursor BIGINT NOT NULL,
            seq BIGINT NOT NULL,
            place BIGINT NOT NULL,
            action TEXT NOT NULL,
            state BIGINT NOT NULL,
            takes_away BIGINT NOT NULL,
            claims BYTEA NOT NULL,
            attempts BIGINT NOT NULL,
            first_failed_at BIGINT,
            failing_for BIGINT NOT NULL,
            due_at BIGINT,
            at BIGINT NOT NULL,
            words TEXT NOT NULL,
            PRIMARY KEY (cursor, seq, place)
        );
        CREATE INDEX exceptions_by_state ON exceptions (cursor, state, seq, place);
        CREATE INDEX exceptions_by_event ON exceptions (seq);
        CREATE TABLE requests (
            number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            cursor BIGINT NOT NULL,
            low BIGINT NOT NULL,
            sent_at BIGINT NOT NULL,
            ms BIGINT NOT NULL,
            status BIGINT,
            words TEXT,
            operations BYTEA NOT NULL
        );
        CREATE INDEX requests_by_event ON requests (cursor, low);
        CREATE TABLE verdicts (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, text TEXT NOT NULL UNIQUE);
        CREATE TABLE tallies (
            cursor BIGINT NOT NULL,
            minute BIGINT NOT NULL,
            verdict BIGINT NOT NULL,
            count BIGINT NOT NULL,
            PRIMARY KEY (cursor, minute, verdict)
        ) WITH (fillfactor = 50);
        CREATE TABLE jobs (
            id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            kind TEXT NOT NULL,
            integration TEXT NOT NULL,
            state TEXT NOT NULL,
            first BIGINT NOT NULL,
            last BIGINT NOT NULL,
            source TEXT,
            name TEXT,
            user_id TEXT,
            anonymous_id TEXT,
            email TEXT,
            place BIGINT,
            action TEXT,
            words TEXT,
            rate BIGINT,
            as_new BIGINT NOT NULL,
            includes_taking_away BIGINT NOT NULL,
            origin BIGINT,
            -- NULL: each event is planned under the revision of its time.
            revision BIGINT,
            cursor BIGINT NOT NULL DEFAULT 0,
            started_at BIGINT NOT NULL,
            ended_at BIGINT
        );
        CREATE INDEX jobs_by_state ON jobs (state);
        """

    // MARK: Everything else

    private static let configuration = """
        CREATE TABLE revisions (
            integration TEXT NOT NULL,
            number BIGINT NOT NULL,
            first_event BIGINT NOT NULL,
            at BIGINT NOT NULL,
            author TEXT NOT NULL,
            text TEXT NOT NULL,
            changed_secrets TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (integration, number)
        );
        CREATE TABLE kept_integrations (
            number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name TEXT NOT NULL UNIQUE
        );
        CREATE TABLE sealed_secrets (
            integration TEXT NOT NULL, setting TEXT NOT NULL, sealed BYTEA NOT NULL, PRIMARY KEY (integration, setting)
        );
        CREATE TABLE paused_integrations (name TEXT PRIMARY KEY);
        CREATE TABLE kept_sources (
            number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            sealed BYTEA NOT NULL,
            former BYTEA,
            is_enabled BIGINT NOT NULL
        );
        """

    private static let refusedMessages = """
        CREATE TABLE refused_messages (
            number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            source TEXT,
            code TEXT NOT NULL,
            reason TEXT NOT NULL,
            raw BYTEA NOT NULL,
            is_cut BIGINT NOT NULL,
            path TEXT NOT NULL,
            envelope BYTEA,
            peer TEXT,
            key_mark BYTEA,
            received_at BIGINT NOT NULL,
            size BIGINT NOT NULL
        );
        CREATE INDEX refused_of_strangers ON refused_messages (number) WHERE source IS NULL;
        CREATE TABLE refused_size (
            one SMALLINT PRIMARY KEY CHECK (one = 1),
            messages BIGINT NOT NULL,
            bytes BIGINT NOT NULL,
            stranger_bytes BIGINT NOT NULL
        );
        INSERT INTO refused_size (one, messages, bytes, stranger_bytes) VALUES (1, 0, 0, 0);
        """

    private static let erasures = """
        CREATE TABLE erasures (
            number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            stage TEXT NOT NULL,
            -- NULL as soon as nobody needs it any more.
            person TEXT,
            command TEXT,
            last BIGINT NOT NULL,
            telling BIGINT,
            position BIGINT NOT NULL DEFAULT 0,
            events BIGINT NOT NULL DEFAULT 0,
            operations BIGINT NOT NULL DEFAULT 0,
            people BIGINT NOT NULL DEFAULT 0,
            activities BIGINT NOT NULL DEFAULT 0,
            replaced BIGINT NOT NULL DEFAULT 0,
            started_at BIGINT NOT NULL,
            ended_at BIGINT
        );
        CREATE TABLE erasure_commands (
            erasure BIGINT NOT NULL,
            integration TEXT NOT NULL,
            command TEXT NOT NULL,
            workspace TEXT,
            answer TEXT NOT NULL,
            words TEXT,
            attempts BIGINT NOT NULL DEFAULT 0,
            at BIGINT,
            people BIGINT NOT NULL DEFAULT 0,
            activities BIGINT NOT NULL DEFAULT 0,
            PRIMARY KEY (erasure, integration)
        );
        """

    // MARK: Nodes

    private static let nodes = """
        DROP TABLE place;
        CREATE TABLE nodes (
            id TEXT PRIMARY KEY,
            -- Which process it is: rises with each that begins under this id.
            session BIGINT NOT NULL,
            started_at TIMESTAMPTZ NOT NULL,
            seen_at TIMESTAMPTZ NOT NULL,
            host TEXT NOT NULL,
            version TEXT NOT NULL,
            public_url TEXT NOT NULL DEFAULT '',
            private_url TEXT NOT NULL DEFAULT '',
            integrations TEXT NOT NULL DEFAULT '[]',
            lanes TEXT NOT NULL DEFAULT ''
        ) WITH (fillfactor = 50);
        CREATE TABLE leases (
            name TEXT PRIMARY KEY,
            -- Who has it, unless it has ended.
            node TEXT,
            number BIGINT NOT NULL,
            ends_at TIMESTAMPTZ NOT NULL,
            wanted_by TEXT,
            -- Of the one for erasing: whether its holder needs those of all integrations.
            is_gathering BIGINT NOT NULL DEFAULT 0,
            -- Makes the number a part of a key: so a lease that is moved on disturbs nobody who writes under it, and one
            -- that is taken waits for them (`Lease.check`).
            UNIQUE (name, number)
        ) WITH (fillfactor = 50);
        -- What nodes ask each other: for some milliseconds, and nothing that a crash of the server may not take.
        CREATE UNLOGGED TABLE questions (
            number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            node TEXT NOT NULL,
            body BYTEA NOT NULL,
            answer BYTEA,
            asked_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
        );
        CREATE TABLE shared (
            one SMALLINT PRIMARY KEY CHECK (one = 1),
            -- Rises with each change of integrations and sources.
            configuration BIGINT NOT NULL,
            is_full BIGINT NOT NULL,
            -- Opens with the key that all nodes have.
            seal BYTEA
        ) WITH (fillfactor = 10);
        INSERT INTO shared (one, configuration, is_full) VALUES (1, 0, 0);
        """
}
