/// Where a listener listens: a host name or address, and a port, 0 for any free one.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without the brackets of an IPv6 address.
    package let host: String
    /// 0 to 65,535.
    package let port: Int

    /// An address from its parts, which nobody checks before it is bound.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`, with an IPv6 address in brackets.
    ///
    /// - Throws: `ListenerError` with the code `badAddress`.
    package init(_ text: String) throws(ListenerError) {
        let (host, port) = Self.split(text)
        guard !host.isEmpty, let digits = port, let number = Int(digits), 0...65_535 ~= number,
            digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
        else {
            throw ListenerError(
                .badAddress,
                "\"\(text.prefix(80))\" is not an address: HOST:PORT was expected, like 127.0.0.1:8080 or [::1]:8080"
            )
        }
        self.init(host: host, port: number)
    }

    /// `HOST:PORT`, with an IPv6 address in brackets.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// How a program on this machine reaches it, by `http` or `https`.
    package func url(scheme: String = "http") -> String {
        switch host {
        case "0.0.0.0": "\(scheme)://127.0.0.1:\(port)"
        case "::": "\(scheme)://[::1]:\(port)"
        default: "\(scheme)://\(self)"
        }
    }

    /// Whether only programs on this machine reach it.
    package var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether it is every address of this machine.
    var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    /// Whether a host is this machine's own by its spelling: `localhost`, names below it, 127.0.0.0/8 and `::1`. Asking
    /// the resolver would let somebody else decide.
    static func isLoopback(_ host: String) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") || name == "::1" { return true }
        return ipv4(name)?.first == 127
    }

    /// Whether a host is written as an address and not as a name.
    static func isLiteral(_ host: String) -> Bool {
        ipv4(host) != nil || host.contains(":")
    }

    /// The host and the port of an authority, as a `Host` header has it.
    static func split(_ authority: String) -> (host: String, port: String?) {
        if authority.first == "[", let end = authority.lastIndex(of: "]") {
            let host = String(authority[authority.index(after: authority.startIndex)..<end])
            let rest = authority[authority.index(after: end)...]
            return (host, rest.first == ":" ? String(rest.dropFirst()) : nil)
        }
        guard let colon = authority.lastIndex(of: ":") else { return (authority, nil) }
        return (String(authority[..<colon]), String(authority[authority.index(after: colon)...]))
    }

    private static func ipv4(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard 1...3 ~= part.utf8.count, part.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let byte = UInt8(part) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
