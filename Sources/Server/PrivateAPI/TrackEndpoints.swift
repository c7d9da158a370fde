import Events
import HTTPTypes
import LosslessJSON
import NIOCore
import Storage
import Workspaces

/// Customer.io's Track API at its own paths, played by the embedded workspaces (track-api.md).
///
/// The credentials tell the workspace. What an operation means is the workspace's to know; here are the paths, the
/// sizes and the answers.
struct TrackEndpoints: Sendable {
    /// Bytes of a `/entity` body and of each item of a batch (track-api.md §4).
    private static let itemBytes = 32_768
    /// Bytes of a `/batch` body.
    private static let batchBytes = 512_000
    /// Seconds that a body may take to arrive.
    private static let bodySeconds = 60

    private let workspaces: EmbeddedWorkspaces
    private let budget = ByteBudget(limit: 64 << 20)
    private let now: @Sendable () -> Timestamp

    init(workspaces: EmbeddedWorkspaces, now: @escaping @Sendable () -> Timestamp) {
        self.workspaces = workspaces
        self.now = now
    }

    func add(to routes: inout Routes) {
        routes.on(.get, "/auth") { request, _ in
            try await authorised(request) { workspace in
                .track(.done, json: ["meta": ["message": "nice credentials."]], from: workspace.name)
            }
        }
        routes.on(.get, "/api/v1/accounts/region") { request, _ in
            try await authorised(request) { .track(.done, json: region(of: $0), from: $0.name) }
        }
        routes.on(.post, "/api/v2/entity") { request, _ in
            try await authorised(request) { try await entity(request, in: $0) }
        }
        routes.on(.post, "/api/v2/batch") { request, _ in
            try await authorised(request) { try await batch(request, in: $0) }
        }
        routes.on(.post, "/api/v1/metrics") { request, _ in
            // Needs no credentials; where they come they tell the workspace (track-api.md §2).
            guard let workspace = workspace(of: request) ?? workspaces.all.first else { return unauthorised }
            return try await metric(request, in: workspace)
        }
    }

    // MARK: Credentials

    private func authorised(
        _ request: IncomingRequest,
        _ answer: (EmbeddedWorkspace) async throws -> Answer
    ) async throws -> Answer {
        guard let workspace = workspace(of: request) else { return unauthorised }
        return try await answer(workspace)
    }

    private func workspace(of request: IncomingRequest) -> EmbeddedWorkspace? {
        guard let authorization = Authorization(request.headers[.authorization]), authorization.scheme == .basic,
            let credentials = BasicCredentials(token: authorization.token)
        else { return nil }
        return workspaces.opened(by: credentials)
    }

    private var unauthorised: Answer { .problem(.unauthorised, "Unauthorized request") }

    private func region(of workspace: EmbeddedWorkspace) -> JSON {
        let host = workspace.region == .eu ? "track-eu.customer.io" : "track.customer.io"
        return [
            "url": .string("https://\(host)"),
            "data_center": .string(workspace.region.rawValue),
            "region": .string(workspace.region.rawValue),
            "environment_id": .number(JSON.Number(workspace.environmentID)),
        ]
    }

    // MARK: Operations

    private func entity(_ request: IncomingRequest, in embedded: EmbeddedWorkspace) async throws -> Answer {
        try await withJSON(request, upTo: Self.itemBytes, in: embedded, refusal: refusal) { item in
            let refusals = try await stored { () async throws(StorageError) in
                try await embedded.workspace.carryOut(entity: item, now: now().seconds)
            }
            guard refusals.isEmpty else {
                let errors = refusals.map { $0.json() }
                return .track(.invalid, json: ["errors": .array(errors)], from: embedded.name)
            }
            return .trackSuccess(from: embedded.name)
        }
    }

    private func batch(_ request: IncomingRequest, in embedded: EmbeddedWorkspace) async throws -> Answer {
        try await withJSON(request, upTo: Self.batchBytes, in: embedded, refusal: refusal) { body in
            guard case .array(let items)? = body["batch"], !items.isEmpty else {
                return refusal("batch", "must be a non-empty array", embedded.name)
            }
            // Large ones are refused before the workspace sees them; the others keep their positions.
            let sizes = items.map { $0.encoded().count }
            let fitting = items.indices.filter { sizes[$0] <= Self.itemBytes }
            var errors = items.indices.filter { sizes[$0] > Self.itemBytes }.map { index in
                (index, Refusal(reason: .invalid, field: "", message: "request is too large"))
            }
            let refused = try await stored { () async throws(StorageError) in
                try await embedded.workspace.carryOut(batch: fitting.map { items[$0] }, now: now().seconds)
            }
            errors += refused.map { (fitting[$0.index], $0.refusal) }
            guard !errors.isEmpty else { return .trackSuccess(from: embedded.name) }
            errors.sort { $0.0 < $1.0 }
            let isAnyValid = Set(errors.map(\.0)).count < items.count
            let list = errors.map { index, refusal in refusal.json(batchIndex: index) }
            return .track(isAnyValid ? .partlyInvalid : .invalid, json: ["errors": .array(list)], from: embedded.name)
        }
    }

    private func metric(_ request: IncomingRequest, in embedded: EmbeddedWorkspace) async throws -> Answer {
        let refusal = { (_: String, message: String, name: String) in Answer.problem(.invalid, message, from: name) }
        return try await withJSON(request, upTo: Self.itemBytes, in: embedded, refusal: refusal) { metric in
            let refusals = try await stored { () async throws(StorageError) in
                try await embedded.workspace.carryOut(metric: metric, now: now().seconds)
            }
            guard !refusals.isEmpty else { return .trackSuccess(from: embedded.name) }
            let messages = refusals.map { refusal in
                refusal.field.isEmpty ? refusal.message : "\(refusal.field) \(refusal.message)"
            }
            return .track(
                .invalid,
                json: ["meta": ["errors": .array(messages.map(JSON.string))]],
                from: embedded.name
            )
        }
    }

    // MARK: Bodies

    private typealias MakeRefusal = (_ field: String, _ message: String, _ workspace: String) -> Answer

    private var refusal: MakeRefusal { { .trackRefusal(field: $0, $1, from: $2) } }

    /// Reads the body as JSON and answers what cannot be.
    private func withJSON(
        _ request: IncomingRequest,
        upTo limit: Int,
        in embedded: EmbeddedWorkspace,
        refusal: MakeRefusal,
        _ answer: (JSON) async throws -> Answer
    ) async throws -> Answer {
        let body = try await request.readBody(upTo: limit, seconds: Self.bodySeconds, budget: budget)
        defer { budget.giveBack(body.heldBytes) }
        switch body {
        case .whole(let buffer):
            guard let json = try? JSON(parsing: buffer) else { return refusal("", "malformed JSON", embedded.name) }
            return try await answer(json)
        case .tooLarge(isDrained: true): return refusal("", "request is too large", embedded.name)
        case .tooLarge(isDrained: false): return .cutOff(.farTooLarge, "request is too large", from: embedded.name)
        case .tooSlow: return .cutOff(.tooSlow, "request did not arrive in time", from: embedded.name)
        case .noRoom: throw Intake.Failure.overloaded(retryAfterSeconds: 1)
        case .damaged: return refusal("", "malformed JSON", embedded.name)
        }
    }
}

extension Answer {
    /// An answer to a request that is not read to its end.
    fileprivate static func cutOff(_ situation: Situation, _ message: String, from workspace: String) -> Answer {
        var answer = problem(situation, message, from: workspace)
        answer.closesConnection = true
        return answer
    }
}
