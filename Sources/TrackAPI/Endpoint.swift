/// Where an account's data lives (actions.md §1).
package enum Region: String, Sendable, CaseIterable {
    // Named as the setting spells them.
    case US, EU

    /// The host of the region's Track API (track-api.md §1).
    package var host: String {
        switch self {
        case .US: "track.customer.io"
        case .EU: "track-eu.customer.io"
        }
    }
}

/// The address of a Track API, to which `/api/v1/…` and `/api/v2/…` are appended (actions.md §1).
///
/// It can hold no credentials, so it may be shown and logged.
package struct Endpoint: Sendable, Equatable, CustomStringConvertible {
    private let scheme: String
    /// The host in lower case, an IPv6 address in brackets, and `:port` where it is not the scheme's own.
    package let authority: String
    /// A sub-path that begins with a slash and does not end in one, or nothing.
    private let prefix: String

    /// The region's own Track API.
    package init(region: Region) {
        scheme = "https"
        authority = region.host
        prefix = ""
    }

    /// Reads the *Endpoint* setting. White space around it, trailing slashes and a trailing `/api/v1` or `/api/v2` are
    /// dropped, a sub-path stays.
    ///
    /// - Throws: `EndpointError` for anything but an http or https URL of a host, optionally with port and sub-path.
    package init(_ text: String) throws(EndpointError) {
        var text = Substring(text)
        while let last = text.unicodeScalars.last, last.properties.isWhitespace { text.unicodeScalars.removeLast() }
        text = Substring(text.unicodeScalars.drop { $0.properties.isWhitespace })
        guard !text.isEmpty else { throw EndpointError(.empty) }
        guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw EndpointError(.invalidCharacter) }
        let (scheme, rest) = try Endpoint.splitScheme(text)
        let end = rest.firstIndex { "/?#\\".contains($0) } ?? rest.endIndex
        let tail = rest[end...]
        guard !rest[..<end].contains("@") else { throw EndpointError(.credentials) }
        guard !tail.contains("?"), !tail.contains("#") else { throw EndpointError(.query) }
        self.scheme = scheme
        self.authority = try Endpoint.authority(rest[..<end], scheme: scheme)
        self.prefix = try Endpoint.prefix(tail)
    }

    /// The URL of an API path such as `/api/v2/batch`.
    package func url(for path: String) -> String {
        description + path
    }

    /// Whether a request with this `Host` header came to it.
    package func isReached(by authority: String) -> Bool {
        (try? Endpoint("\(scheme)://\(authority)"))?.authority == self.authority
    }

    package var description: String {
        "\(scheme)://\(authority)\(prefix)"
    }

    /// The region whose own host this is; `nil` for an address of somebody's own.
    package var region: Region? {
        Region.allCases.first { authority == $0.host || authority.hasPrefix($0.host + ":") }
    }

    /// The host alone; an IPv6 address without its brackets.
    var host: String {
        if authority.first == "[" { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }

    /// Where connections go to.
    var port: Int {
        let tail = authority.split(separator: "]", omittingEmptySubsequences: false).last ?? ""
        if let colon = tail.lastIndex(of: ":"), let port = Int(tail[tail.index(after: colon)...]) { return port }
        return scheme == "https" ? 443 : 80
    }

    /// Whether the host is an address, and no name that stands for one.
    var hasAddress: Bool {
        // A name that ends in a number is none (`HostRules`).
        authority.first == "[" || host.split(separator: ".").last?.utf8.allSatisfy { 0x30...0x39 ~= $0 } == true
    }

    private static func splitScheme(_ text: Substring) throws(EndpointError) -> (String, Substring) {
        for scheme in ["http", "https"] {
            let opening = scheme + "://"
            if text.prefix(opening.count).lowercased() == opening { return (scheme, text.dropFirst(opening.count)) }
        }
        throw EndpointError(.scheme)
    }

    private static func authority(_ text: Substring, scheme: String) throws(EndpointError) -> String {
        let hostEnd: Substring.Index
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else { throw EndpointError(.host) }
            hostEnd = text.index(after: bracket)
        } else {
            hostEnd = text.firstIndex(of: ":") ?? text.endIndex
        }
        let host = text[..<hostEnd].lowercased()
        let port = text[hostEnd...]
        try HostRules.check(host)
        guard !port.isEmpty else { return host }
        let digits = port.dropFirst()
        guard port.first == ":", digits.utf8.count <= 5, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let number = Int(digits), 1...65_535 ~= number
        else { throw EndpointError(.port) }
        let isUsual = number == (scheme == "https" ? 443 : 80)
        return isUsual ? host : "\(host):\(number)"
    }

    private static func prefix(_ text: Substring) throws(EndpointError) -> String {
        try checkPath(text)
        var path = text.droppingTrailingSlashes()
        for suffix in ["/api/v1", "/api/v2"] where path.hasSuffix(suffix) {
            path = path.dropLast(suffix.count).droppingTrailingSlashes()
            break
        }
        return String(path)
    }

    /// What RFC 3986 allows in a path; anything else would be refused, or read otherwise, further on.
    private static func checkPath(_ text: Substring) throws(EndpointError) {
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                continue
            case UInt8(ascii: "%"):
                guard rest.count >= 2, rest.prefix(2).allSatisfy(\.isHexDigit) else { throw EndpointError(.path) }
            default:
                guard "-._~!$&'()*+,;=:@/".utf8.contains(byte) else { throw EndpointError(.path) }
            }
        }
    }
}

/// Why a text is not an endpoint. Holds nothing of the text, which may hold credentials.
package struct EndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case empty, invalidCharacter, scheme, credentials, query, host, port, path, linkLocal
    }

    package let code: Code

    init(_ code: Code) {
        self.code = code
    }

    /// Names the problem and the way out.
    package var description: String {
        switch code {
        case .empty:
            "the endpoint is empty: leave the setting out to use the region's host, or give the URL of a Track API"
        case .invalidCharacter:
            "the endpoint holds a space, a control character or a letter beyond ASCII: "
                + "percent-encode it in the path, and write a host name in its xn-- form"
        case .scheme:
            "the endpoint must begin with http:// or https://, as in https://track.customer.io"
        case .credentials:
            "the endpoint must not hold credentials: put them in site_id and api_key"
        case .query:
            "the endpoint must end with its path: leave out everything from the first ? or # on"
        case .host:
            "the endpoint needs a valid host name or IP address behind http:// or https://, "
                + "as in https://track.customer.io"
        case .port:
            "the endpoint's port must be a number from 1 to 65535"
        case .path:
            "the endpoint's path holds a character that a URL cannot hold: percent-encode it, as %20 for a space"
        case .linkLocal:
            "the endpoint must not be a link-local address (169.254.…, fe80:…) or a cloud's metadata address: "
                + "these serve a machine's own credentials; use the Track API's host name"
        }
    }
}

extension Substring {
    fileprivate func droppingTrailingSlashes() -> Substring {
        var result = self
        while result.last == "/" { result.removeLast() }
        return result
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }
}
