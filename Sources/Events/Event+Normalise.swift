package import LosslessJSON

extension Event {
    /// How much validation lets pass (source-api.md §1.7, §2.6).
    package enum Strictness: Sendable {
        /// Refuses only what could not be delivered.
        case permissive
        /// Refuses `integrations` that are no object and overlong message ids as well.
        case strict
    }

    /// What the server knows of a message beside the message.
    package struct Receipt: Sendable {
        /// The key of the source in `ferry.yaml`.
        package var source: String
        /// The server's clock; `nil` in a preview, which then trusts the message's own `receivedAt`.
        package var receivedAt: Timestamp?
        /// Which of the two modes of validation holds.
        package var strictness: Strictness
        /// The sender's address, which becomes `context.ip` of client-side events.
        package var peerAddress: String?
        /// Makes a `messageId` where the sender gave none; `nil` leaves it absent.
        package var makeMessageId: (@Sendable () -> String)?

        /// What is left out stays out of the event too: nothing is made up.
        package init(
            source: String,
            receivedAt: Timestamp?,
            strictness: Strictness = .permissive,
            peerAddress: String? = nil,
            makeMessageId: (@Sendable () -> String)? = nil
        ) {
            self.source = source
            self.receivedAt = receivedAt
            self.strictness = strictness
            self.peerAddress = peerAddress
            self.makeMessageId = makeMessageId
        }
    }

    /// The values of a batch that hold for each of its items (source-api.md §2.5).
    package struct Envelope: Sendable {
        /// What is merged under each item's `context`.
        package let context: JSON.Object
        /// What is merged under each item's `integrations`.
        package let integrations: JSON.Object
        /// When the batch was sent, for the items that do not say it themselves.
        package let sentAt: JSON?

        /// That of a message which came alone.
        package static let none = Envelope(JSON.Object())

        /// Reads the batch's own members; those of a wrong type count as absent.
        package init(_ batch: JSON.Object) {
            context = batch["context"]?.objectValue ?? JSON.Object()
            integrations = batch["integrations"]?.objectValue ?? JSON.Object()
            sentAt = batch["sentAt"].flatMap { $0.isNull ? nil : $0 }
        }
    }

    /// Validates a message and fills in what senders leave out (source-api.md §2).
    ///
    /// `call` comes from the path of a single call, where it wins over the body's `type`; it is `nil` for an item of a
    /// batch.
    ///
    /// - Throws: `Rejection`, which names the field and what was expected.
    package init(
        normalising message: JSON,
        as call: Call? = nil,
        envelope: Envelope = .none,
        receipt: Receipt
    ) throws(Rejection) {
        guard case .object(let sent) = message else {
            // What is a whole body when it comes alone is only an item of one in a batch (source-api.md §2.6).
            let code = call == nil ? Rejection.Code.invalidRequest : .invalidJSON
            throw Rejection(code, "the message must be an object, not \(message.kindName)")
        }
        var draft = Draft(sent, strictness: receipt.strictness)
        let call = try draft.settleType(call)
        try draft.settleIdentifiers(of: call)
        try draft.settleMessageId(receipt.makeMessageId)
        try draft.settleContext(envelope, peerAddress: receipt.peerAddress)
        try draft.settleIntegrations(envelope)
        try draft.settleBodies(of: call)
        try draft.requireFields(of: call)
        draft.settleTimes(envelope, receivedAt: receipt.receivedAt)
        self.init(call: call, source: receipt.source, message: draft.message)
    }
}
