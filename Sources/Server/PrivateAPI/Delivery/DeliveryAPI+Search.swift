import Delivery
import Events
import Integrations
import LosslessJSON
import Storage
import TrackAPI

/// The events of the log, unsampled: by what stands in them, and by what became of them.
extension DeliveryAPI {
    func searchEvents(_ request: IncomingRequest) async throws -> Answer {
        let query = request.query
        guard let limit = query.pageLimit else {
            return .admin(.invalid, "limit must be a whole number from 1 to 1000")
        }
        guard let before = Int64(query["cursor"] ?? String(Int64.max)) else {
            return .admin(.invalid, "cursor must be the next of a page before")
        }
        var filter = EventFilter()
        filter.source = query["source"]
        filter.type = query["type"]
        filter.name = query["name"]
        filter.userId = query["user_id"]
        filter.anonymousId = query["anonymous_id"]
        filter.messageId = query["message_id"]
        for (name, path) in [("from", \EventFilter.from), ("until", \EventFilter.until)] {
            guard let text = query[name] else { continue }
            guard let time = Timestamp(callTime: .string(text)) else {
                return .admin(.invalid, "\(name) must be an ISO-8601 time, for example 2026-11-25T10:00:00Z")
            }
            filter[keyPath: path] = time.milliseconds
        }
        let outcome = OutcomeFilter(query)
        if let name = outcome.integration, live.named(name) == nil { return live.unknown(name) }
        if let state = outcome.state, !OutcomeFilter.states.contains(state) {
            let states = OutcomeFilter.states.joined(separator: ", ")
            return .admin(.invalid, "there is no state \(state): there are \(states)")
        }
        let page =
            outcome.isEmpty
            ? try await events(filter, before: before, limit: limit)
            : try await events(filter, outcome, before: before, limit: limit)
        return .admin(
            .done,
            json: [
                "items": .array(page.events.map(\.json)), "next": page.next.map { .string(String($0)) } ?? .null,
            ]
        )
    }

    private func events(_ filter: EventFilter, before: Int64, limit: Int) async throws -> EventLog.FoundPage {
        try await stored { () async throws(StorageError) in
            try await data.log.search(filter, before: before, limit: limit)
        }
    }

    /// Of what the log finds, those of which the right thing became. One call looks at so many of them.
    private func events(
        _ filter: EventFilter,
        _ outcome: OutcomeFilter,
        before: Int64,
        limit: Int
    ) async throws -> EventLog.FoundPage {
        let page = try await events(filter, before: before, limit: OutcomeFilter.looked)
        var found: [FoundEvent] = []
        let bodies = try await stored { () async throws(StorageError) in
            try await data.log.read(page.events.map(\.seq))
        }
        let known = Dictionary(bodies.map { ($0.seq, $0) }) { first, _ in first }
        var overviews: [Overview] = []
        for integration in live.all where outcome.concerns(integration) {
            overviews.append(try await overview(of: integration, page.events.map(\.seq)))
        }
        for event in page.events {
            guard let logged = known[event.seq] else { continue }
            guard try await outcome.letsThrough(logged, overviews, control.local) else { continue }
            found.append(event)
            if found.count == limit { return (found, event.seq) }
        }
        return (found, page.next)
    }

    /// What is on the disk of the operations of some events.
    private func overview(of integration: LiveIntegration, _ seqs: [Int64]) async throws -> Overview {
        var overview = Overview(integration: integration)
        guard let first = seqs.min(), let last = seqs.max() else { return overview }
        for kind in Ledger.Kind.standing {
            let (cursor, rows) = try await stored { () async throws(StorageError) in
                guard let cursor = try await data.ledger.cursor(kind, of: integration.name) else {
                    return (Ledger.StoredCursor?.none, [StoredOperation]())
                }
                return (cursor, try await data.ledger.operations(of: cursor.id, events: first...last))
            }
            overview.cursors[kind] = cursor
            for row in rows { overview.rows[kind, default: [:]][row.id] = row }
        }
        return overview
    }
}

