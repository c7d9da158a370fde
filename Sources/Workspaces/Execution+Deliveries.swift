import LosslessJSON
import Storage

/// Delivery metrics, unsubscribing and manual segments.
///
/// Ferry sends no messages, so whose a delivery is, is known only when a metric has named a recipient whom it knows.
extension Execution {
    // MARK: Metrics

    /// track-api.md §18: any delivery is accepted.
    func record(_ metric: DeliveryMetric, by told: DeliveryChannel?) throws {
        try workspace.record(metric)
        let known = try workspace.delivery(metric.deliveryId)
        let named = try recipient(of: metric, by: told)
        let channel = try told ?? known.flatMap { DeliveryChannel(rawValue: $0.channel) } ?? channel(of: metric)
        if let named, known == nil {
            try workspace.setDelivery(metric.deliveryId, person: named, channel: channel.rawValue)
        }
        let data: JSON.Object = ["delivery_id": .string(metric.deliveryId)]
        try workspace.log(
            ActivityEntry(
                subject: (named ?? known?.person).map { .person($0) } ?? .nobody(identifiers: JSON.Object()),
                type: "\(metric.name)_\(channel.rawValue)",
                timestamp: metric.timestamp,
                loggedAt: now,
                data: .object(data.overlaid(with: metric.data))
            )
        )
    }

    private func channel(of metric: DeliveryMetric) throws -> DeliveryChannel {
        guard let text = metric.recipient else { return metric.data["metadata"] == nil ? .unknown : .inApp }
        if try workspace.device(text) != nil { return .push }
        if metric.data["metadata"] != nil { return .inApp }
        return text.isAddress ? .email : .unknown
    }

    /// The recipient of a metric: a device, an e-mail address or an id (§18.1); a device alone for a push.
    private func recipient(of metric: DeliveryMetric, by channel: DeliveryChannel?) throws -> PersonKey? {
        guard let text = metric.recipient else { return nil }
        if let device = try workspace.device(text) { return device.person }
        guard channel != .push else { return nil }
        return try workspace.person(.email(text))?.key ?? workspace.person(.id(text))?.key
    }

    // MARK: Unsubscribing

    /// track-api.md §9.16: sets `unsubscribed` on the recipient; of a delivery that nobody has told of, it is only
    /// written down that somebody wished it.
    func unsubscribe(recipientOf deliveryId: String, _ isUnsubscribed: Bool) throws {
        let data: JSON.Object = ["delivery_id": .string(deliveryId), "unsubscribe": .bool(isUnsubscribed)]
        guard let delivery = try workspace.delivery(deliveryId),
            let person = try workspace.person(at: delivery.person)
        else { return try drop("unsubscribe", because: .unknownDelivery, more: data) }
        if isUnsubscribed { try log("unsubscribed_email", of: person, data: data) }
        let attributes: JSON.Object = ["unsubscribed": .bool(isUnsubscribed)]
        let outcome = try workspace.attributes(of: person.key).applying(attributes, at: now)
        try workspace.setAttributes(outcome.attributes, of: person.key)
        if !outcome.changed.isEmpty { try log("attribute_change", of: person, data: outcome.changed) }
    }

    // MARK: Segments

    /// track-api.md §9.14, §15.2: nobody is made; who is unknown or suppressed is passed over.
    func change(_ segment: Int64, isAddition: Bool, _ people: [PersonIdentifier]) throws {
        for identifier in people {
            let action = isAddition ? "add_customers" : "remove_customers"
            guard let person = try existingPerson(identifier, for: action) else { continue }
            if isAddition {
                try workspace.add(person.key, toSegment: segment)
            } else {
                try workspace.remove(person.key, fromSegment: segment)
            }
        }
    }
}

extension DeliveryMetric {
    fileprivate var recipient: String? {
        data["recipient"].flatMap { $0.stringValue ?? $0.numberValue?.text }
    }
}
