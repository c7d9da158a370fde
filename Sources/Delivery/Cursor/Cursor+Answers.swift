import Storage
import TrackAPI

/// What an answer means (delivery.md C.3).
extension Cursor {
    /// The answer to a request, with its HTTP status if there was one, and by which trace the other side knows it. `chance`
    /// (0 to 1) spreads the waits.
    mutating func take(
        _ answer: Answer,
        status: Int?,
        trace: TraceID? = nil,
        to number: Int,
        chance: Double,
        at now: Moment
    ) {
        guard let request = flying.removeValue(forKey: number) else { return }
        let answer = erasing.reduce(answer) { $0.cleaned(by: $1.redaction) }
        note(request, status: status, words: answer.words, trace, at: now)
        switch answer {
        case .settled(let outcomes):
            goesThrough(at: now)
            for (sent, outcome) in zip(request.operations, outcomes) { take(outcome, for: sent.id, trace, at: now) }
        case .unclear(let words):
            goesThrough(at: now)
            // Alone, the verdict is its own.
            if request.operations.count == 1 {
                return take(.refused(words), for: request.operations[0].id, trace, at: now)
            }
            halve(request)
            putBack(request, at: now)
        case .unavailable(let words, let retryAfter):
            let isKnown = !road.isOpen
            road.isUnavailable(
                words,
                retryAfter: retryAfter,
                sentAt: request.sentAt.steady,
                chance: chance,
                at: now.steady
            )
            noteRoad(wasKnown: isKnown, trace, at: now)
            tried(request, words)
            putBack(request, at: now)
        case .suspicious(let words, let retryAfter, let isTimeout):
            tried(request, words)
            let isKnown = !road.isOpen
            road.isSuspicious(
                words,
                retryAfter: retryAfter,
                sentAt: request.sentAt.steady,
                chance: chance,
                at: now.steady
            )
            noteRoad(wasKnown: isKnown, trace, at: now)
            if request.operations.count > 1 {
                halve(request)
            } else {
                blame(request, chance: chance, at: now)
            }
            if isTimeout { holdBackWhatTakesAway(request, at: now) }
            putBack(request, at: now)
        case .settings(let words):
            road.pause(words, at: now.steady)
            notes.append(.paused(words: words, trace))
            putBack(request, at: now)
        }
    }

    /// The settings have changed; what was paused goes on.
    mutating func resume(at now: Moment) {
        guard !road.isOpen else { return }
        road.resume(at: now.steady)
        notes.append(.resumed)
    }

    private mutating func goesThrough(at now: Moment) {
        if road.goesThrough(at: now.steady) { notes.append(.resumed) }
    }

    private mutating func take(_ outcome: ItemOutcome, for id: OperationID, _ trace: TraceID?, at now: Moment) {
        switch outcome {
        case .delivered:
            entries[id]?.attempts += 1
            end(id, .delivered, at: now)
        case .refused(let words):
            entries[id]?.attempts += 1
            refuse(id, words, trace, at: now)
        case .untried: putBack(id, at: now)
        }
    }

    /// Somebody ahead of it in the request may go once more (400 that names it alone). Then it keeps its place until its
    /// turn comes, or those behind it would no longer wait for him (delivery.md F49).
    private mutating func refuse(_ id: OperationID, _ words: String, _ trace: TraceID?, at now: Moment) {
        guard !graph.isFree(id), var entry = entries[id] else {
            return end(id, .failed, words: words, trace: trace, at: now)
        }
        letGoOfBody(&entry)
        entry.dropped = entry.isErased ? "" : words
        entry.phase = .blocked
        entries[id] = entry
    }

    private mutating func putBack(_ request: Request, at now: Moment) {
        for sent in request.operations { putBack(sent.id, at: now) }
    }

    private mutating func tried(_ request: Request, _ words: String) {
        for sent in request.operations {
            entries[sent.id]?.attempts += 1
            if entries[sent.id]?.isErased == false { entries[sent.id]?.words = words }
            if entries[sent.id]?.isStored == true { stale.insert(sent.id) }
        }
    }

    /// Somebody in it is to blame, and nobody knows who: the next requests are half as large (delivery.md F17, F18).
    private mutating func halve(_ request: Request) {
        let half = max(1, request.operations.count / 2)
        for sent in request.operations {
            guard let cap = entries[sent.id]?.cap, cap > half else { continue }
            entries[sent.id]?.cap = half
            entries[sent.id]?.item?.batchSize = half
        }
    }

    /// It failed alone, and so is to blame itself: it waits, with those behind it, while everybody else flows on.
    private mutating func blame(_ request: Request, chance: Double, at now: Moment) {
        guard let id = request.operations.first?.id, var entry = entries[id] else { return }
        if entry.firstFailedAt == nil {
            entry.firstFailedAt = now.wall
            entry.failingSince = road.openTime(at: now.steady)
        }
        entry.failures += 1
        entry.due = now.steady + Backoff.wait(entry.failures, of: .operation, chance: chance)
        entries[id] = entry
    }

    /// What takes something away may still be applied after its time-out: its repeat waits for that (delivery.md F23).
    private mutating func holdBackWhatTakesAway(_ request: Request, at now: Moment) {
        for sent in request.operations where entries[sent.id]?.takesAway == true {
            let due = entries[sent.id]?.due ?? 0
            entries[sent.id]?.due = max(due, now.steady + 30_000)
        }
    }

    private mutating func noteRoad(wasKnown: Bool, _ trace: TraceID?, at now: Moment) {
        guard case .closed(let until, let words) = road.condition, !wasKnown else { return }
        notes.append(.waits(words: words, milliseconds: until - now.steady, trace))
    }

    /// One line for the record of requests.
    private mutating func note(
        _ request: Request,
        status: Int?,
        words: String?,
        _ trace: TraceID?,
        at now: Moment
    ) {
        let isErased = request.operations.contains { entries[$0.id]?.isErased == true }
        requests.append(
            SentRequest(
                operations: request.operations.map(\.id),
                sentAt: request.sentAt.wall,
                milliseconds: now.steady - request.sentAt.steady,
                status: status,
                // They may speak of the person.
                words: isErased ? words.map { _ in Redaction.replacement } : words,
                trace: trace?.description
            )
        )
        changed(at: now)
    }
}

extension Answer {
    /// What is kept of it; `nil` where everything was taken.
    fileprivate var words: String? {
        switch self {
        case .settled(let outcomes):
            outcomes.lazy.compactMap { if case .refused(let words) = $0 { words } else { nil } }.first
        case .unclear(let words), .settings(let words): words
        case .unavailable(let words, _), .suspicious(let words, _, _): words
        }
    }
}
