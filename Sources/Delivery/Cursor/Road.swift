import TrackAPI

/// Whether requests may go out: how many at a time, from when on, or not at all (delivery.md C.3).
///
/// What is wrong with a request as a whole closes the road for all, and costs nobody anything: the log is the queue.
/// Times are milliseconds of a clock that only moves on.
struct Road: Sendable {
    enum Condition: Sendable, Equatable {
        case open
        /// The destination can't be reached, or asked for a pause: one request tries again at that time.
        case closed(until: Int64, words: String)
        /// The settings are wrong. Now and then a request tries again, in case it was the other side that was wrong.
        case paused(until: Int64, words: String)
    }

    /// Suspicious answers in a row that close the road: a single bad operation gives fewer of them.
    private static let suspiciousInRow = 4
    private static let pausedRetry: Int64 = 60_000

    private(set) var condition = Condition.open
    /// Somebody wants nothing to go out (delivery.md F41). What is wrong or right beside that goes on being noted.
    private(set) var isHeld = false
    /// How many requests may be under way.
    private(set) var concurrency: Int
    private let maximumConcurrency: Int
    private var streak = 0
    private var closedAt = Int64.min
    private var openTotal: Int64 = 0
    private var openedAt: Int64

    init(maximumConcurrency: Int, at now: Int64) {
        self.maximumConcurrency = max(1, maximumConcurrency)
        concurrency = min(4, self.maximumConcurrency)
        openedAt = now
    }

    var isOpen: Bool { condition == .open }

    /// Whether a request may start while so many are under way.
    func admits(underWay: Int, at now: Int64) -> Bool {
        switch condition {
        case _ where isHeld: false
        case .open: underWay < concurrency
        case .closed(let until, _), .paused(let until, _): underWay == 0 && now >= until
        }
    }

    /// Lets nothing out, or lets it go on.
    mutating func hold(_ isHeld: Bool, at now: Int64) {
        guard isHeld != self.isHeld else { return }
        stopClock(at: now)
        self.isHeld = isHeld
    }

    /// When a closed road may be tried; `nil` while it is open.
    var opensAt: Int64? {
        switch condition {
        case .open: nil
        case .closed(let until, _), .paused(let until, _): until
        }
    }

    /// For how long the road has been open, all in all.
    func openTime(at now: Int64) -> Int64 {
        openTotal + (isOpen && !isHeld ? max(0, now - openedAt) : 0)
    }

    /// A request was answered as one that went through. Returns whether that opened the road.
    mutating func goesThrough(at now: Int64) -> Bool {
        streak = 0
        concurrency = min(concurrency + 1, maximumConcurrency)
        // A pause that was asked for is kept, also when an older request still gets its answer.
        guard let opensAt, now >= opensAt else { return false }
        open(at: now)
        return true
    }

    /// The settings have changed.
    mutating func resume(at now: Int64) {
        streak = 0
        if condition != .open { open(at: now) }
    }

    /// A request found nobody, or was told to come later.
    mutating func isUnavailable(_ words: String, retryAfter: Duration?, sentAt: Int64, chance: Double, at now: Int64) {
        countFailure(sentAt: sentAt)
        close(words, for: max(retryAfter?.milliseconds ?? 0, Backoff.wait(streak, of: .road, chance: chance)), at: now)
    }

    /// A request failed in a way for which one of its operations may be to blame. Several in a row close the road.
    mutating func isSuspicious(
        _ words: String,
        retryAfter: Duration?,
        sentAt: Int64,
        chance: Double,
        at now: Int64
    ) {
        countFailure(sentAt: sentAt)
        guard streak >= Self.suspiciousInRow || retryAfter != nil || !isOpen else { return }
        let tries = max(1, streak - Self.suspiciousInRow + 1)
        close(words, for: max(retryAfter?.milliseconds ?? 0, Backoff.wait(tries, of: .road, chance: chance)), at: now)
    }

    /// Changes what is said of the road.
    mutating func clean(_ change: (String) -> String) {
        switch condition {
        case .open: break
        case .closed(let until, let words): condition = .closed(until: until, words: change(words))
        case .paused(let until, let words): condition = .paused(until: until, words: change(words))
        }
    }

    mutating func pause(_ words: String, at now: Int64) {
        stopClock(at: now)
        condition = .paused(until: now + Self.pausedRetry, words: words)
    }

    /// Requests that were under way when the road closed tell nothing new.
    private mutating func countFailure(sentAt: Int64) {
        if sentAt >= closedAt || streak == 0 { streak += 1 }
        concurrency = max(1, concurrency / 2)
    }

    private mutating func close(_ words: String, for wait: Int64, at now: Int64) {
        var until = now + wait
        switch condition {
        // Wrong settings are more than a closed road, but the next try waits after this one as after any other.
        case .paused(let before, let said):
            condition = .paused(until: max(before, now + max(wait, Self.pausedRetry)), words: said)
            return
        case .closed(let before, _): until = max(until, before)
        case .open: break
        }
        stopClock(at: now)
        closedAt = now
        condition = .closed(until: until, words: words)
    }

    private mutating func open(at now: Int64) {
        condition = .open
        openedAt = now
    }

    private mutating func stopClock(at now: Int64) {
        openTotal = openTime(at: now)
        openedAt = now
    }
}

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
