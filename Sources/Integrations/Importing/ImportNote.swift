/// Something of an export that is not in Ferry as it was there.
package struct ImportNote: Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// It is not carried over; the action that it belongs to is switched off, so that nothing wrong is sent.
        case lost
        /// Ferry does something else in its place.
        case differs
    }

    package let kind: Kind
    /// Where it stands in the export: `subscriptions[3] "Orders", settings.name`.
    package let place: String
    /// What is the matter.
    package let words: String
    /// What to do about it.
    package let remedy: String

    package var description: String { "\(place): \(words); \(remedy)" }
}
