import CoreMetrics
package import Storage
import TrackAPI

/// What one lane counts: requests by their answer, how long they took, and how full they were.
struct LaneMeters: Sendable {
    private let requests: [Kind: Counter]
    private let duration: Timer
    private let operations: Recorder

    /// How a request ended; a closed set, so that series are.
    private enum Kind: String, CaseIterable {
        case delivered, partly, refused, limited, failed, settings, unreachable
    }

    init(integration: String, kind: Ledger.Kind, factory: any MetricsFactory) {
        let lane = [("integration", integration), ("lane", kind.label)]
        var requests: [Kind: Counter] = [:]
        for kind in Kind.allCases {
            let labels = lane + [("outcome", kind.rawValue)]
            requests[kind] = Counter(label: "ferry_delivery_requests", dimensions: labels, factory: factory)
        }
        self.requests = requests
        duration = Timer(label: "ferry_delivery_request", dimensions: lane, factory: factory)
        operations = Recorder(
            label: "ferry_delivery_request_operations",
            dimensions: lane,
            aggregate: true,
            factory: factory
        )
    }

    func count(_ exchange: Exchange, operations count: Int, took: Swift.Duration) {
        requests[kind(of: exchange)]?.increment()
        let (seconds, attoseconds) = took.components
        duration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        operations.record(count)
    }

    private func kind(of exchange: Exchange) -> Kind {
        switch exchange.answer {
        case .settled(let outcomes):
            let delivered = outcomes.count { $0 == .delivered }
            return delivered == outcomes.count ? .delivered : delivered > 0 ? .partly : .refused
        case .unclear: return .refused
        case .unavailable: return exchange.status == nil ? .unreachable : .limited
        case .suspicious: return .failed
        case .settings: return .settings
        }
    }
}

extension Ledger.Kind {
    /// As a label, without the numbers of jobs.
    package var label: String {
        if case .job = self { "job" } else { text }
    }
}
