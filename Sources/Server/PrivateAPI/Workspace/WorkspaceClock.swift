package import Events
import LosslessJSON
import Synchronization

/// What time it is in the embedded workspaces: the server's time, moved as far as a test wants it.
///
/// It decides what arrives late, what joins and what is forgotten there. Delivery never asks it.
package final class WorkspaceClock: Sendable {
    private let base: @Sendable () -> Timestamp
    private let offset = Mutex<Int64>(0)

    /// The clock of a server.
    package init(_ base: @escaping @Sendable () -> Timestamp) {
        self.base = base
    }

    /// The time in the workspaces.
    package var now: Timestamp {
        Timestamp(milliseconds: base().milliseconds + offset.withLock(\.self))
    }

    /// How far it was moved, in milliseconds.
    var moved: Int64 { offset.withLock(\.self) }

    /// What a test asks of the clock.
    enum Move: Equatable {
        case advance(milliseconds: Int64)
        case set(Timestamp)
        case reset

        struct Fault: Error {
            let message: String
        }

        init(_ body: JSON?) throws(Fault) {
            guard case .object(let object)? = body, object.count == 1, let member = object.members.first else {
                throw Fault(
                    message: #"the body must be {"advance": "8d"}, {"now": "2026-12-01T00:00:00Z"} or {"reset": true}"#
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
            case ("reset", .bool(true)): self = .reset
            default: throw Fault(message: #"there are "advance", "now" and "reset": true; one at a time"#)
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

    /// Moves the clock; `false` when it would leave the years 1970 to 9999, and nothing happens then.
    func move(_ move: Move) -> Bool {
        let base = base().milliseconds
        return offset.withLock { offset in
            let target: Int64
            switch move {
            case .reset:
                offset = 0
                return true
            case .set(let time): target = time.milliseconds
            case .advance(let milliseconds):
                let (sum, overflow) = (base + offset).addingReportingOverflow(milliseconds)
                guard !overflow else { return false }
                target = sum
            }
            guard 0...253_402_300_799_999 ~= target else { return false }
            offset = target - base
            return true
        }
    }
}
