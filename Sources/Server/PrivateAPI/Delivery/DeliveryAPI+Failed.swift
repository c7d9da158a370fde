import Delivery
import Events
import HTTPTypes
import Integrations
import LosslessJSON
import Storage

/// Operations that failed for good: grouped by reason with a remedy, listed, shown with what would be sent, let go of.
extension DeliveryAPI {
    /// Failed operations that one call discards; the caller goes on from there.
    private static let pageSize = 500

    private func filter(_ request: IncomingRequest) -> FailureFilter {
        let query = request.query
        return FailureFilter(integration: query["integration"], action: query["action"], words: query["words"])
    }

    func listFailed(_ request: IncomingRequest) async throws -> Answer {
        let query = request.query
        guard let limit = query.pageLimit else {
            return .admin(.invalid, "limit must be a whole number from 1 to 1000")
        }
        var after: FailureID?
        if let text = query["cursor"] {
            guard let id = FailureID(text) else { return .admin(.invalid, "cursor must be the next of a page before") }
            after = id
        }
        let (filter, start) = (filter(request), after)
        let page = try await stored { () async throws(StorageError) in
            try await data.failures.list(filter, after: start, limit: limit)
        }
        return .admin(
            .done,
            json: [
                "items": .array(page.failures.map { .object($0.json) }),
                "next": page.next.map { .string($0.text) } ?? .null,
            ]
        )
    }

    func groupFailed(_ request: IncomingRequest) async throws -> Answer {
        let filter = filter(request)
        let groups = try await stored { () async throws(StorageError) in
            try await data.failures.groups(filter, limit: 1_000)
        }
        return .admin(.done, json: ["items": .array(groups.map(\.json))])
    }

    /// One of them with the event, and what would be sent today.
    func showFailed(_ text: String) async throws -> Answer {
        guard let id = FailureID(text) else { return .admin(.invalid, "an id looks like 1-42-0") }
        let (failure, event) = try await stored { () async throws(StorageError) in
            (try await data.failures.failure(id), try await data.log.read([id.seq]).first)
        }
        guard let failure else { return .admin(.unknownPath, "there is no failed operation \(text) (any more)") }
        var json = failure.json
        let message = event.flatMap { try? JSON(parsing: $0.body) }
        json["message"] = message ?? .null
        json["operation"] = .null
        if let integration = live.named(failure.integration)?.integration, let event,
            let logged = message?.objectValue.flatMap({ Event(logged: $0, source: event.source) })
        {
            let planned = integration.plan(logged).operations.first { $0.action == failure.operation.action }
            json["operation"] = planned?.json ?? .null
        }
        return .admin(.done, json: .object(json))
    }

    // MARK: Discarding

    func discardFailed(_ request: IncomingRequest) async throws -> Answer {
        guard let choice = try await request.readAdminBody().flatMap(Choice.init) else {
            return .admin(
                .invalid,
                """
                the body must be {"ids":[…]} with \(Self.pageSize) at most, or {"all":true}, {"integration":…}, \
                {"action":…} or {"words":…}
                """
            )
        }
        let minute = now() / 60_000
        let (discarded, next) = try await stored { () async throws(StorageError) in
            if let ids = choice.ids { return (try await data.failures.discard(ids, minute: minute), FailureID?.none) }
            let page = try await data.failures.list(choice.filter, after: choice.after, limit: Self.pageSize)
            return (try await data.failures.discard(page.failures.map(\.id), minute: minute), page.next)
        }
        if let ids = choice.ids, discarded == 0, !ids.isEmpty {
            return .admin(.unknownPath, "none of these is there (any more): nothing was discarded")
        }
        return .admin(
            .done,
            json: ["discarded": .number(JSON.Number(discarded)), "next": next.map { .string($0.text) } ?? .null]
        )
    }

    /// Which ones: `ids`, or those behind `after` that a filter lets through, one page at a time.
    private struct Choice {
        var ids: [FailureID]?
        var filter = FailureFilter()
        var after: FailureID?

        init?(_ json: JSON) {
            guard case .object(let object) = json else { return nil }
            var isNamed = false
            for member in object {
                switch (member.key, member.value) {
                case ("ids", .array(let items)):
                    let known = items.compactMap { $0.stringValue.flatMap(FailureID.init) }
                    guard known.count == items.count, known.count <= DeliveryAPI.pageSize else { return nil }
                    ids = known
                case ("integration", .string(let text)): filter.integration = text
                case ("action", .string(let text)): filter.action = text
                case ("words", .string(let text)): filter.words = text
                case ("after", .string(let text)):
                    guard let id = FailureID(text) else { return nil }
                    after = id
                    continue
                case ("all", .bool(true)): break
                default: return nil
                }
                isNamed = true
            }
            if !isNamed { return nil }
        }
    }
}

extension FailureID {
    /// As it is shown and given: `1-42-0`.
    var text: String { "\(cursor)-\(seq)-\(place)" }

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 3, let cursor = parts[0], let seq = parts[1],
            let place = parts[2].flatMap(Int.init(exactly:))
        else { return nil }
        self.init(cursor: cursor, seq: seq, place: place)
    }
}

extension Failure {
    fileprivate var json: JSON.Object {
        [
            "id": .string(id.text), "integration": .string(integration), "event": .number(JSON.Number(id.seq)),
            "action": .string(operation.action), "words": .string(operation.words),
            "remedy": .string(Remedy.words(for: operation.words)),
            "attempts": .number(JSON.Number(operation.attempts)), "failedAt": .time(operation.at),
            "takesAway": .bool(operation.takesAway),
        ]
    }
}

extension FailureGroup {
    fileprivate var json: JSON {
        [
            "integration": .string(integration), "action": .string(action), "words": .string(words),
            "remedy": .string(Remedy.words(for: words)), "count": .number(JSON.Number(count)),
            "sample": .string(sample.text), "lastAt": .time(lastAt), "takesAway": .bool(takesAway),
        ]
    }
}
