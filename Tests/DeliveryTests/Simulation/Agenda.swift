import Storage

@testable import Delivery

extension Simulation {
    /// What happens at some time.
    enum Happening: Sendable {
        /// So many events are in the log.
        case logGrows(to: Int)
        case read(count: Int, from: Int)
        case readFails
        case fetched([Int64])
        case fetchFails
        /// The destination takes operations of a request.
        case applied([Int], of: Int)
        case answered(number: Int, [Int], ScriptedTrackAPI.Reply, sentAt: Int64)
        /// A commit is on the disk; whoever ordered it is told later.
        case durable(CursorCommit)
        case recorded
        case wake
        /// The settings are good again, and somebody has said so.
        case mended
        case poisonEnds
        /// The cursor is told that an event was erased.
        case toldOfErasure(Int64)
        /// The process has been asked to stop for long enough.
        case stopNow

        /// Whether it goes with the process.
        var isOfProcess: Bool {
            switch self {
            case .logGrows, .mended, .poisonEnds, .applied: false
            default: true
            }
        }
    }

    /// What is to come, in its order; at the same time, in the order in which it was noted.
    struct Agenda: Sendable {
        private var items: [(time: Int64, happening: Happening)] = []

        mutating func add(_ happening: Happening, at time: Int64) {
            // Few are noted at a time, and most come last.
            var place = items.count
            while place > 0, items[place - 1].time > time { place -= 1 }
            items.insert((time, happening), at: place)
        }

        /// What has not happened after all comes before everything else.
        mutating func putBack(_ happening: Happening, at time: Int64) {
            items.insert((time, happening), at: 0)
        }

        mutating func next() -> (time: Int64, happening: Happening)? {
            items.isEmpty ? nil : items.removeFirst()
        }

        /// Takes out what goes with the process, and what is still under way to the destination.
        mutating func crash() -> (applied: [(operations: [Int], request: Int)], commit: CursorCommit?) {
            var applied: [(operations: [Int], request: Int)] = []
            var commit: CursorCommit?
            for item in items {
                if case .applied(let operations, let request) = item.happening { applied.append((operations, request)) }
                if case .durable(let under) = item.happening { commit = under }
            }
            items.removeAll { item in
                if case .applied = item.happening { return true }
                return item.happening.isOfProcess
            }
            return (applied, commit)
        }
    }
}
