import Synchronization

/// The token bucket that the lanes of one integration share.
final class RateLimit: Sendable {
    private let bucket: Mutex<TokenBucket>

    /// - Parameters:
    ///   - perSecond: requests a second; `nil` for no limit.
    ///   - now: steady milliseconds.
    init(perSecond: Int?, at now: Int64) {
        bucket = Mutex(TokenBucket(perSecond: perSecond, at: now))
    }

    /// Another limit from now on.
    func set(perSecond: Int?, at now: Int64) {
        bucket.withLock { $0 = TokenBucket(perSecond: perSecond, at: now) }
    }

    func withBucket<Value: Sendable>(_ use: (inout TokenBucket) -> sending Value) -> Value {
        bucket.withLock { use(&$0) }
    }
}
