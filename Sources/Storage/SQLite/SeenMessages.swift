import GRDB
import Synchronization

/// Which messages were accepted in the last 24 hours (source-api.md §2.7): exactly, across restarts, and in the
/// transaction of the event itself.
///
/// A key is a hash and falls anywhere in an index. Put in one by one, each would cost a page of the disk as soon as the
/// index outgrows the cache (delivery.md F39). So keys stand in the order of their arrival first, in `recent_keys`, which
/// grows at its end alone, and in memory. Once there are many they are filed: in the order of the keys, so that
/// neighbours share a page, they go into `seen`, a few with each call, so that no call pays for many others. Then they
/// leave `recent_keys`. As filing goes on, what has expired is swept out of `seen`.
///
/// A clock that is set back makes nobody forget: what was received later than now is remembered until that time has come
/// and gone. Nor does one that was ahead for a while: the sweep leaves what has expired twelve hours longer.
final class SeenMessages: Sendable {
    /// Keys that are filed, and keys that leave `recent_keys`, for each message that comes: enough for one filing to
    /// end long before the next begins.
    private static let filedPerMessage = 4
    /// Keys of `seen` that are looked at for each one that is filed: all of them about four times a day.
    private static let sweptPerFiled = 4

    /// When a message was accepted, and under which number.
    fileprivate struct Sighting {
        let seq: Int64
        let at: Int64
    }

    /// How far a filing is. It is taken back when its transaction is.
    fileprivate struct Progress {
        /// The keys that are being filed, in their order, and how many of them have been.
        var order: [MessageKey] = []
        var filed = 0
        /// What of `recent_keys` may go: everything up to this number.
        var clearedThrough: Int64?
        /// The last key that the sweep looked at.
        var swept: MessageKey?
    }

    fileprivate struct State {
        var recent: [MessageKey: Sighting]
        var beingFiled: [MessageKey: Sighting] = [:]
        var progress = Progress()
        /// What the transaction under way has changed.
        var added: [(key: MessageKey, before: Sighting?)] = []
        var progressBefore = Progress()
    }

    private let filedAt: Int
    private let state: Mutex<State>

    /// What is remembered in a database. `filedAt` keys are kept by arrival before they are filed.
    ///
    /// - Throws: `corrupt` when a key is damaged, and the errors of the disk.
    init(_ database: OpenDatabase, filedAt: Int) throws(StorageError) {
        self.filedAt = filedAt
        do {
            state = Mutex(State(recent: try database.writer.read { try Self.keysByArrival($0) }))
        } catch {
            throw StorageError(error, file: database.file)
        }
    }

    private static func keysByArrival(_ connection: Database) throws -> [MessageKey: Sighting] {
        var recent: [MessageKey: Sighting] = [:]
        let rows = try Row.fetchCursor(connection, sql: "SELECT key, seq, received_at FROM recent_keys ORDER BY seq")
        while let row = try rows.next() {
            guard let key = MessageKey(bytes: try row.bytes(0)) else { throw StorageError.unreadable("message key") }
            recent[key] = Sighting(seq: try row.integer(1), at: try row.integer(2))
        }
        return recent
    }

    // MARK: In a transaction

    /// The number of the message that has this key and was received less than 24 hours before `receivedAt`.
    func find(_ key: MessageKey, receivedAt: Int64, _ connection: Database) throws -> Int64? {
        let oldest = receivedAt.subtractingSaturated(MessageKey.memoryMilliseconds)
        let sighting = state.withLock { $0.recent[key] ?? $0.beingFiled[key] }
        if let sighting { return sighting.at > oldest ? sighting.seq : nil }
        let statement = try DirectStatement("SELECT seq FROM seen WHERE key = ? AND received_at > ?", connection)
        try statement.bind(1, key.bytes)
        try statement.bind(2, oldest)
        return try statement.number()
    }

    /// Remembers a message that has just been stored.
    func remember(_ key: MessageKey, seq: Int64, receivedAt: Int64, _ connection: Database) throws {
        state.withLock { state in
            let before = state.recent.updateValue(Sighting(seq: seq, at: receivedAt), forKey: key)
            state.added.append((key, before))
        }
        let statement = try DirectStatement(
            "INSERT INTO recent_keys (seq, key, received_at) VALUES (?, ?, ?)",
            connection
        )
        try statement.bind(1, seq)
        try statement.bind(2, key.bytes)
        try statement.bind(3, receivedAt)
        try statement.run()
    }

