import Events
import Integrations
import Logging
import LosslessJSON
import ServiceLifecycle
import Storage
import TrackAPI

/// One integration's way through the log: read, plan, send, record, one request at a time.
struct Lane: Sendable {
    let destination: Dispatcher.Destination
    let log: EventLog
    let cursors: Cursors
    let surroundings: Dispatcher.Surroundings
    let logger: Logger

    /// Events that are read ahead, and operations that wait in memory.
    private static let readAhead = 500
    private static let readBytes = 8 << 20
    /// While the settings are wrong the request is tried again at this pace, in case it was the other side that was wrong.
    private static let pausedRetry = Duration.seconds(60)

    private var name: String { destination.integration.name }

    func run() async throws {
        let start = try await startPosition()
        // Subscribed before the first read, so that no append falls between reading and waiting.
        var wakeUps = log.appended.cancelOnGracefulShutdown().makeAsyncIterator()
        var outbox = Outbox(position: start)
        var read = start
        var recorded = start
        var backoff = Backoff()
        var isHeldUp = false
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            if outbox.count < Self.readAhead { read = await readOn(after: read, into: &outbox) }
            guard let request = outbox.nextRequest() else {
                recorded = await record(&outbox, recorded: recorded)
                if await hasNothing(after: read), await wakeUps.next() == nil { return }
                continue
            }
            let answer = await destination.send(request.map(\.operation))
            let next = outbox.take(answer, for: request)
            recorded = await record(&outbox, recorded: recorded)
            observe(answer, request)
            switch next {
            case .proceed:
                if isHeldUp { note(.resumed) }
                isHeldUp = false
                backoff.reset()
            case .wait(let words, let minimum):
                isHeldUp = true
                let wait = backoff.next(atLeast: minimum, chance: surroundings.chance())
                note(.waiting(words: words, wait))
                await pause(wait)
            case .pause(let words):
                isHeldUp = true
                note(.paused(words: words))
                await pause(Self.pausedRetry)
            }
        }
    }

    /// Where this integration was; a new one starts with the events that arrive after it was made (actions.md §1).
    private func startPosition() async throws -> Int64 {
        if let position = try await cursors.position(of: name) { return position.seq }
        return try await cursors.start(name, at: log.lastSequence()).seq
    }

    // MARK: Reading and planning

    private func readOn(after read: Int64, into outbox: inout Outbox) async -> Int64 {
        do {
            let events = try await log.read(after: read, limit: Self.readAhead, maximumBytes: Self.readBytes)
            for event in events { plan(event, into: &outbox) }
            return events.last?.seq ?? read
        } catch {
            logger.error("the log can't be read", metadata: ["error": "\(error)"])
            await pause(.seconds(1))
            return read
        }
    }

    private func hasNothing(after read: Int64) async -> Bool {
        (try? await log.lastSequence()) ?? read <= read
    }

    private func plan(_ logged: LoggedEvent, into outbox: inout Outbox) {
        guard destination.integration.sources.contain(logged.source) else {
            return outbox.skip(seq: logged.seq)
        }
        guard case .object(let message)? = try? JSON(parsing: logged.body),
            let event = Event(logged: message, source: logged.source)
        else {
            logger.error("an event of the log can't be read", metadata: ["seq": "\(logged.seq)"])
            return outbox.skip(seq: logged.seq)
        }
        let plan = destination.integration.plan(event)
        note(.planned(seq: logged.seq, messageId: event.messageId, plan))
        outbox.add(plan, seq: logged.seq)
    }

    // MARK: Recording

    /// Writes down how far this integration is, before anything else is sent. While that can't be written, nothing is.
    private func record(_ outbox: inout Outbox, recorded: Int64) async -> Int64 {
        let settled = outbox.takeSettled()
        guard settled.position > recorded else { return recorded }
        let failedAt = surroundings.now()
        let failures = settled.failures.map { failure in
            FailedOperation(
                integration: name,
                seq: failure.seq,
                action: failure.action,
                body: failure.operation.encoded(),
                words: failure.words,
                failedAt: failedAt,
                attempts: failure.attempts
            )
        }
        for failure in settled.failures {
            note(.settled(seq: failure.seq, action: failure.action, failure: failure.words))
        }
        while !Task.isCancelled {
            do {
                try await cursors.advance(name, to: LogPosition(seq: settled.position), failures: failures)
                return settled.position
            } catch {
                logger.error("the position can't be recorded", metadata: ["error": "\(error)"])
                await pause(.seconds(1))
            }
        }
        return recorded
    }

    // MARK: Waiting and telling

    private func pause(_ duration: Duration) async {
        await cancelWhenGracefulShutdown { await surroundings.sleep(duration) }
    }

    private func observe(_ answer: Answer, _ request: [Outbox.Entry]) {
        guard case .settled(let outcomes) = answer else { return }
        for (entry, outcome) in zip(request, outcomes) where outcome == .delivered {
            note(.settled(seq: entry.seq, action: entry.action, failure: nil))
        }
    }

    private func note(_ kind: DispatchNote.Kind) {
        switch kind {
        case .waiting(let words, let wait):
            logger.warning(
                "delivery waits",
                metadata: ["integration": "\(name)", "words": "\(words)", "wait": "\(wait)"]
            )
        case .paused(let words):
            logger.error("delivery is paused", metadata: ["integration": "\(name)", "words": "\(words)"])
        case .resumed: logger.notice("delivery goes on", metadata: ["integration": "\(name)"])
        case .settled(let seq, let action, let failure?):
            logger.warning(
                "an operation failed",
                metadata: [
                    "integration": "\(name)", "seq": "\(seq)", "action": "\(action)", "words": "\(failure)",
                ]
            )
        case .planned, .settled: break
        }
        surroundings.observe(DispatchNote(integration: name, kind: kind))
    }
}
