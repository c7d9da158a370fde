package import CoreMetrics
import Events
package import Integrations
package import Logging
import LosslessJSON
import ServiceLifecycle
package import Storage
package import TrackAPI

/// Delivery: the log's events to each integration, in order for each person, device and object.
///
/// Every decision is the `Cursor`'s, a value that does no I/O: what may be sent next, what an answer means, what is to be
/// written down. A `Lane` carries out what its cursor orders. An integration has two: items of the v2 API, and metrics, which
/// have an API of their own. Integrations never wait for each other. This room knows no HTTP and no SQL: sending is a
/// closure, recording is Storage's.
package struct Dispatcher: Service {
    /// An integration and the way to it.
    package struct Destination: Sendable {
        package let integration: Integration
        package let send: @Sendable ([Operation]) async -> Exchange

        package init(integration: Integration, send: @escaping @Sendable ([Operation]) async -> Exchange) {
            self.integration = integration
            self.send = send
        }
    }

    /// The world: time, chance, and who watches.
    package struct Surroundings: Sendable {
        package var now: @Sendable () -> Moment
        /// Waits; returns early when the task is cancelled.
        package var sleep: @Sendable (Duration) async -> Void
        /// 0 to 1.
        package var chance: @Sendable () -> Double
        package var observe: @Sendable (DispatchNote) -> Void

        package init(
            now: @escaping @Sendable () -> Moment,
            sleep: @escaping @Sendable (Duration) async -> Void,
            chance: @escaping @Sendable () -> Double,
            observe: @escaping @Sendable (DispatchNote) -> Void = { _ in }
        ) {
            self.now = now
            self.sleep = sleep
            self.chance = chance
            self.observe = observe
        }
    }

    private let destinations: [Destination]
    private let log: EventLog
    private let ledger: Ledger
    private let limits: Cursor.Limits
    private let control: DeliveryControl
    private let metrics: any MetricsFactory
    private let surroundings: Surroundings
    private let logger: Logger

    package init(
        destinations: [Destination],
        log: EventLog,
        ledger: Ledger,
        control: DeliveryControl = DeliveryControl(),
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        surroundings: Surroundings,
        logger: Logger
    ) {
        self.destinations = destinations
        self.log = log
        self.ledger = ledger
        self.control = control
        self.metrics = metrics
        limits = Cursor.Limits()
        self.surroundings = surroundings
        self.logger = logger
    }

    /// Delivers until the service group shuts down gracefully (a request under way is finished and recorded) or the task
    /// is cancelled (it is not).
    ///
    /// - Throws: `StorageError` when an integration's position can't be read at the start.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in destinations.flatMap(lanes) {
                group.addTask { try await lane.run() }
            }
            try await group.waitForAll()
        }
        // With nothing to deliver, too, a service that ends would end the server.
        if destinations.isEmpty { try? await gracefulShutdown() }
    }

    private func lanes(to destination: Destination) -> [Lane] {
        let rate = RateLimit(
            perSecond: destination.integration.settings.rateLimit,
            at: surroundings.now().steady
        )
        return Ledger.Kind.allCases.map { kind in
            Lane(
                destination: destination,
                planner: Planner(integration: destination.integration, kind: kind, keys: ledger.keys),
                log: log,
                ledger: ledger,
                control: control,
                meters: LaneMeters(integration: destination.integration.name, kind: kind, factory: metrics),
                rate: rate,
                limits: limits,
                surroundings: surroundings,
                logger: logger
            )
        }
    }
}