    /// Does the part of the filing that so many messages pay for, at a time of receipt.
    func file(for messages: Int, at now: Int64, _ connection: Database) throws {
        let (keys, clearedThrough, swept) = state.withLock { state in
            let progress = state.progress
            let end = min(progress.filed + messages * Self.filedPerMessage, progress.order.count)
            let keys = progress.order[progress.filed..<end].map { ($0, state.beingFiled[$0]) }
            state.progress.filed = end
            return (keys, progress.clearedThrough, progress.swept)
        }
        if !keys.isEmpty {
            try Self.put(keys, connection)
            let expired = MessageKey.leaving(at: now)
            let last = try Self.sweep(after: swept, keys.count * Self.sweptPerFiled, expiredAt: expired, connection)
            state.withLock { $0.progress.swept = last }
        } else if let clearedThrough {
            let isClear = try Self.clear(through: clearedThrough, messages * Self.filedPerMessage, connection)
            if isClear { state.withLock { $0.progress.clearedThrough = nil } }
        }
    }

    /// Ends what a transaction began, one way or the other.
    func transactionEnded(isCommitted: Bool) {
        state.withLock { state in
            if !isCommitted {
                for (key, before) in state.added.reversed() { state.recent[key] = before }
                state.progress = state.progressBefore
            }
            state.added.removeAll(keepingCapacity: true)
            state.advanceFiling(at: filedAt)
            state.progressBefore = state.progress
        }
    }

    // MARK: Statements

    private static func put(_ keys: [(MessageKey, Sighting?)], _ connection: Database) throws {
        let statement = try DirectStatement(
            "INSERT OR REPLACE INTO seen (key, seq, received_at) VALUES (?, ?, ?)",
            connection
        )
        for case (let key, let sighting?) in keys {
            try statement.bind(1, key.bytes)
            try statement.bind(2, sighting.seq)
            try statement.bind(3, sighting.at)
            try statement.run()
        }
    }

    /// Removes what has expired among the next `limit` keys, and returns the last of them; `nil` at the end of all.
    private static func sweep(
        after key: MessageKey?,
        _ limit: Int,
        expiredAt time: Int64,
        _ connection: Database
    ) throws -> MessageKey? {
        let first = Bytes(key?.bytes ?? [])
        let next = try connection.cachedStatement(
            sql: "SELECT key FROM seen WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?"
        )
        let last = try Bytes.fetchOne(next, arguments: [first, limit - 1]).flatMap { MessageKey(bytes: $0.bytes) }
        let remove = try connection.cachedStatement(
            sql: "DELETE FROM seen WHERE key > ? AND key <= ? AND received_at <= ?"
        )
        // No key is longer than 16 bytes, so that none is greater than these 17.
        try remove.execute(arguments: [first, Bytes(last?.bytes ?? [UInt8](repeating: 0xFF, count: 17)), time])
        return last
    }

    /// Removes the oldest rows up to a number, `limit` at most. Whether none is left.
    private static func clear(through seq: Int64, _ limit: Int, _ connection: Database) throws -> Bool {
        let statement = try connection.cachedStatement(
            sql: """
                DELETE FROM recent_keys WHERE seq IN (
                    SELECT seq FROM recent_keys WHERE seq <= ? ORDER BY seq LIMIT ?)
                """
        )
        try statement.execute(arguments: [seq, limit])
        return connection.changesCount < limit
    }
}

extension SeenMessages.State {
    /// Begins a filing when there are enough keys for one, and lets go of the keys of one that is done.
    fileprivate mutating func advanceFiling(at count: Int) {
        if !beingFiled.isEmpty, progress.filed == progress.order.count {
            progress.clearedThrough = beingFiled.values.map(\.seq).max()
            progress.order = []
            progress.filed = 0
            beingFiled = [:]
        }
        if beingFiled.isEmpty, progress.clearedThrough == nil, recent.count >= count {
            beingFiled = recent
            recent = [:]
            progress.order = beingFiled.keys.sorted()
        }
    }
}
