import Postgres

/// Appends events in groups, each with one statement.
///
/// One statement, because it holds the lock on the log's end from its beginning to its commit, and the server carries it out
/// by itself once it has arrived: a client that is stopped in the middle holds up nobody (delivery.md C.8).
///
/// Where there is a spool, a group that the database does not take goes there, and so do all behind it until the spool is
/// empty: there is one queue and one writer, who goes to one place or the other.
final class PostgresAppends: Sendable {
    private struct Work: Sendable {
        let events: [NewEvent]
        let keys: [MessageKey?]
        let answer: @Sendable (Result<[Appended], StorageError>) -> Void
    }

    private let lane: PostgresLane
    private let queue: CommitQueue<Work>
    private let name: String
    private let spool: Spool?
    private let forwarding: PostgresForwarding?

    init(
        _ lane: PostgresLane,
        limits: DataStore.Limits,
        name: String,
        spool: Spool? = nil,
        forwarding: PostgresForwarding? = nil
    ) {
        self.lane = lane
        queue = CommitQueue(limits: limits)
        self.name = name
        self.spool = spool
        self.forwarding = forwarding
    }

    var progress: (statistics: CommitStatistics, waitingEvents: Int) { queue.progress }

    func append(
        _ events: [NewEvent],
        keys: [MessageKey?],
        answer: @escaping @Sendable (Result<[Appended], StorageError>) -> Void
    ) {
        let work = Work(events: events, keys: keys, answer: answer)
        switch queue.admit(work, Weight(of: events)) {
        case .waits: break
        case .isFirst: callWriter()
        case .refused: work.answer(.failure(.tooMuchWaits))
        }
    }

    func close() { lane.close() }

    func hold(_ wait: @escaping @Sendable () -> Void) { lane.perform { _ in wait() } }

    private func callWriter() {
        guard let spool, spool.isInUse else { return lane.perform { [self] ready in writeGroup(ready) } }
        spool.withWriter { [self] transaction in
            // It was emptied meanwhile: nothing is before this group any more.
            guard spool.isInUse else { return callWriter() }
            let group = Group(queue.takeGroup())
            end(group, Result { try spool.put(group.events, keys: group.keys, transaction) })
        }
    }

    private func writeGroup(_ ready: PostgresLane.Ready) {
        let group = Group(queue.takeGroup())
        let step = spool?.nextStep()
        do {
            end(group, .success(try append(group, as: step, ready.get())))
        } catch {
            let error = StorageError(error, file: name)
            guard let spool, spool.takesOver(after: error) else { return end(group, .failure(error)) }
            spool.withWriter { [self] transaction in
                let result = Result { try spool.put(group.events, keys: group.keys, after: (step, error), transaction) }
                if case .success = result { forwarding?.begin() }
                end(group, result)
            }
        }
    }

    /// Answers a group, and goes on with the next one.
    private func end(_ group: Group, _ result: Result<[Appended], any Error>) {
        let calls = group.calls
        if case .success = result { queue.count(calls) }
        if queue.finished(calls) { callWriter() }
        switch result {
        case .success(let appended):
            var rest = appended[...]
            for call in calls {
                call.work.answer(.success(Array(rest.prefix(call.work.events.count))))
                rest = rest.dropFirst(call.work.events.count)
            }
        case .failure(let error):
            let error = StorageError(error, file: name)
            for call in calls { call.work.answer(.failure(error)) }
        }
    }

    private func append(
        _ group: Group,
        as step: Spool.Step?,
        _ connection: PostgresConnection
    ) throws -> [Appended] {
        let batches = PostgresBatch.batches(group.events, group.keys)
        let head = [step?.statement].compactMap(\.self)
        // As a pipeline several are one transaction, and as little in need of this process.
        let results = try connection.pipeline(head + batches.map { (PostgresBatch.statement, $0.values) })
        return try zip(batches, results.dropFirst(head.count)).flatMap { try $0.results(of: $1) }
    }
}

extension PostgresAppends {
    /// The calls that share a commit.
    private struct Group: Sendable {
        let calls: [CommitQueue<Work>.Call]
        let events: [NewEvent]
        let keys: [MessageKey?]

        init(_ calls: [CommitQueue<Work>.Call]) {
            self.calls = calls
            events = calls.flatMap(\.work.events)
            keys = calls.flatMap(\.work.keys)
        }
    }
}

/// Events as the values of one statement, by columns.
struct PostgresBatch {
    static let statement = "SELECT place, seq, is_new FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

    private var count = 0
    private var keys: [[UInt8]?] = []
    private var sources: [[UInt8]?] = []
    private var messageIds: [[UInt8]?] = []
    private var types: [[UInt8]?] = []
    private var names: [[UInt8]?] = []
    private var userIds: [[UInt8]?] = []
    private var anonymousIds: [[UInt8]?] = []
    private var times: [Int64?] = []
    private var bodies: [[UInt8]?] = []
    private var forgotten: [Int64?] = []

    /// All in one, unless a message comes again in it after it may have been forgotten: the statement knows the first of
    /// each only.
    static func batches(_ events: [NewEvent], _ keys: [MessageKey?]) -> [PostgresBatch] {
        var batches: [PostgresBatch] = []
        var batch = PostgresBatch()
        var firsts: [MessageKey: Int64] = [:]
        for (event, key) in zip(events, keys) {
            if let key, let first = firsts[key],
                first <= event.receivedAt.subtractingSaturated(MessageKey.memoryMilliseconds)
            {
                batches.append(batch)
                batch = PostgresBatch()
                firsts = [:]
            }
            if let key, firsts[key] == nil { firsts[key] = event.receivedAt }
            batch.add(event, key)
        }
        return batches + [batch]
    }

    private mutating func add(_ event: NewEvent, _ key: MessageKey?) {
        count += 1
        keys.append(key?.bytes)
        sources.append(event.source.postgresBytes)
        messageIds.append(event.messageId.postgresBytes)
        types.append(event.type.postgresBytes)
        names.append(event.name?.postgresBytes)
        userIds.append(event.userId?.postgresBytes)
        anonymousIds.append(event.anonymousId?.postgresBytes)
        times.append(event.receivedAt)
        bodies.append(event.body)
        forgotten.append(event.receivedAt.subtractingSaturated(MessageKey.memoryMilliseconds))
    }

    var values: [PostgresValue] {
        [
            .byteses(keys), .texts(sources), .texts(messageIds), .texts(types), .texts(names), .texts(userIds),
            .texts(anonymousIds), .integers(times), .byteses(bodies), .integers(forgotten),
        ]
    }

    /// What became of each event, in their order.
    func results(of rows: PostgresResult) throws -> [Appended] {
        guard rows.count == count else { throw StorageError.unreadable("answer of append_events") }
        var results = [Appended?](repeating: nil, count: count)
        for row in 0..<rows.count {
            let place = Int(try rows.integer(row, 0)) - 1
            guard results.indices.contains(place) else { throw StorageError.unreadable("answer of append_events") }
            let seq = try rows.integer(row, 1)
            results[place] = try rows.integer(row, 2) != 0 ? .stored(seq: seq) : .duplicate(of: seq)
        }
        let whole = results.compactMap(\.self)
        guard whole.count == count else { throw StorageError.unreadable("answer of append_events") }
        return whole
    }
}
