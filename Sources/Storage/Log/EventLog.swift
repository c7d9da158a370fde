import LosslessJSON
import Synchronization

/// An accepted message on its way into the log.
package struct NewEvent: Sendable {
    /// The key of its source in `ferry.yaml`.
    package var source: String
    package var messageId: String
    /// `track`, `identify` …
    package var type: String
    /// The `event` of a track call; it counts for deduplication there.
    package var name: String?
    package var userId: String?
    package var anonymousId: String?
    /// Milliseconds since 1970.
    package var receivedAt: Int64
    /// The normalised message as JSON.
    package var body: [UInt8]
    /// Whether a repetition within 24 hours is recognised. `false` when the server made the message id.
    package var deduplicates: Bool

    package init(
        source: String,
        messageId: String,
        type: String,
        name: String?,
        userId: String?,
        anonymousId: String?,
        receivedAt: Int64,
        body: [UInt8],
        deduplicates: Bool
    ) {
        self.source = source
        self.messageId = messageId
        self.type = type
        self.name = name
        self.userId = userId
        self.anonymousId = anonymousId
        self.receivedAt = receivedAt
        self.body = body
        self.deduplicates = deduplicates
    }
}

/// What became of a message that was appended.
package enum Appended: Sendable, Equatable {
    /// It is in the log, on the disk, under this number.
    case stored(seq: Int64)
    /// It waits on this machine's disk, and goes into the log when the database takes events again (`SpoolSettings`).
    case spooled
    /// The same message was accepted before, under this number, which is not known of what waits or has waited in a spool;
    /// nothing was stored (source-api.md §2.7).
    case duplicate(of: Int64?)

    /// Whether it was not there before.
    package var isNew: Bool { if case .duplicate = self { false } else { true } }
}

/// How often a message came again after it was accepted, and when last (milliseconds since 1970).
package struct Repeats: Sendable, Equatable {
    package let times: Int64
    package let lastAt: Int64
}

/// A message as it stands in the log.
package struct LoggedEvent: Sendable, Equatable {
    /// Its place in the log: unique, rising in the order of the commits, never used again.
    package let seq: Int64
    package let source: String
    /// Milliseconds since 1970.
    package let receivedAt: Int64
    /// The normalised message as JSON; empty when it was erased.
    package let body: [UInt8]
    /// Whether somebody had the event erased: that it was there is all that is left of it.
    package let isErased: Bool
    /// Whether a source has sent it, and it is still there.
    var isSomebodys: Bool { !isErased && !source.hasSameBytes(as: ErasureEvent.source) }

    init(seq: Int64, source: String, receivedAt: Int64, body: [UInt8]?) {
        self.seq = seq
        self.source = source
        self.receivedAt = receivedAt
        self.body = body ?? []
        isErased = body == nil
    }
}

