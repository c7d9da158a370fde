/// A piece of work with an end, which an operator asked for and can pause and stop.
package struct Job: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// Events of the log go into an integration (again).
        case replay
        /// Failed operations are tried again.
        case retry
    }

    package enum State: String, Sendable {
        case running, paused, stopped, done
    }

    /// Which events are meant; what is not named may be anything.
    package struct Selection: Sendable, Equatable {
        /// Numbers of events, the first and the last one included.
        package var first: Int64
        package var last: Int64
        package var source: String?
        /// The event's name, for track calls.
        package var name: String?
        /// Whose events: a userId, an anonymousId, an e-mail address.
        package var userId: String?
        package var anonymousId: String?
        package var email: String?
        /// Of a retry: the operation's place in its event's plan, its action, and why it failed.
        package var place: Int?
        package var action: String?
        package var words: String?

        package init(first: Int64, last: Int64) {
            self.first = first
            self.last = last
        }
    }

    package let id: Int64
    package let kind: Kind
    package let integration: String
    package var state: State
    package var selection: Selection
    /// Requests a second; `nil` for what the integration allows.
    package var rate: Int?
    /// Of a replay: whether events get ids of their own, so that they count once more.
    package var isAsNew: Bool
    /// Of a replay: whether deletes, suppressions and merges go too.
    package var includesTakingAway: Bool
    /// Of a retry: the cursor whose failed operations are meant.
    package var origin: Int64?
    /// The revision of the integration under which everything is planned; `nil` when each event is planned under that of
    /// its time.
    package var revision: Int64?
    /// The cursor that carries it out.
    package let cursor: Int64
    /// Milliseconds since 1970.
    package let startedAt: Int64
    package var endedAt: Int64?
}

/// What a job is made of, before it has a number.
package struct NewJob: Sendable {
    package var kind: Job.Kind
    package var integration: String
    package var selection: Job.Selection
    package var rate: Int?
    package var isAsNew = false
    package var includesTakingAway = false
    package var origin: Int64?
    package var revision: Int64?
    /// Milliseconds since 1970.
    package var startedAt: Int64

    package init(_ kind: Job.Kind, integration: String, selection: Job.Selection, startedAt: Int64) {
        self.kind = kind
        self.integration = integration
        self.selection = selection
        self.startedAt = startedAt
    }
}

/// Replays and retries (delivery.md F42, F43): each is a cursor of its own with a beginning and an end.
package struct Jobs: Sendable {
    private let commits: GroupCommit

    init(_ commits: GroupCommit) {
        self.commits = commits
    }

    /// What only the holder of a lease may write.
    package func under(_ lease: Lease) -> Jobs { Jobs(commits.under(lease)) }

    /// Makes a job and its cursor, which stands before the first event of the selection.
    package func add(_ job: NewJob) async throws(StorageError) -> Job {
        try await commits.commit { try JobTables.add(job, $0) }
    }

    /// All of them, the newest first.
    package func list(limit: Int) async throws(StorageError) -> [Job] {
        try await commits.engine.read { try JobTables.jobs("ORDER BY id DESC LIMIT ?", [max(0, limit)], $0) }
    }

    /// Those that are to be carried out.
    package func running() async throws(StorageError) -> [Job] {
        try await commits.engine.read { try JobTables.jobs("WHERE state = 'running' ORDER BY id", [], $0) }
    }

    /// One of them; `nil` when there is none with this number.
    package func job(_ id: Int64) async throws(StorageError) -> Job? {
        try await commits.engine.read { try JobTables.jobs("WHERE id = ?", [id], $0).first }
    }

    /// Moves a job on. One that has ended stays as it is.
    ///
    /// - Returns: the job as it is now; `nil` when there is none with this number.
    package func set(_ state: Job.State, of id: Int64, at now: Int64) async throws(StorageError) -> Job? {
        try await commits.commit { connection in
            let ended = state == .done || state == .stopped ? now : nil
            try connection.run(
                "UPDATE jobs SET state = ?, ended_at = ? WHERE id = ? AND state IN ('running', 'paused')",
                [state.rawValue, ended, id]
            )
            if ended != nil {
                // What was still to be delivered is not any more.
                try connection.run(
                    "DELETE FROM exceptions WHERE state = 0 AND cursor = (SELECT cursor FROM jobs WHERE id = ?)",
                    [id]
                )
            }
            return try JobTables.jobs("WHERE id = ?", [id], connection).first
        }
    }

    /// Whether an integration has ever delivered anything; a replay into one that has not is no repetition.
    package func hasReceived(_ integration: String) async throws(StorageError) -> Bool {
        try await commits.engine.read { connection in
            try connection.row(
                """
                SELECT 1 FROM cursors
                WHERE integration = ? AND (SELECT min(low) FROM requests WHERE requests.cursor = cursors.id) IS NOT NULL
                LIMIT 1
                """,
                [Text(integration)]
            ) != nil
        }
    }
}

