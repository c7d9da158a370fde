import Events
import Synchronization

/// Counts the requests of each workspace by the second.
final class RequestRates: Sendable {
    private struct Count {
        var second: Int64
        var requests = 0
    }

    private let counts = Mutex<[String: Count]>([:])

    /// Counts a request; `false` when there were `limit` in this second already.
    func admits(_ workspace: String, limit: Int, now: Timestamp) -> Bool {
        counts.withLock { counts in
            var count = counts[workspace] ?? Count(second: now.seconds)
            if count.second != now.seconds { count = Count(second: now.seconds) }
            count.requests += 1
            counts[workspace] = count
            return count.requests <= limit
        }
    }
}
