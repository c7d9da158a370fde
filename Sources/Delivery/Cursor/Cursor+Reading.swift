import HeapModule
import Storage
import TrackAPI

/// What enters: events from the log, operations from the disk, bodies that were away.
extension Cursor {
    /// What the last read has brought, in order, up to the number `through`.
    mutating func take(_ events: [PlannedEvent], through seq: Int64, at now: Moment) {
        isReading = false
        for event in events.map(withoutErased) {
            noteGap(before: event, at: now)
            lastRead = event.seq
            let tally = event.verdict.map { TallyKey(minute: event.receivedAt / 60_000, verdict: $0) }
            let places = event.operations.map(\.place)
            ring.append(ReadEvent(seq: event.seq, readAt: now.steady, tally: tally, places: places))
            if places.isEmpty { changed(at: now) }
            for operation in event.operations { enter(operation, of: event.seq, at: now) }
        }
        lastRead = max(lastRead, seq)
        erasedInRead = []
    }

    /// A read failed, or found nothing because it was at the end of the log.
    mutating func readNothing(isAtEnd: Bool) {
        isReading = false
        erasedInRead = []
        self.isAtEnd = isAtEnd && !hasGrown
    }

    /// The log has grown.
    mutating func logGrew() {
        isAtEnd = false
        hasGrown = true
    }

    /// Numbers that are missing in the log left it before their time came.
    private mutating func noteGap(before event: PlannedEvent, at now: Moment) {
        let missing = event.seq - lastRead - 1
        guard missing > 0, event.verdict != nil else { return }
        let tally = TallyKey(minute: event.receivedAt / 60_000, verdict: .expired)
        ring.append(
            ReadEvent(seq: event.seq - 1, readAt: now.steady, tally: tally, count: Int(missing), places: [])
        )
        changed(at: now)
    }

    private mutating func enter(_ planned: PlannedEvent.Planned, of seq: Int64, at now: Moment) {
        let id = OperationID(seq: seq, place: planned.place)
        var entry = Entry(
            action: planned.action,
            takesAway: planned.item.operation.takesAway,
            readAt: now.steady,
            item: planned.item,
            cap: planned.item.batchSize
        )
        bodies += 1
        bodyBytes += planned.item.bytes
        if planned.item.isTooLarge { entry.dropped = TrackLimits.tooLargeWords }
        entries[id] = entry
        if graph.enter(id, claims: planned.claims) { takeTurn(id, at: now) }
    }

    /// An operation that was open when the process ended. Its body stays in the log until its turn comes.
    mutating func reenter(_ row: StoredOperation, at now: Moment) {
        let id = row.id
        var entry = Entry(
            action: row.action,
            takesAway: row.takesAway,
            readAt: now.steady,
            item: nil,
            cap: .max
        )
        entry.attempts = row.attempts
        entry.firstFailedAt = row.firstFailedAt
        entry.failingSince = row.firstFailedAt.map { _ in road.openTime(at: now.steady) - row.failingFor }
        entry.due = row.dueAt.map { now.steady + min(max($0 - now.wall, 0), 900_000) }
        entry.words = row.words
        entry.isStored = true
        if row.isErased {
            entry.isErased = true
            entry.dropped = ""
        }
        entries[id] = entry
        if graph.enter(id, claims: row.claims.map(Claim.init(packed:))) { takeTurn(id, at: now) }
    }

    // MARK: What is to be read

    mutating func nextRead() -> (after: Int64, limit: Int)? {
        guard !isReading, !isAtEnd, !isStopping, hasRoom else { return nil }
        isReading = true
        hasGrown = false
        let room = min(limits.operations - entries.count, limits.bodies - bodies)
        return (lastRead, min(limits.readAhead, room))
    }

    private var hasRoom: Bool {
        entries.count < limits.operations && !areBodiesFull && lastRead - position < limits.span
    }

    var areBodiesFull: Bool {
        bodies >= limits.bodies || bodyBytes >= limits.bodyBytes
    }

    /// The events of the next operations whose bodies are to be fetched. When nothing else can be sent, one is fetched
    /// however full the memory is.
    mutating func nextFetch() -> [Int64] {
        guard fetching.isEmpty, !isStopping, !away.isEmpty else { return [] }
        guard !areBodiesFull || (flying.isEmpty && firstReady() == nil) else { return [] }
        var seqs: [Int64] = []
        while let id = away.min, seqs.count < (areBodiesFull ? 1 : limits.fetched) {
            away.removeMin()
            guard entries[id]?.phase == .away, entries[id]?.item == nil, !fetching.contains(id) else { continue }
            fetching.append(id)
            if seqs.last != id.seq { seqs.append(id.seq) }
        }
        return seqs
    }

    /// What became of the events that were to be fetched; those that are missing have left the log.
    mutating func takeFetched(_ events: [PlannedEvent], at now: Moment) {
        let found = Dictionary(events.map { ($0.seq, $0) }) { first, _ in first }
        let ids = fetching
        fetching = []
        for id in ids where entries[id]?.phase == .away {
            guard let event = found[id.seq] else {
                drop(id, "the event is no longer in the log", at: now)
                continue
            }
            if event.isErased {
                erase(id, at: now)
                continue
            }
            let same = event.operations.first { $0.place == id.place && $0.action == entries[id]?.action }
            guard let planned = same ?? event.operations.first(where: { $0.action == entries[id]?.action }) else {
                drop(id, "the plan has changed: the action makes nothing of this event now", at: now)
                continue
            }
            bringBack(planned, id, at: now)
        }
    }

    /// The events could not be read; they are asked for again.
    mutating func fetchFailed() {
        for id in fetching { away.insert(id) }
        fetching = []
    }

    private mutating func bringBack(_ planned: PlannedEvent.Planned, _ id: OperationID, at now: Moment) {
        guard var entry = entries[id] else { return }
        var item = planned.item
        item.batchSize = min(item.batchSize, entry.cap)
        entry.item = item
        entry.cap = item.batchSize
        if item.isTooLarge { entry.dropped = entry.dropped ?? TrackLimits.tooLargeWords }
        entries[id] = entry
        bodies += 1
        bodyBytes += item.bytes
        takeTurn(id, at: now)
    }
}
