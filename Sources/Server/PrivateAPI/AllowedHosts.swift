/// The hosts under whose name the private listener answers.
///
/// A page of an attacker whose name is made to resolve to this machine (DNS rebinding) shows that name in `Host`, which
/// gives it away.
struct AllowedHosts: Sendable {
    private let bound: ListenAddress
    private let additional: [String]

    init(bound: ListenAddress, additional: [String]) {
        self.bound = bound
        self.additional = additional.map { $0.lowercased() }
    }

    /// Whether a request with this `Host` header is meant for this listener. Browsers never leave it out.
    func allows(_ authority: String?) -> Bool {
        guard let authority else { return true }
        var host = ListenAddress.split(authority).host.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        if ListenAddress.isLoopback(host) || host == bound.host.lowercased() || additional.contains(host) {
            return true
        }
        // Where every address of the machine is bound, an address is as good as another; a rebound name is none.
        return bound.isWildcard && ListenAddress.isLiteral(host)
    }
}
