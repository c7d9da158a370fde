/// A call of the Track API's version 1 as its path tells it (track-api.md §9); the rest is in its body.
///
/// A person stands in a path as one text, which its shape makes a cio_id, an e-mail address or an id (§6.1).
package enum V1Call: Sendable {
    case identify(person: String)
    case delete(person: String)
    case addDevice(person: String)
    case deleteDevice(person: String, token: String)
    case suppress(person: String)
    case unsuppress(person: String)
    case event(person: String)
    /// Of an anonymous id, or an invite.
    case anonymousEvent
    case submitForm(id: String)
    case merge
    case metric
    case pushMetric
    case inAppMetric
    /// `idType` is the query's `id_type`, `nil` where it has none.
    case addToSegment(String, idType: String?)
    case removeFromSegment(String, idType: String?)
    case unsubscribe(deliveryId: String)
}
