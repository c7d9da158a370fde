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

    private let ways: [Way]
    private let jobs: Jobs
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
        jobs: Jobs,
        control: DeliveryControl = DeliveryControl(),
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        surroundings: Surroundings,
        logger: Logger
    ) {
        let start = surroundings.now().steady
        ways = destinations.map { destination in
            let limit = destination.integration.settings.rateLimit
            return Way(destination: destination, rate: RateLimit(perSecond: limit, at: start))
        }
        self.jobs = jobs
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
            for way in ways {
                for kind in Ledger.Kind.standing {
                    group.addTask { _ = try await lane(kind, to: way).run() }
                }
            }
            // Waits for jobs also when there is nothing to deliver: a service that ends would end the server.
            group.addTask { await JobRunner(jobs: jobs, control: control, logger: logger, lane: jobLane).run() }
            try await group.waitForAll()
        }
    }

    // MARK: Lanes

    private func lane(_ kind: Ledger.Kind, to way: Way) -> Lane {
        let scope: Planner.Scope = kind == .metrics ? .metrics : .live
        let planner = Planner(integration: way.destination.integration, scope: scope, keys: ledger.keys)
        return lane(kind, to: way, feed: Feed(log, planner), job: nil)
    }

    /// The lane for a job; `nil` when its integration is not there any more.
    private func jobLane(_ job: Job) -> Lane? {
        guard let way = ways.first(where: { $0.destination.integration.name.hasSameBytes(as: job.integration) }) else {
            return nil
        }
        let integration = way.destination.integration
        let feed: Feed
        switch (job.kind, job.origin) {
        case (.retry, let origin?):
            let planner = Planner(integration: integration, scope: .retry, keys: ledger.keys)
            feed = Feed(log, ledger, planner, retrying: job, of: origin)
        case (.replay, _), (.retry, nil):
            let planner = Planner(integration: integration, scope: .replay(job), keys: ledger.keys)
            feed = Feed(log, planner, through: job.selection.last)
        }
        return lane(.job(job.id), to: way, feed: feed, job: job)
    }

    private func lane(_ kind: Ledger.Kind, to way: Way, feed: Feed, job: Job?) -> Lane {
        Lane(
            destination: way.destination,
            kind: kind,
            feed: feed,
            log: log,
            ledger: ledger,
            control: control,
            job: job,
            meters: LaneMeters(integration: way.destination.integration.name, kind: kind, factory: metrics),
            rate: way.rate,
            limits: limits,
            surroundings: surroundings,
            logger: logger
        )
    }
}

/// A destination and the rate that everything shares which sends to it.
private struct Way: Sendable {
    let destination: Dispatcher.Destination
    let rate: RateLimit
}
