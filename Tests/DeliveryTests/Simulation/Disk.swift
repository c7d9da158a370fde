import Storage

@testable import Delivery

/// What a promise or an invariant looked like when it was broken.
struct Violation: Error, CustomStringConvertible {
    /// Which: by its name in delivery.md, or what it is about.
    let rule: String
    let words: String

    var description: String { "\(rule): \(words)" }
}

/// The ledger of a run: what was committed, and nothing else, is still there after a crash.
struct Disk: Sendable {
    struct TallyKey: Hashable, Sendable {
        let minute: Int64
        let verdict: String
    }

    private(set) var position: Int64 = 0
    private(set) var rows: [OperationID: StoredOperation] = [:]
    private(set) var tallies: [TallyKey: Int] = [:]
    /// Operations that were counted as erased.
    private(set) var erasedOperations = 0

    /// All of it at once, as a transaction.
    mutating func apply(_ commit: CursorCommit) throws(Violation) {
        guard commit.position >= position else {
            throw Violation(rule: "I6", words: "the position moves back from \(position) to \(commit.position)")
        }
        position = commit.position
        for row in commit.rows {
            guard row.seq <= position else {
                throw Violation(rule: "I2", words: "a row of \(row.seq).\(row.place) above the position \(position)")
            }
            rows[OperationID(seq: row.seq, place: row.place)] = row
        }
        for place in commit.removed {
            guard rows.removeValue(forKey: OperationID(seq: place.seq, place: place.place)) != nil else {
                throw Violation(rule: "I2", words: "\(place.seq).\(place.place) has no row to be removed")
            }
        }
        for place in commit.erased { rows[place] = nil }
        for tally in commit.tallies {
            if tally.verdict.hasPrefix(#"{"erased":["#) {
                erasedOperations += tally.count
                continue
            }
            tallies[TallyKey(minute: tally.minute, verdict: tally.verdict), default: 0] += tally.count
        }
    }

    /// The rows with which a cursor is opened, in their order.
    var open: [StoredOperation] {
        rows.values.filter { $0.state == .open }.sorted { ($0.seq, $0.place) < ($1.seq, $1.place) }
    }

    func isOpen(_ id: OperationID) -> Bool { rows[id]?.state == .open }

    func isFailed(_ id: OperationID) -> Bool { rows[id]?.state == .failed }

    /// Whether nothing more is to be done for an operation.
    func hasEnded(_ id: OperationID) -> Bool { id.seq <= position && !isOpen(id) }
}
