package import NIOCore
import NIOPosix

/// How a host's name becomes addresses.
package struct NameResolver: Sendable {
    private let look: @Sendable (_ host: String, _ port: Int) -> EventLoopFuture<[SocketAddress]>

    /// - Parameter look: gives all addresses of a host, with this port; fails when it has none.
    package init(_ look: @escaping @Sendable (_ host: String, _ port: Int) -> EventLoopFuture<[SocketAddress]>) {
        self.look = look
    }

    /// What connections are made by: the system's own.
    package static let system = NameResolver { host, port in
        let resolver = NIORandomizedDNSResolver(loop: MultiThreadedEventLoopGroup.singleton.any())
        // One look-up that answers both; it is made by the first call.
        let v6 = resolver.initiateAAAAQuery(host: host, port: port)
        return v6.and(resolver.initiateAQuery(host: host, port: port)).map { $0 + $1 }
    }

    /// All addresses of a host; `nil` when it has none, or none is known by the deadline. The system's look-up can't be
    /// stopped: it ends by itself, unheard.
    func addresses(of host: String, port: Int, until deadline: NIODeadline) async -> [SocketAddress]? {
        let found = look(host, port)
        let promise = found.eventLoop.makePromise(of: [SocketAddress]?.self)
        let alarm = found.eventLoop.scheduleTask(deadline: deadline) { promise.succeed(nil) }
        found.whenComplete { result in
            alarm.cancel()
            promise.succeed(try? result.get())
        }
        return try? await promise.futureResult.get()
    }
}
