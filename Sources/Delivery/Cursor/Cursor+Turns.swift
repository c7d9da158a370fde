import HeapModule
import Storage
import TrackAPI

/// How an operation moves on: its turn comes, it ends, it is given up.
extension Cursor {
    /// It waits for nobody now.
    mutating func takeTurn(_ id: OperationID, at now: Moment) {
        guard let entry = entries[id] else { return }
        if let words = entry.dropped { return end(id, .failed, words: words, at: now) }
        if let due = entry.due, due > now.steady {
            entries[id]?.phase = .parked
            parked.insert(Parked(due: due, id: id))
            // The position passes it as soon as it has its row.
            changed(at: now)
        } else if entry.item == nil {
            entries[id]?.phase = .away
            away.insert(id)
        } else {
            entries[id]?.phase = .ready
            ready.insert(id)
            if readySince == nil { readySince = now.steady }
        }
    }

    /// It was under way and comes back.
    mutating func putBack(_ id: OperationID, at now: Moment) {
        if graph.isFree(id) {
            takeTurn(id, at: now)
        } else {
            entries[id]?.phase = .blocked
        }
    }

    /// It is settled. Those behind it go on, at once or when that is on the disk.
    mutating func end(_ id: OperationID, _ end: End, words: String = "", trace: TraceID? = nil, at now: Moment) {
        guard var entry = entries[id] else { return }
        let isDelivered = end == .delivered
        let end = entry.isErased && !isDelivered ? .erased : end
        letGoOfBody(&entry)
        entry.phase = .ended(end)
        entry.words = end == .failed ? words : ""
        entries[id] = entry
        if entry.isStored { stale.insert(id) }
        changed(at: now, waits: !entry.isRecordedFirst)
        switch end {
        case .delivered: notes.append(.delivered(id, action: entry.action))
        case .failed: notes.append(.failed(id, action: entry.action, words: words, trace))
        case .erased: break
        }
        if !entry.isRecordedFirst { letGo(graph.leave(id), at: now) }
    }

    /// Those whose turn has come because somebody left.
    mutating func letGo(_ ids: [OperationID], at now: Moment) {
        for id in ids where entries[id]?.phase == .blocked { takeTurn(id, at: now) }
    }

    /// Gives an operation up: it fails with these words, in its turn. One that is under way is decided by its answer.
    mutating func drop(_ id: OperationID, _ words: String, at now: Moment) {
        guard var entry = entries[id], !entry.isEnded, entry.dropped == nil else { return }
        entry.dropped = words
        if entry.phase != .flying { letGoOfBody(&entry) }
        entries[id] = entry
        switch entry.phase {
        case .ready, .parked, .away: end(id, .failed, words: words, at: now)
        case .blocked, .flying, .ended: break
        }
    }

    /// Gives up what is still to be delivered of an event. Returns how many operations that is.
    mutating func giveUp(event seq: Int64, at now: Moment) -> Int {
        let open = operations(of: seq).filter { id in
            entries[id].map { !$0.isEnded && $0.dropped == nil } ?? false
        }
        for id in open { drop(id, "given up by an operator; last: \(entries[id]?.words ?? "")", at: now) }
        return open.count
    }

    /// The operations of an event that are held.
    func operations(of seq: Int64) -> [OperationID] {
        if let event = ring.first(where: { $0.seq == seq }) { return Array(event.operations) }
        return entries.keys.filter { $0.seq == seq }.sorted()
    }

    /// Tries at once what waits for its next try.
    mutating func retryNow(at now: Moment) {
        resume(at: now)
        for (id, entry) in entries where entry.phase == .parked {
            entries[id]?.due = nil
            takeTurn(id, at: now)
        }
    }

    mutating func letGoOfBody(_ entry: inout Entry) {
        guard let item = entry.item else { return }
        bodies -= 1
        bodyBytes -= item.bytes
        entry.item = nil
    }

    // MARK: Time

    /// Those whose next try is due. Who has failed for too long is given up instead.
    mutating func wakeParked(at now: Moment) {
        while let next = parked.min, next.due <= now.steady {
            parked.removeMin()
            guard let entry = entries[next.id], entry.phase == .parked, entry.due == next.due else { continue }
            if let since = entry.failingSince, road.openTime(at: now.steady) - since >= limits.giveUpAfter {
                let hours = limits.giveUpAfter / 3_600_000
                drop(next.id, "given up after \(hours) hours of trying; last: \(entry.words)", at: now)
            } else {
                entries[next.id]?.due = nil
                takeTurn(next.id, at: now)
            }
        }
    }

    /// When everything that may be held is held, the oldest operation that keeps failing makes room (delivery.md F10).
    mutating func giveUpForRoom(at now: Moment) {
        guard isMoving, entries.count >= limits.operations, !parked.isEmpty else { return }
        // One is on its way out already. One that is given up and waits for others makes no room yet.
        guard !entries.values.contains(where: { $0.dropped != nil && $0.isEnded }) else { return }
        // What is only held back, because its time-out may still be applied, has not failed by itself.
        let oldest = entries.lazy.filter { $0.value.phase == .parked && $0.value.firstFailedAt != nil }.map(\.key).min()
        guard let oldest, let words = entries[oldest]?.words else { return }
        drop(oldest, "given up early, because \(limits.operations) operations wait; last: \(words)", at: now)
    }
}