/// The log of accepted messages, in the order in which they were committed.
package final class EventLog: Sendable {
    let commits: GroupCommit
    let keys: MessageKeys
    let orderKeys: OrderKeys
    private let gate: LogGate
    private let readers = Mutex(Readers())

    private struct Readers {
        var next = 0
        var signals: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    init(_ commits: GroupCommit, gate: LogGate) {
        self.commits = commits
        self.gate = gate
        keys = MessageKeys(secret: commits.engine.secret)
        orderKeys = OrderKeys(secret: commits.engine.secret)
    }

    /// Appends messages and returns when they are on the disk, with what became of each, in the order of `events`.
    ///
    /// All of a call's messages are stored or none. Calls made at the same time share a transaction. A message that
    /// deduplicates is a duplicate of one with the same source, message id, type and (for track) name that was received
    /// less than 24 hours before, in the same call too. Cancelling the task has no effect on a call that was admitted.
    ///
    /// - Throws: `overloaded` when `DataStore.Limits.waitingEvents` or `waitingBytes` would be passed or the log is at the
    ///   size that `LogRetention` keeps it to, `full` and the
    ///   other errors of the disk. Nothing of the call is stored then.
    package func append(_ events: [NewEvent]) async throws(StorageError) -> [Appended] {
        try await withCheckedContinuation { continuation in
            append(events) { continuation.resume(returning: $0) }
        }.get()
    }

    /// The same for who waits in no task: `answer` is called with what became of each, or the error. It must not block.
    package func append(
        _ events: [NewEvent],
        answer: @escaping @Sendable (Result<[Appended], StorageError>) -> Void
    ) {
        guard !events.isEmpty else { return answer(.success([])) }
        do throws(StorageError) {
            try checkRoom()
        } catch {
            return answer(.failure(error))
        }
        commits.engine.append(events, keys: keys(of: events), commits) { [self] result in
            answer(result.map(wakingReaders))
        }
    }

    /// Appends messages in the place of a refused one that they were made of; what of it is refused again takes its
    /// place among the refused. All of it or nothing.
    ///
    /// - Returns: what became of each message; `nil` when the refused one was gone, and nothing was done.
    package func append(
        _ events: [NewEvent],
        inPlaceOf number: Int64,
        stillRefused: [RefusedMessage]
    ) async throws(StorageError) -> [Appended]? {
        try checkRoom()
        let (keys, engine) = (keys(of: events), commits.engine)
        let results: [Appended]? = try await commits.commit(Weight(of: events)) { connection in
            guard try RefusedTables.remove(number, connection) else { return nil }
            try RefusedTables.add(stillRefused, connection)
            return try engine.append(events, keys: keys, connection)
        }
        return results.map(wakingReaders)
    }

    /// Appends messages of a call, and keeps what of it is refused.
    ///
    /// In SQLite it is all of it or nothing. In PostgreSQL, where events have a writer of their own, what is refused is kept
    /// first, and where that fails the events are appended all the same, for they may have a spool: the call comes again.
    ///
    /// - Parameters:
    ///   - events: as for `append(_:)`.
    ///   - refused: what is kept of the same call.
    ///   - kept: where.
    /// - Returns: what became of each event, and how many refused messages had to go to make room.
    /// - Throws: as `append(_:)`.
    package func append(
        _ events: [NewEvent],
        refusing refused: [RefusedMessage],
        in kept: RefusedMessages
    ) async throws(StorageError) -> (appended: [Appended], displaced: Int) {
        if !events.isEmpty { try checkRoom() }
        let (keys, engine) = (keys(of: events), commits.engine)
        guard engine.writerAppends else {
            let displaced: Result<Int, StorageError>
            do throws(StorageError) {
                displaced = .success(try await kept.record(refused))
            } catch {
                displaced = .failure(error)
            }
            let appended = try await append(events)
            return (appended, try displaced.get())
        }
        let (results, displaced) = try await kept.record(refused, weight: Weight(of: events)) { connection in
            try engine.append(events, keys: keys, connection)
        }
        return (wakingReaders(results), displaced)
    }

    private func checkRoom() throws(StorageError) {
        guard gate.isClosed else { return }
        throw StorageError(.overloaded, "the log is at its size, and all of it is still to be delivered")
    }

    private func keys(of events: [NewEvent]) -> [MessageKey?] {
        events.map { $0.deduplicates ? keys.key(of: $0) : nil }
    }

    private func wakingReaders(_ results: [Appended]) -> [Appended] {
        if results.contains(where: { if case .stored = $0 { true } else { false } }) { wakeReaders() }
        return results
    }

    /// The messages behind `seq`, in order: at most `limit`, and no more than `maximumBytes` of bodies unless the first
    /// alone is larger. An empty answer means that there are none yet.
    package func read(
        after seq: Int64,
        limit: Int,
        maximumBytes: Int = .max
    ) async throws(StorageError) -> [LoggedEvent] {
        try await commits.engine.read { connection in
            try LogTables.events(after: seq, limit: limit, maximumBytes: maximumBytes, connection)
        }
    }

    /// A page of messages, and the state of the configuration that holds for them.
    package struct Page: Sendable {
        package let events: [LoggedEvent]
        /// Rises with each change. Whoever plans the page has to know this one: a change that holds from a message of the page on
        /// is a part of it (`NodeTables.configurationChanges`). Always 0 where there is only one node.
        package let configuration: Int64
    }

    /// The same with the state of the configuration, both as of one moment.
    package func page(
        after seq: Int64,
        limit: Int,
        maximumBytes: Int = .max
    ) async throws(StorageError) -> Page {
        try await commits.engine.read { connection in
            Page(
                events: try LogTables.events(after: seq, limit: limit, maximumBytes: maximumBytes, connection),
                configuration: try NodeTables.shared(connection).configuration
            )
        }
    }

    /// The messages with these numbers, in order; also those that retention has taken out of the log while something of
    /// theirs was still open or failed. Who is missing is gone.
    package func read(_ seqs: [Int64]) async throws(StorageError) -> [LoggedEvent] {
        try await commits.engine.read { try LogTables.events(seqs, $0) }
    }

    /// How often the message of this number came again; `nil` if it did not.
    package func repeats(of seq: Int64) async throws(StorageError) -> Repeats? {
        try await commits.engine.read { try LogTables.repeats(of: seq, $0) }
    }

    /// The number of the last message that was ever appended; 0 when there was none.
    package func lastSequence() async throws(StorageError) -> Int64 {
        try await commits.engine.read { try LogTables.lastSequence($0) }
    }

    /// How many messages stand in the log. Takes the same time however many there are.
    package func count() async throws(StorageError) -> Int64 {
        try await commits.engine.read { try LogTables.count($0) }
    }

    /// How events came to the disk since the log was opened.
    package var commitStatistics: CommitStatistics { commits.engine.progress(commits).statistics }

    /// A new signal that comes after each commit with new messages. Several that come before the reader looks are one.
    ///
    /// A reader takes its stream first, then reads until it gets nothing, then waits: so no message is overlooked.
    package var appended: AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { signal in
            let number = readers.withLock { readers in
                readers.next += 1
                readers.signals[readers.next] = signal
                return readers.next
            }
            signal.onTermination = { [weak self] _ in
                _ = self?.readers.withLock { $0.signals.removeValue(forKey: number) }
            }
        }
    }

    /// There are new messages; to be called too when another node has appended some.
    package func wakeReaders() {
        for signal in readers.withLock({ Array($0.signals.values) }) {
            signal.yield()
        }
    }
}
