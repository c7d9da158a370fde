import AsyncHTTPClient
import Delivery
import Events
import Integrations
import Logging
import Server
import ServiceLifecycle
import Storage
import Telemetry
import TrackAPI

/// Where a listener ended up, for those who wait for it.
struct Bound: Sendable {
    private let addresses: AsyncStream<ListenAddress>
    private let continuation: AsyncStream<ListenAddress>.Continuation

    init() {
        (addresses, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var set: @Sendable (ListenAddress) -> Void {
        { [continuation] in continuation.yield($0) }
    }

    /// The address; `nil` when the task is cancelled before the listener is there.
    func value() async -> ListenAddress? {
        await addresses.first { _ in true }
    }
}

/// Begins to deliver once both listeners are there: an integration may send to the embedded workspace behind one of them.
struct DeliveryService: Service {
    let tenants: [Tenant]
    let store: DataStore
    let control: DeliveryControl
    let metrics: MetricsRegistry
    let httpClient: HTTPClient
    let bound: (public: Bound, private: Bound)
    let options: Instance.Options
    let logger: Logger

    func run() async throws {
        guard let publicAddress = await bound.public.value(), let privateAddress = await bound.private.value() else {
            return
        }
        var destinations: [Dispatcher.Destination] = []
        for tenant in tenants {
            let client = TrackClient(
                httpClient: httpClient,
                endpoint: try tenant.endpoint(privateURL: privateAddress.url),
                credentials: Credentials(siteId: tenant.siteId, apiKey: tenant.apiKey),
                logger: logger
            )
            if !tenant.isEmbedded { await check(client, of: tenant.integration.name) }
            destinations.append(Dispatcher.Destination(integration: tenant.integration, send: client.exchange))
        }
        let dispatcher = Dispatcher(
            destinations: destinations,
            log: store.log,
            ledger: store.ledger,
            jobs: store.jobs,
            control: control,
            metrics: metrics,
            surroundings: Dispatcher.Surroundings(
                now: { Moment.now },
                sleep: { try? await Task.sleep(for: $0) },
                chance: { Double.random(in: 0...1) },
                observe: options.observe
            ),
            logger: logger
        )
        let addresses = Instance.Addresses(publicURL: publicAddress.url, privateURL: privateAddress.url)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await dispatcher.run() }
            await options.onReady(addresses)
            try await group.waitForAll()
        }
    }

    /// Says plainly what is wrong with the credentials; an endpoint that can't be reached blocks nothing (actions.md §1).
    private func check(_ client: TrackClient, of integration: String) async {
        switch await client.checkCredentials() {
        case .valid(_, _, let note?): Terminal.error("\(integration): \(note)")
        case .valid: break
        case .refused(let words), .unreachable(let words), .unexpected(let words):
            Terminal.error("\(integration): \(words)")
        }
    }
}

extension Moment {
    /// The system's clocks.
    fileprivate static var now: Moment {
        let steady = start.duration(to: .now)
        return Moment(
            steady: Int64(steady / .milliseconds(1)),
            wall: Timestamp.now.milliseconds
        )
    }

    private static let start = ContinuousClock.now
}
