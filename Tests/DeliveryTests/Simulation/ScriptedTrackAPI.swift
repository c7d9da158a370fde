import Seeding
import TrackAPI

@testable import Delivery

/// The destination of a run: it takes, fails and lies as the seed wills it, but it never contradicts itself about an
/// operation: what is bad is never taken, what is good is never refused by name or alone.
struct ScriptedTrackAPI: Sendable {
    struct Reply: Sendable {
        let answer: Answer
        let status: Int?
        /// Milliseconds until the answer.
        let after: Int64
        /// What is applied, and when: in order, always before the answer.
        var applied: [(after: Int64, operations: [Int])] = []
        /// When the settings are mended, and whether somebody says so then.
        var mended: (after: Int64, isTold: Bool)?
    }

    /// What can go wrong with a request.
    enum Fault: CaseIterable, Sendable {
        case settings
        case unavailable
        case suspicious
        /// 413, or a 400 that names nobody.
        case bareRefusal
        /// A 207 that names nobody.
        case nonsense
        /// The answer comes late.
        case stalled
    }

    private let setup: Setup
    private var requests = 0
    /// Until when every request is answered with 401.
    private var brokenUntil: Int64 = 0
    private var outage: Range<Int64>?
    /// Whether a request's items are applied from the last to the first, which is what the mutant of this name does.
    private let isReversed: Bool

    init(_ setup: Setup, isReversed: Bool, _ chance: inout SeededGenerator) {
        self.setup = setup
        self.isReversed = isReversed
        if setup.hasOutage {
            let begin = Int64.random(in: 0...5_000, using: &chance)
            outage = begin..<(begin + Int64.random(in: 1_000...90_000, using: &chance))
        }
    }

    /// What becomes of a request, whose operations are given by their indexes in `operations`. `isTroubled` says whether
    /// anything may go wrong that the operations are not to blame for.
    mutating func receive(
        _ request: [Int],
        of operations: [Stream.Planned],
        at now: Int64,
        isTroubled: Bool,
        _ chance: inout SeededGenerator
    ) -> Reply {
        let delay = Int64.random(in: 2...400, using: &chance)
        requests += 1
        if let script = setup.script, script.request == requests {
            return reply(script.fault, to: request, of: operations, at: now, after: delay, &chance)
        }
        if now < brokenUntil { return Reply(answer: .settings(words: "401"), status: 401, after: delay) }
        if isTroubled, outage?.contains(now) == true { return unavailable(after: delay, &chance) }
        if let poison = request.firstIndex(where: { operations[$0].isPoison && now < setup.poisonedUntil }) {
            return suspicious(Array(request[..<poison]), of: operations, after: delay, &chance)
        }
        if isTroubled, chance.chance(setup.faults) {
            let fault = chance.pick(Self.faults)
            return reply(fault, to: request, of: operations, at: now, after: delay, &chance)
        }
        return judge(request, of: operations, after: delay, &chance)
    }

    /// Some of them more often than others.
    private static let faults: [Fault] =
        Fault.allCases + [.unavailable, .suspicious, .suspicious, .suspicious, .bareRefusal, .stalled]

    private mutating func reply(
        _ fault: Fault,
        to request: [Int],
        of operations: [Stream.Planned],
        at now: Int64,
        after delay: Int64,
        _ chance: inout SeededGenerator
    ) -> Reply {
        switch fault {
        case .settings:
            let wait = Int64.random(in: 1...100_000, using: &chance)
            brokenUntil = now + wait
            var reply = Reply(answer: .settings(words: "401"), status: 401, after: delay)
            reply.mended = (wait, chance.chance(70))
            return reply
        case .unavailable: return unavailable(after: delay, &chance)
        case .suspicious: return suspicious(request, of: operations, after: delay, &chance)
        case .bareRefusal where request.count > 1:
            return Reply(answer: .unclear(words: "413"), status: 413, after: delay)
        case .nonsense where request.count > 1: return nonsense(request, of: operations, after: delay, &chance)
        case .stalled:
            let late = Int64.random(in: 2_000...29_000, using: &chance)
            return judge(request, of: operations, after: late, &chance)
        // Alone, an operation that is good is not refused.
        case .bareRefusal, .nonsense: return judge(request, of: operations, after: delay, &chance)
        }
    }

