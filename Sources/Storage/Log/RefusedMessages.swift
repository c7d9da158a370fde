/// A message that was not accepted, with all that it takes to accept it later.
package struct RefusedMessage: Sendable, Equatable {
    /// The key of its source in `ferry.yaml`; `nil` when the write key is unknown.
    package var source: String?
    /// A short name of the reason, from a closed set.
    package var code: String
    /// The reason in a sentence.
    package var reason: String
    /// What was received: a whole body, or a message of a batch.
    package var raw: [UInt8]
    /// Whether `raw` is only the beginning of what was received.
    package var isCut: Bool
    /// Where it was sent to: the name of a call, or `batch`.
    package var path: String
    /// For a message of a batch, what held for all of its messages, as JSON.
    package var envelope: [UInt8]?
    /// The sender's address.
    package var peerAddress: String?
    /// What tells the unknown write key from others; see `RefusedMessages.mark(of:)`.
    package var keyMark: [UInt8]?
    /// Milliseconds since 1970.
    package var receivedAt: Int64

    package init(
        source: String?,
        code: String,
        reason: String,
        raw: [UInt8],
        isCut: Bool = false,
        path: String = "batch",
        envelope: [UInt8]? = nil,
        peerAddress: String? = nil,
        keyMark: [UInt8]? = nil,
        receivedAt: Int64
    ) {
        self.source = source
        self.code = code
        self.reason = reason
        self.raw = raw
        self.isCut = isCut
        self.path = path
        self.envelope = envelope
        self.peerAddress = peerAddress
        self.keyMark = keyMark
        self.receivedAt = receivedAt
    }

    /// Bytes that it counts for, the row around it included: a million empty messages are not free.
    var size: Int { raw.count + (envelope?.count ?? 0) + 256 }
}

/// A refused message with its number in the list of them.
package struct ListedRefusedMessage: Sendable, Equatable {
    /// Rises in the order of receipt. What `list(after:limit:)` goes on from.
    package let number: Int64
    package let message: RefusedMessage
}

/// A part of the list of refused messages.
package struct RefusedPage: Sendable, Equatable {
    package let messages: [ListedRefusedMessage]
    /// The number behind which the list goes on; `nil` at its end.
    package let next: Int64?
}

/// Which refused messages are meant; `nil` is any.
package struct RefusedFilter: Sendable, Equatable {
    package var source: String?
    package var code: String?

    package init(source: String? = nil, code: String? = nil) {
        self.source = source
        self.code = code
    }
}

