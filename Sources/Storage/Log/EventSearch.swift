/// Which events of the log are meant; what is not named may be anything. Texts are compared byte by byte.
package struct EventFilter: Sendable, Equatable {
    package var source: String?
    package var type: String?
    package var name: String?
    package var userId: String?
    package var anonymousId: String?
    package var messageId: String?
    /// Times of receipt in milliseconds since 1970, the first included, the last not.
    package var from: Int64?
    package var until: Int64?

    /// All of them, until something is named.
    package init() {}
}

/// An event of the log without its body.
package struct FoundEvent: Sendable, Equatable {
    package let seq: Int64
    package let source: String
    package let messageId: String?
    package let type: String
    package let name: String?
    package let userId: String?
    package let anonymousId: String?
    /// Milliseconds since 1970.
    package let receivedAt: Int64
    /// Whether somebody had it erased: then nothing is known but where it came from, its type and when.
    package let isErased: Bool
}

extension EventLog {
    /// Events that one call looks at, so that it takes as long however many there are.
    private static let looked = 20_000
    /// By how much the times of receipt in the log may be out of order, in milliseconds.
    private static let disorder: Int64 = 3_600_000

    /// Events, and where to go on.
    package typealias FoundPage = (events: [FoundEvent], next: Int64?)

    /// The events that a filter lets through, the newest first: those before the number `before` (from the end of the log
    /// without one), at most `limit`. `next` is where to go on, `nil` at the beginning of the log. There may be none here
    /// and some further on.
    package func search(
        _ filter: EventFilter,
        before: Int64? = nil,
        limit: Int
    ) async throws(StorageError) -> FoundPage {
        try await commits.engine.read { connection in
            let before = before ?? .max
            let events = try Self.search(filter, before: before, limit: limit, connection)
            let oldest = try Self.oldest(before: before, connection)
            if events.count == limit, let last = events.last { return (events, last.seq) }
            guard let oldest else { return (events, nil) }
            if let from = filter.from, oldest.receivedAt < from.subtractingSaturated(Self.disorder) {
                return (events, nil)
            }
            return (events, oldest.seq)
        }
    }

    private static func search(
        _ filter: EventFilter,
        before: Int64,
        limit: Int,
        _ connection: Connection
    ) throws -> [FoundEvent] {
        let conditions: [(sql: String, value: (any StoredValue)?)] = [
            ("source = ?", filter.source.map(Text.init)), ("type = ?", filter.type.map(Text.init)),
            ("name = ?", filter.name.map(Text.init)), ("user_id = ?", filter.userId.map(Text.init)),
            ("anonymous_id = ?", filter.anonymousId.map(Text.init)),
            ("message_id = ?", filter.messageId.map(Text.init)), ("received_at >= ?", filter.from),
            ("received_at < ?", filter.until),
        ]
        let named = conditions.filter { $0.value != nil }
        let condition = named.isEmpty ? "" : "WHERE " + named.map(\.sql).joined(separator: " AND ")
        let rows = try connection.rows(
            """
            SELECT * FROM (
                SELECT seq, source, message_id, type, name, user_id, anonymous_id, received_at, body IS NULL AS is_erased
                FROM events
                WHERE seq < ? ORDER BY seq DESC LIMIT \(looked)
            ) AS looked \(condition) LIMIT ?
            """,
            [before] + named.compactMap(\.value) + [max(0, limit)]
        )
        return try rows.map { row in
            FoundEvent(
                seq: try row.integer(0),
                source: try row.text(1),
                messageId: try row.optionalText(2),
                type: try row.text(3),
                name: try row.optionalText(4),
                userId: try row.optionalText(5),
                anonymousId: try row.optionalText(6),
                receivedAt: try row.integer(7),
                isErased: try row.integer(8) != 0
            )
        }
    }

    /// The last event that such a search looks at, unless it comes to the beginning of the log.
    private static func oldest(before: Int64, _ connection: Connection) throws -> (seq: Int64, receivedAt: Int64)? {
        try connection.row(
            "SELECT seq, received_at FROM events WHERE seq < ? ORDER BY seq DESC LIMIT 1 OFFSET \(looked - 1)",
            [before]
        ).map { (try $0.integer(0), try $0.integer(1)) }
    }
}

/// What of the log lies between two times.
package struct LogStretch: Sendable, Equatable {
    /// The first event that is in the log at all; `nil` when it is empty.
    package let oldest: Int64?
    /// When that was received, in milliseconds since 1970.
    package let oldestAt: Int64
    /// The first and the last one between the times; `nil` when none is.
    package let first: Int64?
    package let last: Int64?
}

extension EventLog {
    /// The events that were received from one time on, and before another (milliseconds since 1970). Events stand in the
    /// order of their receipt, but for clocks that were set: between the first and the last one others may lie.
    package func stretch(from: Int64?, until: Int64?) async throws(StorageError) -> LogStretch {
        try await commits.engine.read { connection in
            let ends = try connection.row("SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM events)")
            guard let oldest = try ends?.optionalInteger(0), let newest = try ends?.optionalInteger(1) else {
                return LogStretch(oldest: nil, oldestAt: 0, first: nil, last: nil)
            }
            let oldestAt = try connection.row("SELECT received_at FROM events WHERE seq = ?", [oldest])?.integer(0) ?? 0
            let first = try from.map { try Self.boundary($0, oldest, newest, connection) } ?? oldest
            let end = try until.map { try Self.boundary($0, oldest, newest, connection) } ?? newest + 1
            guard first < end else { return LogStretch(oldest: oldest, oldestAt: oldestAt, first: nil, last: nil) }
            return LogStretch(oldest: oldest, oldestAt: oldestAt, first: first, last: end - 1)
        }
    }

    /// The first event that was received at a time or later; one behind the last if there is none. By halving, since the
    /// log is in order.
    private static func boundary(
        _ time: Int64,
        _ oldest: Int64,
        _ newest: Int64,
        _ connection: Connection
    ) throws -> Int64 {
        var (low, high) = (oldest, newest + 1)
        while low < high {
            let middle = low + (high - low) / 2
            let row = try connection.row(
                "SELECT received_at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1",
                [middle]
            )
            if let receivedAt = try row?.integer(0), receivedAt < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
