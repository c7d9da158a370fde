/// The Track APIs of the two regions, of which either may send a request on to the other: when an account of the one is
/// looked for at the other (track-api.md §1).
package struct RegionHosts: Sendable {
    package static let official = RegionHosts(Endpoint(region: .US), Endpoint(region: .EU))

    private let first: Endpoint
    private let second: Endpoint

    /// - Parameters:
    ///   - first: one of the two, without a sub-path.
    ///   - second: the other.
    package init(_ first: Endpoint, _ second: Endpoint) {
        self.first = first
        self.second = second
    }

    /// Decides whether a redirect is followed: the request is sent once more, as it was and with its credentials.
    ///
    /// Followed is only what leads from one of the two to the same path of the other, by its scheme and port: anywhere
    /// else, or on another path, credentials and customers' data would reach somebody who was not chosen to have them.
    ///
    /// - Parameters:
    ///   - status: of the answer.
    ///   - location: its `Location`, if it has exactly one.
    ///   - path: of the request.
    ///   - endpoint: to which the request went.
    /// - Returns: where it is sent once more; `nil` when it isn't.
    package func target(status: Int, location: String?, path: String, from endpoint: Endpoint) -> Endpoint? {
        guard [301, 302, 307, 308].contains(status), let location, let other = other(than: endpoint),
            location.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), let scheme = location.firstRange(of: "://")
        else { return nil }
        let rest = location[scheme.upperBound...]
        let origin = location[..<(rest.firstIndex { "/?#\\".contains($0) } ?? rest.endIndex)]
        // As an endpoint it can't hold credentials, and is spelled in one way only.
        guard (try? Endpoint(String(origin))) == other, location[origin.endIndex...] == path else { return nil }
        return other
    }

    private func other(than endpoint: Endpoint) -> Endpoint? {
        switch endpoint {
        case first: second
        case second: first
        default: nil
        }
    }
}
