import Synchronization

/// Whether the log takes new events.
final class LogGate: Sendable {
    private let closed = Mutex(false)

    var isClosed: Bool {
        get { closed.withLock { $0 } }
        set { closed.withLock { $0 = newValue } }
    }
}
