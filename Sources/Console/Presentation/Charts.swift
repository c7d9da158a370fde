import Events
import LosslessJSON

/// Small charts of counts over time, drawn here as SVG: bars of what became of the events.
extension Console {
    private static let height = 60.0

    /// The one that is named, or the last hour.
    static func span(named name: String?) -> String {
        switch name {
        case let name? where ["day", "week"].contains(name): name
        default: "hour"
        }
    }

    static func spans(chosen: String, at path: String) -> [View] {
        [("hour", "Last hour"), ("day", "Last day"), ("week", "Last week")].map { name, title in
            ["path": "\(path)?last=\(name)", "title": title, "isHere": name == chosen]
        }
    }

    /// The chart of what the admin API counted in the last hour, day or week.
    func chart(of counts: JSON, over last: String) -> View {
        let buckets = counts["items"].list
        let totals = buckets.map { $0["planned"].count + $0["ignored"].count }
        let most = max(totals.max() ?? 0, 1)
        let width = 600.0 / Double(max(buckets.count, 1))
        let bars = buckets.enumerated().flatMap { position, bucket -> [View] in
            var top = Self.height
            let minute = Timestamp(callTime: bucket["at"] ?? .null)?.iso8601?.prefix(16) ?? ""
            return [("planned", "planned"), ("ignored", "ignored")].compactMap { key, word in
                let count = bucket[key].count
                guard count > 0 else { return nil }
                // What is there is seen, however little it is.
                let height = max(1.5, Double(count) / Double(most) * (Self.height - 2))
                top -= height
                return [
                    "x": Self.number(Double(position) * width), "y": Self.number(max(0, top)),
                    "width": Self.number(max(1, width - 1)), "height": Self.number(height), "kind": word,
                    "words": "\(count.grouped) \(word), \(minute)Z",
                ]
            }
        }
        let (planned, ignored) = (
            buckets.reduce(0) { $0 + $1["planned"].count }, buckets.reduce(0) { $0 + $1["ignored"].count }
        )
        return [
            "bars": bars, "most": most.grouped,
            "words": "In the last \(last): \(planned.grouped) events planned, \(ignored.grouped) ignored.",
        ]
    }

    /// With one place behind the point.
    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