    private func unavailable(after delay: Int64, _ chance: inout SeededGenerator) -> Reply {
        let wait: Duration? = chance.chance(40) ? .seconds(chance.pick([1, 5, 60])) : nil
        let status = chance.chance(50) ? 429 : nil
        return Reply(answer: .unavailable(words: "unavailable", retryAfter: wait), status: status, after: delay)
    }

    /// 5xx, 408, a time-out or a lost connection: before, after or amid applying.
    private func suspicious(
        _ request: [Int],
        of operations: [Stream.Planned],
        after delay: Int64,
        _ chance: inout SeededGenerator
    ) -> Reply {
        let isTimeout = chance.chance(25)
        let after = isTimeout ? 30_000 : delay
        let wait: Duration? = chance.chance(8) ? .seconds(2) : nil
        let answer = Answer.suspicious(words: "500", retryAfter: wait, isTimeout: isTimeout)
        var reply = Reply(answer: answer, status: isTimeout ? nil : 500, after: after)
        let part = chance.pick([0, request.count, Int.random(in: 0...request.count, using: &chance)])
        apply(Array(request.prefix(part)), of: operations, to: &reply, &chance)
        return reply
    }

    /// 207 without usable indexes: what is good has been applied.
    private func nonsense(
        _ request: [Int],
        of operations: [Stream.Planned],
        after delay: Int64,
        _ chance: inout SeededGenerator
    ) -> Reply {
        var reply = Reply(answer: .unclear(words: "207"), status: 207, after: delay)
        apply(request, of: operations, to: &reply, &chance)
        return reply
    }

    /// What is said of a request with which nothing else is wrong.
    private func judge(
        _ request: [Int],
        of operations: [Stream.Planned],
        after delay: Int64,
        _ chance: inout SeededGenerator
    ) -> Reply {
        let bad = request.indices.filter { operations[request[$0]].isBad }
        guard !bad.isEmpty else {
            var reply = Reply(answer: .settled(request.map { _ in .delivered }), status: 200, after: delay)
            apply(request, of: operations, to: &reply, &chance)
            return reply
        }
        guard request.count > 1 else {
            return Reply(answer: .settled([.refused("400: bad")]), status: 400, after: delay)
        }
        switch Int.random(in: 0..<6, using: &chance) {
        case 0, 1, 2:
            let outcomes = request.indices.map { bad.contains($0) ? ItemOutcome.refused("207: bad") : .delivered }
            var reply = Reply(answer: .settled(outcomes), status: 207, after: delay)
            apply(request, of: operations, to: &reply, &chance)
            return reply
        case 3, 4:
            // It stops at the first bad one, or names all.
            let named = chance.chance(50) ? Array(bad.prefix(1)) : bad
            let outcomes = request.indices.map { named.contains($0) ? ItemOutcome.refused("400: bad") : .untried }
            return Reply(answer: .settled(outcomes), status: 400, after: delay)
        default:
            if chance.chance(50) { return nonsense(request, of: operations, after: delay, &chance) }
            return Reply(answer: .unclear(words: "400"), status: 400, after: delay)
        }
    }

    /// Wholly, or item by item; in the order of the array, where that is trusted.
    private func apply(
        _ request: [Int],
        of operations: [Stream.Planned],
        to reply: inout Reply,
        _ chance: inout SeededGenerator
    ) {
        var taken = request.filter { !operations[$0].isBad }
        if isReversed { taken.reverse() }
        if !setup.limits.trustsArrayOrder { taken.shuffle(using: &chance) }
        guard !taken.isEmpty else { return }
        if chance.chance(60) {
            reply.applied = [(Int64.random(in: 0..<reply.after, using: &chance), taken)]
        } else {
            let times = taken.map { _ in Int64.random(in: 0..<reply.after, using: &chance) }.sorted()
            reply.applied = zip(times, taken).map { ($0, [$1]) }
        }
    }
}
