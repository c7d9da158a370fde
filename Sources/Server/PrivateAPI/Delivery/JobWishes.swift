import Events
import LosslessJSON
import Storage

/// What is asked for with `POST /admin/v1/replay`.
struct ReplayWish {
    private(set) var integration = ""
    private(set) var first: Int64?
    private(set) var last: Int64?
    /// Times of receipt in milliseconds since 1970.
    private(set) var from: Int64?
    private(set) var until: Int64?
    private(set) var source: String?
    private(set) var name: String?
    private(set) var userId: String?
    private(set) var anonymousId: String?
    private(set) var email: String?
    private(set) var rate: Int?
    private(set) var isAsNew = false
    private(set) var includesTakingAway = false

    struct Fault: Error {
        let message: String
    }

    init(_ body: JSON.Object) throws(Fault) {
        for member in body {
            switch (member.key, member.value) {
            case ("integration", .string(let text)): integration = text
            case ("first", .number(let number)): first = try Self.event(number, "first")
            case ("last", .number(let number)): last = try Self.event(number, "last")
            case ("from", let value): from = try Self.time(value, "from")
            case ("until", let value): until = try Self.time(value, "until")
            case ("source", .string(let text)): source = text
            case ("name", .string(let text)): name = text
            case ("userId", .string(let text)): userId = text
            case ("anonymousId", .string(let text)): anonymousId = text
            case ("email", .string(let text)): email = text
            case ("rate", .number(let number)): rate = try Self.rate(number)
            case ("asNew", .bool(let value)): isAsNew = value
            case ("includeTakingAway", .bool(let value)): includesTakingAway = value
            default:
                throw Fault(
                    message: """
                        "\(member.key)" is not understood: there are integration, first and last (numbers of events), from and \
                        until (times), source, name, userId, anonymousId, email, rate, asNew and includeTakingAway
                        """
                )
            }
        }
        if integration.isEmpty { throw Fault(message: "\"integration\" must say where the events go") }
    }

    private static func event(_ number: JSON.Number, _ name: String) throws(Fault) -> Int64 {
        guard let event = number.int64 else {
            throw Fault(message: "\"\(name)\" must be the number of an event")
        }
        return event
    }

    private static func time(_ value: JSON, _ name: String) throws(Fault) -> Int64 {
        guard case .string = value, let time = Timestamp(callTime: value) else {
            throw Fault(message: "\"\(name)\" must be an ISO-8601 time, for example 2026-11-25T10:00:00Z")
        }
        return time.milliseconds
    }

    fileprivate static func rate(_ number: JSON.Number) throws(Fault) -> Int {
        guard let rate = number.int64, 1...100_000 ~= rate else {
            throw Fault(message: "\"rate\" must be a whole number of requests a second, from 1 to 100000")
        }
        return Int(rate)
    }

    /// What was chosen, in words.
    func meaning(includesTakingAway: Bool) -> String {
        let ids =
            isAsNew
            ? "Events get new ids: Customer.io counts them once more, and campaigns may be triggered again."
            : "Events keep their ids: what Customer.io has already is not counted twice."
        let cuts =
            includesTakingAway
            ? "Deletes, suppressions and merges are included."
            : "Deletes, suppressions and merges are left out: they could undo what has happened since."
        return "\(ids) \(cuts)"
    }
}

/// What is asked for with `POST /admin/v1/failed/retry`.
struct RetryWish {
    private var id: FailureID?
    private var integration: String?
    private(set) var action: String?
    private(set) var words: String?
    private(set) var rate: Int?
    /// Whether deletes, suppressions and merges are meant too.
    private(set) var includesTakingAway = false
    /// Whether each is planned under the revision of its event's time, and not under today's.
    private(set) var isOriginal = false

    init?(_ body: JSON.Object) {
        var isNamed = false
        for member in body {
            switch (member.key, member.value) {
            case ("id", .string(let text)):
                guard let known = FailureID(text) else { return nil }
                id = known
            case ("integration", .string(let text)): integration = text
            case ("action", .string(let text)): action = text
            case ("words", .string(let text)): words = text
            case ("all", .bool(true)): break
            case ("rate", .number(let number)):
                guard let known = try? ReplayWish.rate(number) else { return nil }
                rate = known
                continue
            case ("includeTakingAway", .bool(let value)):
                includesTakingAway = value
                continue
            case ("original", .bool(let value)):
                isOriginal = value
                continue
            default: return nil
            }
            isNamed = true
        }
        if !isNamed { return nil }
    }

    /// The failed operations of one cursor that are meant.
    struct Target {
        let integration: String
        let cursor: Int64
        let first: Int64
        let last: Int64
        var place: Int?
        /// Whether a delete, a suppression or a merge is among them.
        let takesAway: Bool
    }

    func targets(in failures: Failures) async throws(StorageError) -> [Target] {
        if let id {
            guard let failure = try await failures.failure(id) else { return [] }
            return [
                Target(
                    integration: failure.integration,
                    cursor: id.cursor,
                    first: id.seq,
                    last: id.seq,
                    place: id.place,
                    takesAway: failure.operation.takesAway
                )
            ]
        }
        let filter = FailureFilter(integration: integration, action: action, words: words)
        return try await failures.spans(filter).map {
            Target(
                integration: $0.integration,
                cursor: $0.cursor,
                first: $0.first,
                last: $0.last,
                takesAway: $0.takesAway
            )
        }
    }
}
