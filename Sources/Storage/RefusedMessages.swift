import GRDB

/// A message that was not accepted.
package struct RefusedMessage: Sendable, Equatable {
    /// The key of its source in `ferry.yaml`; `nil` when the write key is unknown.
    package var source: String?
    /// A short name of the reason, from a closed set.
    package var code: String
    /// The reason in a sentence.
    package var reason: String
    /// What was received.
    package var raw: [UInt8]
    /// Whether `raw` is only the beginning of what was received.
    package var isCut: Bool
    /// Milliseconds since 1970.
    package var receivedAt: Int64

    package init(
        source: String?,
        code: String,
        reason: String,
        raw: [UInt8],
        isCut: Bool = false,
        receivedAt: Int64
    ) {
        self.source = source
        self.code = code
        self.reason = reason
        self.raw = raw
        self.isCut = isCut
        self.receivedAt = receivedAt
    }
}

/// A refused message with its number in the list of them.
package struct ListedRefusedMessage: Sendable, Equatable {
    /// Rises in the order of receipt. What `list(after:limit:)` goes on from.
    package let number: Int64
    package let message: RefusedMessage
}

/// The messages that were not accepted: shown, counted, and bounded in bytes, the oldest leaving first.
package struct RefusedMessages: Sendable {
    private let commits: GroupCommit
    private let limits: DataStore.Limits

    init(_ commits: GroupCommit, limits: DataStore.Limits) {
        self.commits = commits
        self.limits = limits
    }

    /// Records messages and returns when they are on the disk. A long one is cut at
    /// `DataStore.Limits.refusedMessageBytes`.
    ///
    /// - Throws: `overloaded` and the errors of the disk; nothing is recorded then.
    package func record(_ messages: [RefusedMessage]) async throws(StorageError) {
        guard !messages.isEmpty else { return }
        let kept = messages.map { message in
            var message = message
            if message.raw.count > limits.refusedMessageBytes {
                message.raw = Array(message.raw.prefix(limits.refusedMessageBytes))
                message.isCut = true
            }
            return message
        }
        let bytes = kept.reduce(0) { $0 + $1.raw.count }
        let bound = limits.refusedBytes
        try await commits.commit(.init(events: kept.count, bytes: bytes)) { connection in
            for message in kept {
                try RefusedTables.add(message, connection)
            }
            try RefusedTables.trim(to: bound, connection)
        }
    }

    /// The messages in the order of receipt, behind `number`, at most `limit`.
    package func list(
        after number: Int64 = 0,
        limit: Int
    ) async throws(StorageError) -> [ListedRefusedMessage] {
        try await commits.database.read { try RefusedTables.list(after: number, limit: limit, $0) }
    }

    /// How many messages are kept.
    package func count() async throws(StorageError) -> Int64 {
        try await commits.database.read { try RefusedTables.size($0).messages }
    }

    /// How many bytes of messages are kept.
    package func bytes() async throws(StorageError) -> Int64 {
        try await commits.database.read { try RefusedTables.size($0).bytes }
    }
}

/// The statements on the tables `refused_messages` and `refused_size`.
private enum RefusedTables {
    static func add(_ message: RefusedMessage, _ connection: Database) throws {
        let statement = try connection.cachedStatement(
            sql: """
                INSERT INTO refused_messages (source, code, reason, raw, is_cut, received_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        )
        try statement.execute(arguments: [
            message.source.map(Text.init), Text(message.code), Text(message.reason), Bytes(message.raw), message.isCut,
            message.receivedAt,
        ])
        try resize(messages: 1, bytes: Int64(message.raw.count), connection)
    }

    /// Removes the oldest until no more than `bound` bytes are left.
    static func trim(to bound: Int64, _ connection: Database) throws {
        let oldest = try connection.cachedStatement(
            sql: "SELECT number, length(raw) FROM refused_messages ORDER BY number LIMIT 1"
        )
        let remove = try connection.cachedStatement(sql: "DELETE FROM refused_messages WHERE number = ?")
        while try size(connection).bytes > bound {
            guard let row = try Row.fetchOne(oldest) else { return }
            try remove.execute(arguments: [try row.integer(0)])
            try resize(messages: -1, bytes: -(try row.integer(1)), connection)
        }
    }

    private static func resize(messages: Int64, bytes: Int64, _ connection: Database) throws {
        let statement = try connection.cachedStatement(
            sql: "UPDATE refused_size SET messages = messages + ?, bytes = bytes + ?"
        )
        try statement.execute(arguments: [messages, bytes])
    }

    static func size(_ connection: Database) throws -> (messages: Int64, bytes: Int64) {
        let statement = try connection.cachedStatement(sql: "SELECT messages, bytes FROM refused_size")
        guard let row = try Row.fetchOne(statement) else { return (0, 0) }
        return (try row.integer(0), try row.integer(1))
    }

    static func list(after number: Int64, limit: Int, _ connection: Database) throws -> [ListedRefusedMessage] {
        let statement = try connection.cachedStatement(
            sql: """
                SELECT number, source, code, reason, raw, is_cut, received_at FROM refused_messages
                WHERE number > ? ORDER BY number LIMIT ?
                """
        )
        return try Row.fetchAll(statement, arguments: [number, max(limit, 0)]).map { row in
            ListedRefusedMessage(
                number: try row.integer(0),
                message: RefusedMessage(
                    source: try row.optionalText(1),
                    code: try row.text(2),
                    reason: try row.text(3),
                    raw: try row.bytes(4),
                    isCut: try row.integer(5) != 0,
                    receivedAt: try row.integer(6)
                )
            )
        }
    }
}
