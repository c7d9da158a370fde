import LosslessJSON
import TrackAPI

extension ActionDefinition {
    /// actions.md §3, Report Delivery Event.
    static let reportDeliveryEvent = ActionDefinition(
        title: "Report Delivery Event",
        description: "Reports what became of a message that Customer.io sent: delivered, opened, clicked and so on.",
        trigger: #"event = "Report Delivery Event""#,
        rank: .metric,
        isCommand: true,
        fields: [
            Field(.deliveryId, "Delivery ID", required: true, from: "properties.deliveryId", help: "The message's id."),
            Field(
                .metric,
                "Metric",
                required: true,
                from: "properties.metric",
                help: "delivered, opened, clicked, converted, spammed, bounced, dropped or deferred."
            ),
            Field(.recipient, "Recipient", from: "properties.recipient", help: "The address or token it went to."),
            Field(.reason, "Reason", from: "properties.reason", help: "Why it failed."),
            Field(.href, "Link", from: "properties.href", help: "The link that was clicked."),
            Field(
                .actionName,
                "Action Name",
                from: "properties.actionName",
                help: "What was clicked in an in-app message."
            ),
            Field(.actionValue, "Action Value", from: "properties.actionValue", help: "The value of what was clicked."),
            .timestamp,
        ]
    ) { values throws(IgnoreReason) in
        let deliveryId = try values.required(.deliveryId)
        let metric = try values.required(.metric)
        let known = ["delivered", "opened", "clicked", "converted", "spammed", "bounced", "dropped", "deferred"]
        guard known.contains(metric.lowercased()) else { throw .invalid(.metric, value: metric) }

        var body = JSON.Object()
        body.append("delivery_id", .string(deliveryId))
        body.append("metric", .string(metric.lowercased()))
        for key in [Field.Key.recipient, .reason, .href] {
            if let text = values.text(key) { body.append(key.rawValue, .string(text)) }
        }
        if let timestamp = values.time(.timestamp) { body.append("timestamp", timestamp) }
        var metadata = JSON.Object()
        for key in [Field.Key.actionName, .actionValue] {
            if let text = values.text(key) { metadata.append(key.rawValue, .string(text)) }
        }
        if !metadata.isEmpty { body.append("metadata", .object(metadata)) }
        return Operation(kind: .metric, body: body)
    }
}
