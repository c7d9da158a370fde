import Delivery
import Diagnostics
import Events
import Integrations
import LosslessJSON
import Storage

/// What each integration does at the moment, and the sums of what it did.
extension DeliveryAPI {
    func listIntegrations() async throws -> Answer {
        var items: [JSON] = []
        for integration in live.all { items.append(try await status(of: integration)) }
        return .admin(.done, json: ["items": .array(items)])
    }

    func status(of integration: LiveIntegration) async throws -> JSON {
        var status: JSON.Object = [
            "name": .string(integration.name), "managedBy": .string(integration.home.rawValue),
            "enabled": .bool(integration.integration.isEnabled),
            "revision": .number(JSON.Number(integration.history.newest.number)),
        ]
        guard let sums = try await sums(of: integration) else {
            status["health"] = ["state": "starting", "words": "it begins with the next event"]
            return .object(status)
        }
        let lag = sums.lag
        status["health"] = health(sums.lanes, sums.counts, lag, isPaused: integration.isPaused)
        status["lag"] = ["events": .number(JSON.Number(lag.events)), "seconds": .number(JSON.Number(lag.seconds))]
        status["events"] = sums.counts.events.json
        status["operations"] = .object(sums.counts.operationsJSON)
        status["ignored"] = .object(sums.counts.ignoredJSON)
        status["lanes"] = .array(sums.lanes.map(\.json))
        return .object(status)
    }

    /// What is known of an integration as a whole.
    struct Sums {
        let counts: DeliveryCounts
        let lag: (events: Int64, seconds: Int64)
        let lanes: [LaneStatus]
    }

    /// `nil` before the integration has begun.
    func sums(of integration: LiveIntegration) async throws -> Sums? {
        let name = integration.name
        let (live, metrics) = try await stored { () async throws(StorageError) in
            (try await data.ledger.counted(.live, of: name), try await data.ledger.counted(.metrics, of: name))
        }
        guard let live else { return nil }
        return Sums(
            counts: DeliveryCounts(live: live, metrics: metrics),
            lag: try await lag(behind: [live, metrics].compactMap { $0?.cursor.position }.min() ?? 0),
            lanes: control.statuses.filter { $0.integration.hasSameBytes(as: name) }
        )
    }

    /// How many events wait, and for how long the first of them has.
    private func lag(behind position: Int64) async throws -> (events: Int64, seconds: Int64) {
        let (last, first) = try await stored { () async throws(StorageError) in
            (try await data.log.lastSequence(), try await data.log.read(after: position, limit: 1).first)
        }
        guard let first else { return (0, 0) }
        return (max(0, last - position), max(0, (now() - first.receivedAt) / 1_000))
    }

    /// One sentence: is it healthy, how far behind, when is the next try.
    private func health(
        _ lanes: [LaneStatus],
        _ counts: DeliveryCounts,
        _ lag: (events: Int64, seconds: Int64),
        isPaused: Bool
    ) -> JSON {
        let waiting = lag.events.counting("event waits", "events wait")
        let behind = lag.events == 0 ? "nothing waits" : "\(waiting), the first for \(lag.seconds.span)"
        if isPaused { return ["state": "paused", "words": .string("paused by an operator; \(behind)")] }
        for lane in lanes {
            switch lane.road {
            case .held: return ["state": "paused", "words": .string("paused by an operator; \(behind)")]
            case .paused(let until, let words):
                return ["state": "paused", "words": .string("\(words); next try \(inSeconds(until)); \(behind)")]
            case .closed(let until, let words):
                return ["state": "unreachable", "words": .string("\(words); next try \(inSeconds(until)); \(behind)")]
            case .open: continue
            }
        }
        if lanes.isEmpty { return ["state": "stopped", "words": .string("it is not running; \(behind)")] }
        let retrying = counts.total.retrying
        if retrying > 0 {
            let again = retrying.counting("operation is", "operations are")
            return ["state": "retrying", "words": .string("\(again) tried again; \(behind)")]
        }
        return ["state": lag.seconds > 60 ? "behind" : "healthy", "words": .string(behind)]
    }

    private func inSeconds(_ time: Int64) -> String {
        let seconds = (time - now() + 999) / 1_000
        return seconds > 0 ? "in \(seconds.span)" : "now"
    }
}

extension DeliveryCounts {
    fileprivate var operationsJSON: JSON.Object {
        var object = JSON.Object()
        for (action, counts) in operations.sorted(by: { $0.key < $1.key }) { object[action] = counts.json }
        return object
    }

    fileprivate var ignoredJSON: JSON.Object {
        var object = JSON.Object()
        for (action, reasons) in ignored.sorted(by: { $0.key < $1.key }) {
            var counts = JSON.Object()
            for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) {
                counts[reason] = .number(JSON.Number(count))
            }
            object[action] = .object(counts)
        }
        return object
    }
}

extension DeliveryCounts.Events {
    fileprivate var json: JSON {
        [
            "accepted": .number(JSON.Number(accepted)), "planned": .number(JSON.Number(planned)),
            "ignored": .number(JSON.Number(ignored)), "skipped": .number(JSON.Number(skipped)),
            "expired": .number(JSON.Number(expired)), "erased": .number(JSON.Number(erased)),
            "waiting": .number(JSON.Number(waiting)),
        ]
    }
}

extension DeliveryCounts.Operations {
    fileprivate var json: JSON {
        [
            "planned": .number(JSON.Number(planned)), "delivered": .number(JSON.Number(delivered)),
            "waiting": .number(JSON.Number(waiting)), "retrying": .number(JSON.Number(retrying)),
            "failed": .number(JSON.Number(failed)), "discarded": .number(JSON.Number(discarded)),
            "erased": .number(JSON.Number(erased)),
        ]
    }
}

extension LaneStatus {
    fileprivate var json: JSON {
        let road: JSON =
            switch self.road {
            case .open: ["state": "open"]
            case .held: ["state": "held"]
            case .closed(let until, let words):
                ["state": "closed", "words": .string(words), "nextTryAt": .time(until)]
            case .paused(let until, let words):
                ["state": "paused", "words": .string(words), "nextTryAt": .time(until)]
            }
        return [
            "kind": .string(kind.text), "position": .number(JSON.Number(position)),
            "lastRead": .number(JSON.Number(lastRead)), "road": road, "underWay": .number(JSON.Number(underWay)),
            "concurrency": .number(JSON.Number(concurrency)), "held": .number(JSON.Number(held)),
        ]
    }
}

extension JSON {
    /// Milliseconds since 1970, as text.
    static func time(_ milliseconds: Int64?) -> JSON {
        milliseconds.flatMap { Timestamp(milliseconds: $0).iso8601 }.map(JSON.string) ?? .null
    }
}
