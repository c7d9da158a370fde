import DequeModule
import Storage

/// What is written down, and when (delivery.md C.3, *Record*).
extension Cursor {
    /// A commit that is on its way to the disk.
    struct Recording: Sendable {
        let position: Int64
        /// Operations whose end is in it.
        let ended: [OperationID]
        /// Which it is, from 1.
        let number: Int
    }

    /// Something is to be recorded; if `waits`, then together with what follows.
    mutating func changed(at now: Moment, waits: Bool = true) {
        changes += 1
        let time = waits ? now.steady : now.steady - limits.recordWait
        firstChange = min(firstChange ?? time, time)
    }

    /// The next commit, when one is due. One is under way at a time.
    mutating func nextRecord(at now: Moment) -> CursorCommit? {
        guard recording == nil, isRecordDue(at: now.steady) else { return nil }
        var commit = CursorCommit(cursor: id, position: position)
        commit.origin = origin
        var ended: [OperationID] = []
        var tallies: [TallyKey: Int] = [:]
        while let event = ring.first, passes(event, at: now.steady) {
            ring.removeFirst()
            commit.position = event.seq
            if let tally = event.tally { tallies[tally, default: 0] += event.count }
            for id in event.operations {
                stale.remove(id)
                if record(id, in: &commit, at: now) { ended.append(id) }
            }
        }
        if ring.isEmpty { commit.position = max(commit.position, lastRead) }
        for id in stale where record(id, in: &commit, at: now) { ended.append(id) }
        stale = []
        commit.requests = requests
        requests = []
        commit.tallies += tallies.map { key, count in
            CursorCommit.Tally(minute: key.minute, verdict: key.verdict.text, count: count)
        }
        firstChange = nil
        changes = 0
        guard commit.position > position || !commit.isEmpty else { return nil }
        recordings += 1
        recording = Recording(position: commit.position, ended: ended, number: recordings)
        return commit
    }

    /// The commit that was ordered last is on the disk. Those who waited for that go on.
    mutating func recorded(at now: Moment) {
        guard let recording else { return }
        self.recording = nil
        position = recording.position
        for id in recording.ended {
            let wasFirst = entries[id]?.isRecordedFirst == true
            if wasFirst { letGo(graph.leave(id), at: now) }
            entries[id] = nil
        }
    }

    private func isRecordDue(at now: Int64) -> Bool {
        if isStopping, flying.isEmpty, firstChange != nil { return true }
        if let firstChange, now - firstChange >= limits.recordWait || changes >= limits.recordedAtOnce { return true }
        // Somebody at the front may have waited for long enough to get a row.
        guard let front = ring.first, isMoving, areBodiesFull || now - front.readAt >= limits.rowAfter else {
            return false
        }
        return passes(front, at: now)
    }

    /// Whether the position may pass an event: each of its operations is ended or gets a row.
    private func passes(_ event: ReadEvent, at now: Int64) -> Bool {
        // Who follows, within one event, somebody who waits for this very record, would wait for himself.
        let isAwaited = event.operations.contains {
            entries[$0]?.isEnded == true && entries[$0]?.isRecordedFirst == true
        }
        return event.operations.allSatisfy { id in
            guard let entry = entries[id] else { return true }
            switch entry.phase {
            case .ended, .parked: return true
            // It goes out next.
            case .ready: return false
            case .blocked where isAwaited: return true
            case .blocked, .away: return isMoving && (areBodiesFull || now - entry.readAt >= limits.rowAfter)
            case .flying: return isMoving && now - entry.readAt >= limits.rowAfter
            }
        }
    }

    /// Puts into a commit what is to be on the disk of an operation at or below its position. Whether that is its end.
    private mutating func record(_ id: OperationID, in commit: inout CursorCommit, at now: Moment) -> Bool {
        guard var entry = entries[id] else { return false }
        let wasStored = entry.isStored
        if case .ended(let end) = entry.phase {
            if end == .failed {
                commit.rows.append(row(of: id, entry, .failed, at: now))
            } else if end == .erased {
                // A retry's erased operation is no longer among the failed ones of its origin.
                commit.erased.append(id)
                commit.tallies.append(CursorCommit.Tally(minute: now.wall / 60_000, erased: entry.action))
            } else if wasStored || origin != nil {
                commit.removed.append(id)
            }
            return true
        }
        commit.rows.append(row(of: id, entry, .open, at: now))
        entry.isStored = true
        if entry.phase == .blocked || entry.phase == .parked { letGoOfBody(&entry) }
        entries[id] = entry
        return false
    }

    private func row(
        of id: OperationID,
        _ entry: Entry,
        _ state: StoredOperation.State,
        at now: Moment
    ) -> StoredOperation {
        StoredOperation(
            seq: id.seq,
            place: id.place,
            action: entry.action,
            state: state,
            takesAway: entry.takesAway,
            claims: state == .open ? graph.claims(of: id).map(\.packed) : [],
            attempts: entry.attempts,
            firstFailedAt: entry.firstFailedAt,
            failingFor: entry.failingSince.map { road.openTime(at: now.steady) - $0 } ?? 0,
            dueAt: entry.due.map { now.wall + ($0 - now.steady) },
            at: now.wall,
            words: entry.words
        )
    }
}