/// The messages that were not accepted: shown, counted, bounded in bytes and in age, and accepted later if somebody says
/// so.
///
/// The oldest leave first. Those of unknown keys, which anybody can send, have a tenth of the room, and cannot push out
/// those of the sources.
package struct RefusedMessages: Sendable {
    private let commits: GroupCommit
    private let limits: DataStore.Limits
    private let keys: MessageKeys

    init(_ commits: GroupCommit, keys: MessageKeys, limits: DataStore.Limits) {
        self.commits = commits
        self.keys = keys
        self.limits = limits
    }

    /// What only the holder of a lease may remove.
    package func under(_ lease: Lease) -> RefusedMessages {
        RefusedMessages(commits.under(lease), keys: keys, limits: limits)
    }

    /// A mark of a write key that nobody knows: the same key has the same mark, and no mark tells its key.
    package func mark(of key: String) -> [UInt8] { keys.key(ofText: key).bytes }

    /// Records messages and returns when they are on the disk. A long one is cut at
    /// `DataStore.Limits.refusedMessageBytes`.
    ///
    /// - Returns: how many had to go to make room.
    /// - Throws: `overloaded` and the errors of the disk; nothing is recorded then.
    @discardableResult
    package func record(_ messages: [RefusedMessage]) async throws(StorageError) -> Int {
        guard !messages.isEmpty else { return 0 }
        return try await record(messages) { _ in }.displaced
    }

    /// The same with `work` in the same transaction, which adds `weight` to it.
    func record<Value: Sendable>(
        _ messages: [RefusedMessage],
        weight: Weight = Weight(),
        with work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> (value: Value, displaced: Int) {
        let kept = messages.map { $0.cut(at: limits.refusedMessageEnd) }
        let newest = kept.map(\.receivedAt).max()
        let bytes = kept.reduce(weight.bytes) { $0 + $1.size }
        let bounds = limits
        return try await commits.commit(Weight(events: weight.events + kept.count, bytes: bytes)) { connection in
            let value = try work(connection)
            try RefusedTables.add(kept, connection)
            let displaced = try newest.map { try RefusedTables.trim(bounds, at: $0, connection) }
            return (value, displaced ?? 0)
        }
    }

    /// Removes what is too old at a time (milliseconds since 1970).
    package func trim(at now: Int64) async throws(StorageError) {
        let bounds = limits
        _ = try await commits.commit { try RefusedTables.trim(bounds, at: now, $0) }
    }

    /// The messages in the order of receipt, behind `number`, at most `limit` and 8 MiB of them.
    package func page(
        after number: Int64 = 0,
        _ filter: RefusedFilter = RefusedFilter(),
        limit: Int
    ) async throws(StorageError) -> RefusedPage {
        try await commits.engine.read { try RefusedTables.page(after: number, filter, limit: limit, $0) }
    }

    /// The messages of a page.
    package func list(after number: Int64 = 0, limit: Int) async throws(StorageError) -> [ListedRefusedMessage] {
        try await page(after: number, limit: limit).messages
    }

    /// The message of a number; `nil` when it is gone.
    package func message(_ number: Int64) async throws(StorageError) -> ListedRefusedMessage? {
        try await list(after: number.subtractingSaturated(1), limit: 1).first { $0.number == number }
    }

    /// How many messages are kept.
    package func count() async throws(StorageError) -> Int64 {
        try await commits.engine.read { try RefusedTables.size($0).messages }
    }

    /// How many bytes the kept messages count for.
    package func bytes() async throws(StorageError) -> Int64 {
        try await commits.engine.read { try RefusedTables.size($0).bytes }
    }
}

extension RefusedMessage {
    fileprivate func cut(at bytes: Int) -> RefusedMessage {
        guard raw.count > bytes else { return self }
        var message = self
        message.raw = Array(raw.prefix(bytes))
        message.isCut = true
        return message
    }
}

/// The statements on the tables `refused_messages` and `refused_size`.
enum RefusedTables {
    private static let columns =
        "number, source, code, reason, raw, is_cut, path, envelope, peer, key_mark, received_at"

    static func add(_ messages: [RefusedMessage], _ connection: Connection) throws {
        for message in messages {
            try connection.run(
                """
                INSERT INTO refused_messages
                    (source, code, reason, raw, is_cut, path, envelope, peer, key_mark, received_at, size)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    message.source.map(Text.init), Text(message.code), Text(message.reason), Bytes(message.raw),
                    message.isCut, Text(message.path), message.envelope.map(Bytes.init),
                    message.peerAddress.map(Text.init), message.keyMark.map(Bytes.init), message.receivedAt,
                    message.size,
                ]
            )
            try resize(messages: 1, bytes: Int64(message.size), isStranger: message.source == nil, connection)
        }
    }

    /// Removes a message; `false` if it was gone already.
    static func remove(_ number: Int64, _ connection: Connection) throws -> Bool {
        let row = try connection.row("SELECT size, source IS NULL FROM refused_messages WHERE number = ?", [number])
        guard let row else { return false }
        try connection.run("DELETE FROM refused_messages WHERE number = ?", [number])
        let isStranger = try row.integer(1) != 0
        try resize(messages: -1, bytes: -(try row.integer(0)), isStranger: isStranger, connection)
        return true
    }

    /// Removes the oldest of strangers and of all until they fit, and what is too old.
    ///
    /// - Returns: how many were not too old, and had to go to make room.
    static func trim(_ limits: DataStore.Limits, at now: Int64, _ connection: Connection) throws -> Int {
        var displaced = 0
        let expired = now.subtractingSaturated(Int64(limits.refusedDays) * 24 * 60 * 60 * 1000)
        while try size(connection).strangerBytes > limits.refusedBytes / 10 {
            let oldest = "SELECT number FROM refused_messages WHERE source IS NULL ORDER BY number LIMIT 1"
            guard let row = try connection.row(oldest), try remove(try row.integer(0), connection) else { break }
            displaced += 1
        }
        while true {
            let oldest = "SELECT number, received_at FROM refused_messages ORDER BY number LIMIT 1"
            guard let row = try connection.row(oldest) else { break }
            let isExpired = try row.integer(1) <= expired
            guard try isExpired || size(connection).bytes > limits.refusedBytes else { break }
            guard try remove(try row.integer(0), connection) else { break }
            if !isExpired { displaced += 1 }
        }
        return displaced
    }

    static func resize(
        messages: Int64,
        bytes: Int64,
        isStranger: Bool,
        _ connection: Connection
    ) throws {
        try connection.run(
            """
            UPDATE refused_size
            SET messages = messages + ?, bytes = bytes + ?, stranger_bytes = stranger_bytes + ?
            """,
            [messages, bytes, isStranger ? bytes : 0]
        )
    }

    static func size(_ connection: Connection) throws -> (messages: Int64, bytes: Int64, strangerBytes: Int64) {
        let row = try connection.row("SELECT messages, bytes, stranger_bytes FROM refused_size")
        guard let row else { return (0, 0, 0) }
        return (try row.integer(0), try row.integer(1), try row.integer(2))
    }

    private static let pageBytes = 8 << 20

    static func page(
        after number: Int64,
        _ filter: RefusedFilter,
        limit: Int,
        _ connection: Connection
    ) throws -> RefusedPage {
        var messages: [ListedRefusedMessage] = []
        var bytes = 0
        var isCut = false
        try connection.forEach(
            """
            SELECT \(columns) FROM refused_messages
            WHERE number > ?1 AND (?2 IS NULL OR source = ?2) AND (?3 IS NULL OR code = ?3)
            ORDER BY number LIMIT ?4
            """,
            [number, filter.source.map(Text.init), filter.code.map(Text.init), max(limit, 0) + 1]
        ) { row in
            isCut = messages.count == limit || bytes > pageBytes
            guard !isCut else { return false }
            let message = try ListedRefusedMessage(row)
            messages.append(message)
            bytes += message.message.size
            return true
        }
        return RefusedPage(messages: messages, next: isCut ? messages.last?.number : nil)
    }
}

extension ListedRefusedMessage {
    fileprivate init(_ row: StoredRow) throws {
        number = try row.integer(0)
        message = RefusedMessage(
            source: try row.optionalText(1),
            code: try row.text(2),
            reason: try row.text(3),
            raw: try row.bytes(4),
            isCut: try row.integer(5) != 0,
            path: try row.text(6),
            envelope: try row.optionalBytes(7),
            peerAddress: try row.optionalText(8),
            keyMark: try row.optionalBytes(9),
            receivedAt: try row.integer(10)
        )
    }
}
