import Synchronization

/// What is being carried out, so that nothing is twice at a time.
package final class UnderWay<ID: Hashable & Sendable>: Sendable {
    private let ids = Mutex<Set<ID>>([])

    package init() {}

    /// Whether it begins now; `false` when it is under way already.
    package func begins(_ id: ID) -> Bool { ids.withLock { $0.insert(id).inserted } }
    package func ended(_ id: ID) { ids.withLock { _ = $0.remove(id) } }
    var all: Set<ID> { ids.withLock(\.self) }
}
