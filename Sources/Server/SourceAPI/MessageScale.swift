import Events
import LosslessJSON

/// Holds messages against the size limits before anything of the envelope is merged into them.
struct MessageScale {
    private let itemBytes: Int
    private let envelopeBytes: Int
    /// Bytes of all messages with what the envelope adds to each. A small body must not become a large log.
    private let totalBytes: Int
    /// Whether one message can be too large, and whether all together can. Compact JSON is never longer than what was sent.
    private let oneMayBeTooLarge: Bool
    private let allMayBeTooLarge: Bool
    private var total = 0

    init(_ submission: Submission, limits: SourceLimits) {
        itemBytes = limits.itemBytes
        envelopeBytes = submission.envelopeBytes
        totalBytes = max(limits.bodyBytes, 4 * submission.bodyBytes)
        oneMayBeTooLarge = submission.bodyBytes + envelopeBytes > itemBytes
        allMayBeTooLarge = submission.bodyBytes + submission.messages.count * envelopeBytes > totalBytes
    }

    /// - Throws: `Rejection` for a message over a limit.
    mutating func weigh(_ message: JSON) throws(Rejection) {
        if !allMayBeTooLarge, !oneMayBeTooLarge || message.isEncoded(within: itemBytes - envelopeBytes) { return }
        let own = message.encodedCount
        guard own <= itemBytes else {
            throw Rejection(
                .messageTooLarge,
                "the message takes \(own) bytes: \(itemBytes) at most were expected"
            )
        }
        let merged = own + envelopeBytes
        guard merged <= itemBytes else {
            throw Rejection(
                .messageTooLarge,
                """
                the message takes \(merged) bytes with the context, integrations and sentAt of its batch: \
                \(itemBytes) at most were expected
                """
            )
        }
        total += merged
        guard total <= totalBytes else {
            throw Rejection(
                .messageTooLarge,
                "the context, integrations and sentAt of the batch are too large to be merged into so many messages"
            )
        }
    }
}
