import CoreMetrics
import Events
import Foundation
import Logging
import ServiceLifecycle
import Storage

/// Keeps the data within its bounds, a little at a time: what is too old, or too much, leaves, and old counts stand together.
struct Housekeeping: Service {
    let store: DataStore
    let logger: Logger
    let policy: @Sendable () -> LogRetention.Policy
    private let dropped: Counter

    private static let pace = Duration.seconds(1)
    /// Between two steps that remove something, so that events that arrive are not held up.
    private static let breath = Duration.milliseconds(20)
    private static let secondsBetweenWarnings = 60.0
    private static let secondsBetweenMerges = 3_600.0

    init(
        _ store: DataStore,
        logger: Logger,
        metrics: any MetricsFactory,
        policy: @escaping @Sendable () -> LogRetention.Policy
    ) {
        self.store = store
        self.logger = logger
        dropped = Counter(label: "ferry_events_dropped", factory: metrics)
        self.policy = policy
    }

    func run() async {
        await cancelWhenGracefulShutdown {
            var warnedAt = Date.distantPast
            var failedAt = Date.distantPast
            var droppedSince = 0
            var mergesAt = Date.distantPast
            while !Task.isCancelled {
                let outcome = await step(&failedAt)
                if mergesAt.timeIntervalSinceNow <= 0, await mergeCounts() {
                    mergesAt = Date(timeIntervalSinceNow: Self.secondsBetweenMerges)
                }
                droppedSince += outcome.dropped
                dropped.increment(by: outcome.dropped)
                if outcome.isFull || droppedSince > 0, warnedAt.timeIntervalSinceNow < -Self.secondsBetweenWarnings {
                    warn(isFull: outcome.isFull, dropped: droppedSince)
                    warnedAt = Date()
                    droppedSince = 0
                }
                let isDone = outcome.isDone && mergesAt.timeIntervalSinceNow > 0
                try? await Task.sleep(for: isDone ? Self.pace : Self.breath)
            }
        }
    }

    private func step(_ failedAt: inout Date) async -> LogRetention.Outcome {
        let now = Timestamp.now.milliseconds
        // One node does it for all.
        guard let lease = store.nodes.held(.retention) else { return LogRetention.Outcome() }
        do {
            try await store.refusedMessages.under(lease).trim(at: now)
            return try await store.retention.under(lease).sweep(policy(), at: now)
        } catch {
            if failedAt.timeIntervalSinceNow < -Self.secondsBetweenWarnings {
                logger.error("old data can't be removed", metadata: ["error": "\(error)"])
                failedAt = Date()
            }
            return LogRetention.Outcome()
        }
    }

    /// Whether nothing is left to merge for now.
    private func mergeCounts() async -> Bool {
        guard let lease = store.nodes.held(.retention) else { return true }
        do {
            return try await store.ledger.under(lease).mergeTallies(at: Timestamp.now.milliseconds)
        } catch {
            logger.error("old counts can't be merged", metadata: ["error": "\(error)"])
            return true
        }
    }

    private func warn(isFull: Bool, dropped: Int) {
        if dropped > 0 {
            logger.critical(
                "events left the log before they were delivered: it is at its size, and drop_unsettled is on",
                metadata: ["events": "\(dropped)", "bytes": "\(policy().bytes)"]
            )
        }
        if isFull {
            logger.critical(
                """
                the log is at its size, and all of it is still to be delivered: the source API answers 429 until an \
                integration goes on, or retention.size grows
                """,
                metadata: ["bytes": "\(policy().bytes)"]
            )
        }
    }
}
