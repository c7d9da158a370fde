import Integrations
import Logging
import ServiceLifecycle
import Storage
import TrackAPI

/// Does what a `Cursor` orders: reads, plans, sends, records. Everything that is under way is a task of its own, and tells
/// how it ended through one queue, so that the cursor sees one thing at a time.
struct Lane: Sendable {
    let integration: LiveIntegration
    let kind: Ledger.Kind
    let feed: Feed
    let log: EventLog
    let ledger: Ledger
    /// Under which it sends and writes.
    let lease: Lease
    let control: DeliveryControl
    /// The replay or retry that this lane is for.
    let job: Job?
    let meters: LaneMeters
    let limits: Cursor.Limits
    let surroundings: Dispatcher.Surroundings
    let logger: Logger

    /// For how long what is under way may still take when the process is asked to stop.
    private static let stopWait = Duration.seconds(10)

    /// What happened.
    private enum Input: Sendable {
        case logGrew
        case read([PlannedEvent], through: Int64)
        case readNothing(isAtEnd: Bool)
        case fetched([PlannedEvent])
        case fetchFailed
        case answered(Exchange, number: Int)
        case recorded
        case asked(DeliveryControl.Request)
        case timeCame
        case stop
        case stopNow
    }

    private var name: String { integration.name }
    private var id: DeliveryControl.LaneID { .init(integration: name, kind: kind) }

    /// Delivers until the service group shuts down gracefully (requests under way are awaited and recorded) or the task is
    /// cancelled (they are not).
    ///
    /// - Returns: whether everything is done: never, unless it is a job's.
    /// - Throws: `StorageError` when the cursor can't be read.
    func run() async throws -> Bool {
        // Before anything is read: an erasure that comes in between is not overlooked.
        let (inputs, queue) = AsyncStream.makeStream(of: Input.self)
        control.register(id) { request in
            if case .enqueued = queue.yield(.asked(request)) { true } else { false }
        }
        if integration.hasLeft || job != nil && control.areJobsHeld { queue.yield(.stop) }
        var cleaning = Cleaning()
        defer {
            control.remove(id)
            queue.finish()
            cleaning.end()
            Self.turnAway(inputs)
        }
        var cursor = try await openCursor()
        try await withThrowingDiscardingTaskGroup { group in
            if job == nil {
                let growth = kind == .metrics ? integration.reads : log.appended
                group.addTask {
                    for await _ in growth { queue.yield(.logGrew) }
                }
            }
            group.addTask {
                try? await gracefulShutdown()
                if !Task.isCancelled { queue.yield(.stop) }
            }
            var alarm: Int64?
            carryOut(&cursor, &alarm, queue, &group)
            for await input in inputs {
                switch input {
                case .timeCame: alarm = nil
                case .stop:
                    cursor.stop()
                    group.addTask { [surroundings] in
                        await surroundings.sleep(Self.stopWait)
                        queue.yield(.stopNow)
                    }
                case .stopNow: group.cancelAll()
                case .asked(.clean(let redaction, let answer)):
                    cursor.clean(cleaning.add(answer), redaction, at: surroundings.now())
                default: tell(input, to: &cursor)
                }
                if Task.isCancelled || group.isCancelled { break }
                carryOut(&cursor, &alarm, queue, &group)
                for number in cursor.nextCleaned() { cleaning.answer(number) }
                if cursor.isQuiet, cursor.isStopping || job != nil && cursor.isDone { break }
            }
            group.cancelAll()
        }
        return job != nil && cursor.isDone
    }

    /// Nobody waits for an answer that never comes.
    private static func turnAway(_ inputs: AsyncStream<Input>) {
        Task {
            for await input in inputs {
                switch input {
                case .asked(.status(_, let answer)): answer([])
                case .asked(.giveUp(_, let answer)): answer(0)
                case .asked(.clean(_, let answer)): answer()
                default: break
                }
            }
        }
    }

