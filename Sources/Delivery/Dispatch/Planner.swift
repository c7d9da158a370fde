import Events
import Integrations
import LosslessJSON
import Storage
import TrackAPI

/// Makes of a logged event what a cursor takes.
struct Planner: Sendable {
    let kind: Ledger.Kind
    private let integration: Integration
    private let keys: OrderKeys

    init(integration: Integration, kind: Ledger.Kind, keys: OrderKeys) {
        self.kind = kind
        self.keys = keys
        switch kind {
        case .live: self.integration = integration
        // Of the others it would only be known that they are not metrics.
        case .metrics: self.integration = integration.limited(to: .metric)
        }
    }

    /// What came of one event.
    struct Outcome: Sendable {
        let event: PlannedEvent
        let messageId: String?
        /// `nil` when the event is not for the integration, or can't be read.
        let plan: Plan?
    }

    func plan(_ logged: LoggedEvent) -> Outcome {
        guard integration.sources.contain(logged.source) else { return nothing(logged, .otherSource) }
        if kind == .metrics, integration.actions.isEmpty { return nothing(logged, .otherSource) }
        guard case .object(let message)? = try? JSON(parsing: logged.body),
            let event = Event(logged: message, source: logged.source)
        else { return nothing(logged, .unreadable) }
        let plan = integration.plan(event)
        let verdict: Verdict? =
            switch kind {
            case .live: Verdict(plan)
            case .metrics: plan.operations.isEmpty ? nil : Verdict(metrics: plan)
            }
        let planned = PlannedEvent(
            seq: logged.seq,
            receivedAt: logged.receivedAt,
            verdict: verdict,
            operations: operations(of: plan)
        )
        return Outcome(event: planned, messageId: event.messageId, plan: plan)
    }

    private func nothing(_ logged: LoggedEvent, _ verdict: Verdict) -> Outcome {
        let event = PlannedEvent(
            seq: logged.seq,
            receivedAt: logged.receivedAt,
            verdict: kind == .live ? verdict : nil,
            operations: []
        )
        return Outcome(event: event, messageId: nil, plan: nil)
    }

    /// Those that this cursor delivers, with their places in the whole plan.
    private func operations(of plan: Plan) -> [PlannedEvent.Planned] {
        plan.operations.enumerated().compactMap { place, planned in
            guard (planned.operation.kind == .metric) == (kind == .metrics) else { return nil }
            return PlannedEvent.Planned(
                place: place,
                action: planned.action,
                item: Batch.Item(
                    planned.operation,
                    batchSize: planned.batchSize,
                    batching: planned.enableBatching
                ),
                claims: planned.operation.claims(keys)
            )
        }
    }
}
