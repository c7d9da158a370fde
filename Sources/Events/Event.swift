package import LosslessJSON

/// Events: the six calls of a Segment-style source, made uniform.
///
/// This room decides whether a message is valid, fills in what senders leave out, and settles its times, as
/// source-api.md §2 describes. It knows no clock, no disk and no destination: the time of receipt, the source and the
/// maker of message ids come from the caller. So a preview, a replay and the server make the same event of a message.
package struct Event: Sendable {
    /// The six calls, by the words that stand in `type`.
    package enum Call: String, Sendable, CaseIterable {
        case identify, track, page, screen, group, alias
    }

    /// Which of the six calls it is.
    package let call: Call
    /// The key of the source in `ferry.yaml`; empty where there is none.
    package let source: String
    /// The normalised message: what the log stores and what triggers and mappings see.
    package let message: JSON.Object

    /// An event of a message that the caller knows to be normalised.
    package init(call: Call, source: String, message: JSON.Object) {
        self.call = call
        self.source = source
        self.message = message
    }

    /// An event as the log gives it back; `nil` if its `type` is none of the six calls.
    package init?(logged message: JSON.Object, source: String) {
        guard let call = message["type"]?.stringValue.flatMap(Call.init(rawValue:)) else { return nil }
        self.init(call: call, source: source, message: message)
    }

    /// The sender's id of the message, or one that was made; absent only in previews.
    package var messageId: String? { message["messageId"]?.stringValue }
    /// Never empty.
    package var userId: String? { message["userId"]?.stringValue }
    /// Never empty.
    package var anonymousId: String? { message["anonymousId"]?.stringValue }

    /// The event name of a track call; no other call has one.
    package var name: String? {
        call == .track ? message["event"]?.stringValue : nil
    }

    /// What a list of events shows as the name: the event, or the name of a page or screen.
    package var title: String? {
        name ?? (call == .page || call == .screen ? message["name"]?.stringValue : nil)
    }

    /// When the server received the message; absent only in previews.
    package var receivedAt: Timestamp? { message["receivedAt"].flatMap(Timestamp.init(callTime:)) }
}
