package import Integrations
import TrackAPI

/// Something that delivery did, for those who watch: logs, the demo's live lines, later the console.
package struct DispatchNote: Sendable {
    package enum Kind: Sendable {
        /// An event was read and planned.
        case planned(seq: Int64, messageId: String?, Plan)
        /// An operation was delivered, or refused for good.
        case settled(seq: Int64, action: String, failure: String?)
        /// Nothing is wrong but the road: the same request goes out again later.
        case waiting(words: String, Duration)
        /// The settings are wrong; nothing is lost.
        case paused(words: String)
        /// Requests go through again.
        case resumed
    }

    package let integration: String
    package let kind: Kind
}
