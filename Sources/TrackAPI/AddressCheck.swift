package import AsyncHTTPClient
import NIOCore
import Synchronization

/// Keeps requests away from addresses that the rules refuse, whatever a name stands for.
///
/// It looks twice. Before a request its host is resolved, at most every `interval`: a name that stands for a refused
/// address, beside whichever others, is refused whole, and no connection is made at all. And each new connection is
/// asked which address it has reached (`AddressRules.guarding`), so that a name which says one thing here and another
/// to the connection leads nowhere.
final class AddressCheck: Sendable {
    private let resolver: NameResolver
    private let rules: AddressRules
    private let lastLooks = Mutex<[String: NIODeadline]>([:])

    /// Between two look-ups of one name.
    private static let interval = TimeAmount.seconds(30)
    /// For one look-up.
    private static let patience = TimeAmount.seconds(5)

    init(resolver: NameResolver, rules: AddressRules) {
        self.resolver = resolver
        self.rules = rules
    }

    /// A name that stands for nothing is left to the connection, which may be there already, and else says so.
    ///
    /// - Throws: `RefusedAddress` when the endpoint's host stands for one.
    func check(_ endpoint: Endpoint, until deadline: NIODeadline) async throws {
        let host = endpoint.host
        let now = NIODeadline.now()
        guard !endpoint.hasAddress, isDue(host, now: now) else { return }
        let addresses = await resolver.addresses(
            of: host,
            port: endpoint.port,
            until: min(deadline, now + AddressCheck.patience)
        )
        if let refused = addresses?.lazy.compactMap(rules.refusal).first {
            lastLooks.withLock { $0[host] = nil }
            throw refused
        }
        lastLooks.withLock { $0[host] = now }
    }

    /// Who finds that it is time looks alone: the others go on by what was found last. The first time there is
    /// nothing to go on by, and all of them look.
    private func isDue(_ host: String, now: NIODeadline) -> Bool {
        lastLooks.withLock { looks in
            guard let last = looks[host] else { return true }
            guard now - last >= AddressCheck.interval else { return false }
            looks[host] = now
            return true
        }
    }
}

extension AddressRules {
    /// The configuration of a client whose connections are closed, before a byte of a request is written, when they
    /// have reached a refused address.
    package func guarding(_ configuration: HTTPClient.Configuration) -> HTTPClient.Configuration {
        var configuration = configuration
        // The client's only doors to a connection that is made and not yet used.
        configuration.http1_1ConnectionDebugInitializer = inspect
        configuration.http2ConnectionDebugInitializer = inspect
        return configuration
    }

    private func inspect(_ channel: any Channel) -> EventLoopFuture<Void> {
        let failure: any Error
        if let address = channel.remoteAddress {
            guard let refused = refusal(of: address) else { return channel.eventLoop.makeSucceededVoidFuture() }
            failure = refused
        } else {
            failure = ChannelError.ioOnClosedChannel
        }
        // In the next turn: the client wants to hear of the failure before the connection ends.
        channel.eventLoop.execute { channel.close(promise: nil) }
        return channel.eventLoop.makeFailedFuture(failure)
    }
}
