import Storage
import TrackAPI

/// Letting go of people who are being erased (delivery.md F44). Their events are empty on the disk before the cursor hears of
/// it: whatever is read or fetched later is erased already.
extension Cursor {
    /// A person whose erasure waits until nothing that is under way can speak of them any more.
    struct Erasing: Sendable {
        let number: Int64
        let redaction: Redaction
        /// What was under way when it came.
        let requests: Set<Int>
        let recording: Int?
    }

    /// Events that were erased. What is here of them goes at once; those under way are decided by their answer, and what is
    /// said of them is not kept.
    mutating func erase(_ seqs: Set<Int64>, at now: Moment) {
        if isReading { erasedInRead.formUnion(seqs) }
        for id in entries.keys where seqs.contains(id.seq) { erase(id, at: now) }
        requests = requests.map { request in
            guard request.words != nil, request.operations.contains(where: { seqs.contains($0.seq) }) else {
                return request
            }
            var request = request
            request.words = Redaction.replacement
            return request
        }
    }

    mutating func erase(_ id: OperationID, at now: Moment) {
        guard var entry = entries[id], !entry.isErased else { return }
        entry.isErased = true
        entry.words = ""
        switch entry.phase {
        case .ended(.failed):
            // One whose failure is on its way to the disk is removed there.
            if recording?.ended.contains(id) != true { entry.phase = .ended(.erased) }
            entries[id] = entry
        case .ended: entries[id] = entry
        case .flying:
            entry.dropped = ""
            entries[id] = entry
        case .blocked:
            // It keeps its place, without its body, until it waits for nobody (F49).
            letGoOfBody(&entry)
            entry.dropped = ""
            entries[id] = entry
            // So that the row tells nothing either.
            if entry.isStored { stale.insert(id) }
            changed(at: now)
        case .ready, .parked, .away:
            entry.dropped = ""
            entries[id] = entry
            end(id, .erased, at: now)
        }
    }

    /// A read that was under way may bring what was erased meanwhile.
    func withoutErased(_ event: PlannedEvent) -> PlannedEvent {
        guard erasedInRead.contains(event.seq) else { return event }
        return PlannedEvent(
            seq: event.seq,
            receivedAt: event.receivedAt,
            verdict: event.verdict == nil ? nil : .erased,
            operations: [],
            isErased: true
        )
    }

    /// Takes a person out of what was said, and of what will be said in answer to what is under way.
    mutating func clean(_ number: Int64, _ redaction: Redaction, at now: Moment) {
        for (id, entry) in entries {
            guard let (words, _) = redaction.redacted(entry.words) else { continue }
            entries[id]?.words = words
            if entry.isStored { stale.insert(id) }
            changed(at: now)
        }
        for id in entries.keys {
            if let words = entries[id]?.dropped { entries[id]?.dropped = redaction.clean(words) }
        }
        requests = requests.map { request in
            var request = request
            request.words = request.words.map(redaction.clean)
            return request
        }
        road.clean(redaction.clean)
        erasing.append(
            Erasing(
                number: number,
                redaction: redaction,
                requests: Set(flying.keys),
                recording: recording?.number
            )
        )
    }

    /// The erasures for which nothing is under way any more that was when they came. Each is named once.
    mutating func nextCleaned() -> [Int64] {
        let cleaned = erasing.filter { erasing in
            erasing.requests.isDisjoint(with: flying.keys)
                && (erasing.recording == nil || erasing.recording != recording?.number)
        }.map(\.number)
        if !cleaned.isEmpty { erasing.removeAll { cleaned.contains($0.number) } }
        return cleaned
    }
}

extension Answer {
    /// The same without a person.
    func cleaned(by redaction: Redaction) -> Answer {
        switch self {
        case .settled(let outcomes):
            .settled(
                outcomes.map { outcome in
                    guard case .refused(let words) = outcome else { return outcome }
                    return .refused(redaction.clean(words))
                }
            )
        case .unclear(let words): .unclear(words: redaction.clean(words))
        case .unavailable(let words, let wait): .unavailable(words: redaction.clean(words), retryAfter: wait)
        case .suspicious(let words, let wait, let isTimeout):
            .suspicious(words: redaction.clean(words), retryAfter: wait, isTimeout: isTimeout)
        case .settings(let words): .settings(words: redaction.clean(words))
        }
    }
}
