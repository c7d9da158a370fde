import Delivery
import Server
import ServiceLifecycle
import Synchronization

/// Where a listener ended up, for those who wait for it.
final class Bound: Sendable {
    private let addresses: AsyncStream<ListenAddress>
    private let continuation: AsyncStream<ListenAddress>.Continuation
    private let address = Mutex<ListenAddress?>(nil)

    init() {
        (addresses, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var set: @Sendable (ListenAddress) -> Void {
        { [self] bound in
            address.withLock { $0 = bound }
            continuation.yield(bound)
        }
    }

    /// The address as soon as it is known.
    var known: ListenAddress? { address.withLock(\.self) }

    /// The address; `nil` when the task is cancelled before the listener is there.
    func value() async -> ListenAddress? {
        await addresses.first { _ in true }
    }
}

/// Begins to deliver once both listeners are there: an integration may send to the embedded workspace behind one of them.
struct DeliveryService: Service {
    let connector: Connector
    let dispatcher: Dispatcher
    let bound: (public: Bound, private: Bound)
    /// What messages call the place of the data.
    let data: String
    /// The file with the private listener's certificate, if it has one.
    let privateCertificate: String?
    let onReady: @Sendable (Instance.Addresses) async -> Void

    func run() async throws {
        guard let publicAddress = await bound.public.value(), let privateAddress = await bound.private.value() else {
            return
        }
        let privateURL = privateAddress.url(scheme: privateCertificate == nil ? "http" : "https")
        connector.isReached(at: privateURL)
        await connector.checkCredentials()
        let addresses = Instance.Addresses(
            publicURL: publicAddress.url(),
            privateURL: privateURL,
            data: data,
            privateCertificate: privateCertificate
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await dispatcher.run() }
            await onReady(addresses)
            try await group.waitForAll()
        }
    }
}
