package import LosslessJSON

extension PlanComparison {
    /// As the admin API and `ferry preview --json` print it.
    package var json: JSON {
        var actions = JSON.Object()
        for (action, counts) in counts where !counts.isEmpty {
            actions.append(
                action,
                [
                    "present": .number(JSON.Number(counts.present)), "proposed": .number(JSON.Number(counts.proposed)),
                    "changed": .number(JSON.Number(counts.changed)),
                ]
            )
        }
        return [
            "integration": .string((proposed ?? present)?.name ?? ""), "isNew": .bool(present == nil),
            "events": .number(JSON.Number(events)), "changedEvents": .number(JSON.Number(changedEvents)),
            "actions": .object(actions), "samples": .array(samples.map(\.json)),
        ]
    }
}

extension PlanComparison.Sample {
    fileprivate var json: JSON {
        [
            "event": .number(JSON.Number(event)), "messageId": messageId.map(JSON.string) ?? .null,
            "differences": .array(
                differences.map { difference in
                    [
                        "action": .string(difference.action), "change": .string(difference.kind.rawValue),
                        "reason": difference.reason.map(JSON.string) ?? .null,
                        "fields": .array(difference.fields.map(\.json)),
                    ]
                }
            ),
        ]
    }
}

extension JSON.FieldDifference {
    /// What is not there is left out.
    fileprivate var json: JSON {
        var json: JSON.Object = ["path": .string(path)]
        if let present { json["present"] = present }
        if let proposed { json["proposed"] = proposed }
        return .object(json)
    }
}