private enum JobTables {
    static func add(_ job: NewJob, _ connection: Connection) throws -> Job {
        let selection = job.selection
        let id = try connection.number(
            """
            INSERT INTO jobs (
                kind, integration, state, first, last, source, name, user_id, place, action, words, rate, as_new,
                includes_taking_away, origin, revision, anonymous_id, email, started_at
            ) VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            RETURNING id
            """,
            [
                job.kind.rawValue, Text(job.integration), selection.first, selection.last,
                selection.source.map(Text.init), selection.name.map(Text.init), selection.userId.map(Text.init),
                selection.place, selection.action.map(Text.init), selection.words.map(Text.init), job.rate,
                job.isAsNew, job.includesTakingAway, job.origin, job.revision, selection.anonymousId.map(Text.init),
                selection.email.map(Text.init), job.startedAt,
            ]
        )
        let cursor = try LedgerTables.open(
            .job(id),
            of: job.integration,
            startingAt: selection.first - 1,
            connection
        )
        try connection.run("UPDATE jobs SET cursor = ? WHERE id = ?", [cursor.id, id])
        guard let made = try jobs("WHERE id = ?", [id], connection).first else { throw StorageError.unreadable("job") }
        return made
    }

    static func jobs(_ condition: String, _ values: [any StoredValue], _ connection: Connection) throws -> [Job] {
        let rows = try connection.rows(
            """
            SELECT id, kind, integration, state, first, last, source, name, user_id, place, action, words, rate, as_new,
                includes_taking_away, origin, revision, cursor, started_at, ended_at, anonymous_id, email
            FROM jobs \(condition)
            """,
            values
        )
        return try rows.map(job)
    }

    private static func job(_ row: StoredRow) throws -> Job {
        guard let kind = Job.Kind(rawValue: try row.text(1)), let state = Job.State(rawValue: try row.text(3)) else {
            throw StorageError.unreadable("job")
        }
        var selection = Job.Selection(first: try row.integer(4), last: try row.integer(5))
        selection.source = try row.optionalText(6)
        selection.name = try row.optionalText(7)
        selection.userId = try row.optionalText(8)
        selection.anonymousId = try row.optionalText(20)
        selection.email = try row.optionalText(21)
        selection.place = try row.optionalInteger(9).map(Int.init)
        selection.action = try row.optionalText(10)
        selection.words = try row.optionalText(11)
        return Job(
            id: try row.integer(0),
            kind: kind,
            integration: try row.text(2),
            state: state,
            selection: selection,
            rate: try row.optionalInteger(12).map(Int.init),
            isAsNew: try row.integer(13) != 0,
            includesTakingAway: try row.integer(14) != 0,
            origin: try row.optionalInteger(15),
            revision: try row.optionalInteger(16),
            cursor: try row.integer(17),
            startedAt: try row.integer(18),
            endedAt: try row.optionalInteger(19)
        )
    }
}
