package import AsyncHTTPClient
package import Logging
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// TrackAPI: talks to Customer.io's Track API, or to anything that speaks it.
///
/// This room knows what an `Operation` looks like on the wire, how many of them one request may hold, and what every
/// answer means: for each operation, for the group, for the settings. It sends one request when it is told to, and says
/// what came of it. It refuses to know where operations come from, when to try again, what was sent before, and what is
/// kept on disk. It holds no state but its connections and when their names were looked up; it follows no redirect but
/// from one region to the other, connects to no address that `AddressRules` refuses, and logs neither bodies nor
/// credentials.
///
/// `TrackClient` is the door: a value that may be copied and used by many tasks at once.
package struct TrackClient: Sendable {
    private let sender: RequestSender
    private let reader: AnswerReader

    /// What requests say of themselves.
    package static let userAgent = "Ferry/0.1"
    /// Where an account tells its region, and whether credentials are good (track-api.md §9.1).
    static let regionPath = "/api/v1/accounts/region"

    /// - Parameters:
    ///   - httpClient: made with `TrackClient.httpConfiguration`, shut down by the caller, shared by any number of
    ///     clients.
    ///   - endpoint: where the requests go.
    ///   - credentials: sent with each request, shown nowhere.
    ///   - timeout: for one request, from its start to the last byte of its answer. Long by default, because a request
    ///     that is applied after it was given up can overtake its own repetition (delivery.md F23).
    ///   - logger: gets a line at debug level for each request: status and counts, no content.
    ///   - network: what is around this machine; another one is for tests.
    ///   - now: Unix seconds, for a `Retry-After` date in an answer that has no `Date`.
    package init(
        httpClient: HTTPClient,
        endpoint: Endpoint,
        credentials: Credentials,
        timeout: Duration = .seconds(30),
        logger: Logger,
        network: Network = Network(),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) {
        self.sender = RequestSender(
            httpClient: httpClient,
            endpoint: endpoint,
            addresses: AddressCheck(resolver: network.resolver, rules: network.addresses),
            regions: network.regions,
            authorization: credentials.authorization,
            timeout: min(max(timeout, .milliseconds(1)), .seconds(3_600)),
            logger: logger,
            now: now
        )
        self.reader = AnswerReader(endpoint: endpoint, credentials: credentials)
    }

    /// What a client takes for granted of the network.
    package struct Network: Sendable {
        /// Asked before connections are made.
        package var resolver = NameResolver.system
        /// For what the resolver answers. Connections themselves are held to the rules of their `HTTPClient`.
        package var addresses = AddressRules.standard
        /// Between which a redirect is followed.
        package var regions = RegionHosts.official

        package init() {}
    }

    /// How an `HTTPClient` for this room is made: no redirects of its own, no second attempts, no connections to where
    /// none may be made.
    package static var httpConfiguration: HTTPClient.Configuration {
        httpConfiguration(addresses: .standard)
    }

    /// As `httpConfiguration`, with rules of one's own.
    package static func httpConfiguration(addresses: AddressRules) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10)),
            // Customer.io and load balancers close idle connections after a minute: leave first, or a request meets a
            // connection that is just being closed.
            connectionPool: .init(idleTimeout: .seconds(25), concurrentHTTP1ConnectionsPerHostSoftLimit: 32),
            decompression: .disabled
        )
        // Waiting and trying again is decided by the caller, who knows of pauses and of shutting down.
        configuration.connectionPool.retryConnectionEstablishment = false
        // HTTP/2 where the TLS handshake offers it: many requests at a time then need one connection.
        configuration.httpVersion = .automatic
        return addresses.guarding(configuration)
    }

    /// Sends one request with these operations and says what it told about them. Never throws.
    ///
    /// One metric goes to `/api/v1/metrics`, one item to `/api/v2/entity`, several items to `/api/v2/batch`; nothing
    /// is sent for no operation. `Batch.cut` keeps to the limits, which are not checked again here. A second request
    /// is made only when the other region is to be asked instead (`RegionHosts`), and when the answer is 403: the
    /// region call then, to learn whether the credentials or the operations are meant. Each call of this is a trace of its
    /// own (`Exchange.trace`), which the requests name in `traceparent`; the region call has one of its own. A cancelled task gets
    /// `.unavailable` or `.suspicious`, as the request was begun or not.
    package func send(_ operations: [Operation]) async -> Answer {
        await exchange(operations).answer
    }

    /// As `send`, with the status and the sender of the answer. What may not leave any more when there is a connection is
    /// `.unavailable`.
    package func exchange(_ operations: [Operation], while gate: @escaping DepartureGate = { true }) async -> Exchange {
        guard !operations.isEmpty else { return Exchange(status: nil, answer: .settled([]), workspace: nil) }
        let batch = Batch(operations)
        guard batch.isOneRequest else {
            // Halving separates them.
            return Exchange(
                status: nil,
                answer: .unclear(words: "a metric must be alone in its request"),
                workspace: nil
            )
        }
        let trace = TraceID.random()
        switch await sender.send(.POST, batch.path, body: batch.encoded(), trace: trace, gate: gate) {
        case .failure(let failure):
            return Exchange(status: nil, answer: failure.answer, workspace: nil, trace: trace)
        case .success(let response):
            let answer =
                response.status == 403
                ? reader.forbidden(response, batch: batch, check: await checkCredentials())
                : reader.answer(to: batch, from: response)
            return Exchange(
                status: response.status,
                answer: answer,
                workspace: response.workspace.map(ForeignWords.clean),
                trace: trace
            )
        }
    }

    /// Asks the endpoint whether it knows the credentials, and for the account's true region (actions.md §1).
    package func checkCredentials() async -> CredentialsCheck {
        switch await sender.send(.GET, TrackClient.regionPath, body: nil, trace: .random()) {
        case .failure(let failure): failure.credentialsCheck
        case .success(let response): reader.credentialsCheck(from: response)
        }
    }
}
