import LosslessJSON
import Storage

/// Where a lane's operations come from: the log, a stretch of it, or the failed operations of a cursor.
struct Feed: Sendable {
    /// What one reading brought.
    struct Page: Sendable {
        let outcomes: [Planner.Outcome]
        /// The last event that was looked at.
        let through: Int64
    }

    /// At most so many events behind this number; `nil` when there are none (yet).
    let read: @Sendable (_ after: Int64, _ limit: Int) async throws(StorageError) -> Page?
    /// These events again. Who is missing is gone.
    let fetch: @Sendable (_ seqs: [Int64]) async throws(StorageError) -> [PlannedEvent]

    private static let readBytes = 8 << 20

    /// The log, as the first of an integration's standing cursors reads it: how far is noted, because a new revision may
    /// begin behind it.
    init(_ log: EventLog, _ planner: Planner, _ live: LiveIntegrations, leading integration: LiveIntegration) {
        read = Self.pages(of: log, planner, live, through: { .max }) { integration.noteRead(through: $0.through) }
        fetch = Self.events(of: log, planner, live.gate)
    }

    /// The log as far as the first one has read it: so no event has been planned that a new revision could still be for.
    init(_ log: EventLog, _ planner: Planner, _ live: LiveIntegrations, following integration: LiveIntegration) {
        self.init(log, planner, live) { integration.lastRead }
    }

    /// The log up to an event.
    init(_ log: EventLog, _ planner: Planner, _ live: LiveIntegrations, through last: @escaping @Sendable () -> Int64) {
        read = Self.pages(of: log, planner, live, through: last)
        fetch = Self.events(of: log, planner, live.gate)
    }

    private enum Reading {
        case page(Page?)
        /// Another node has changed the configuration, and this one does not know of it yet.
        case stale
    }

    private static func pages(
        of log: EventLog,
        _ planner: Planner,
        _ live: LiveIntegrations,
        through last: @escaping @Sendable () -> Int64,
        noting note: @escaping @Sendable (Page) -> Void = { _ in }
    ) -> @Sendable (Int64, Int) async throws(StorageError) -> Page? {
        let read = { @Sendable (seq: Int64, limit: Int) async throws(StorageError) -> Reading in
            try await live.gate.planning { () async throws(StorageError) in
                let last = last()
                guard seq < last else { return .page(nil) }
                let read = try await log.page(after: seq, limit: limit, maximumBytes: Self.readBytes)
                guard read.configuration <= live.configuration else { return .stale }
                guard let end = read.events.last?.seq else { return .page(nil) }
                let events = read.events.filter { $0.seq <= last }
                let page = Page(outcomes: planner.plan(events), through: min(end, last))
                note(page)
                return .page(page)
            }
        }
        return { (seq, limit) async throws(StorageError) in
            while !Task.isCancelled {
                if case .page(let page) = try await read(seq, limit) { return page }
                // Whoever keeps up with the other nodes reads it in a moment (`Configurator.follow`).
                try? await Task.sleep(for: .milliseconds(20))
            }
            return nil
        }
    }

    private static func events(
        of log: EventLog,
        _ planner: Planner,
        _ gate: PlanningGate
    ) -> @Sendable ([Int64]) async throws(StorageError) -> [PlannedEvent] {
        { (seqs) async throws(StorageError) in
            try await gate.planning { () async throws(StorageError) in
                planner.plan(try await log.read(seqs)).map(\.event)
            }
        }
    }

    /// The failed operations that a job is about.
    init(
        _ log: EventLog,
        _ ledger: Ledger,
        _ planner: Planner,
        _ live: LiveIntegrations,
        retrying job: Job,
        of origin: Int64
    ) {
        let selection = job.selection
        read = { (seq, limit) async throws(StorageError) in
            guard seq < selection.last else { return nil }
            let limit = max(limit, 1_000)
            var rows = try await ledger.failedOperations(of: origin, afterEvent: seq, limit: limit)
            guard let last = rows.last?.seq else { return nil }
            // The last event may have more rows than were read.
            if rows.first?.seq != last, rows.count >= limit { rows.removeAll { $0.seq == last } }
            let through = min(rows.last?.seq ?? last, selection.last)
            let chosen = rows.filter { selection.contains($0) }
            let outcomesOfEvents = try await live.gate.planning { () async throws(StorageError) in
                planner.plan(try await log.read(chosen.map(\.seq)))
            }
            let planned = Dictionary(uniqueKeysWithValues: outcomesOfEvents.map { ($0.event.seq, $0) })
            var outcomes: [Planner.Outcome] = []
            for (seq, rows) in Dictionary(grouping: chosen, by: \.seq).sorted(by: { $0.key < $1.key }) {
                if let outcome = planned[seq] { outcomes.append(outcome.limited(to: rows)) }
            }
            return Page(outcomes: outcomes, through: through)
        }
        fetch = Self.events(of: log, planner, live.gate)
    }
}

extension Job.Selection {
    fileprivate func contains(_ row: StoredOperation) -> Bool {
        row.seq <= last && (place.map { $0 == row.place } ?? true) && (action.map(row.action.hasSameBytes) ?? true)
            && (words.map(row.words.hasSameBytes) ?? true)
    }
}

extension Planner.Outcome {
    /// The operations that these rows are about, at their places. One whose action makes nothing any more stays failed.
    fileprivate func limited(to rows: [StoredOperation]) -> Planner.Outcome {
        let operations = rows.compactMap { row -> PlannedEvent.Planned? in
            let own = event.operations.filter { $0.action.hasSameBytes(as: row.action) }
            guard let planned = own.first(where: { $0.place == row.place }) ?? own.first else { return nil }
            return PlannedEvent.Planned(
                place: row.place,
                action: planned.action,
                item: planned.item,
                claims: planned.claims
            )
        }
        var limited = self
        limited.event = PlannedEvent(
            seq: event.seq,
            receivedAt: event.receivedAt,
            verdict: operations.isEmpty ? nil : Verdict(retried: operations.map(\.action)),
            operations: operations
        )
        return limited
    }
}
