import Events
import Integrations
import LosslessJSON
import Storage
import TrackAPI

/// Makes of a logged event what a cursor takes.
struct Planner: Sendable {
    /// Which operations are meant.
    enum Scope: Sendable {
        /// Items of the v2 API.
        case live
        case metrics
        /// Everything of the selected events.
        case replay(Job)
        /// Everything; the feed picks the failed ones out of it.
        case retry
    }

    private let scope: Scope
    private let integration: Integration
    private let keys: OrderKeys

    init(integration: Integration, scope: Scope, keys: OrderKeys) {
        self.scope = scope
        self.keys = keys
        if case .metrics = scope {
            // Of the others it would only be known that they are not metrics.
            self.integration = integration.limited(to: .metric)
        } else {
            self.integration = integration
        }
    }

    /// What came of one event.
    struct Outcome: Sendable {
        var event: PlannedEvent
        let messageId: String?
        /// `nil` when the event is not for the integration, or can't be read.
        let plan: Plan?
    }

    func plan(_ logged: LoggedEvent) -> Outcome {
        guard integration.sources.contain(logged.source) else { return nothing(logged, .otherSource) }
        if case .metrics = scope, integration.actions.isEmpty { return nothing(logged, .otherSource) }
        guard case .object(let message)? = try? JSON(parsing: logged.body),
            let event = Event(logged: message, source: logged.source)
        else { return nothing(logged, .unreadable) }
        if case .replay(let job) = scope, !job.selection.contains(event) { return nothing(logged, .notSelected) }
        let plan = plan(event)
        let planned = PlannedEvent(
            seq: logged.seq,
            receivedAt: logged.receivedAt,
            verdict: verdict(of: plan),
            operations: operations(of: plan)
        )
        return Outcome(event: planned, messageId: event.messageId, plan: plan)
    }

    private func plan(_ event: Event) -> Plan {
        guard case .replay(let job) = scope else { return integration.plan(event) }
        let plan = integration.plan(event, replay: job.isAsNew ? job.id : nil)
        // A delete of last week would take somebody away who has come back since.
        return job.includesTakingAway ? plan : plan.without(\.takesAway)
    }

    private func verdict(of plan: Plan) -> Verdict? {
        switch scope {
        case .live: Verdict(plan)
        case .metrics: plan.operations.isEmpty ? nil : Verdict(own: plan)
        case .replay: Verdict(own: plan)
        case .retry: nil
        }
    }

    private func nothing(_ logged: LoggedEvent, _ verdict: Verdict) -> Outcome {
        let isCounted =
            switch scope {
            case .live, .replay: true
            case .metrics, .retry: false
            }
        let event = PlannedEvent(
            seq: logged.seq,
            receivedAt: logged.receivedAt,
            verdict: isCounted ? verdict : nil,
            operations: []
        )
        return Outcome(event: event, messageId: nil, plan: nil)
    }

    /// Those that this cursor delivers, with their places in the whole plan.
    private func operations(of plan: Plan) -> [PlannedEvent.Planned] {
        plan.operations.enumerated().compactMap { place, planned in
            if case .live = scope, planned.operation.kind == .metric { return nil }
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

extension Job.Selection {
    fileprivate func contains(_ event: Event) -> Bool {
        (source.map(event.source.hasSameBytes) ?? true)
            && (name.map { event.name?.hasSameBytes(as: $0) ?? false } ?? true)
            && (userId.map { event.userId?.hasSameBytes(as: $0) ?? false } ?? true)
    }
}
