import Events
import HTTPTypes
import LosslessJSON
import NIOCore
import Storage
import TrackAPI
import Workspaces

/// Customer.io's Track API at its own paths, played by the embedded workspaces (track-api.md).
///
/// The credentials tell the workspace; `TrackStage` has looked that up. What a call means is the workspace's to know; here
/// are the paths, the sizes and the answers, a group of paths in each extension.
struct TrackEndpoints: Sendable {
    /// Seconds that a body may take to arrive.
    private static let bodySeconds = 60

    private let workspaces: EmbeddedWorkspaces
    private let budget = ByteBudget(limit: 64 << 20)
    private let rates = RequestRates()
    /// What time it is in the workspaces.
    let now: @Sendable () -> Timestamp
    /// The server's time: the seconds of a rate pass also where a test's clock stands still.
    private let serverNow: @Sendable () -> Timestamp

    init(
        workspaces: EmbeddedWorkspaces,
        now: @escaping @Sendable () -> Timestamp,
        serverNow: @escaping @Sendable () -> Timestamp
    ) {
        self.workspaces = workspaces
        self.now = now
        self.serverNow = serverNow
    }

    func add(to routes: inout Routes) {
        addProbes(to: &routes)
        addPeople(to: &routes)
        addEvents(to: &routes)
        addSegments(to: &routes)
        addDeliveries(to: &routes)
        addV2(to: &routes)
    }

    private func addProbes(to routes: inout Routes) {
        on(.get, "/auth", in: &routes) { _, _, workspace in
            .track(.done, json: ["meta": ["message": "nice credentials."]], from: workspace.name)
        }
        // Both regions tell where an account lives, also the one where it does not (track-api.md §9.1).
        routes.on(.get, "/api/v1/accounts/region") { request, _ in
            guard let workspace = request.workspace else { return unauthorised }
            return try await admitted(to: workspace) {
                .track(.done, json: region(of: workspace), from: workspace.name)
            }
        }
    }

    private func region(of workspace: EmbeddedWorkspace) -> JSON {
        let host = workspace.traits.region == .eu ? "track-eu.customer.io" : "track.customer.io"
        return [
            "url": .string("https://\(host)"),
            "data_center": .string(workspace.traits.region.rawValue),
            "region": .string(workspace.traits.region.rawValue),
            "environment_id": .number(JSON.Number(workspace.environmentID)),
        ]
    }

    // MARK: Credentials

    typealias Handler =
        @Sendable (IncomingRequest, Routes.Parameters, EmbeddedWorkspace) async throws -> Answer

    /// Adds a handler for those whose credentials open a workspace.
    func on(_ method: HTTPRequest.Method, _ path: String, in routes: inout Routes, _ answer: @escaping Handler) {
        routes.on(method, path) { request, parameters in
            guard let workspace = request.workspace else { return unauthorised }
            return try await answered(request, by: workspace) { try await answer(request, parameters, workspace) }
        }
    }

    /// Adds a handler for everybody; credentials that open a workspace tell which one is meant, else it is the first
    /// (track-api.md §2).
    func onOpen(_ method: HTTPRequest.Method, _ path: String, in routes: inout Routes, _ answer: @escaping Handler) {
        routes.on(method, path) { request, parameters in
            guard let workspace = request.workspace ?? workspaces.all.first else { return unauthorised }
            return try await answered(request, by: workspace) { try await answer(request, parameters, workspace) }
        }
    }

    /// Sends who comes to the host of another region to the workspace's own, method and body included (track-api.md §1).
    private func answered(
        _ request: IncomingRequest,
        by workspace: EmbeddedWorkspace,
        _ answer: () async throws -> Answer
    ) async throws -> Answer {
        if let host = workspace.traits.redirectsTo, let authority = request.authority, !host.isReached(by: authority) {
            var answer = Answer.problem(.elsewhere, "this workspace is at \(host)", from: workspace.name)
            answer.headers[.location] = host.url(for: request.target)
            return answer
        }
        return try await admitted(to: workspace, answer)
    }

    /// Answers 429 to what is beyond the rate of a workspace that has one (track-api.md §4).
    private func admitted(
        to workspace: EmbeddedWorkspace,
        _ answer: () async throws -> Answer
    ) async throws -> Answer {
        if let limit = workspace.traits.requestsPerSecond,
            !rates.admits(workspace.name, limit: limit, now: serverNow())
        {
            var answer = Answer.problem(.overloaded, "rate limit exceeded", from: workspace.name)
            answer.headers[.retryAfter] = "1"
            return answer
        }
        return try await answer()
    }

    /// The workspace that knows a delivery, where nothing else tells which one is meant.
    func workspace(ofDelivery id: String) async throws -> EmbeddedWorkspace? {
        for embedded in workspaces.all {
            let isKnown = try await stored { () async throws(StorageError) in
                try await embedded.workspace.knows(delivery: id)
            }
            if isKnown { return embedded }
        }
        return nil
    }

    private var unauthorised: Answer { .problem(.unauthorised, "Unauthorized request") }

    // MARK: Bodies

    typealias MakeRefusal = (_ field: String, _ message: String, _ workspace: String) -> Answer

    /// Reads the body as JSON and answers what cannot be. No body at all is `absent`, or a mistake where that is `nil`.
    func withJSON(
        _ request: IncomingRequest,
        upTo limit: Int,
        in embedded: EmbeddedWorkspace,
        absent: JSON? = nil,
        refusal: MakeRefusal,
        _ answer: (JSON) async throws -> Answer
    ) async throws -> Answer {
        let body = try await request.readBody(upTo: limit, seconds: Self.bodySeconds, budget: budget)
        defer { budget.giveBack(body.heldBytes) }
        switch body {
        case .whole(let buffer):
            if buffer.readableBytes == 0, let absent { return try await answer(absent) }
            guard let json = try? JSON(parsing: buffer) else { return refusal("", "malformed JSON", embedded.name) }
            return try await answer(json)
        case .tooLarge(isDrained: true, _): return refusal("", "request is too large", embedded.name)
        case .tooLarge(isDrained: false, _): return .cutOff(.farTooLarge, "request is too large", from: embedded.name)
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
