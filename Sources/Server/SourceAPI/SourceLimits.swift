package import Integrations

/// What the source API takes at most (source-api.md §1.7).
package struct SourceLimits: Sendable {
    /// Bytes of a request's body.
    package var bodyBytes: Int
    /// Bytes of one message as compact JSON, with what the envelope adds to it.
    package var itemBytes: Int
    /// Messages of one batch.
    package var items: Int
    /// Seconds that a body may take to arrive.
    package var bodySeconds = 60
    /// Bytes of all bodies that are worked on at a time; further requests are asked to come again.
    package var bytesInFlight = 64 << 20

    /// What the configuration says, or what holds where it says nothing.
    package init(_ configuration: Configuration.Limits = Configuration.Limits()) {
        bodyBytes = configuration.bodyBytes
        itemBytes = configuration.messageBytes
        items = configuration.batchMessages
    }

    /// Bytes of a body that is read on the event loop, where other connections wait.
    var bytesAtOnce: Int { min(itemBytes, 64 << 10) }
}
