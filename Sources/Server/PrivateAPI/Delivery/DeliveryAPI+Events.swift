import Delivery
import Events
import Integrations
import LosslessJSON
import Storage
import TrackAPI

/// The whole story of an event.
extension DeliveryAPI {
    func explainEvent(_ number: String) async throws -> Answer {
        guard let seq = Int64(number) else { return .admin(.invalid, "the number of an event is a whole number") }
        let (found, repeats) = try await stored { () async throws(StorageError) in
            (try await data.log.read([seq]).first, try await data.log.repeats(of: seq))
        }
        if let found, found.isErased { return .admin(.done, json: storyOfErased(found, repeats)) }
        guard let found, let message = try? JSON(parsing: found.body) else {
            return .admin(.unknownPath, "there is no event \(seq) in the log (any more)")
        }
        var story: JSON.Object = [
            "number": .number(JSON.Number(seq)), "source": .string(found.source),
            "receivedAt": .time(found.receivedAt), "message": message,
        ]
        if let repeats {
            story["repeated"] = ["times": .number(JSON.Number(repeats.times)), "lastAt": .time(repeats.lastAt)]
        }
        let event = message.objectValue.flatMap { Event(logged: $0, source: found.source) }
        var deliveries: [JSON] = []
        for integration in live.all {
            deliveries.append(try await delivery(of: event, found, in: integration))
        }
        story["integrations"] = .array(deliveries)
        return .admin(.done, json: .object(story))
    }

    /// That there was one is all that is known.
    private func storyOfErased(_ found: LoggedEvent, _ repeats: Repeats?) -> JSON {
        var story: JSON.Object = [
            "number": .number(JSON.Number(found.seq)), "source": .string(found.source),
            "receivedAt": .time(found.receivedAt), "message": .null, "erased": true,
            "words": "the person whose event it was has been erased",
        ]
        if let repeats {
            story["repeated"] = ["times": .number(JSON.Number(repeats.times)), "lastAt": .time(repeats.lastAt)]
        }
        story["integrations"] = .array(
            live.all.map(\.integration).filter { $0.sources.contain(found.source) }
                .map { ["integration": .string($0.name), "state": "erased"] }
        )
        return .object(story)
    }

    /// What an integration made of an event, what became of it, and every request that it was in.
    private func delivery(
        of event: Event?,
        _ logged: LoggedEvent,
        in live: LiveIntegration
    ) async throws -> JSON {
        let revision = live.history.revision(of: logged.seq)
        let integration = revision.integration
        var story: JSON.Object = [
            "integration": .string(live.name), "revision": .number(JSON.Number(revision.number)),
        ]
        guard let plan = integration.plan(logged, event) else {
            story["state"] = "not for this integration"
            return .object(story)
        }
        let progress = try await progress(of: logged.seq, in: integration)
        var operations: [JSON] = []
        var states: Set<String> = []
        for (kind, place, planned) in plan.placed {
            let own = progress[kind]
            let outcome = own?.outcome(at: place) ?? Outcome(state: "waiting")
            states.insert(outcome.state)
            guard case .object(var json) = planned.json else { continue }
            json["state"] = .string(outcome.state)
            for member in outcome.details { json[member.key] = member.value }
            json["attempts"] = .array(own?.attempts(at: place) ?? [])
            operations.append(.object(json))
        }
        story["state"] = .string(Self.worst(of: states) ?? "ignored")
        story["operations"] = .array(operations)
        story["ignored"] = .array(plan.ignored.map(\.json))
        story["warnings"] = .array(plan.warnings.map(\.json))
        story["trace"] = .array(event.map { integration.explain($0).map(\.json) } ?? [])
        return .object(story)
    }

    /// An event's state is that of its worst operation (delivery.md C.6).
    private static func worst(of states: Set<String>) -> String? {
        ["failed", "retrying", "sending", "waiting", "delivered", "erased", Ledger.StoredCursor.beforeItBegan]
            .first(where: states.contains)
    }

