import Delivery
import HTTPTypes
import Integrations
import LosslessJSON
import Storage
package import Telemetry

/// `/metrics` in Prometheus' text format: what was counted while Ferry runs, and the ledger's sums of the moment.
package struct MetricsAPI: Sendable {
    private let registry: MetricsRegistry
    private let delivery: DeliveryAPI

    /// - Parameters:
    ///   - registry: what is counted while Ferry runs.
    ///   - delivery: what is summed on the disk.
    package init(_ registry: MetricsRegistry, delivery: DeliveryAPI) {
        self.registry = registry
        self.delivery = delivery
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        routes.on(.get, "/metrics", behind: door) { _, _ in
            Answer(
                .done,
                headers: [.contentType: Exposition.contentType, .cacheControl: "no-store"],
                body: Array(try await page().utf8)
            )
        }
    }

    private func page() async throws -> String {
        var page = Exposition()
        registry.write(to: &page) { Self.help[$0] ?? "Counted while Ferry runs." }
        addCommits(to: &page)
        addNodes(to: &page)
        addSpool(to: &page)
        // While the database is away, what is known without it is told: that is when somebody looks.
        var isReadable = true
        do {
            try await addLog(to: &page)
            // Of several nodes each tells what it does alone, so that a sum over them is one.
            for integration in delivery.live.all where delivery.data.nodes.held(.integration(integration.name)) != nil {
                try await add(integration, to: &page)
            }
        } catch is Intake.Failure {
            isReadable = false
        }
        page.add(
            "ferry_log_readable",
            .gauge,
            "0 while the log's database can't be read; the sums that it holds are missing here then.",
            isReadable ? 1 : 0
        )
        return page.text
    }

    private func addSpool(to page: inout Exposition) {
        let status = delivery.data.spool
        let age = status?.oldestAt.map { max(0, delivery.now() - $0) } ?? 0
        page.add(
            "ferry_spool_events",
            .gauge,
            "Accepted events that wait on this machine for the log's database.",
            Double(status?.events ?? 0)
        )
        page.add(
            "ferry_spool_oldest_seconds",
            .gauge,
            "For how long the first of them has waited.",
            Double(age) / 1_000
        )
    }

    private static let help = [
        "ferry_events_accepted_total": "Events that were accepted and are on the disk.",
        "ferry_events_repeated_total": "Events that had been accepted before.",
        "ferry_events_dropped_total":
            "Events that left a full log before they were delivered, for drop_unsettled is on.",
        "ferry_messages_rejected_total": "Messages that were refused and kept.",
        "ferry_messages_rejected_displaced_total": "Refused messages that are gone, for newer ones needed the room.",
        "ferry_delivery_requests_total": "Requests to a destination, by how they ended.",
        "ferry_delivery_request_seconds": "How long requests to a destination took.",
        "ferry_delivery_request_operations": "How many operations were in a request.",
        "ferry_storage_slow_statements_total": "Statements that took longer than log.slow_statement_ms, by database.",
    ]

    /// Who is there, and what this one does alone.
    private func addNodes(to page: inout Exposition) {
        let nodes = delivery.data.nodes
        let there = nodes.isAlone ? 1 : nodes.all.count(where: \.isThere)
        page.add("ferry_nodes", .gauge, "Nodes that were heard of in the last 10 seconds.", Double(there))
        for name in delivery.live.all.map({ LeaseName.integration($0.name) }) + [.erasing, .retention] {
            page.add(
                "ferry_lease_held",
                .gauge,
                "1 where this node holds a lease; the maximum over all nodes is 0 while nobody does what it is for.",
                labels: [("lease", name.text)],
                nodes.held(name) == nil ? 0 : 1
            )
        }
    }

    private func addLog(to page: inout Exposition) async throws {
        if delivery.data.nodes.held(.retention) != nil {
            let (count, bytes, refused) = try await stored { () async throws(StorageError) in
                (
                    try await delivery.data.log.count(), try await delivery.data.retention.usedBytes(),
                    try await delivery.data.refusedMessages.count()
                )
            }
            page.add("ferry_log_events", .gauge, "Events in the log.", Double(count))
            page.add("ferry_log_bytes", .gauge, "Bytes that the log's database uses.", Double(bytes))
            page.add("ferry_messages_rejected_kept", .gauge, "Refused messages that are kept.", Double(refused))
        } else {
            // Another node tells these; whether they can be read is told all the same.
            _ = try await stored { () async throws(StorageError) in try await delivery.data.log.lastSequence() }
        }
    }

    /// What this process has done with the log.
    private func addCommits(to page: inout Exposition) {
        page.add(
            "ferry_log_full",
            .gauge,
            "1 while the log is at its size, all of it is still to be delivered, and sources are answered 429.",
            delivery.data.retention.isFull ? 1 : 0
        )
        let commits = delivery.data.log.commitStatistics
        page.add("ferry_log_commits_total", .counter, "Group commits to the log.", Double(commits.groups))
        page.add(
            "ferry_log_commit_wait_seconds_total",
            .counter,
            "For how long calls waited for their commits, all together.",
            commits.waited / .seconds(1)
        )
    }

    private func add(_ integration: LiveIntegration, to page: inout Exposition) async throws {
        guard let sums = try await delivery.sums(of: integration) else { return }
        let name = [("integration", integration.name)]
        let events: [(String, Int64)] = [
            ("planned", sums.counts.events.planned), ("ignored", sums.counts.events.ignored),
            ("skipped", sums.counts.events.skipped), ("expired", sums.counts.events.expired),
            ("erased", sums.counts.events.erased),
        ]
        for (outcome, count) in events {
            page.add(
                "ferry_delivery_events_total",
                .counter,
                "Events that an integration is done with, by what became of them.",
                labels: name + [("outcome", outcome)],
                Double(count)
            )
        }
        page.add("ferry_delivery_lag_events", .gauge, "Events that wait.", labels: name, Double(sums.lag.events))
        page.add(
            "ferry_delivery_lag_seconds",
            .gauge,
            "For how long the first event that waits has waited.",
            labels: name,
            Double(sums.lag.seconds)
        )
        for (action, counts) in sums.counts.operations.sorted(by: { $0.key < $1.key }) {
            add(counts, labels: name + [("action", action)], to: &page)
        }
        for lane in sums.lanes { add(lane, labels: name + [("lane", lane.kind.label)], to: &page) }
    }

    private func add(
        _ counts: DeliveryCounts.Operations,
        labels: [(String, String)],
        to page: inout Exposition
    ) {
        let done = [
            ("planned", counts.planned), ("delivered", counts.delivered), ("discarded", counts.discarded),
            ("erased", counts.erased),
        ]
        for (outcome, count) in done {
            page.add(
                "ferry_delivery_operations_total",
                .counter,
                "Operations that were planned, and those of them that are delivered, discarded or erased.",
                labels: labels + [("outcome", outcome)],
                Double(count)
            )
        }
        for (state, count) in [("waiting", counts.waiting), ("retrying", counts.retrying), ("failed", counts.failed)] {
            page.add(
                "ferry_delivery_operations",
                .gauge,
                "Operations that are not delivered, by their state.",
                labels: labels + [("state", state)],
                Double(count)
            )
        }
    }

    private func add(_ lane: LaneStatus, labels: [(String, String)], to page: inout Exposition) {
        let isOpen = lane.road == .open
        page.add("ferry_delivery_road_open", .gauge, "1 while requests go out.", labels: labels, isOpen ? 1 : 0)
        page.add(
            "ferry_delivery_requests_under_way",
            .gauge,
            "Requests that wait for their answer.",
            labels: labels,
            Double(lane.underWay)
        )
        page.add(
            "ferry_delivery_concurrency",
            .gauge,
            "How many requests may be under way.",
            labels: labels,
            Double(lane.concurrency)
        )
        page.add(
            "ferry_delivery_held_operations",
            .gauge,
            "Operations in memory that are not settled and recorded.",
            labels: labels,
            Double(lane.held)
        )
    }
}
