/// What may stand as the host of an endpoint. Only the text is judged; what a name resolves to is judged when it is
/// about to be used (`AddressCheck`).
enum HostRules {
    /// - Parameter host: in lower case, an IPv6 address in brackets.
    /// - Throws: `EndpointError` for what is no host name or address, and for addresses that `AddressRules` refuses.
    static func check(_ host: String) throws(EndpointError) {
        if host.hasPrefix("[") {
            try checkIPv6(host.dropFirst().dropLast())
        } else {
            try checkName(host)
        }
    }

    private static func checkName(_ host: String) throws(EndpointError) {
        guard 1...253 ~= host.utf8.count, host.utf8.allSatisfy(isNameByte) else { throw EndpointError(.host) }
        var labels = host.split(separator: ".", omittingEmptySubsequences: false)
        if labels.last == "", labels.count > 1 { labels.removeLast() }
        guard labels.allSatisfy({ 1...63 ~= $0.utf8.count }), let last = labels.last else { throw EndpointError(.host) }
        // A name that ends in a number is read as an address by the system, in more spellings (octal, hexadecimal,
        // fewer parts) than anybody expects: only the plain one is taken, so that the check below sees the address.
        guard last.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) || last.hasPrefix("0x") else { return }
        guard let address = IPAddress(v4: host[...]) else { throw EndpointError(.host) }
        if AddressRules.standard.reason(against: address) != nil { throw EndpointError(.linkLocal) }
    }

    private static func checkIPv6(_ text: Substring) throws(EndpointError) {
        guard let address = IPAddress(v6: text) else { throw EndpointError(.host) }
        if AddressRules.standard.reason(against: address) != nil { throw EndpointError(.linkLocal) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
