import Synchronization

/// Brings a value out of a transaction that fails.
final class Outbox<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    var value: Value? { content.withLock(\.self) }

    func put(_ value: Value) {
        content.withLock { $0 = value }
    }
}
