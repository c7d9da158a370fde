import Diagnostics
import Integrations
import LosslessJSON

extension PlanComparison {
    /// What would change, for people.
    func show() {
        let name = (proposed ?? present)?.name ?? ""
        let beside = present == nil ? "; the server does not have it yet" : ""
        Terminal.print(
            "\(Terminal.styled(name, .bold)): \(changedEvents) of \(events.counting("event")) would change\(beside)"
        )
        for (action, counts) in counts where !counts.isEmpty {
            let sum = "\(counts.present) now, \(counts.proposed) then, \(counts.changed) of them different"
            let isSame = counts.present == counts.proposed && counts.changed == 0
            Terminal.print("  \(action): " + (isSame ? "\(counts.present), the same" : sum))
        }
        for sample in samples { sample.show() }
        if samples.count < changedEvents, !samples.isEmpty {
            let hidden = (changedEvents - samples.count).counting("more event", "more events")
            Terminal.error("\(hidden) would change: --samples shows more of them")
        }
    }
}

extension PlanComparison.Sample {
    fileprivate func show() {
        Terminal.print("event \(event)\(messageId.map { ", \($0.onOneLine(upTo: 100))" } ?? "")")
        for difference in differences {
            let reason = difference.reason.map { " (\($0))" } ?? ""
            Terminal.print("  \(difference.action) \(difference.kind.rawValue)\(reason)".onOneLine(upTo: 300))
            for field in difference.fields {
                if let present = field.present { Self.line("-", field.path, present, .red) }
                if let proposed = field.proposed { Self.line("+", field.path, proposed, .green) }
            }
        }
    }

    private static func line(_ mark: String, _ path: String, _ value: JSON, _ style: Terminal.Style) {
        Terminal.print(Terminal.styled("    \(mark) \(path) \(value)".onOneLine(upTo: 400), style))
    }
}
