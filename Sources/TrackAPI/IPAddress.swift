/// An IP address by its bytes.
struct IPAddress: Hashable {
    /// 4 or 16.
    let bytes: [UInt8]

    /// The address that an IPv6 address carries at its end, or may.
    var last4: IPAddress { IPAddress(bytes: Array(bytes.suffix(4))) }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads `10.0.0.1`, in no other spelling.
    init?(v4 text: Substring) {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = labels.compactMap { UInt8($0) }
        guard labels.count == 4, numbers.count == 4, numbers.map(String.init) == labels.map(String.init) else {
            return nil
        }
        bytes = numbers
    }

    /// Reads `fe80::1` or `::ffff:10.0.0.1`, without brackets and without a zone.
    init?(v6 text: Substring) {
        guard let groups = IPAddress.groups(ofIPv6: text) else { return nil }
        bytes = groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
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
                guard let numbers = IPAddress(v4: part)?.bytes.map(UInt16.init) else { return nil }
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
}
