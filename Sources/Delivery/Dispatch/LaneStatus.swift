package import Storage

/// What one cursor of an integration is doing at the moment.
package struct LaneStatus: Sendable, Equatable {
    /// Whether requests go out.
    package enum Road: Sendable, Equatable {
        case open
        /// Somebody wants nothing to go out.
        case held
        /// The destination can't be reached or asked for a pause: it is tried again then (milliseconds since 1970).
        case closed(until: Int64, words: String)
        /// The settings are wrong.
        case paused(until: Int64, words: String)
    }

    package let integration: String
    package let kind: Ledger.Kind
    /// The last event that is recorded, and the last one that was read.
    package let position: Int64
    package let lastRead: Int64
    package let road: Road
    /// Requests under way, and how many may be.
    package let underWay: Int
    package let concurrency: Int
    /// Operations in memory that are not settled and recorded.
    package let held: Int
}

/// What is known in memory of an operation that is not settled and recorded.
package struct OperationStatus: Sendable, Equatable {
    package enum State: String, Sendable {
        case waiting, sending, retrying, delivered, failed, erased
    }

    package let place: Int
    package let action: String
    package let state: State
    package let attempts: Int
    /// When it is tried again, in milliseconds since 1970.
    package let dueAt: Int64?
    package let words: String
}

extension Cursor {
    func status(of integration: String, _ kind: Ledger.Kind, at now: Moment) -> LaneStatus {
        let wall = { (steady: Int64) in now.wall + steady - now.steady }
        let road: LaneStatus.Road =
            switch road.condition {
            case _ where road.isHeld: .held
            case .open: .open
            case .closed(let until, let words): .closed(until: wall(until), words: words)
            case .paused(let until, let words): .paused(until: wall(until), words: words)
            }
        return LaneStatus(
            integration: integration,
            kind: kind,
            position: position,
            lastRead: lastRead,
            road: road,
            underWay: flying.count,
            concurrency: self.road.concurrency,
            held: entries.count
        )
    }

    /// What is known here of the operations of one event.
    func status(of seq: Int64, at now: Moment) -> [OperationStatus] {
        operations(of: seq).compactMap { id in
            guard let entry = entries[id] else { return nil }
            let state: OperationStatus.State =
                switch entry.phase {
                case .ended(.delivered): .delivered
                case .ended(.failed): .failed
                case .ended(.erased): .erased
                case .flying: .sending
                case .parked: .retrying
                case .blocked, .ready, .away: entry.attempts > 0 ? .retrying : .waiting
                }
            return OperationStatus(
                place: id.place,
                action: entry.action,
                state: state,
                attempts: entry.attempts,
                dueAt: entry.due.map { now.wall + $0 - now.steady },
                words: entry.words
            )
        }
    }
}
