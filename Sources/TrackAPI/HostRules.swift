/// What may stand as the host of an endpoint. Only the text is judged; what a name resolves to is not known here.
enum HostRules {
    /// - Parameter host: in lower case, an IPv6 address in brackets.
    /// - Throws: `EndpointError` for what is no host name or address, and for link-local addresses.
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
        let numbers = labels.compactMap { UInt8($0) }
        guard labels.count == 4, numbers.count == 4, numbers.map(String.init) == labels.map(String.init),
            host.last != "."
        else { throw EndpointError(.host) }
        if numbers[0] == 169, numbers[1] == 254 { throw EndpointError(.linkLocal) }
    }

    private static func checkIPv6(_ address: Substring) throws(EndpointError) {
        guard let groups = groups(ofIPv6: address) else { throw EndpointError(.host) }
        let isLinkLocal = 0xFE80...0xFEBF ~= groups[0]
        let isMapped = groups[..<5].allSatisfy { $0 == 0 } && (groups[5] == 0xFFFF || groups[5] == 0)
        if isLinkLocal || isMapped && groups[6] == 0xA9FE { throw EndpointError(.linkLocal) }
    }

    /// The eight groups of an address such as `fe80::1` or `::ffff:10.0.0.1`; `nil` if it is none.
    private static func groups(ofIPv6 text: Substring) -> [UInt16]? {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        switch halves.count {
        case 1:
            guard let groups = groups(in: halves[0], mayEndInIPv4: true), groups.count == 8 else { return nil }
            return groups
        case 2:
            guard let front = groups(in: halves[0], mayEndInIPv4: false),
                let back = groups(in: halves[1], mayEndInIPv4: true), front.count + back.count < 8
            else { return nil }
            return front + [UInt16](repeating: 0, count: 8 - front.count - back.count) + back
        default:
            return nil
        }
    }

    private static func groups(in text: Substring, mayEndInIPv4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var result: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (position, part) in parts.enumerated() {
            if mayEndInIPv4, position == parts.count - 1, part.contains(".") {
                let labels = part.split(separator: ".", omittingEmptySubsequences: false)
                let numbers = labels.compactMap { UInt8($0) }.map(UInt16.init)
                guard labels.count == 4, numbers.count == 4 else { return nil }
                result += [numbers[0] << 8 | numbers[1], numbers[2] << 8 | numbers[3]]
            } else {
                guard 1...4 ~= part.utf8.count, part.first != "+", part.first != "-",
                    let group = UInt16(part, radix: 16)
                else { return nil }
                result.append(group)
            }
        }
        return result
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
