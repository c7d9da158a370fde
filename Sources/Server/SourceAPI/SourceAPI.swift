package import Events
import HTTPTypes
package import Logging
import TrackAPI

/// The public listener's service: takes source calls over HTTP as source-api.md §1 has them.
///
/// Permissive mode, the default, refuses bad messages one by one, answers 200 and keeps what it refused; strict mode
/// (`X-Strict-Mode: 1`) takes a request as a whole or not at all. A 200 means that every accepted message is on disk.
package struct SourceAPI: HTTPService {
    let writeKeys: WriteKeys
    let intake: Intake
    let limits: SourceLimits
    let budget: ByteBudget
    let log: RepeatedLog
    let now: @Sendable () -> Timestamp
    let makeMessageId: @Sendable () -> String
    private var routes = Routes()

    /// A source API that starts with these keys.
    ///
    /// - Parameters:
    ///   - writeKeys: The keys of all sources.
    ///   - intake: Where messages go.
    ///   - limits: Bounds on requests.
    ///   - logger: Takes faults, without bodies, keys or header values.
    ///   - now: The server's clock.
    ///   - makeMessageId: Makes the id of a message that has none.
    package init(
        writeKeys: WriteKeys,
        intake: Intake,
        limits: SourceLimits = SourceLimits(),
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        makeMessageId: @escaping @Sendable () -> String = { MessageID.random() }
    ) {
        self.writeKeys = writeKeys
        self.intake = intake
        self.limits = limits
        budget = ByteBudget(limit: limits.bytesInFlight)
        log = RepeatedLog(logger)
        self.now = now
        self.makeMessageId = makeMessageId
        let unrouted = self
        for (path, call) in Self.paths {
            routes.on(.post, path) { request, _ in try await unrouted.accept(request, as: call) }
        }
        routes.on(.get, "/ferry.js") { request, _ in BrowserClient.answer(request) }
        routes.on(.post, "/v1/m") { request, _ in try await unrouted.takeMetrics(request) }
        routes.on(.get, "/v1/projects/{key}/settings") { request, path in
            unrouted.settings(request, key: path["key"])
        }
    }

    /// Where calls go, and which of them each path takes; `nil` for batches.
    static let paths: [String: Event.Call?] = {
        // Rudder's browser SDK has a beacon path of its own.
        var paths = ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"].map { ($0, Event.Call?.none) }
        // Browser SDKs post to the first letter.
        for call in Event.Call.allCases {
            paths += [("/v1/\(call.rawValue)", call), ("/v1/\(call.rawValue.prefix(1))", call)]
        }
        return Dictionary(uniqueKeysWithValues: paths)
    }()

    /// Answers one request, with the headers that let pages of any origin read it.
    package func answer(_ request: IncomingRequest) async throws(BrokenRequest) -> Answer {
        CrossOrigin.decorated(try await respond(to: request), for: request.header(.origin))
    }

    private func respond(to request: IncomingRequest) async throws(BrokenRequest) -> Answer {
        switch routes.match(request) {
        case .handler(let handler, let parameters):
            do {
                return try await handler(request, parameters)
            } catch let broken as BrokenRequest {
                throw broken
            } catch {
                return answer(to: error, trace: request.trace)
            }
        case .wrongMethod where request.method == .options:
            return CrossOrigin.preflight(request)
        case .wrongMethod(let allowed):
            let methods = allowed.map(\.rawValue).joined(separator: ", ")
            var answer = Answer.error(.wrongMethod, code: "method_not_allowed", "this path takes \(methods)")
            answer.headers[.allow] = "\(methods), OPTIONS"
            return answer
        case .unknownPath:
            return .error(
                .unknownPath,
                code: "not_found",
                "there is nothing here: calls go to /v1/identify, track, page, screen, group, alias or batch"
            )
        }
    }

    func answer(to error: any Error, trace: TraceID?) -> Answer {
        switch error as? Intake.Failure {
        case .overloaded(let seconds)?: return .overloaded(retryAfterSeconds: seconds, now: now())
        case .unavailable(let reason)?, .busy(let reason)?:
            log.note(.error, "Messages cannot be stored", kind: reason, trace: trace, now: now())
            return .error(.storageUnavailable, code: "internal", "the message could not be stored: try again later")
        case nil:
            log.note(
                .error,
                "A source call could not be answered",
                kind: "\(type(of: error))",
                trace: trace,
                now: now()
            )
            return .error(.fault, code: "internal", "something went wrong in the server: its log says more")
        }
    }
}
