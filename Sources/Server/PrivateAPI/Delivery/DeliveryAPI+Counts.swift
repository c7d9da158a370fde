import Delivery
import LosslessJSON
import Storage

/// What was counted when, for charts.
extension DeliveryAPI {
    /// How far back, and how fine.
    private struct Span {
        let minutes: Int64
        let step: Int64

        init?(_ name: String) {
            switch name {
            case "hour": (minutes, step) = (60, 1)
            case "day": (minutes, step) = (24 * 60, 15)
            case "week": (minutes, step) = (7 * 24 * 60, 60)
            default: return nil
            }
        }
    }

    func countOverTime(_ name: String, _ request: IncomingRequest) async throws -> Answer {
        guard let integration = live.named(name) else { return live.unknown(name) }
        guard let span = Span(request.query["last"] ?? "hour") else {
            return .admin(.invalid, "last must be hour, day or week")
        }
        // The last bucket is the one of now.
        let first = (now() / 60_000 / span.step + 1) * span.step - span.minutes
        let buckets = try await stored { () async throws(StorageError) in
            try await data.ledger.buckets(of: integration.name, since: first, step: span.step)
        }
        let known = Dictionary(buckets.map { ($0.minute, $0.verdicts) }) { first, _ in first }
        let items = stride(from: first, to: first + span.minutes, by: Int64.Stride(span.step)).map { minute in
            DeliveryCounts(verdicts: known[minute] ?? [:]).json(at: minute)
        }
        return .admin(.done, json: ["stepSeconds": .number(JSON.Number(span.step * 60)), "items": .array(items)])
    }
}

extension DeliveryCounts {
    fileprivate func json(at minute: Int64) -> JSON {
        [
            "at": .time(minute * 60_000), "planned": .number(JSON.Number(events.planned)),
            "ignored": .number(JSON.Number(events.ignored)), "skipped": .number(JSON.Number(events.skipped)),
            "expired": .number(JSON.Number(events.expired)), "erased": .number(JSON.Number(events.erased)),
            "operations": .number(JSON.Number(total.planned)),
        ]
    }
}
