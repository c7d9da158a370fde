import Foundation
import Integrations
import Server
import Storage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether a server runs and answers, or could listen.
struct ServerChecks {
    private(set) var findings: [Finding] = []
    /// Its admin API, where it answers.
    private(set) var client: AdminClient?

    init(_ configuration: Configuration, holder: DataFolderHolder) async {
        let address = ListenAddress(configuration.privateAddress)
        let url = address.url(scheme: configuration.privateTLS == nil ? "http" : "https")
        let token =
            (try? configuration.adminToken?.resolved()) ?? ProcessInfo.processInfo.environment["FERRY_ADMIN_TOKEN"]
        for certificate in Self.certificates(configuration) where client == nil && address.port != 0 {
            let candidate = try? AdminClient(url: url, token: token, certificate: certificate)
            if let candidate, await candidate.isReady() { client = candidate }
        }
        let answers = client != nil
        switch (holder, answers) {
        case (.process(let number), true):
            findings.append(.ok("server", "process \(number) uses the data folder, and \(url) answers"))
        case (.process(let number), false):
            findings.append(
                .warning(
                    "server",
                    "process \(number) uses the data folder, and nobody is ready at \(url)",
                    "is this its configuration? Its log says whether it still starts"
                )
            )
        case (.unknown, true): findings.append(.ok("server", "\(url) answers"))
        case (.nobody, true):
            findings.append(
                .warning(
                    "server",
                    "a server answers at \(url), which does not use this data folder",
                    "is it the right one?"
                )
            )
        case (.nobody, false), (.unknown, false): findings.append(.ok("server", "none runs here"))
        }
        let isUsed = answers || holder != .nobody && holder != .unknown
        for (address, key) in [(configuration.publicAddress, "public"), (configuration.privateAddress, "private")] {
            if !isUsed { checkPort(ListenAddress(address), key) }
        }
    }

    /// What to trust, one after the other; `nil` is what this machine trusts.
    private static func certificates(_ configuration: Configuration) -> [String?] {
        switch (configuration.privateTLS, configuration.data) {
        case (.selfSigned, .folder(let path)): ["\(path)/private-tls/certificate.pem"]
        case (.files(let certificate, _), _): [nil, certificate]
        default: [nil]
        }
    }

    /// Binds it, as a server would, and doesn't listen: one that starts meanwhile is not kept from it.
    private mutating func checkPort(_ address: ListenAddress, _ key: String) {
        guard address.port != 0 else { return }
        switch Self.bind(address) {
        case 0: findings.append(.ok("port", "\(address) is free"))
        case EADDRINUSE:
            findings.append(
                .fault("port", "\(address) is used by another program", "end that, or choose another listen.\(key)")
            )
        case EACCES:
            findings.append(
                .fault("port", "\(address) is not for this user", "choose a port above 1023 for listen.\(key)")
            )
        default:
            findings.append(.fault("port", "\(address) can't be bound", "is listen.\(key) an address of this machine?"))
        }
    }

    /// What the system says to it: 0, or why not.
    private static func bind(_ address: ListenAddress) -> CInt {
        var wish = addrinfo()
        #if canImport(Glibc)
            wish.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            wish.ai_socktype = SOCK_STREAM
        #endif
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &wish, &found) == 0, let first = found?.pointee else {
            return EADDRNOTAVAIL
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(first.ai_family, first.ai_socktype, first.ai_protocol)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var isReused: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<CInt>.size))
        guard systemBind(descriptor, first.ai_addr, first.ai_addrlen) == 0 else { return errno }
        return 0
    }
}

/// Beside the method of this name.
private func systemBind(_ socket: CInt, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> CInt {
    bind(socket, address, length)
}
