import Synchronization

/// Bytes that all requests together may hold in memory at a time.
final class ByteBudget: Sendable {
    private let limit: Int
    private let held = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes bytes from the budget; `false` and nothing taken if there are not that many left.
    func take(_ bytes: Int) -> Bool {
        held.withLock { held in
            guard bytes <= limit - held else { return false }
            held += bytes
            return true
        }
    }

    /// Gives bytes back.
    func giveBack(_ bytes: Int) {
        held.withLock { $0 -= bytes }
    }
}
