import Events
import HTTPTypes
import LosslessJSON
import NIOCore
import Storage

/// What makes an embedded workspace one that tests can rely on: what it was asked, and what is to go wrong.
struct TestDouble: Sendable {
    let journal: Journal
    let faults = Faults()
}

/// Stands in front of the Track API: finds the workspace that is meant, lets its faults come true, and writes each request
/// and its answer into the journal.
struct TrackStage: Sendable {
    /// Four times the largest body of the Track API: what is larger, its endpoints do not read to the end either.
    private static let bodyBytes = 4 * 512_000
    private static let bodySeconds = 60

    private let workspaces: EmbeddedWorkspaces
    private let clock: WorkspaceClock
    private let budget = ByteBudget(limit: 64 << 20)

    init(workspaces: EmbeddedWorkspaces, clock: WorkspaceClock) {
        self.workspaces = workspaces
        self.clock = clock
    }

    /// Whether a request is one to the Track API, by the first segment of its path.
    static func isMeant(by request: IncomingRequest) -> Bool {
        guard let first = RequestPath(target: request.target)?.segments.first else { return false }
        return ["api", "auth", "push", "unsubscribe"].contains(first)
    }

    /// Answers a request; `carryOut` is the Track API behind.
    func answer(
        _ request: IncomingRequest,
        _ carryOut: (IncomingRequest) async throws(BrokenRequest) -> Answer
    ) async throws(BrokenRequest) -> Answer {
        let at = clock.now
        let start = ContinuousClock.now
        var request = request
        do throws(StorageError) {
            request.workspace = try await opened(by: request)
        } catch {
            return .problem(.storageUnavailable, "the workspace's database fails: try again later")
        }
        // For a request without credentials the first one, as in the endpoints that ask for none.
        let isOpen = request.headers[.authorization] == nil
        let workspace = request.workspace ?? (isOpen ? workspaces.all.first : nil)
        // A stranger's body is not read.
        let body = workspace == nil ? nil : try await read(request)
        defer { budget.giveBack(body?.heldBytes ?? 0) }
        if let body { request = request.with(body) }
        var answer: Answer
        var fault: Int?
        if let workspace, let befallen = befalling(request, body, in: workspace) {
            fault = befallen.number
            answer = try await befallen.fault.answer(request, body?.bytes ?? [], from: workspace.name, carryOut)
        } else {
            answer = try await carryOut(request)
        }
        let named = answer.headers[.workspace].flatMap { workspaces.named($0) }
        let double = (workspace ?? named).map { workspaces.double(of: $0) } ?? workspaces.strangers
        let duration = start.duration(to: .now)
        double.journal.append { number in
            Journal.Entry(
                number: number,
                at: at,
                microseconds: Int64(duration / .microseconds(1)),
                method: request.method.rawValue,
                target: request.target,
                headers: request.headers.withoutCredentials,
                body: body.flatMap { $0.isCut ? nil : $0.bytes },
                status: answer.ending == .reset ? 0 : Int(answer.status.code),
                answer: answer.ending == .reset ? [] : answer.body,
                fault: fault
            )
        }
        return answer
    }

    private func opened(by request: IncomingRequest) async throws(StorageError) -> EmbeddedWorkspace? {
        guard let authorization = Authorization(request.headers[.authorization]), authorization.scheme == .basic,
            let credentials = BasicCredentials(token: authorization.token)
        else { return nil }
        return try await workspaces.opened(by: credentials)
    }

    /// The body, kept for the journal; `nil` for one that is announced as larger than anybody reads.
    private func read(_ request: IncomingRequest) async throws(BrokenRequest) -> ReceivedBody? {
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard announced <= Self.bodyBytes else { return nil }
        let body = try await request.readBody(upTo: Self.bodyBytes, seconds: Self.bodySeconds, budget: budget)
        // What is left of it is not worth reading.
        if case .tooLarge(_, let beginning) = body { return .tooLarge(isDrained: false, beginning: beginning) }
        return body
    }

    private func befalling(
        _ request: IncomingRequest,
        _ body: ReceivedBody?,
        in workspace: EmbeddedWorkspace
    ) -> (number: Int, fault: Fault)? {
        let faults = workspaces.double(of: workspace).faults
        guard !faults.isEmpty else { return nil }
        let path = RequestPath(target: request.target)?.segments ?? []
        let method = request.method.rawValue
        let json = body.flatMap { try? JSON(parsing: $0.bytes) }
        return faults.befalling(
            method: method,
            path: path,
            RequestContents(method: method, path: path, body: json)
        )
    }
}
