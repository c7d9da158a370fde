/// How many requests a second an integration sends, shared by everything that sends for it.
///
/// Live traffic comes before metrics, and both before what is sent again: 8 to 4 to 1, as long as all want something. What
/// one doesn't use flows on to the others (delivery.md F45).
struct TokenBucket: Sendable {
    enum Share: Int, Sendable, CaseIterable {
        case live, metrics, replay

        /// What one request costs: the less, the more often it is its turn.
        fileprivate var stride: Double {
            switch self {
            case .live: 1
            case .metrics: 2
            case .replay: 8
            }
        }
    }

    enum Grant: Sendable, Equatable {
        case granted
        /// Ask again then (milliseconds).
        case notBefore(Int64)
    }

    /// For how long somebody who asked in vain is taken to want it still, in milliseconds.
    private static let memory: Int64 = 1_000

    /// Requests a millisecond; `nil` for no limit.
    private let rate: Double?
    private let capacity: Double
    private var tokens: Double
    private var filledAt: Int64
    private var pass = [Double](repeating: 0, count: Share.allCases.count)
    private var wantedAt = [Int64?](repeating: nil, count: Share.allCases.count)

    /// - Parameters:
    ///   - perSecond: `nil` for no limit.
    ///   - now: milliseconds.
    init(perSecond: Int?, at now: Int64) {
        rate = perSecond.map { Double(max(1, $0)) / 1_000 }
        // A tenth of a second's worth at once, so that a limit holds in short spans too.
        capacity = max(1, Double(perSecond ?? 0) / 10)
        tokens = capacity
        filledAt = now
    }

    /// Takes leave for one request.
    mutating func take(_ share: Share, at now: Int64) -> Grant {
        guard let rate else { return .granted }
        tokens = min(capacity, tokens + Double(max(0, now - filledAt)) * rate)
        filledAt = max(filledAt, now)
        let rivals = Share.allCases.filter { $0 != share && isWanting($0, at: now) }
        // Who wanted nothing for a while does not save up turns.
        if !isWanting(share, at: now), let least = rivals.map({ pass[$0.rawValue] }).min() {
            pass[share.rawValue] = max(pass[share.rawValue], least)
        }
        let isLast = rivals.contains { pass[$0.rawValue] < pass[share.rawValue] }
        guard tokens >= (isLast ? 2 : 1) else {
            wantedAt[share.rawValue] = now
            return .notBefore(now + max(1, Int64(((isLast ? 2 : 1) - tokens) / rate)))
        }
        tokens -= 1
        pass[share.rawValue] += share.stride
        wantedAt[share.rawValue] = nil
        return .granted
    }

    /// Gives back what was taken and not used.
    mutating func giveBack(_ share: Share) {
        guard rate != nil else { return }
        tokens += 1
        pass[share.rawValue] -= share.stride
    }

    private func isWanting(_ share: Share, at now: Int64) -> Bool {
        wantedAt[share.rawValue].map { now - $0 <= Self.memory } ?? false
    }
}
