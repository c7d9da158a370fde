package import NIOCore

/// Which IP addresses nothing is sent to.
///
/// The host of an endpoint is the operator's choice, loopback and private networks included. Only what a machine says
/// of itself to whoever asks from within is out of bounds: link-local addresses, where clouds serve a machine's own
/// credentials, and the addresses beside them that serve the same.
package struct AddressRules: Sendable {
    package static let standard = AddressRules()

    /// Further addresses that count as link-local.
    private let others: Set<IPAddress>

    /// - Parameter others: IP addresses that count as link-local too; what is no address is left out.
    package init(alsoRefusing others: [String] = []) {
        self.others = Set(others.compactMap(IPAddress.init(systemText:)))
    }

    /// Why an address is refused.
    enum Reason: String {
        case linkLocal = "a link-local address"
        case metadata = "a cloud's metadata address"
    }

    /// Why nothing is sent to this address; `nil` when something may be.
    package func refusal(of address: SocketAddress) -> RefusedAddress? {
        guard let text = address.ipAddress, let parsed = IPAddress(systemText: text),
            let reason = reason(against: parsed)
        else { return nil }
        return RefusedAddress(address: text, reason: reason.rawValue)
    }

    func reason(against address: IPAddress) -> Reason? {
        if others.contains(address) { return .linkLocal }
        let bytes = address.bytes
        if bytes.count == 4 {
            if bytes.starts(with: [169, 254]) { return .linkLocal }
            return bytes == AddressRules.alibaba ? .metadata : nil
        }
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return .linkLocal }
        if AddressRules.metadata.contains(bytes) { return .metadata }
        // An IPv4 address in the clothes of an IPv6 address leads to the same place.
        let carriesIPv4 = AddressRules.prefixesOfIPv4.contains { bytes.starts(with: $0) }
        return carriesIPv4 ? reason(against: address.last4) : nil
    }

    private static let alibaba: [UInt8] = [100, 100, 100, 200]

    /// `fd00:ec2::254` of Amazon and `fd20:ce::254` of Google.
    private static let metadata: Set<[UInt8]> = [
        [0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
        [0xFD, 0x20, 0x00, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
    ]

    /// Compatible (`::/96`), mapped (`::ffff:0:0/96`) and translated (NAT64, `64:ff9b::/96`) addresses.
    private static let prefixesOfIPv4: [[UInt8]] = [
        [UInt8](repeating: 0, count: 12),
        [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF],
        [0x00, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8),
    ]
}

/// An address that `AddressRules` refuses.
package struct RefusedAddress: Error, Sendable, Equatable {
    /// `169.254.169.254`.
    package let address: String
    /// `a link-local address`.
    package let reason: String

    /// What is said to the operator of an endpoint with this host.
    func words(host: String) -> String {
        "\(host) resolves to \(address), \(reason): such addresses serve a machine's own credentials, "
            + "and nothing is sent there. Check the endpoint setting, and what the name stands for"
    }
}

extension IPAddress {
    /// Reads the text that the system gives of an address, with the zone that it may end in.
    fileprivate init?(systemText text: String) {
        let text = text.prefix { $0 != "%" }
        guard let address = IPAddress(v4: text) ?? IPAddress(v6: text) else { return nil }
        self = address
    }
}