    /// Those who wait until a person is out of everything that is under way.
    private struct Cleaning {
        private var answers: [Int64: @Sendable () -> Void] = [:]
        private var last: Int64 = 0

        mutating func add(_ answer: @escaping @Sendable () -> Void) -> Int64 {
            last += 1
            answers[last] = answer
            return last
        }

        mutating func answer(_ number: Int64) {
            answers.removeValue(forKey: number)?()
        }

        /// Nothing is under way any more.
        mutating func end() {
            for answer in answers.values { answer() }
            answers = [:]
        }
    }

    /// The cursor as it was left. That of an integration was made with its first revision (`Revisions`), unless events that
    /// waited were to be planned by it too: then they are not its own.
    private func openCursor() async throws -> Cursor {
        let stored = try await ledger.open(kind, of: name, startingAt: try await log.lastSequence())
        var rows: [StoredOperation] = []
        while true {
            let page = try await ledger.openOperations(of: stored.id, after: rows.last?.id, limit: 1_000)
            rows += page
            if page.isEmpty { break }
        }
        let share: TokenBucket.Share =
            switch kind {
            case .live: .live
            case .metrics: .metrics
            case .job: .replay
            }
        var cursor = Cursor(
            id: stored.id,
            share: share,
            position: stored.position,
            open: rows,
            limits: limits,
            at: surroundings.now()
        )
        cursor.origin = job?.origin
        cursor.pace = job?.rate.map { TokenBucket(perSecond: $0, at: surroundings.now().steady) }
        return cursor
    }

    private func tell(_ input: Input, to cursor: inout Cursor) {
        let now = surroundings.now()
        switch input {
        case .logGrew: cursor.logGrew()
        case .read(let events, let seq): cursor.take(events, through: seq, at: now)
        case .readNothing(let isAtEnd): cursor.readNothing(isAtEnd: isAtEnd)
        case .fetched(let events): cursor.takeFetched(events, at: now)
        case .fetchFailed: cursor.fetchFailed()
        case .answered(let exchange, let number):
            let chance = surroundings.chance()
            cursor.take(
                exchange.answer,
                status: exchange.status,
                trace: exchange.trace,
                to: number,
                chance: chance,
                at: now
            )
        case .recorded: cursor.recorded(at: now)
        case .asked(.stop): cursor.stop()
        case .asked(.retryNow): cursor.retryNow(at: now)
        case .asked(.giveUp(let seq, let answer)): answer(cursor.giveUp(event: seq, at: now))
        case .asked(.status(let seq, let answer)): answer(cursor.status(of: seq, at: now))
        case .asked(.erase(let seqs)): cursor.erase(seqs, at: now)
        case .asked(.clean), .timeCame, .stop, .stopNow: break
        }
    }

    // MARK: Carrying out

    private func carryOut(
        _ cursor: inout Cursor,
        _ alarm: inout Int64?,
        _ queue: AsyncStream<Input>.Continuation,
        _ group: inout ThrowingDiscardingTaskGroup<any Error>
    ) {
        let now = surroundings.now()
        cursor.road.hold(integration.isPaused, at: now.steady)
        let orders = integration.rate.withBucket { cursor.orders(at: now, bucket: &$0) }
        control.publish(cursor.status(of: name, kind, at: now), of: id)
        for note in orders.notes { tell(note) }
        if let read = orders.read {
            group.addTask { queue.yield(await self.read(after: read.after, limit: read.limit)) }
        }
        if !orders.fetch.isEmpty {
            group.addTask { queue.yield(await fetch(orders.fetch)) }
        }
        for request in orders.requests {
            group.addTask {
                let exchange = await send(request)
                queue.yield(.answered(exchange, number: request.number))
            }
        }
        if let commit = orders.record {
            group.addTask { if await record(commit) { queue.yield(.recorded) } }
        }
        if let wakeAt = orders.wakeAt, wakeAt < alarm ?? .max {
            alarm = wakeAt
            group.addTask { [surroundings] in
                await surroundings.sleep(.milliseconds(wakeAt - now.steady))
                queue.yield(.timeCame)
            }
        }
    }

