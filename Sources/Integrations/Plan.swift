import LosslessJSON
package import TrackAPI

/// What becomes of one event in one integration.
package struct Plan: Sendable {
    /// One operation and the action that made it.
    package struct Planned: Sendable {
        package let action: String
        package let operation: Operation
        /// Whether it may share a request, and with how many at most (actions.md §5).
        package let enableBatching: Bool
        package let batchSize: Int
        let rank: ActionDefinition.Rank
    }

    /// An action whose trigger was true and which still sends nothing.
    package struct Ignored: Error, Equatable, Sendable {
        /// `nil` when the whole event is ignored.
        package let action: String?
        package let reason: IgnoreReason
    }

    /// Something that was left out of an operation and that its sender should know.
    package struct Warning: Equatable, Sendable {
        /// `nil` when it concerns the event.
        package let action: String?
        package let message: String
    }

    /// In the order in which they are to be sent.
    package internal(set) var operations: [Planned] = []
    package internal(set) var ignored: [Ignored] = []
    package internal(set) var warnings: [Warning] = []

    /// The same without some of its operations.
    package func without(_ isLeftOut: (Operation) -> Bool) -> Plan {
        var plan = self
        plan.operations.removeAll { isLeftOut($0.operation) }
        return plan
    }

    /// Operations of one event go out by rank, among equals in the order of the actions (actions.md §3).
    mutating func sortOperations() {
        guard operations.count > 1 else { return }
        operations = operations.enumerated()
            .sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }
            .map(\.element)
    }
}

extension Plan {
    /// Operations that no action of a catalog has made, each in a request of its own.
    package init(_ operations: [Operation], by action: String) {
        self.operations = operations.map {
            Planned(action: action, operation: $0, enableBatching: false, batchSize: 1, rank: .deletePerson)
        }
    }
}

/// Why an action sends nothing; the texts are those of actions.md §3.
package enum IgnoreReason: Error, Equatable, Sendable, CustomStringConvertible {
    case noIdentifier
    case anonymousIdentify
    case missing(Field.Key)
    case invalid(Field.Key, value: String)
    case samePerson
    case handled(by: String)
    case joinedByIdentify
    case switchedOff

    package var description: String {
        switch self {
        case .noIdentifier: "no identifier"
        case .anonymousIdentify: "anonymous identify"
        case .missing(let key): "\(key.rawValue) is missing"
        case .invalid(let key, let value): "\(key.rawValue) is not valid: \(value)"
        case .samePerson: "same person"
        case .handled(let action): "handled by \(action)"
        case .joinedByIdentify: "anonymous id: identify joins it"
        case .switchedOff: "switched off by integrations"
        }
    }

    /// As the description, without what differs from event to event.
    package var kind: String {
        if case .invalid(let key, _) = self { "\(key.rawValue) is not valid" } else { description }
    }
}
