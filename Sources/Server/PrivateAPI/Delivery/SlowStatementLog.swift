package import CoreMetrics
package import Logging
package import Storage

/// Logs and counts the statements that took long: a disk or a database that becomes slow says so before events wait.
package struct SlowStatementLog: Sendable {
    private let counters: [String: Counter]
    private let logger: Logger

    /// - Parameters:
    ///   - metrics: counts them, by database.
    ///   - logger: gets a line for each.
    package init(metrics: any MetricsFactory, logger: Logger) {
        let names = ["ferry.db", "workspace.db", "postgresql"]
        counters = Dictionary(
            uniqueKeysWithValues: names.map { name in
                (
                    name,
                    Counter(
                        label: "ferry_storage_slow_statements",
                        dimensions: [("database", name)],
                        factory: metrics
                    )
                )
            }
        )
        self.logger = logger
    }

    package var note: @Sendable (SlowStatement) -> Void {
        { slow in
            counters[slow.database]?.increment()
            let milliseconds = Int((slow.seconds * 1_000).rounded())
            logger.warning(
                "a statement took long",
                metadata: ["database": "\(slow.database)", "milliseconds": "\(milliseconds)", "sql": "\(slow.sql)"]
            )
        }
    }
}