    private func send(_ request: Cursor.Request) async -> Exchange {
        // Where another node may deliver by now, nothing goes out until that is known; if it is so, the lane is cancelled.
        while !lease.isCertain {
            guard !Task.isCancelled else {
                let words = "another node may deliver"
                return Exchange(status: nil, answer: .unavailable(words: words, retryAfter: nil), workspace: nil)
            }
            await surroundings.sleep(.milliseconds(50))
        }
        let start = ContinuousClock.now
        let exchange = await integration.send(request.operations.map(\.operation)) { [lease] in lease.isCertain }
        meters.count(exchange, operations: request.operations.count, took: start.duration(to: .now))
        return exchange
    }

    private func read(after seq: Int64, limit: Int) async -> Input {
        do {
            guard let page = try await feed.read(seq, limit) else { return .readNothing(isAtEnd: true) }
            if kind == .live { page.outcomes.forEach(observe) }
            return .read(page.outcomes.map(\.event), through: page.through)
        } catch {
            logger.error("the log can't be read", metadata: ["integration": "\(name)", "error": "\(error)"])
            await surroundings.sleep(.seconds(1))
            return .readNothing(isAtEnd: false)
        }
    }

    private func fetch(_ seqs: [Int64]) async -> Input {
        do {
            return .fetched(try await feed.fetch(seqs))
        } catch {
            logger.error("the log can't be read", metadata: ["integration": "\(name)", "error": "\(error)"])
            await surroundings.sleep(.seconds(1))
            return .fetchFailed
        }
    }

    /// Whether it is on the disk. It is tried until it is.
    private func record(_ commit: CursorCommit) async -> Bool {
        let mark = Int64.random(in: .min ... .max)
        while !Task.isCancelled {
            do {
                try await ledger.record(commit, mark: mark)
                return true
            } catch {
                logger.error(
                    "the position can't be recorded",
                    metadata: ["integration": "\(name)", "error": "\(error)"]
                )
                await surroundings.sleep(.seconds(1))
            }
        }
        return false
    }

    // MARK: Telling

    private func observe(_ outcome: Planner.Outcome) {
        guard let plan = outcome.plan else { return }
        observe(.planned(seq: outcome.event.seq, messageId: outcome.messageId, plan))
    }

    private func observe(_ kind: DispatchNote.Kind) {
        surroundings.observe(DispatchNote(integration: name, kind: kind))
    }

    private func tell(_ note: Cursor.Note) {
        switch note {
        case .delivered(let id, let action): observe(.settled(seq: id.seq, action: action, failure: nil))
        case .failed(let id, let action, let words, let trace):
            logger.warning(
                "an operation failed",
                metadata: facts(trace, ["seq": "\(id.seq)", "action": "\(action)", "words": "\(words)"])
            )
            observe(.settled(seq: id.seq, action: action, failure: words))
        case .waits(let words, let milliseconds, let trace):
            let wait = Duration.milliseconds(milliseconds)
            logger.warning("delivery waits", metadata: facts(trace, ["words": "\(words)", "wait": "\(wait)"]))
            observe(.waiting(words: words, wait))
        case .paused(let words, let trace):
            logger.error("delivery is paused", metadata: facts(trace, ["words": "\(words)"]))
            observe(.paused(words: words))
        case .resumed:
            logger.notice("delivery goes on", metadata: ["integration": "\(name)"])
            observe(.resumed)
        }
    }

    /// Which integration it is about, and the trace of the request.
    private func facts(_ trace: TraceID?, _ facts: Logger.Metadata) -> Logger.Metadata {
        var facts = facts
        facts["integration"] = "\(name)"
        facts["trace"] = trace.map { "\($0)" }
        return facts
    }
}
