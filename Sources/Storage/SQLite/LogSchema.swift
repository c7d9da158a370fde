import GRDB

/// The tables of `ferry.db`. Migrations are only ever appended, and never edited once released.
enum LogSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("2026-11-23 event log") { try createLog($0) }
        migrator.registerMigration("2026-11-23 delivery") { try createDelivery($0) }
        migrator.registerMigration("2026-11-23 refused messages") { try createRefusedMessages($0) }
        migrator.registerMigration("2026-11-25 keys by arrival") { try createKeysByArrival($0) }
        migrator.registerMigration("2026-11-25 refused messages again") { try completeRefusedMessages($0) }
        migrator.registerMigration("2026-11-26 delivery graph") { try createLedger($0) }
        migrator.registerMigration("2026-11-26 jobs") { try createJobs($0) }
        migrator.registerMigration("2026-11-26 revisions") { try createRevisions($0) }
        migrator.registerMigration("2026-11-26 erasures") { try createErasures($0) }
        migrator.registerMigration("2026-11-26 erasures in order") { try orderErasures($0) }
        migrator.registerMigration("2026-11-26 sources") { try createSources($0) }
        migrator.registerMigration("2026-11-26 changed secrets") { try nameChangedSecrets($0) }
        migrator.registerMigration("2026-11-26 former keys of sources") { connection in
            try connection.execute(sql: "ALTER TABLE kept_sources ADD COLUMN former BLOB")
        }
        migrator.registerMigration("2026-11-26 traces") { connection in
            // Requests of before named none.
            try connection.execute(sql: "ALTER TABLE requests ADD COLUMN trace TEXT")
        }
        migrator.registerMigration("2026-11-26 marks of what cursors record") { connection in
            try connection.execute(sql: "ALTER TABLE cursors ADD COLUMN last_mark INTEGER")
        }
        migrator.registerMigration("2026-11-26 how far is read") { connection in
            try connection.execute(sql: "ALTER TABLE cursors ADD COLUMN read_through INTEGER NOT NULL DEFAULT 0")
        }
        migrator.registerMigration("2026-11-26 ended sessions") { connection in
            try connection.execute(
                sql: "CREATE TABLE ended_sessions (id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) WITHOUT ROWID"
            )
        }
        return migrator
    }

    private static func createLog(_ connection: Database) throws {
        // AUTOINCREMENT: a number is never used again, also when the newest rows have been removed.
        try connection.execute(
            sql: """
                CREATE TABLE events (
                    seq INTEGER PRIMARY KEY AUTOINCREMENT,
                    source TEXT NOT NULL,
                    message_id TEXT,
                    type TEXT NOT NULL,
                    name TEXT,
                    user_id TEXT,
                    anonymous_id TEXT,
                    received_at INTEGER NOT NULL,
                    body BLOB
                );
                CREATE TABLE seen (
                    key BLOB PRIMARY KEY,
                    seq INTEGER NOT NULL,
                    received_at INTEGER NOT NULL
                ) WITHOUT ROWID;
                CREATE INDEX seen_by_time ON seen (received_at);
                CREATE TABLE secrets (
                    name TEXT PRIMARY KEY,
                    value BLOB NOT NULL
                ) WITHOUT ROWID;
                """
        )
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try connection.execute(
            sql: "INSERT INTO secrets (name, value) VALUES ('message keys', ?)",
            arguments: [Bytes(secret)]
        )
    }

    private static func createDelivery(_ connection: Database) throws {
        // operation NULL: all operations of the event are settled.
        try connection.execute(
            sql: """
                CREATE TABLE cursors (
                    integration TEXT PRIMARY KEY,
                    seq INTEGER NOT NULL,
                    operation INTEGER
                ) WITHOUT ROWID;
                CREATE TABLE failures (
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    integration TEXT NOT NULL,
                    seq INTEGER NOT NULL,
                    action TEXT NOT NULL,
                    body BLOB NOT NULL,
                    words TEXT NOT NULL,
                    failed_at INTEGER NOT NULL,
                    attempts INTEGER NOT NULL
                );
                CREATE INDEX failures_by_integration ON failures (integration, number);
                """
        )
    }

    private static func createRefusedMessages(_ connection: Database) throws {
        try connection.execute(
            sql: """
                CREATE TABLE refused_messages (
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    source TEXT,
                    code TEXT NOT NULL,
                    reason TEXT NOT NULL,
                    raw BLOB NOT NULL,
                    is_cut INTEGER NOT NULL,
                    received_at INTEGER NOT NULL
                );
                CREATE TABLE refused_size (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    messages INTEGER NOT NULL,
                    bytes INTEGER NOT NULL
                );
                INSERT INTO refused_size (one, messages, bytes) VALUES (1, 0, 0);
                """
        )
    }

    private static func createKeysByArrival(_ connection: Database) throws {
        try connection.execute(
            sql: """
                DROP INDEX seen_by_time;
                CREATE TABLE recent_keys (
                    seq INTEGER PRIMARY KEY,
                    key BLOB NOT NULL,
                    received_at INTEGER NOT NULL
                );
                CREATE TABLE repeats (
                    seq INTEGER PRIMARY KEY,
                    times INTEGER NOT NULL,
                    last_at INTEGER NOT NULL
                );
                """
        )
    }

    /// With what it takes to accept one later. Of those that are there already nobody knows where they were sent to, but
    /// that nearly all are sent in batches.
    private static func completeRefusedMessages(_ connection: Database) throws {
        try connection.execute(
            sql: """
                ALTER TABLE refused_messages ADD COLUMN path TEXT NOT NULL DEFAULT 'batch';
                ALTER TABLE refused_messages ADD COLUMN envelope BLOB;
                ALTER TABLE refused_messages ADD COLUMN peer TEXT;
                ALTER TABLE refused_messages ADD COLUMN key_mark BLOB;
                ALTER TABLE refused_messages ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
                UPDATE refused_messages SET size = length(raw) + 256;
                CREATE INDEX refused_of_strangers ON refused_messages (number) WHERE source IS NULL;
                ALTER TABLE refused_size ADD COLUMN stranger_bytes INTEGER NOT NULL DEFAULT 0;
                UPDATE refused_size SET
                    bytes = (SELECT coalesce(sum(size), 0) FROM refused_messages),
                    stranger_bytes = (SELECT coalesce(sum(size), 0) FROM refused_messages WHERE source IS NULL);
                """
        )
    }

    /// Several readings of the log for an integration, and rows for what is not plain success (delivery.md C.2).
    private static func createLedger(_ connection: Database) throws {
        try connection.execute(
            sql: """
                ALTER TABLE cursors RENAME TO cursors_before;
                CREATE TABLE cursors (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    integration TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    -- Behind which event it began.
                    start INTEGER NOT NULL,
                    position INTEGER NOT NULL,
                    UNIQUE (integration, kind)
                );
                CREATE TABLE exceptions (
                    cursor INTEGER NOT NULL,
                    seq INTEGER NOT NULL,
                    place INTEGER NOT NULL,
                    action TEXT NOT NULL,
                    state INTEGER NOT NULL,
                    takes_away INTEGER NOT NULL,
                    claims BLOB NOT NULL,
                    attempts INTEGER NOT NULL,
                    first_failed_at INTEGER,
                    failing_for INTEGER NOT NULL,
                    due_at INTEGER,
                    at INTEGER NOT NULL,
                    words TEXT NOT NULL,
                    PRIMARY KEY (cursor, seq, place)
                ) WITHOUT ROWID;
                CREATE INDEX exceptions_by_state ON exceptions (cursor, state, seq, place);
                CREATE INDEX exceptions_by_event ON exceptions (seq);
                CREATE TABLE requests (
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    cursor INTEGER NOT NULL,
                    low INTEGER NOT NULL,
                    sent_at INTEGER NOT NULL,
                    ms INTEGER NOT NULL,
                    status INTEGER,
                    words TEXT,
                    operations BLOB NOT NULL
                );
                CREATE INDEX requests_by_event ON requests (cursor, low);
                CREATE TABLE verdicts (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    text TEXT NOT NULL UNIQUE
                );
                CREATE TABLE tallies (
                    cursor INTEGER NOT NULL,
                    minute INTEGER NOT NULL,
                    verdict INTEGER NOT NULL,
                    count INTEGER NOT NULL,
                    PRIMARY KEY (cursor, minute, verdict)
                ) WITHOUT ROWID;
                CREATE TABLE kept_events (
                    seq INTEGER PRIMARY KEY,
                    source TEXT NOT NULL,
                    received_at INTEGER NOT NULL,
                    body BLOB
                );
                INSERT INTO cursors (integration, kind, start, position)
                    SELECT integration, kind, seq - unsettled, seq - unsettled
                    FROM (SELECT integration, seq, operation IS NOT NULL AS unsettled FROM cursors_before),
                        (SELECT 'live' AS kind UNION SELECT 'metrics');
                INSERT OR IGNORE INTO exceptions
                    SELECT cursors.id, seq, row_number() OVER (PARTITION BY cursors.id, seq ORDER BY number) - 1,
                        action, 1, 0, x'', attempts, failed_at, 0, NULL, failed_at, words
                    FROM failures JOIN cursors ON cursors.integration = failures.integration
                    WHERE kind = CASE action WHEN 'report-delivery-event' THEN 'metrics' ELSE 'live' END;
                -- What was planned before is not counted; without these, fewer than none would be delivered.
                INSERT INTO verdicts (text) SELECT DISTINCT '{"earlier":["' || action || '"]}' FROM exceptions;
                INSERT INTO tallies (cursor, minute, verdict, count)
                    SELECT cursor, 0, verdicts.id, count(*) FROM exceptions
                    JOIN verdicts ON verdicts.text = '{"earlier":["' || action || '"]}' GROUP BY cursor, action;
                DROP TABLE cursors_before;
                DROP TABLE failures;
                """
        )
    }

    private static func createJobs(_ connection: Database) throws {
        try connection.execute(
            sql: """
                CREATE TABLE jobs (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    kind TEXT NOT NULL,
                    integration TEXT NOT NULL,
                    state TEXT NOT NULL,
                    first INTEGER NOT NULL,
                    last INTEGER NOT NULL,
                    source TEXT,
                    name TEXT,
                    user_id TEXT,
                    place INTEGER,
                    action TEXT,
                    words TEXT,
                    rate INTEGER,
                    as_new INTEGER NOT NULL,
                    includes_taking_away INTEGER NOT NULL,
                    origin INTEGER,
                    cursor INTEGER NOT NULL DEFAULT 0,
                    started_at INTEGER NOT NULL,
                    ended_at INTEGER
                );
                CREATE INDEX jobs_by_state ON jobs (state);
                """
        )
    }

    private static func createRevisions(_ connection: Database) throws {
        // jobs.revision NULL: each event is planned under the revision of its time.
        try connection.execute(
            sql: """
                CREATE TABLE revisions (
                    integration TEXT NOT NULL,
                    number INTEGER NOT NULL,
                    first_event INTEGER NOT NULL,
                    at INTEGER NOT NULL,
                    author TEXT NOT NULL,
                    text TEXT NOT NULL,
                    PRIMARY KEY (integration, number)
                ) WITHOUT ROWID;
                CREATE TABLE kept_integrations (
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    name TEXT NOT NULL UNIQUE
                );
                CREATE TABLE sealed_secrets (
                    integration TEXT NOT NULL,
                    setting TEXT NOT NULL,
                    sealed BLOB NOT NULL,
                    PRIMARY KEY (integration, setting)
                ) WITHOUT ROWID;
                CREATE TABLE paused_integrations (
                    name TEXT PRIMARY KEY
                ) WITHOUT ROWID;
                ALTER TABLE jobs ADD COLUMN revision INTEGER;
                ALTER TABLE jobs ADD COLUMN anonymous_id TEXT;
                ALTER TABLE jobs ADD COLUMN email TEXT;
                """
        )
    }

    /// Of earlier revisions nobody knows.
    private static func nameChangedSecrets(_ connection: Database) throws {
        try connection.execute(sql: "ALTER TABLE revisions ADD COLUMN changed_secrets TEXT NOT NULL DEFAULT ''")
    }

    /// What is being erased, and what was: then without a word about whom.
    private static func createErasures(_ connection: Database) throws {
        try connection.execute(
            sql: """
                CREATE TABLE erasures (
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    stage TEXT NOT NULL,
                    -- NULL as soon as nobody needs it any more.
                    person TEXT,
                    command TEXT,
                    last INTEGER NOT NULL,
                    position INTEGER NOT NULL DEFAULT 0,
                    events INTEGER NOT NULL DEFAULT 0,
                    operations INTEGER NOT NULL DEFAULT 0,
                    people INTEGER NOT NULL DEFAULT 0,
                    activities INTEGER NOT NULL DEFAULT 0,
                    replaced INTEGER NOT NULL DEFAULT 0,
                    started_at INTEGER NOT NULL,
                    ended_at INTEGER
                );
                CREATE TABLE erasure_commands (
                    erasure INTEGER NOT NULL,
                    integration TEXT NOT NULL,
                    answer TEXT NOT NULL,
                    words TEXT,
                    attempts INTEGER NOT NULL DEFAULT 0,
                    at INTEGER,
                    PRIMARY KEY (erasure, integration)
                ) WITHOUT ROWID;
                """
        )
    }

    /// What is told stands in the log. One that is under way goes through it once more, and tells nobody.
    private static func orderErasures(_ connection: Database) throws {
        try connection.execute(
            sql: """
                ALTER TABLE erasures ADD COLUMN telling INTEGER;
                ALTER TABLE erasure_commands ADD COLUMN command TEXT NOT NULL DEFAULT 'delete';
                ALTER TABLE erasure_commands ADD COLUMN workspace TEXT;
                ALTER TABLE erasure_commands ADD COLUMN people INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE erasure_commands ADD COLUMN activities INTEGER NOT NULL DEFAULT 0;
                """
        )
    }

    private static func createSources(_ connection: Database) throws {
        try connection.execute(
            sql: """
                CREATE TABLE kept_sources (
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    name TEXT NOT NULL UNIQUE,
                    sealed BLOB NOT NULL,
                    is_enabled INTEGER NOT NULL
                );
                """
        )
    }
}
