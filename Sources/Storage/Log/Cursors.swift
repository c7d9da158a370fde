import GRDB

/// A place in the log: everything up to it, itself included, is settled.
package struct LogPosition: Sendable, Equatable, Comparable {
    /// The number of the event.
    package let seq: Int64
    /// The last settled operation of that event, counted from 0 in the order of its plan; `nil` when all of them are.
    package let operation: Int?

    package init(seq: Int64, operation: Int? = nil) {
        self.seq = seq
        self.operation = operation
    }

    package static func < (left: LogPosition, right: LogPosition) -> Bool {
        (left.seq, left.operation ?? .max) < (right.seq, right.operation ?? .max)
    }
}

/// An operation that Customer.io, or a limit of its API, refused for good.
package struct FailedOperation: Sendable, Equatable {
    package var integration: String
    /// The event that it was planned from.
    package var seq: Int64
    /// The name of the action in kebab case.
    package var action: String
    /// The operation as JSON.
    package var body: [UInt8]
    /// Why, in Customer.io's own words where there are any.
    package var words: String
    /// Milliseconds since 1970.
    package var failedAt: Int64
    /// How often it was sent.
    package var attempts: Int

    package init(
        integration: String,
        seq: Int64,
        action: String,
        body: [UInt8],
        words: String,
        failedAt: Int64,
        attempts: Int
    ) {
        self.integration = integration
        self.seq = seq
        self.action = action
        self.body = body
        self.words = words
        self.failedAt = failedAt
        self.attempts = attempts
    }
}

/// A failed operation with its number in the list of them.
package struct ListedFailure: Sendable, Equatable {
    /// Rises in the order in which operations failed. What `failures(of:after:limit:)` goes on from.
    package let number: Int64
    package let operation: FailedOperation
}

/// How far each integration has come in the log, and which of its operations failed.
package struct Cursors: Sendable {
    private let commits: GroupCommit

    init(_ commits: GroupCommit) {
        self.commits = commits
    }

    /// Where an integration stands; `nil` when it was never started.
    package func position(of integration: String) async throws(StorageError) -> LogPosition? {
        try await commits.database.read { try CursorTables.position(of: integration, $0) }
    }

    /// Starts an integration behind `seq` (0 is the beginning of the log) and returns where it stands.
    ///
    /// One that was started before stays where it is.
    package func start(_ integration: String, at seq: Int64) async throws(StorageError) -> LogPosition {
        try await commits.commit { try CursorTables.start(integration, at: seq, $0) }
    }

    /// Moves an integration on and records what failed on the way, both or neither, and returns when it is on the disk.
    ///
    /// - Throws: `refused` when the integration was not started or stands further on already.
    package func advance(
        _ integration: String,
        to position: LogPosition,
        failures: [FailedOperation] = []
    ) async throws(StorageError) {
        try await commits.commit { connection in
            guard let current = try CursorTables.position(of: integration, connection) else {
                throw StorageError(.refused, "the integration was not started; start it first")
            }
            guard current <= position else {
                throw StorageError(.refused, "an integration's position does not move back")
            }
            try CursorTables.move(integration, to: position, connection)
            for failure in failures {
                try CursorTables.add(failure, connection)
            }
        }
    }

    /// The failed operations of an integration in the order in which they failed, behind `number`, at most `limit`.
    package func failures(
        of integration: String,
        after number: Int64 = 0,
        limit: Int
    ) async throws(StorageError) -> [ListedFailure] {
        try await commits.database.read {
            try CursorTables.failures(of: integration, after: number, limit: limit, $0)
        }
    }

    /// How many operations of an integration failed.
    package func failureCount(of integration: String) async throws(StorageError) -> Int64 {
        try await commits.database.read { try CursorTables.failureCount(of: integration, $0) }
    }
}

/// The statements on the tables `cursors` and `failures`.
private enum CursorTables {
    static func position(of integration: String, _ connection: Database) throws -> LogPosition? {
        let statement = try connection.cachedStatement(sql: "SELECT seq, operation FROM cursors WHERE integration = ?")
        return try Row.fetchOne(statement, arguments: [Text(integration)]).map { row in
            LogPosition(seq: try row.integer(0), operation: try row.optionalInteger(1).map(Int.init))
        }
    }

    static func start(_ integration: String, at seq: Int64, _ connection: Database) throws -> LogPosition {
        if let position = try position(of: integration, connection) { return position }
        let statement = try connection.cachedStatement(
            sql: "INSERT INTO cursors (integration, seq, operation) VALUES (?, ?, NULL)"
        )
        try statement.execute(arguments: [Text(integration), seq])
        return LogPosition(seq: seq)
    }

    static func move(_ integration: String, to position: LogPosition, _ connection: Database) throws {
        let statement = try connection.cachedStatement(
            sql: "UPDATE cursors SET seq = ?, operation = ? WHERE integration = ?"
        )
        try statement.execute(arguments: [position.seq, position.operation, Text(integration)])
    }

    static func add(_ failure: FailedOperation, _ connection: Database) throws {
        let statement = try connection.cachedStatement(
            sql: """
                INSERT INTO failures (integration, seq, action, body, words, failed_at, attempts)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        )
        try statement.execute(arguments: [
            Text(failure.integration), failure.seq, Text(failure.action), Bytes(failure.body), Text(failure.words),
            failure.failedAt, failure.attempts,
        ])
    }

    static func failures(
        of integration: String,
        after number: Int64,
        limit: Int,
        _ connection: Database
    ) throws -> [ListedFailure] {
        let statement = try connection.cachedStatement(
            sql: """
                SELECT number, seq, action, body, words, failed_at, attempts FROM failures
                WHERE integration = ? AND number > ? ORDER BY number LIMIT ?
                """
        )
        let rows = try Row.fetchAll(statement, arguments: [Text(integration), number, max(limit, 0)])
        return try rows.map { row in
            ListedFailure(
                number: try row.integer(0),
                operation: FailedOperation(
                    integration: integration,
                    seq: try row.integer(1),
                    action: try row.text(2),
                    body: try row.bytes(3),
                    words: try row.text(4),
                    failedAt: try row.integer(5),
                    attempts: Int(try row.integer(6))
                )
            )
        }
    }

    static func failureCount(of integration: String, _ connection: Database) throws -> Int64 {
        let statement = try connection.cachedStatement(sql: "SELECT count(*) FROM failures WHERE integration = ?")
        return try Int64.fetchOne(statement, arguments: [Text(integration)]) ?? 0
    }
}
