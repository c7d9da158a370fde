import GRDB

/// The tables of `workspace.db`. Migrations are only ever appended, and never edited once released.
enum WorkspaceSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("2026-11-23 people") { try createPeople($0) }
        migrator.registerMigration("2026-11-23 objects") { try createObjects($0) }
        migrator.registerMigration("2026-11-23 activity") { try createActivity($0) }
        migrator.registerMigration("2026-11-25 anonymous ids by time") { try indexAnonymousIdsByTime($0) }
        migrator.registerMigration("2026-11-25 suppressed together") { try indexSuppressed($0) }
        migrator.registerMigration("2026-11-26 suppressed by marks") { try markSuppressed($0) }
        migrator.registerMigration("2026-11-26 segments, forms, deliveries") { try createSegments($0) }
        migrator.registerMigration("2026-11-26 people by phone") { try indexPhones($0) }
        migrator.registerMigration("2026-11-26 keys of workspaces") { try createKeys($0) }
        migrator.registerMigration("2026-11-26 ids of events by time") { connection in
            // Those that are there were received before everything.
            try connection.execute(sql: "ALTER TABLE event_ids ADD COLUMN received_at INTEGER NOT NULL DEFAULT 0")
        }
        migrator.registerMigration("2026-11-26 as in PostgreSQL") { try alignWithPostgres($0) }
        return migrator
    }

    /// The names of the migrations, in their order.
    static var steps: [String] { migrator.migrations }

    private static func createPeople(_ connection: Database) throws {
        // AUTOINCREMENT: neither a person's number nor a workspace's is ever used again, so no cio_id is.
        // Attributes are {"name":[value,time]}, with null as the value of one that was removed.
        try connection.execute(
            sql: """
                CREATE TABLE workspaces (
                    workspace INTEGER PRIMARY KEY AUTOINCREMENT,
                    name TEXT NOT NULL UNIQUE,
                    people_made INTEGER NOT NULL DEFAULT 0,
                    objects_made INTEGER NOT NULL DEFAULT 0
                );
                CREATE TABLE people (
                    person INTEGER PRIMARY KEY AUTOINCREMENT,
                    workspace INTEGER NOT NULL,
                    id TEXT,
                    email TEXT,
                    email_key TEXT,
                    cio_id TEXT NOT NULL,
                    made_at INTEGER NOT NULL,
                    attributes TEXT NOT NULL
                );
                CREATE UNIQUE INDEX people_by_id ON people (workspace, id);
                CREATE UNIQUE INDEX people_by_email ON people (workspace, email_key);
                CREATE UNIQUE INDEX people_by_cio_id ON people (workspace, cio_id);
                CREATE TABLE devices (
                    workspace INTEGER NOT NULL,
                    token TEXT NOT NULL,
                    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
                    platform TEXT NOT NULL,
                    last_used INTEGER NOT NULL,
                    attributes TEXT NOT NULL,
                    PRIMARY KEY (workspace, token)
                ) WITHOUT ROWID;
                CREATE INDEX devices_by_person ON devices (person);
                CREATE TABLE suppressed (
                    workspace INTEGER NOT NULL,
                    kind TEXT NOT NULL,
                    value TEXT NOT NULL,
                    together INTEGER NOT NULL,
                    PRIMARY KEY (workspace, kind, value)
                ) WITHOUT ROWID;
                """
        )
    }

    private static func createObjects(_ connection: Database) throws {
        try connection.execute(
            sql: """
                CREATE TABLE objects (
                    object INTEGER PRIMARY KEY AUTOINCREMENT,
                    workspace INTEGER NOT NULL,
                    type INTEGER NOT NULL,
                    id TEXT NOT NULL,
                    cio_id TEXT NOT NULL,
                    made_at INTEGER NOT NULL,
                    attributes TEXT NOT NULL
                );
                CREATE UNIQUE INDEX objects_by_id ON objects (workspace, type, id);
                CREATE UNIQUE INDEX objects_by_cio_id ON objects (workspace, cio_id);
                CREATE TABLE relationships (
                    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
                    object INTEGER NOT NULL REFERENCES objects ON DELETE CASCADE,
                    attributes TEXT NOT NULL,
                    PRIMARY KEY (person, object)
                ) WITHOUT ROWID;
                CREATE INDEX relationships_by_object ON relationships (object, person);
                CREATE TABLE anonymous_relationships (
                    workspace INTEGER NOT NULL,
                    anonymous_id TEXT NOT NULL,
                    object INTEGER NOT NULL REFERENCES objects ON DELETE CASCADE,
                    attributes TEXT NOT NULL,
                    PRIMARY KEY (workspace, anonymous_id, object)
                ) WITHOUT ROWID;
                CREATE INDEX anonymous_relationships_by_object ON anonymous_relationships (object);
                """
        )
    }

    private static func createActivity(_ connection: Database) throws {
        // identifiers: of whom an entry speaks who has no row in people (deleted, or never made).
        try connection.execute(
            sql: """
                CREATE TABLE activity (
                    entry INTEGER PRIMARY KEY AUTOINCREMENT,
                    workspace INTEGER NOT NULL,
                    person INTEGER REFERENCES people ON DELETE CASCADE,
                    anonymous_id TEXT,
                    type TEXT NOT NULL,
                    timestamp INTEGER NOT NULL,
                    logged_at INTEGER NOT NULL,
                    name TEXT,
                    identifiers TEXT,
                    data TEXT
                );
                CREATE INDEX activity_by_workspace ON activity (workspace, entry);
                CREATE INDEX activity_by_person ON activity (person, entry);
                CREATE INDEX activity_by_anonymous_id ON activity (workspace, anonymous_id)
                    WHERE person IS NULL AND anonymous_id IS NOT NULL;
                CREATE INDEX activity_without_person_by_time ON activity (workspace, logged_at)
                    WHERE person IS NULL AND anonymous_id IS NOT NULL;
                CREATE TABLE anonymous_people (
                    workspace INTEGER NOT NULL,
                    anonymous_id TEXT NOT NULL,
                    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
                    joined_at INTEGER NOT NULL,
                    PRIMARY KEY (workspace, anonymous_id)
                ) WITHOUT ROWID;
                CREATE INDEX anonymous_people_by_person ON anonymous_people (person);
                CREATE TABLE event_ids (
                    workspace INTEGER NOT NULL,
                    id TEXT NOT NULL,
                    PRIMARY KEY (workspace, id)
                ) WITHOUT ROWID;
                CREATE TABLE metrics (
                    metric INTEGER PRIMARY KEY AUTOINCREMENT,
                    workspace INTEGER NOT NULL,
                    delivery_id TEXT NOT NULL,
                    name TEXT NOT NULL,
                    timestamp INTEGER NOT NULL,
                    data TEXT NOT NULL
                );
                CREATE INDEX metrics_by_workspace ON metrics (workspace, metric);
                """
        )
    }

    /// With the time in the index of the anonymous ids. Without it SQLite took the one by time, since a condition on that
    /// seemed to narrow it down, and went through the entries of all anonymous ids for one of them.
    private static func indexAnonymousIdsByTime(_ connection: Database) throws {
        try connection.execute(
            sql: """
                DROP INDEX activity_by_anonymous_id;
                CREATE INDEX activity_by_anonymous_id ON activity (workspace, anonymous_id, logged_at)
                    WHERE person IS NULL AND anonymous_id IS NOT NULL;
                """
        )
    }

    private static func indexPhones(_ connection: Database) throws {
        let phone = "json_extract(attributes, '$.phone[0]')"
        try connection.execute(
            sql: "CREATE INDEX people_by_phone ON people (workspace, \(phone)) WHERE \(phone) IS NOT NULL"
        )
    }

    /// Makes a secret, and marks with it of the identifiers that are there.
    private static func markSuppressed(_ connection: Database) throws {
        let key = SuppressionMarks.newKey()
        try connection.execute(
            sql: "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
        )
        let connection = Connection(connection)
        try connection.run("INSERT INTO secrets (name, value) VALUES ('suppressed', ?)", [Bytes(key)])
        for row in try connection.rows("SELECT workspace, kind, value FROM suppressed") {
            let (workspace, kind, value) = (try row.integer(0), try row.text(1), try row.text(2))
            try connection.run(
                "UPDATE suppressed SET value = ? WHERE workspace = ? AND kind = ? AND value = ?",
                [SuppressionMarks.mark(of: value, kind, with: key), workspace, Text(kind), Text(value)]
            )
        }
    }

    /// Phones in a column of their own, a secret for each workspace, a count by which others see that it was written, how
    /// those behave that somebody has asked for; and indexes with the order of lists.
    private static func alignWithPostgres(_ connection: Database) throws {
        try connection.execute(
            sql: """
                ALTER TABLE workspaces ADD COLUMN suppression_key BLOB;
                UPDATE workspaces SET suppression_key = (SELECT value FROM secrets WHERE name = 'suppressed');
                DROP TABLE secrets;
                ALTER TABLE workspaces ADD COLUMN writes INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE people ADD COLUMN phone TEXT;
                UPDATE people SET phone = json_extract(attributes, '$.phone[0]')
                    WHERE json_type(attributes, '$.phone[0]') = 'text'
                        AND length(CAST(json_extract(attributes, '$.phone[0]') AS BLOB)) <= 32;
                DROP INDEX people_by_phone;
                CREATE INDEX people_by_phone ON people (workspace, phone, person) WHERE phone IS NOT NULL;
                CREATE INDEX people_by_workspace ON people (workspace);
                CREATE INDEX objects_by_workspace ON objects (workspace);
                ALTER TABLE workspace_keys ADD COLUMN traits TEXT;
                """
        )
    }

    private static func createKeys(_ connection: Database) throws {
        // By the name: what opens a workspace is no part of what is in it.
        try connection.execute(
            sql: """
                CREATE TABLE workspace_keys (
                    name TEXT PRIMARY KEY,
                    site_id TEXT NOT NULL,
                    sealed BLOB NOT NULL
                ) WITHOUT ROWID
                """
        )
    }

    private static func indexSuppressed(_ connection: Database) throws {
        try connection.execute(sql: "CREATE INDEX suppressed_together ON suppressed (workspace, together)")
    }

    private static func createSegments(_ connection: Database) throws {
        // A segment is its members, and a delivery its recipient: neither has a row of its own without somebody in it.
        try connection.execute(
            sql: """
                CREATE TABLE segment_members (
                    workspace INTEGER NOT NULL,
                    segment INTEGER NOT NULL,
                    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
                    PRIMARY KEY (workspace, segment, person)
                ) WITHOUT ROWID;
                CREATE INDEX segment_members_by_person ON segment_members (person, segment);
                CREATE TABLE forms (
                    form INTEGER PRIMARY KEY AUTOINCREMENT,
                    workspace INTEGER NOT NULL,
                    id TEXT NOT NULL,
                    made_at INTEGER NOT NULL,
                    submissions INTEGER NOT NULL DEFAULT 0,
                    submitted_at INTEGER
                );
                CREATE UNIQUE INDEX forms_by_id ON forms (workspace, id);
                CREATE INDEX forms_by_workspace ON forms (workspace, form);
                CREATE TABLE deliveries (
                    workspace INTEGER NOT NULL,
                    id TEXT NOT NULL,
                    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
                    channel TEXT NOT NULL,
                    PRIMARY KEY (workspace, id)
                ) WITHOUT ROWID;
                CREATE INDEX deliveries_by_person ON deliveries (person);
                """
        )
    }
}