    // MARK: Progress

    fileprivate struct Outcome {
        var state: String
        var details: JSON.Object = [:]
    }

    /// What is known of an event in one cursor: on the disk and in memory.
    fileprivate struct Progress {
        let cursor: Ledger.StoredCursor
        let seq: Int64
        let rows: [StoredOperation]
        let inMemory: [OperationStatus]
        let requests: [SentRequest]

        func outcome(at place: Int) -> Outcome {
            if seq <= cursor.start { return Outcome(state: Ledger.StoredCursor.beforeItBegan) }
            if let row = rows.first(where: { $0.place == place }) {
                return Outcome(state: row.stateWords, details: details(row))
            }
            if let known = inMemory.first(where: { $0.place == place }) {
                return Outcome(
                    state: known.state.rawValue,
                    details: known.words.isEmpty ? [:] : ["words": .string(known.words)]
                )
            }
            return Outcome(state: seq <= cursor.position ? "delivered" : "waiting")
        }

        private func details(_ row: StoredOperation) -> JSON.Object {
            var details: JSON.Object = [
                "id": .string(FailureID(cursor: cursor.id, seq: row.seq, place: row.place).text),
                "words": .string(row.words), "times": .number(JSON.Number(row.attempts)),
            ]
            if let dueAt = row.dueAt { details["nextTryAt"] = .time(dueAt) }
            if row.state == .failed { details["remedy"] = .string(Remedy.words(for: row.words)) }
            return details
        }

        func attempts(at place: Int) -> [JSON] {
            requests.filter { $0.operations.contains(.init(seq: seq, place: place)) }.map { request in
                [
                    "sentAt": .time(request.sentAt), "milliseconds": .number(JSON.Number(request.milliseconds)),
                    "status": request.status.map { .number(JSON.Number($0)) } ?? .null,
                    "words": request.words.map(JSON.string) ?? .null,
                    "trace": request.trace.map(JSON.string) ?? .null,
                ]
            }
        }
    }

    private func progress(of seq: Int64, in integration: Integration) async throws -> [Ledger.Kind: Progress] {
        var progress: [Ledger.Kind: Progress] = [:]
        for kind in Ledger.Kind.standing {
            // Memory first: what leaves it in between is on the disk then.
            let inMemory = await control.operations(of: seq, in: integration.name, kind)
            progress[kind] = try await stored { () async throws(StorageError) in
                guard let cursor = try await data.ledger.cursor(kind, of: integration.name) else { return nil }
                return Progress(
                    cursor: cursor,
                    seq: seq,
                    rows: try await data.ledger.operations(of: cursor.id, event: seq),
                    inMemory: inMemory,
                    requests: try await data.ledger.requests(of: cursor.id, withEvent: seq)
                )
            }
        }
        return progress
    }
}

extension Integration {
    /// What it makes of an event of the log, or is told by an erasure; `nil` when that is nothing of its business.
    func plan(_ logged: LoggedEvent, _ event: Event?) -> Plan? {
        if let command = ErasureEvent(logged) { return command.plan(for: name) }
        return takes(from: logged.source) ? event.map { plan($0) } : nil
    }
}

extension Ledger.StoredCursor {
    /// The state of what is older than a cursor.
    static let beforeItBegan = "before the integration began"
}

extension StoredOperation {
    /// The state of an operation that has a row.
    var stateWords: String {
        state == .failed ? "failed" : attempts > 0 ? "retrying" : "waiting"
    }
}

extension Plan {
    /// The operations with the cursor that delivers each, and their places there: that of the metrics counts its own only.
    var placed: [(kind: Ledger.Kind, place: Int, planned: Planned)] {
        var metrics = 0
        return operations.enumerated().map { position, planned in
            guard planned.operation.kind == .metric else { return (.live, position, planned) }
            defer { metrics += 1 }
            return (.metrics, metrics, planned)
        }
    }
}
