import Events
package import Integrations
package import Logging
import LosslessJSON
import ServiceLifecycle
package import Storage
package import TrackAPI

/// Delivery: the log's events, in order, to each integration.
///
/// The dispatcher reads the log, plans, sends, and records how far it came; every decision about what may be sent next is
/// the `Outbox`'s. Integrations never wait for each other. It knows no HTTP and no SQL: sending is a closure, recording
/// is Storage's.
package struct Dispatcher: Service {
    /// An integration and the way to it.
    package struct Destination: Sendable {
        package let integration: Integration
        package let send: @Sendable ([Operation]) async -> Answer

        package init(integration: Integration, send: @escaping @Sendable ([Operation]) async -> Answer) {
            self.integration = integration
            self.send = send
        }
    }

    /// The world: time, chance, and who watches.
    package struct Surroundings: Sendable {
        /// Milliseconds since 1970.
        package var now: @Sendable () -> Int64
        /// Waits; returns early when the task is cancelled.
        package var sleep: @Sendable (Duration) async -> Void
        /// 0 to 1.
        package var chance: @Sendable () -> Double
        package var observe: @Sendable (DispatchNote) -> Void

        package init(
            now: @escaping @Sendable () -> Int64,
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
    private let cursors: Cursors
    private let surroundings: Surroundings
    private let logger: Logger

    package init(
        destinations: [Destination],
        log: EventLog,
        cursors: Cursors,
        surroundings: Surroundings,
        logger: Logger
    ) {
        self.destinations = destinations
        self.log = log
        self.cursors = cursors
        self.surroundings = surroundings
        self.logger = logger
    }

    /// Delivers until the service group shuts down gracefully (a request under way is finished and recorded) or the task
    /// is cancelled (it is not).
    ///
    /// - Throws: `StorageError` when an integration's position can't be read at the start.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for destination in destinations {
                group.addTask {
                    let lane = Lane(
                        destination: destination,
                        log: log,
                        cursors: cursors,
                        surroundings: surroundings,
                        logger: logger
                    )
                    try await lane.run()
                }
            }
            try await group.waitForAll()
        }
        // With nothing to deliver, too, a service that ends would end the server.
        if destinations.isEmpty { try? await gracefulShutdown() }
    }
}
