package import Events
import LosslessJSON
import Synchronization

/// What time it is in the embedded workspaces: the server's time, moved as far as a test wants it, or standing still.
///
/// It decides what arrives late, what joins and what is forgotten there. Delivery never asks it.
package final class WorkspaceClock: Sendable {
    private let base: @Sendable () -> Timestamp
    private let state = Mutex(State.running(offset: 0))

    private enum State {
        /// In milliseconds before the server's time, or behind it.
        case running(offset: Int64)
        case frozen(at: Int64)

        func milliseconds(_ base: Int64) -> Int64 {
            switch self {
            case .running(let offset): base + offset
            case .frozen(let time): time
            }
        }
    }

    /// The clock of a server.
    package init(_ base: @escaping @Sendable () -> Timestamp) {
        self.base = base
    }

    /// The time in the workspaces.
    package var now: Timestamp {
        Timestamp(milliseconds: reading.now)
    }

    /// What it shows, how far that is from the server's time, in milliseconds, and whether it stands still.
    var reading: (now: Int64, moved: Int64, isFrozen: Bool) {
        let base = base().milliseconds
        return state.withLock { state in
            let now = state.milliseconds(base)
            if case .frozen = state { return (now, now - base, true) }
            return (now, now - base, false)
        }
    }

    /// What a test asks of the clock.
    enum Move: Equatable {
        case advance(milliseconds: Int64)
        case set(Timestamp)
        /// It stands still, or goes on from where it stood.
        case freeze(Bool)
        case reset

        struct Fault: Error {
            let message: String
        }

        init(_ body: JSON?) throws(Fault) {
            guard case .object(let object)? = body, object.count == 1, let member = object.members.first else {
                throw Fault(
                    message:
                        #"the body must be {"advance": "8d"}, {"now": "2026-12-01T00:00:00Z"}, {"frozen": true} or {"reset": true}"#
                )
            }
            switch (member.key, member.value) {
            case ("advance", .string(let text)):
                guard let milliseconds = Self.milliseconds(text) else {
                    throw Fault(message: #"advance must be a time like "90s", "15m", "36h", "8d" or "-1d""#)
                }
                self = .advance(milliseconds: milliseconds)
            case ("now", .string(let text)):
                guard let time = Timestamp(callTime: .string(text)) else {
                    throw Fault(message: "now must be an ISO-8601 time or Unix seconds")
                }
                self = .set(time)
            case ("frozen", .bool(let isFrozen)): self = .freeze(isFrozen)
            case ("reset", .bool(true)): self = .reset
            default:
                throw Fault(
                    message: #"there are "advance", "now", "frozen": true or false, "reset": true; one at a time"#
                )
            }
        }

        /// `8d`, `1d12h`, `500ms`; a minus in front goes back.
        static func milliseconds(_ text: String) -> Int64? {
            let units: [(String, Int64)] = [
                ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
            ]
            var rest = text[...]
            let isBack = rest.first == "-"
            if isBack { rest.removeFirst() }
            guard !rest.isEmpty else { return nil }
            var sum: Int64 = 0
            while !rest.isEmpty {
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                let name = rest[digits.endIndex...].prefix { $0.isASCII && $0.isLetter }
                guard let number = Int64(digits), let unit = units.first(where: { $0.0 == name }) else { return nil }
                let (part, tooLarge) = number.multipliedReportingOverflow(by: unit.1)
                let (next, overflow) = sum.addingReportingOverflow(part)
                guard !tooLarge, !overflow else { return nil }
                sum = next
                rest = rest[name.endIndex...]
            }
            return isBack ? -sum : sum
        }
    }

    /// Moves the clock, which stands still afterwards if it did before; `false` when it would leave the years 1970 to 9999,
    /// and nothing happens then.
    func move(_ move: Move) -> Bool {
        let base = base().milliseconds
        return state.withLock { state in
            let now = state.milliseconds(base)
            var isFrozen = if case .frozen = state { true } else { false }
            var target = now
            switch move {
            case .reset: (target, isFrozen) = (base, false)
            case .freeze(let freezes): isFrozen = freezes
            case .set(let time): target = time.milliseconds
            case .advance(let milliseconds):
                let (sum, overflow) = now.addingReportingOverflow(milliseconds)
                guard !overflow else { return false }
                target = sum
            }
            guard 0...253_402_300_799_999 ~= target else { return false }
            state = isFrozen ? .frozen(at: target) : .running(offset: target - base)
            return true
        }
    }
}
