import Events
import LosslessJSON
import TrackAPI

extension Configuration.TestCase {
    /// What a test of the configuration found.
    package enum Outcome: Sendable {
        case passed
        /// The expected and the actual outcome as lists of one line each, to be shown as a difference.
        case failed(expected: [String], actual: [String])
        /// The event is not a valid message.
        case invalid(String)
    }

    /// Plans the event in its integration and compares.
    package func run(in configuration: Configuration) -> Outcome {
        guard let integration = configuration.integrations.first(where: { $0.name == self.integration }) else {
            return .invalid("there is no integration `\(self.integration)`")
        }
        let event: Event
        do {
            let receipt = Event.Receipt(source: integration.sources.first ?? "", receivedAt: nil, strictness: .strict)
            event = try Event(normalising: self.event, receipt: receipt)
        } catch {
            return .invalid(error.message)
        }
        let plan = integration.plan(event)
        let sent = expectations.filter { $0.ignored == nil }
        let left = expectations.filter { $0.ignored != nil }
        let operationsAgree =
            sent.count == plan.operations.count
            && zip(sent, plan.operations).allSatisfy { $0.isMet(by: $1) }
        let ignoredAgree = left.allSatisfy { expected in
            plan.ignored.contains { $0.action == expected.action && $0.reason.description == expected.ignored }
        }
        if operationsAgree && ignoredAgree { return .passed }
        return .failed(
            expected: sent.map(\.description) + left.map(\.description),
            actual: plan.operations.enumerated().map { position, planned in
                (sent.indices.contains(position) ? sent[position] : nil).map { planned.description(like: $0) }
                    ?? planned.description(like: nil)
            } + plan.ignored.map { "\($0.action ?? "event"): ignored, \($0.reason)" }
        )
    }
}

extension Configuration.TestCase.Expectation {
    fileprivate func isMet(by planned: Plan.Planned) -> Bool {
        action == planned.action && path ?? planned.operation.path == planned.operation.path
            && body ?? .object(planned.operation.body) == .object(planned.operation.body)
    }

    fileprivate var description: String {
        if let ignored { return "\(action): ignored, \(ignored)" }
        return ([action] + [path].compactMap(\.self) + [body?.description].compactMap(\.self)).joined(separator: " ")
    }
}

extension Plan.Planned {
    /// The operation with those parts that an expectation speaks of.
    fileprivate func description(like expectation: Configuration.TestCase.Expectation?) -> String {
        var parts = [action]
        if let expectation, expectation.path != nil { parts.append(operation.path) }
        if expectation == nil || expectation?.body != nil { parts.append(JSON.object(operation.body).description) }
        return parts.joined(separator: " ")
    }
}
