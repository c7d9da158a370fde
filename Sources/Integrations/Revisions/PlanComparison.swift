package import Events
package import LosslessJSON
import TrackAPI

/// What a proposed configuration would make of events, beside what the present one makes of them: counts, and samples
/// with every field that differs.
package struct PlanComparison: Sendable {
    package struct Counts: Sendable, Equatable {
        /// Operations that one of the two makes.
        package internal(set) var present = 0
        package internal(set) var proposed = 0
        /// Operations that both make, and not the same.
        package internal(set) var changed = 0

        package var isEmpty: Bool { present == 0 && proposed == 0 }
    }

    /// An event of which the two make something different.
    package struct Sample: Sendable {
        package let event: Int64
        package let messageId: String?
        package let differences: [Difference]
    }

    /// How an action's operation would change.
    package struct Difference: Sendable {
        package enum Kind: String, Sendable {
            case added, removed, changed
        }

        package let action: String
        package let kind: Kind
        /// Why the one that makes nothing makes nothing, where it says so.
        package let reason: String?
        /// Each field that differs; of one that is added or removed all of them.
        package let fields: [JSON.FieldDifference]
    }

    package let present: Integration?
    package let proposed: Integration?
    package private(set) var events = 0
    package private(set) var changedEvents = 0
    /// By action, in the order of the two integrations.
    package private(set) var counts: [(action: String, counts: Counts)] = []
    package private(set) var samples: [Sample] = []
    private let maximumSamples: Int

    /// A comparison of two integrations, of which one may not be there.
    ///
    /// - Parameters:
    ///   - present: what is.
    ///   - proposed: what would be.
    ///   - samples: how many events to keep at most.
    package init(of present: Integration?, with proposed: Integration?, samples: Int) {
        self.present = present
        self.proposed = proposed
        maximumSamples = samples
        for action in (present?.actions ?? []) + (proposed?.actions ?? []) {
            guard !counts.contains(where: { $0.action.hasSameBytes(as: action.name) }) else { continue }
            counts.append((action.name, Counts()))
        }
    }

    /// Counts an event of the log in.
    package mutating func add(_ event: Event, number: Int64) {
        let (old, new) = (Self.plan(event, present), Self.plan(event, proposed))
        guard old != nil || new != nil else { return }
        events += 1
        let isSampled = samples.count < maximumSamples
        var differs = false
        var differences: [Difference] = []
        for position in counts.indices {
            let action = counts[position].action
            let before = old?.operation(of: action)
            let after = new?.operation(of: action)
            if before != nil { counts[position].counts.present += 1 }
            if after != nil { counts[position].counts.proposed += 1 }
            guard let kind = Self.kind(before, after) else { continue }
            if kind == .changed { counts[position].counts.changed += 1 }
            differs = true
            guard isSampled else { continue }
            let silent = after == nil ? new : old
            differences.append(
                Difference(
                    action: action,
                    kind: kind,
                    reason: kind == .changed ? nil : silent?.reason(of: action),
                    fields: JSON.differences(before?.json["body"], after?.json["body"])
                )
            )
        }
        guard differs else { return }
        changedEvents += 1
        guard isSampled else { return }
        samples.append(Sample(event: number, messageId: event.messageId, differences: differences))
    }

    private static func plan(_ event: Event, _ integration: Integration?) -> Plan? {
        guard let integration, integration.takes(from: event.source) else { return nil }
        return integration.plan(event)
    }

    private static func kind(_ before: Plan.Planned?, _ after: Plan.Planned?) -> Difference.Kind? {
        switch (before, after) {
        case (nil, nil): nil
        case (nil, _?): .added
        case (_?, nil): .removed
        case (let before?, let after?):
            before.operation.path == after.operation.path && before.operation.body == after.operation.body
                ? nil : .changed
        }
    }
}

extension Plan {
    /// An action makes one operation of an event at most.
    fileprivate func operation(of action: String) -> Planned? {
        operations.first { $0.action.hasSameBytes(as: action) }
    }

    fileprivate func reason(of action: String) -> String? {
        ignored.first { $0.action.map { $0.hasSameBytes(as: action) } ?? true }?.reason.description
    }
}
