import Synchronization

/// What is being carried out, so that nothing is twice at a time.
final class UnderWay<ID: Hashable & Sendable>: Sendable {
    private let ids = Mutex<Set<ID>>([])

    /// Whether it begins now; `false` when it is under way already.
    func begins(_ id: ID) -> Bool { ids.withLock { $0.insert(id).inserted } }
    func ended(_ id: ID) { ids.withLock { _ = $0.remove(id) } }
    var all: Set<ID> { ids.withLock(\.self) }
}
