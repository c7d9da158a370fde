import LosslessJSON

/// How everything is: each integration in a sentence, and the sums.
extension Console {
    func overview(_ visit: ConsoleVisit) async throws -> Outcome {
        let integrations = try await api.get(["integrations"])["items"].list
        let log = try await api.get(["log"])
        let refused = try await api.get(["rejected"], ["limit": "1"])["count"].count
        let nodes = try await api.get(["nodes"])
        let there = nodes["items"].list.count { $0["isThere"] == true }
        let last = Self.span(named: visit.query("last"))
        var cards: [View] = []
        for integration in integrations {
            var view = card(integration)
            let counts = try await api.get(["integrations", integration["name"].words, "counts"], ["last": last])
            view["chart"] = chart(of: counts, over: last)
            cards.append(view)
        }
        let failed = integrations.reduce(0) { $0 + Self.total("failed", of: $1) }
        let view: View = [
            "events": log["events"].count.grouped, "isEmpty": log["last"].count == 0,
            "refused": refused.grouped, "hasRefused": refused > 0,
            "failed": failed.grouped, "hasFailed": failed > 0,
            "bytes": Self.size(log["bytes"].count),
            "isShared": nodes["isShared"] == true, "nodes": there == 1 ? "1 node" : "\(there) nodes",
            "integrations": cards, "spans": Self.spans(chosen: last, at: "/console"), "hasNone": integrations.isEmpty,
        ]
        return .page(Page(title: "Overview", in: .overview, template: "overview", view: view))
    }

    /// An integration with its sentence and its sums.
    func card(_ integration: JSON) -> View {
        let name = integration["name"].words
        let state = integration["health"]?["state"].words ?? "–"
        let path = "/console/integrations/\(name.asSegment)"
        return [
            "name": name, "path": path, "state": state, "tone": tone(of: state),
            "words": integration["health"]?["words"].words ?? "", "isManaged": integration["managedBy"].text == "file",
            "isPaused": state == "paused" && integration["health"]?["words"].text?.hasPrefix("paused by") == true,
            "isOff": integration["enabled"] == false,
            "eventSums": [
                "sums": sums(of: integration["events"], Self.eventSums) { part in
                    "\(path)/deliveries" + (part.state.map { "?state=\($0.percentEncoded)" } ?? "")
                }
            ] as View,
            "headings": Self.operationSums.map(\.heading),
            "operations": (integration["operations"]?.objectValue ?? [:]).map { member -> View in
                let base = "\(path)/deliveries?action=\(member.key.percentEncoded)"
                return [
                    "action": member.key,
                    "sums": sums(of: member.value, Self.operationSums) { part in
                        part.key == "failed"
                            ? "\(path)/failed" : base + (part.state.map { "&state=\($0.percentEncoded)" } ?? "")
                    },
                ]
            },
            "ignored": (integration["ignored"]?.objectValue ?? [:]).flatMap { member -> [View] in
                (member.value.objectValue ?? [:]).map { reason in
                    [
                        "action": member.key.isEmpty ? "the event" : member.key, "reason": reason.key,
                        "count": (reason.value as JSON?).count.grouped,
                        "path": "\(path)/deliveries?state=ignored"
                            + (member.key.isEmpty ? "" : "&action=\(member.key.percentEncoded)"),
                    ]
                }
            },
        ]
    }

    /// A part of a sum: the API's name for it, the heading, and the state that finds what is behind it.
    typealias Part = (key: String, heading: String, state: String?)

    static let eventSums: [Part] = [
        ("accepted", "Accepted", nil), ("planned", "Planned", nil), ("ignored", "Ignored", "ignored"),
        ("skipped", "Not for it", "not for this integration"), ("expired", "Expired", nil),
        ("erased", "Erased", "erased"), ("waiting", "Waiting", "waiting"),
    ]
    static let operationSums: [Part] = [
        ("planned", "Planned", nil), ("delivered", "Delivered", "delivered"), ("waiting", "Waiting", "waiting"),
        ("retrying", "Retrying", "retrying"), ("failed", "Failed", "failed"), ("discarded", "Discarded", nil),
        ("erased", "Erased", nil),
    ]

    private func sums(of counts: JSON?, _ parts: [Part], _ path: (Part) -> String) -> [View] {
        parts.map { part in
            let count = counts?[part.key].count ?? 0
            let view: View = [
                "heading": part.heading, "count": count.grouped, "isZero": count == 0, "path": path(part),
                "tone": part.key == "failed" && count > 0 ? "bad" : "",
            ]
            return view
        }
    }

    private static func total(_ part: String, of integration: JSON) -> Int64 {
        (integration["operations"]?.objectValue ?? [:]).reduce(0) { $0 + ($1.value[part].count) }
    }

    static func size(_ bytes: Int64) -> String {
        let units = ["B", "KB", "MB", "GB", "TB"]
        var (value, unit) = (Double(bytes), 0)
        while value >= 1_000, unit < units.count - 1 { (value, unit) = (value / 1_000, unit + 1) }
        let tenths = Int64((value * 10).rounded())
        return unit == 0 || tenths >= 1_000
            ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
