package import CoreMetrics
import Events
import Integrations
package import Logging
import LosslessJSON
import ServiceLifecycle
package import Storage
import TrackAPI

/// Delivery: the log's events to each integration, in order for each person, device and object.
///
/// Every decision is the `Cursor`'s, a value that does no I/O: what may be sent next, what an answer means, what is to be
/// written down. A `Lane` carries out what its cursor orders. An integration has two: items of the v2 API, and metrics, which
/// have an API of their own. Integrations never wait for each other. This room knows no HTTP and no SQL: sending is a
/// closure, recording is Storage's.
package struct Dispatcher: Service {
    /// The world: time, chance, and who watches.
    package struct Surroundings: Sendable {
        package var now: @Sendable () -> Moment
        /// Waits; returns early when the task is cancelled.
        package var sleep: @Sendable (Duration) async -> Void
        /// 0 to 1.
        package var chance: @Sendable () -> Double
        package var observe: @Sendable (DispatchNote) -> Void
        /// Called when integrations have taken the command of an erasure: what was kept of the requests may go.
        package var forgetRequests: @Sendable () -> Void

        package init(
            now: @escaping @Sendable () -> Moment,
            sleep: @escaping @Sendable (Duration) async -> Void,
            chance: @escaping @Sendable () -> Double,
            observe: @escaping @Sendable (DispatchNote) -> Void = { _ in },
            forgetRequests: @escaping @Sendable () -> Void = {}
        ) {
            self.now = now
            self.sleep = sleep
            self.chance = chance
            self.observe = observe
            self.forgetRequests = forgetRequests
        }
    }

    private let integrations: LiveIntegrations
    private let jobs: Jobs
    private let erasures: Erasures?
    private let log: EventLog
    private let ledger: Ledger
    private let limits: Cursor.Limits
    private let nodes: Nodes
    private let control: DeliveryControl
    private let metrics: any MetricsFactory
    private let surroundings: Surroundings
    private let logger: Logger

    package init(
        integrations: LiveIntegrations,
        log: EventLog,
        ledger: Ledger,
        jobs: Jobs,
        erasures: Erasures? = nil,
        nodes: Nodes,
        control: DeliveryControl = DeliveryControl(),
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        surroundings: Surroundings,
        logger: Logger
    ) {
        self.integrations = integrations
        self.jobs = jobs
        self.erasures = erasures
        self.log = log
        self.ledger = ledger
        self.nodes = nodes
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
        let eraser = erasures.map(eraser)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await keepLanes() }
            // Waits for jobs also when there is nothing to deliver: a service that ends would end the server.
            group.addTask { await jobRunner.run() }
            if let eraser { group.addTask { await eraser.run() } }
            // The first error ends all of it: `waitForAll` would wait for the others first.
            while try await group.next() != nil {}
        }
    }

    private func eraser(_ erasures: Erasures) -> Eraser {
        Eraser(
            erasures: erasures,
            ledger: ledger,
            nodes: nodes,
            control: control,
            surroundings: surroundings,
            logger: logger,
            integration: integrations.named
        )
    }

    // MARK: Lanes

    /// Lanes for every integration whose lease this node has, also for those that come later.
    private func keepLanes() async throws {
        let underWay = UnderWay<String>()
        try await withThrowingDiscardingTaskGroup { group in
            for await _ in integrations.changes.cancelOnGracefulShutdown() {
                for integration in integrations.all {
                    guard let lease = nodes.held(.integration(integration.name)),
                        underWay.begins(integration.name)
                    else { continue }
                    group.addTask {
                        try await runLanes(of: integration, under: lease)
                        underWay.ended(integration.name)
                        integrations.lookAgain()
                    }
                }
            }
        }
    }

    private func runLanes(of integration: LiveIntegration, under lease: Lease) async throws {
        do {
            _ = try await lease.holding {
                integration.begin()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for kind in Ledger.Kind.standing {
                        group.addTask { _ = try await lane(kind, of: integration, lease).run() }
                    }
                    // Where one of them can't begin, both begin again.
                    while try await group.next() != nil {}
                }
                if integration.lastRead > 0, !Task.isCancelled {
                    try await ledger.under(lease).note(readThrough: integration.lastRead, of: integration.name)
                }
            }
        } catch {
            guard !nodes.isAlone else { throw error }
            // Another node has it, or the database is away; whoever has the lease then begins again.
            let facts: Logger.Metadata = ["integration": "\(integration.name)", "error": "\(error)"]
            logger.warning("delivery to an integration ends here", metadata: facts)
            await surroundings.sleep(.seconds(1))
        }
    }

    private func lane(_ kind: Ledger.Kind, of integration: LiveIntegration, _ lease: Lease) -> Lane {
        let feed: Feed
        if kind == .metrics {
            let planner = Planner(integration.history, scope: .metrics, keys: ledger.keys)
            feed = Feed(log, planner, integrations, following: integration)
        } else {
            let planner = Planner(integration.history, scope: .live, keys: ledger.keys)
            feed = Feed(log, planner, integrations, leading: integration)
        }
        return lane(kind, of: integration, lease, feed: feed, job: nil)
    }

    private var jobRunner: JobRunner {
        JobRunner(jobs: jobs, erasures: erasures, nodes: nodes, control: control, logger: logger, lane: jobLane)
    }

    /// The lane for a job; `nil` when its integration is not there any more.
    private func jobLane(_ job: Job, under lease: Lease) -> Lane? {
        guard let integration = integrations.named(job.integration) else { return nil }
        // Another node may have made it a moment ago.
        if let number = job.revision, integration.history.revision(numbered: number) == nil { return nil }
        let feed: Feed
        switch (job.kind, job.origin) {
        case (.retry, let origin?):
            let planner = Planner(integration.history, scope: .retry, pinnedTo: job.revision, keys: ledger.keys)
            feed = Feed(log, ledger, planner, integrations, retrying: job, of: origin)
        case (.replay, _), (.retry, nil):
            let planner = Planner(integration.history, scope: .replay(job), pinnedTo: job.revision, keys: ledger.keys)
            feed = Feed(log, planner, integrations, through: { job.selection.last })
        }
        return lane(.job(job.id), of: integration, lease, feed: feed, job: job)
    }

    private func lane(
        _ kind: Ledger.Kind,
        of integration: LiveIntegration,
        _ lease: Lease,
        feed: Feed,
        job: Job?
    ) -> Lane {
        Lane(
            integration: integration,
            kind: kind,
            feed: feed,
            log: log,
            ledger: ledger.under(lease),
            lease: lease,
            control: control,
            job: job,
            meters: LaneMeters(integration: integration.name, kind: kind, factory: metrics),
            limits: limits,
            surroundings: surroundings,
            logger: logger
        )
    }
}
