package import Events
import Integrations
import LosslessJSON
package import Storage
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
    private let history: RevisionHistory
    /// The revision for all events; `nil` for each event that of its time.
    private let pinned: RevisionHistory.Compiled?
    private let keys: OrderKeys

    init(_ history: RevisionHistory, scope: Scope, pinnedTo revision: Int64? = nil, keys: OrderKeys) {
        self.scope = scope
        self.history = history
        self.keys = keys
        pinned = revision.flatMap(history.revision(numbered:))
    }

    /// What came of one event.
    struct Outcome: Sendable {
        var event: PlannedEvent
        let messageId: String?
        /// `nil` when the event is not for the integration, or can't be read.
        let plan: Plan?
    }

    /// Each event under its one revision.
    func plan(_ events: [LoggedEvent]) -> [Outcome] {
        var current: RevisionHistory.Compiled?
        var integration: Integration?
        return events.map { logged in
            let revision = pinned ?? history.revision(of: logged.seq)
            if let integration, revision.number == current?.number { return plan(logged, integration) }
            current = revision
            let prepared = prepare(revision.integration)
            integration = prepared
            return plan(logged, prepared)
        }
    }

    private func prepare(_ integration: Integration) -> Integration {
        // Of the others it would only be known that they are not metrics.
        if case .metrics = scope { integration.limited(to: .metric) } else { integration }
    }

    private func plan(_ logged: LoggedEvent, _ integration: Integration) -> Outcome {
        if let command = ErasureEvent(logged) { return plan(command, logged, integration) }
        guard integration.isEnabled else { return nothing(logged, .switchedOff) }
        guard integration.sources.contain(logged.source) else { return nothing(logged, .otherSource) }
        if logged.isErased { return nothing(logged, .erased) }
        if case .metrics = scope, integration.actions.isEmpty { return nothing(logged, .otherSource) }
        guard let event = Event(logged) else { return nothing(logged, .unreadable) }
        if case .replay(let job) = scope, !job.selection.contains(event) { return nothing(logged, .notSelected) }
        return outcome(logged, plan(event, integration), messageId: event.messageId)
    }

    /// The command of an erasure goes where it was meant to, whatever the integration makes of other events. Once it is
    /// carried out nothing of it is left to be replayed.
    private func plan(_ command: ErasureEvent, _ logged: LoggedEvent, _ integration: Integration) -> Outcome {
        switch scope {
        case .live, .retry:
            guard let plan = command.plan(for: integration.name) else { return nothing(logged, .otherSource) }
            return outcome(logged, plan, messageId: nil)
        case .metrics: return nothing(logged, .otherSource)
        case .replay: return nothing(logged, .notSelected)
        }
    }

    private func outcome(_ logged: LoggedEvent, _ plan: Plan, messageId: String?) -> Outcome {
        let planned = PlannedEvent(
            seq: logged.seq,
            receivedAt: logged.receivedAt,
            verdict: verdict(of: plan),
            operations: operations(of: plan)
        )
        return Outcome(event: planned, messageId: messageId, plan: plan)
    }

    private func plan(_ event: Event, _ integration: Integration) -> Plan {
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
            operations: [],
            isErased: logged.isErased
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

extension Event {
    /// An event as it was logged; `nil` for one that can't be read.
    package init?(_ logged: LoggedEvent) {
        guard case .object(let message)? = try? JSON(parsing: logged.body) else { return nil }
        self.init(logged: message, source: logged.source)
    }
}

extension Job.Selection {
    fileprivate func contains(_ event: Event) -> Bool {
        (source.map(event.source.hasSameBytes) ?? true)
            && (name.map { event.name?.hasSameBytes(as: $0) ?? false } ?? true)
            && (userId.map { event.userId?.hasSameBytes(as: $0) ?? false } ?? true)
            && (anonymousId.map { event.anonymousId?.hasSameBytes(as: $0) ?? false } ?? true)
            && (email.map { NamedPerson(texts: [], emails: [$0]).isNamed(in: event.message) } ?? true)
    }
}
