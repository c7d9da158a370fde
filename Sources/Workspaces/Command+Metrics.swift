import LosslessJSON
import Storage

/// Reads what becomes of deliveries, by each of the ways in which clients tell it (track-api.md §18).
extension Command {
    /// The metrics that can be reported (track-api.md §18.1).
    private static let metrics = [
        "delivered", "opened", "clicked", "converted", "bounced", "dropped", "deferred", "spammed",
    ]
    private static let pushMetrics = ["opened", "converted", "delivered"]
    private static let inAppMetrics = ["opened", "clicked"]

    /// A delivery event of version 2.
    static func delivery(_ reader: inout ItemReader, now: Int64) -> Command? {
        let identifiers = reader.object(reader.item["identifiers"], orEmpty: "identifiers")
        let id = reader.identifierText(identifiers["id"], field: "identifiers.id")
        let name = metricName("name", among: pushMetrics, &reader)
        let attributes = reader.object(reader.item["attributes"], orEmpty: "attributes")
        let token = text(attributes["device_token"], field: "attributes.device_token", &reader)
        let time = reader.time(reader.item["timestamp"], field: "timestamp", default: now)
        guard let id, let name, let token else { return nil }
        return push(id, name, token, time)
    }

    /// A metric of any channel: `POST /api/v1/metrics` (§18.1).
    static func metric(_ reader: inout ItemReader, now: Int64) -> Command? {
        let id = reader.identifierText(reader.item["delivery_id"], field: "delivery_id")
        let name = metricName("metric", among: metrics, &reader)
        let time = reader.time(reader.item["timestamp"], field: "timestamp", default: now)
        var data = JSON.Object()
        for key in ["recipient", "reason", "href", "metadata"] {
            guard let value = reader.item[key], !value.isNull else { continue }
            if key == "metadata" {
                _ = reader.object(value, orEmpty: key)
            } else if value.stringValue == nil, value.numberValue == nil {
                reader.refuse(.invalid(key, "must be a string or a number"))
            }
            data.append(key, value)
        }
        guard let id, let name else { return nil }
        return .metric(DeliveryMetric(deliveryId: id, name: name, timestamp: time, data: data), nil)
    }

    /// A metric of a push: `POST /api/v1/push/events` (§18.2).
    static func pushMetric(_ reader: inout ItemReader, now: Int64) -> Command? {
        let id = reader.identifierText(reader.item["delivery_id"], field: "delivery_id")
        let name = metricName("event", among: pushMetrics, &reader)
        let token = text(reader.item["device_id"], field: "device_id", &reader)
        let time = reader.time(reader.item["timestamp"], field: "timestamp", default: now)
        guard let id, let name, let token else { return nil }
        return push(id, name, token, time)
    }

    /// A metric of an in-app message, as the old mobile SDKs send it (§18.3).
    static func inAppMetric(_ reader: inout ItemReader, now: Int64) -> Command? {
        if let type = word("type", &reader), type != "in_app" {
            reader.refuse(.invalid("type", "is not supported"))
        }
        guard let value = reader.item["payload"], !value.isNull else {
            reader.refuse(.required("payload"))
            return nil
        }
        let payload = reader.object(value, orEmpty: "payload")
        let id = reader.identifierText(payload["delivery_id"], field: "payload.delivery_id")
        let name = text(payload["event"], field: "payload.event", &reader)
        if let name, !inAppMetrics.contains(name) {
            reader.refuse(.invalid("payload.event", "is not supported"))
        }
        let time = reader.time(payload["timestamp"], field: "payload.timestamp", default: now)
        let metadata = reader.object(payload["metadata"], orEmpty: "payload.metadata")
        guard let id, let name else { return nil }
        let data: JSON.Object = metadata.isEmpty ? [:] : ["metadata": .object(metadata)]
        return .metric(DeliveryMetric(deliveryId: id, name: name, timestamp: time, data: data), .inApp)
    }

    private static func push(_ id: String, _ name: String, _ token: String, _ time: Int64) -> Command {
        .metric(DeliveryMetric(deliveryId: id, name: name, timestamp: time, data: ["recipient": .string(token)]), .push)
    }

    private static func metricName(_ field: String, among names: [String], _ reader: inout ItemReader) -> String? {
        guard let name = word(field, &reader) else { return nil }
        if !names.contains(name) { reader.refuse(.invalid(field, "is not supported")) }
        return name
    }

    private static func text(_ value: JSON?, field: String, _ reader: inout ItemReader) -> String? {
        guard let value, !value.isNull else {
            reader.refuse(.required(field))
            return nil
        }
        guard let text = value.stringValue, !text.isBlank else {
            reader.refuse(.invalid(field, "must be a string that is not blank"))
            return nil
        }
        return text
    }
}