/// An integration, how far it is, and what is not plain success.
private struct Overview {
    let integration: LiveIntegration
    var cursors: [Ledger.Kind: Ledger.StoredCursor] = [:]
    var rows: [Ledger.Kind: [OperationID: StoredOperation]] = [:]
}

/// What is to have become of an event: an operation of an action, in a state, in an integration.
private struct OutcomeFilter {
    /// Events that one call plans.
    static let looked = 1_000
    static let states = [
        "delivered", "failed", "retrying", "sending", "waiting", "ignored", "not for this integration", "erased",
        Ledger.StoredCursor.beforeItBegan,
    ]

    let integration: String?
    let action: String?
    let state: String?
    private let person: NamedPerson?

    init(_ query: RequestQuery) {
        integration = query["integration"]
        action = query["action"]
        state = query["state"]
        person = query["email"].map { NamedPerson(texts: [], emails: [$0]) }
    }

    var isEmpty: Bool { integration == nil && action == nil && state == nil && person == nil }

    func concerns(_ live: LiveIntegration) -> Bool { integration.map(live.name.hasSameBytes) ?? true }

    func letsThrough(
        _ logged: LoggedEvent,
        _ overviews: [Overview],
        _ control: DeliveryControl
    ) async throws -> Bool {
        let event = Event(logged)
        if let person, !(event.map { person.isNamed(in: $0.message) } ?? false) { return false }
        guard integration != nil || action != nil || state != nil else { return true }
        for overview in overviews {
            let outcomes = await outcomes(of: logged, event, overview, control)
            let isMeant = outcomes.contains { outcome in
                (action.map { outcome.action?.hasSameBytes(as: $0) ?? false } ?? true)
                    && (state.map { outcome.state == $0 } ?? true)
            }
            if isMeant { return true }
        }
        return false
    }

    private typealias Outcome = (action: String?, state: String)

    private func outcomes(
        of logged: LoggedEvent,
        _ event: Event?,
        _ overview: Overview,
        _ control: DeliveryControl
    ) async -> [Outcome] {
        if logged.isErased { return [(nil, "erased")] }
        let integration = overview.integration.history.revision(of: logged.seq).integration
        guard let plan = integration.plan(logged, event) else { return [(nil, "not for this integration")] }
        var outcomes: [Outcome] = plan.ignored.map { ($0.action, "ignored") }
        if plan.operations.isEmpty, outcomes.isEmpty { outcomes.append((nil, "ignored")) }
        for (kind, place, planned) in plan.placed {
            let id = OperationID(seq: logged.seq, place: place)
            outcomes.append((planned.action, await state(of: id, kind, overview, control)))
        }
        return outcomes
    }

    private func state(
        of id: OperationID,
        _ kind: Ledger.Kind,
        _ overview: Overview,
        _ control: DeliveryControl
    ) async -> String {
        guard let cursor = overview.cursors[kind] else { return "waiting" }
        if id.seq <= cursor.start { return Ledger.StoredCursor.beforeItBegan }
        if let row = overview.rows[kind]?[id] { return row.stateWords }
        if id.seq <= cursor.position { return "delivered" }
        let inMemory = await control.operations(of: id.seq, in: overview.integration.name, kind)
        return inMemory.first { $0.place == id.place }?.state.rawValue ?? "waiting"
    }
}

extension FoundEvent {
    fileprivate var json: JSON {
        [
            "number": .number(JSON.Number(seq)), "source": .string(source),
            "messageId": messageId.map(JSON.string) ?? .null, "type": .string(type),
            "name": name.map(JSON.string) ?? .null, "userId": userId.map(JSON.string) ?? .null,
            "anonymousId": anonymousId.map(JSON.string) ?? .null, "receivedAt": .time(receivedAt),
            "erased": .bool(isErased),
        ]
    }
}
