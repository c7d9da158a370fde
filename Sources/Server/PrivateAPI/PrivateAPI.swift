package import Events
import HTTPTypes
package import Logging
import LosslessJSON
import Storage

/// The private listener's service: the Track API of the embedded workspaces at Customer.io's own paths, and beside it,
/// under reserved names, what is Ferry's own (design.md, "Two listeners").
package struct PrivateAPI: HTTPService {
    private let hosts: AllowedHosts
    private let isReady: @Sendable () async -> Bool
    private let log: RepeatedLog
    private let now: @Sendable () -> Timestamp
    private let stage: TrackStage
    private var routes = Routes()
    private var console: ConsolePages?

    /// A private API over these workspaces.
    ///
    /// - Parameters:
    ///   - address: What the listener is bound to.
    ///   - workspaces: The embedded workspaces.
    ///   - rejected: The refused messages.
    ///   - eventLog: The event log.
    ///   - delivery: What delivery does and did.
    ///   - configuration: What the integrations are.
    ///   - sources: Who sends.
    ///   - metrics: What Prometheus reads.
    ///   - adminToken: What `/admin` asks for as a Bearer token; `nil` asks for nothing.
    ///   - additionalHosts: Names under which the listener is reached, beside this machine's own and the bound one.
    ///   - isSecure: Whether the listener speaks TLS.
    ///   - isReady: Whether Ferry can take calls at the moment.
    ///   - logger: Takes faults, without bodies, keys or header values.
    ///   - clock: The workspaces' clock; without one it is the server's, and can be moved.
    ///   - now: The server's clock.
    /// - Throws: `ListenerError` with the code `adminTokenRequired` for an address that other machines reach while
    ///   there is no token.
    package init(
        address: ListenAddress,
        workspaces: EmbeddedWorkspaces,
        rejected: RejectedAPI? = nil,
        log eventLog: LogAPI? = nil,
        delivery: DeliveryAPI? = nil,
        configuration: ConfigurationAPI? = nil,
        sources: SourcesAPI? = nil,
        metrics: MetricsAPI? = nil,
        adminToken: String?,
        additionalHosts: [String] = [],
        isSecure: Bool = false,
        isReady: @escaping @Sendable () async -> Bool = { true },
        logger: Logger,
        clock: WorkspaceClock? = nil,
        now: @escaping @Sendable () -> Timestamp
    ) throws(ListenerError) {
        let token = adminToken.flatMap { $0.isEmpty ? nil : $0 }
        guard address.isLoopback || token != nil else {
            throw ListenerError(
                .adminTokenRequired,
                """
                \(address) is reached by other machines, and the private listener shows everything there is: \
                set an admin token, or listen on 127.0.0.1
                """
            )
        }
        hosts = AllowedHosts(bound: address, additional: additionalHosts)
        self.isReady = isReady
        log = RepeatedLog(logger)
        self.now = now
        let clock = clock ?? WorkspaceClock(now)
        stage = TrackStage(workspaces: workspaces, clock: clock)
        TrackEndpoints(workspaces: workspaces, now: { clock.now }, serverNow: now).add(to: &routes)
        let door = AdminDoor(token: token)
        AdminAPI(workspaces: workspaces, door: door).add(to: &routes)
        WatchAPI(workspaces: workspaces).add(to: &routes, behind: door)
        WorkspaceAPI(workspaces: workspaces, clock: clock).add(to: &routes, behind: door)
        JournalAPI(workspaces: workspaces).add(to: &routes, behind: door)
        FaultsAPI(workspaces: workspaces).add(to: &routes, behind: door)
        rejected?.add(to: &routes, behind: door)
        eventLog?.add(to: &routes, behind: door)
        if let delivery {
            delivery.add(to: &routes, behind: door)
            JobsAPI(delivery: delivery).add(to: &routes, behind: door)
            NodesAPI(nodes: delivery.data.nodes).add(to: &routes, behind: door)
            ErasureAPI(delivery: delivery, workspaces: workspaces).add(to: &routes, behind: door)
        }
        configuration?.add(to: &routes, behind: door)
        sources?.add(to: &routes, behind: door)
        metrics?.add(to: &routes, behind: door)
        OpenAPIDocument.add(to: &routes, behind: door)
        addHealth()
        if let delivery {
            console = ConsolePages(
                over: routes,
                behind: door,
                sessions: ConsoleSessions(
                    signer: delivery.data.signer(for: "console sessions", with: token ?? ""),
                    kept: delivery.data.endedSessions
                ),
                changes: { delivery.data.log.appended },
                isSecure: isSecure,
                now: now
            )
        }
    }

    private mutating func addHealth() {
        let isReady = isReady
        routes.on(.get, "/livez") { _, _ in Answer(.done, json: ["status": "alive"]) }
        routes.on(.get, "/readyz") { _, _ in
            await isReady()
                ? Answer(.done, json: ["status": "ready"]) : Answer(.notReady, json: ["status": "not ready"])
        }
    }

    /// What it answers: `GET /admin/v1/jobs/{number}`, `POST /api/v2/batch` and so on.
    package var operations: Set<String> { routes.operations }

    /// Answers one request.
    package func answer(_ request: IncomingRequest) async throws(BrokenRequest) -> Answer {
        guard hosts.allows(request.authority) else {
            return .problem(
                .foreignHost,
                "this listener answers to its own address and to localhost, not to the name in the Host header"
            )
        }
        if let console, let path = ConsolePages.path(of: request) {
            return try await handle(request) { try await console.answer($0, path) }
        }
        return TrackStage.isMeant(by: request) ? try await stage.answer(request, handle) : try await handle(request)
    }

    private func handle(_ request: IncomingRequest) async throws(BrokenRequest) -> Answer {
        switch routes.match(request) {
        case .handler(let handler, let parameters):
            return try await handle(request) { try await handler($0, parameters) }
        case .wrongMethod(let allowed):
            var answer = Answer.problem(.wrongMethod, "Method not allowed")
            answer.headers[.allow] = allowed.map(\.rawValue).sorted().joined(separator: ", ")
            return answer
        case .unknownPath: return .problem(.unknownPath, "Not found")
        }
    }

    private func handle(
        _ request: IncomingRequest,
        _ work: (IncomingRequest) async throws -> Answer
    ) async throws(BrokenRequest) -> Answer {
        do {
            return try await work(request)
        } catch let broken as BrokenRequest {
            throw broken
        } catch let failure as Intake.Failure {
            return answer(to: failure)
        } catch {
            log.note(.error, "A request could not be answered", kind: "\(type(of: error))", now: now())
            return .problem(.fault, "something went wrong in the server: its log says more")
        }
    }

    private func answer(to failure: Intake.Failure) -> Answer {
        switch failure {
        case .overloaded(let seconds):
            var answer = Answer.problem(.overloaded, "too much waits already: try again in \(seconds) s")
            answer.headers[.retryAfter] = String(seconds)
            return answer
        case .busy(let words): return .problem(.storageUnavailable, words)
        case .unavailable(let reason):
            log.note(.error, "The data cannot be reached", kind: reason, now: now())
            return .problem(
                .storageUnavailable,
                "the database does not answer or fails: try again later; the server's log says more"
            )
        }
    }
}
