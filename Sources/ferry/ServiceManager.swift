import Foundation

/// The program that started Ferry, if it waits to be told of readiness: systemd with `Type=notify`, or a container's
/// runtime. It names a datagram socket in `NOTIFY_SOCKET`.
enum ServiceManager {
    /// Says that both listeners accept connections; nothing where nobody waits for it.
    static func tellReady() {
        #if canImport(Glibc)
            guard let path = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"], !path.isEmpty else { return }
            guard tell("READY=1", at: path) else {
                Terminal.error("the service manager can't be told that Ferry is ready, at NOTIFY_SOCKET=\(path)")
                return
            }
        #endif
    }

    #if canImport(Glibc)
        private static func tell(_ words: String, at path: String) -> Bool {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            // An @ stands for the NUL with which an abstract address begins.
            let bytes = Array((path.hasPrefix("@") ? "\0\(path.dropFirst())" : path).utf8)
            let start = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 0
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
            withUnsafeMutableBytes(of: &address) { $0[start...].copyBytes(from: bytes) }

            let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { return false }
            defer { close(descriptor) }
            let message = Array(words.utf8)
            let sent = withUnsafePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    sendto(descriptor, message, message.count, 0, address, socklen_t(start + bytes.count))
                }
            }
            return sent == message.count
        }
    #endif
}
