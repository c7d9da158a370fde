import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a listener cannot listen, in a sentence that names the address and the way out.
package struct ListenerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What went wrong.
    package enum Code: String, Sendable, CaseIterable {
        /// The text is not `HOST:PORT`.
        case badAddress
        /// Another program listens there.
        case addressTaken
        /// This user may not open the port.
        case noPermission
        /// The host has no address.
        case unknownHost
        /// The address is another machine's.
        case foreignAddress
        /// Others would reach what only a token protects, and there is none.
        case adminTokenRequired
        /// A certificate or its key can't be read, or the two don't belong together.
        case badCertificate
        /// Anything else; the sentence says what the system said.
        case failed
    }

    package let code: Code
    /// The sentence; it holds no secret.
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension ListenerError {
    /// What the system said when the address was bound.
    init(binding address: ListenAddress, option: String, fault: IOError) {
        let otherwise = "choose another address with \(option) HOST:PORT (port 0: any free one)"
        switch fault.errnoCode {
        case EADDRINUSE:
            self.init(.addressTaken, "\(address) is taken by another program: stop it, or \(otherwise)")
        case EACCES, EPERM:
            self.init(
                .noPermission,
                "\(address) may not be opened by this user (ports below 1024 are root's): \(otherwise)"
            )
        case EADDRNOTAVAIL:
            self.init(.foreignAddress, "\(address.host) is no address of this machine: \(otherwise)")
        default:
            self.init(
                .failed,
                "\(address) cannot be opened (\(String(cString: strerror(fault.errnoCode)))): \(otherwise)"
            )
        }
    }

    init(unknownHost address: ListenAddress, option: String) {
        self.init(
            .unknownHost,
            "the host \(address.host) is not known: choose another address with \(option) HOST:PORT"
        )
    }
}
