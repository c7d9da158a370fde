import Storage
import TrackAPI

@testable import Delivery

/// Bugs that delivery could have, planted from outside: each must be noticed, or the test proves nothing (delivery.md D).
enum Mutant: CaseIterable, Sendable {
    case passesWithoutRow
    case rowsAreForgotten
    case rowsInReverse
    case failureReleasesFollowers
    case writersIgnoreReaders
    case nonsenseIsBelieved
    case bareRefusalFailsAll
    case cutIsReleasedBeforeRecord
    case followerBesideCut
    case arrayReversed
    case onlyFirstKey
    case blockedIsDroppedAtOnce
    case dropIsReleasedBeforeRecord
    case openRowIsTakenAsRecorded
    /// Not of that list: one that the test has found in earnest.
    case refusedLosesItsPlace
    /// A read that was under way brings an erased event back.
    case readBringsErasedBack
    case erasedIsKeptAsFailed
}

extension Simulation {
    func mutated(_ rows: [StoredOperation]) -> [StoredOperation] {
        switch mutant {
        case .rowsAreForgotten: []
        case .rowsInReverse: rows.reversed()
        default: rows
        }
    }

    func mutated(_ events: [PlannedEvent]) -> [PlannedEvent] {
        guard mutant == .writersIgnoreReaders || mutant == .onlyFirstKey else { return events }
        return events.map { event in
            let operations = event.operations.map { planned in
                let claims =
                    mutant == .onlyFirstKey ? Array(planned.claims.prefix(1)) : planned.claims.filter(\.isWrite)
                return PlannedEvent.Planned(
                    place: planned.place,
                    action: planned.action,
                    item: planned.item,
                    claims: claims
                )
            }
            return PlannedEvent(
                seq: event.seq,
                receivedAt: event.receivedAt,
                verdict: event.verdict,
                operations: operations
            )
        }
    }

    func mutated(_ commit: CursorCommit) -> CursorCommit {
        guard mutant == .passesWithoutRow else { return commit }
        var commit = commit
        commit.rows.removeAll { $0.state == .open }
        return commit
    }

    func mutated(_ answer: Answer, for count: Int) -> Answer {
        guard case .unclear(let words) = answer else { return answer }
        switch mutant {
        case .nonsenseIsBelieved: return .settled(Array(repeating: .delivered, count: count))
        case .bareRefusalFailsAll: return .settled(Array(repeating: .refused(words), count: count))
        default: return answer
        }
    }

    func afterAnswer(_ answer: Answer, to request: [Int]) {
        let ids = request.map { stream.operations[$0].id }
        switch (mutant, answer) {
        case (.failureReleasesFollowers, .settled): break
        case (.failureReleasesFollowers, _):
            for id in ids { cursor.letGo(cursor.graph.leave(id), at: moment) }
        case (.refusedLosesItsPlace, .settled(let outcomes)):
            for (id, outcome) in zip(ids, outcomes) {
                guard case .refused(let words) = outcome, cursor.entries[id]?.phase == .blocked else { continue }
                cursor.entries[id]?.dropped = nil
                cursor.end(id, .failed, words: words, at: moment)
            }
        default: break
        }
    }

    func drop(_ id: OperationID, _ words: String) {
        if mutant == .blockedIsDroppedAtOnce, cursor.entries[id]?.phase == .blocked {
            cursor.end(id, .failed, words: words, at: moment)
        } else {
            cursor.drop(id, words, at: moment)
        }
    }

    func beforeOrders() {
        switch mutant {
        case .cutIsReleasedBeforeRecord: release { entry, _ in entry.takesAway }
        case .followerBesideCut: setTakesAway { _ in false }
        case .dropIsReleasedBeforeRecord: release { entry, _ in entry.dropped != nil }
        case .openRowIsTakenAsRecorded:
            let position = cursor.position
            release { entry, id in entry.takesAway && entry.isStored && id.seq <= position }
        case .readBringsErasedBack: cursor.erasedInRead = []
        case .erasedIsKeptAsFailed:
            for (id, entry) in cursor.entries where entry.phase == .ended(.erased) {
                cursor.entries[id]?.phase = .ended(.failed)
            }
        default: break
        }
    }

    func afterOrders() {
        guard mutant == .followerBesideCut else { return }
        let cuts = Set(stream.operations.filter(\.operation.takesAway).map(\.id))
        setTakesAway { cuts.contains($0) }
    }

    /// Those behind an operation that has ended go on, though that is not on the disk.
    private func release(_ isReleased: (Cursor.Entry, OperationID) -> Bool) {
        for id in cursor.entries.keys.sorted() {
            guard let entry = cursor.entries[id], entry.isEnded, isReleased(entry, id) else { continue }
            cursor.letGo(cursor.graph.leave(id), at: moment)
        }
    }

    private func setTakesAway(_ takesAway: (OperationID) -> Bool) {
        for id in Array(cursor.entries.keys) { cursor.entries[id]?.takesAway = takesAway(id) }
    }
}
