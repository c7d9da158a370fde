import LosslessJSON
package import Storage

/// What became of the events and operations of an integration, in two sums that are always closed (delivery.md C.6).
///
/// Events: all behind the start are planned, ignored, skipped, expired, erased or waiting. Operations, for each action: all
/// that were planned are delivered, waiting, retrying, failed, discarded or erased.
package struct DeliveryCounts: Sendable, Equatable {
    package struct Events: Sendable, Equatable {
        /// All that were accepted since the integration began.
        package var accepted: Int64 = 0
        /// Something was made of them.
        package var planned: Int64 = 0
        /// Every action whose trigger was true had a reason to make nothing, or no trigger was true.
        package var ignored: Int64 = 0
        /// From a source that the integration is not connected to, or not readable.
        package var skipped: Int64 = 0
        /// They left the log before they were planned.
        package var expired: Int64 = 0
        /// They were erased before they were planned.
        package var erased: Int64 = 0
        /// Behind the position.
        package var waiting: Int64 = 0
    }

    package struct Operations: Sendable, Equatable {
        package var planned: Int64 = 0
        package var delivered: Int64 = 0
        package var waiting: Int64 = 0
        package var retrying: Int64 = 0
        package var failed: Int64 = 0
        package var discarded: Int64 = 0
        /// Their event was erased before they were delivered.
        package var erased: Int64 = 0
    }

    package private(set) var events = Events()
    /// By the names of the actions.
    package private(set) var operations: [String: Operations] = [:]
    /// Those of all actions together.
    package var total: Operations {
        operations.values.reduce(into: Operations()) { total, counts in
            total.planned += counts.planned
            total.delivered += counts.delivered
            total.waiting += counts.waiting
            total.retrying += counts.retrying
            total.failed += counts.failed
            total.discarded += counts.discarded
            total.erased += counts.erased
        }
    }

    /// Why operations were not made: actions, reasons, numbers of events.
    package private(set) var ignored: [String: [String: Int64]] = [:]

    /// The sums of an integration's cursors.
    package init(live: Ledger.CountedCursor, metrics: Ledger.CountedCursor?) {
        events.accepted = live.lastSequence - live.cursor.start
        events.waiting = live.lastSequence - live.cursor.position
        for (text, count) in live.verdicts {
            let verdict = try? JSON(parsing: Array(text.utf8))
            countEvents(verdict, count)
            countOperations(verdict, count)
        }
        for (text, count) in metrics?.verdicts ?? [:] {
            countOperations(try? JSON(parsing: Array(text.utf8)), count)
        }
        for cursor in [live, metrics].compactMap({ $0 }) {
            for (action, counts) in cursor.actions {
                operations[action, default: .init()].waiting += counts.waiting
                operations[action, default: .init()].retrying += counts.retrying
                operations[action, default: .init()].failed += counts.failed
            }
        }
        for (action, counts) in operations {
            let settledOtherwise = counts.waiting + counts.retrying + counts.failed + counts.discarded + counts.erased
            operations[action]?.delivered = counts.planned - settledOtherwise
        }
    }

    /// The sums of verdicts alone: of what was counted, and not of what waits.
    package init(verdicts: [String: Int64]) {
        for (text, count) in verdicts {
            let verdict = try? JSON(parsing: Array(text.utf8))
            countEvents(verdict, count)
            countOperations(verdict, count)
        }
    }

    private mutating func countEvents(_ verdict: JSON?, _ count: Int64) {
        // These are about operations.
        for key in ["earlier", "discarded", "failedAgain", "erased"] where verdict?[key] != nil { return }
        switch verdict?["skipped"]?.stringValue {
        case "expired": events.expired += count
        case "erased": events.erased += count
        case .some: events.skipped += count
        case nil where verdict?["planned"] != nil || verdict?["metrics"] != nil: events.planned += count
        case nil: events.ignored += count
        }
        for member in verdict?["ignored"]?.objectValue ?? [:] {
            ignored[member.key, default: [:]][member.value.stringValue ?? "", default: 0] += count
        }
    }

    private mutating func countOperations(_ verdict: JSON?, _ count: Int64) {
        for key in ["planned", "earlier"] {
            for action in verdict?[key]?.arrayValue ?? [] {
                operations[action.stringValue ?? "", default: .init()].planned += count
            }
        }
        for action in verdict?["failedAgain"]?.arrayValue ?? [] {
            operations[action.stringValue ?? "", default: .init()].failed += count
        }
        for action in verdict?["discarded"]?.arrayValue ?? [] {
            operations[action.stringValue ?? "", default: .init()].discarded += count
        }
        for action in verdict?["erased"]?.arrayValue ?? [] {
            operations[action.stringValue ?? "", default: .init()].erased += count
        }
    }
}
