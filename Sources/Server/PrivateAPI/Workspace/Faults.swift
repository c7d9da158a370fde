import LosslessJSON
import Synchronization

/// The faults of a workspace, and how often each has come true.
final class Faults: Sendable {
    /// More than these at a time are no test any more.
    static let most = 1000

    private struct Armed {
        let number: Int
        let fault: Fault
        var chance: UInt64
        var matched = 0
        var fired = 0

        var isSpent: Bool { fault.times.map { fired >= $0 } ?? false }

        /// SplitMix64: the same seed falls the same way each time.
        mutating func draw() -> Double {
            chance &+= 0x9e37_79b9_7f4a_7c15
            var bits = chance
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            bits ^= bits >> 31
            return Double(bits >> 11) * 0x1p-53
        }

        var json: JSON {
            var json: JSON.Object = [
                "number": .number(JSON.Number(number)), "matched": .number(JSON.Number(matched)),
                "fired": .number(JSON.Number(fired)),
            ]
            json["left"] = fault.times.map { .number(JSON.Number($0 - fired)) } ?? .null
            json["fault"] = .object(fault.definition)
            return .object(json)
        }
    }

    private struct State {
        var armed: [Armed] = []
        var last = 0
    }

    private let state = Mutex(State())

    var list: [JSON] { state.withLock { $0.armed.map(\.json) } }

    var isEmpty: Bool { state.withLock(\.armed.isEmpty) }

    /// Adds faults behind those that are there; `nil`, and none of them, when they would be too many.
    func add(_ faults: [Fault]) -> [JSON]? {
        state.withLock { state in
            guard state.armed.count + faults.count <= Self.most else { return nil }
            for fault in faults {
                state.last += 1
                state.armed.append(Armed(number: state.last, fault: fault, chance: fault.seed))
            }
            return state.armed.suffix(faults.count).map(\.json)
        }
    }

    /// `false` when there is none of this number.
    func remove(_ number: Int) -> Bool {
        state.withLock { state in
            let count = state.armed.count
            state.armed.removeAll { $0.number == number }
            return state.armed.count < count
        }
    }

    /// How many there were. Numbers go on.
    @discardableResult
    func removeAll() -> Int {
        state.withLock { state in
            defer { state.armed = [] }
            return state.armed.count
        }
    }

    /// The first fault that befalls a request.
    func befalling(method: String, path: [String], _ contents: RequestContents) -> (number: Int, fault: Fault)? {
        state.withLock { state in
            for position in state.armed.indices {
                let fault = state.armed[position].fault
                guard !state.armed[position].isSpent, fault.matches(method: method, path: path, contents) else {
                    continue
                }
                state.armed[position].matched += 1
                guard fault.probability >= 1 || state.armed[position].draw() < fault.probability else { continue }
                state.armed[position].fired += 1
                return (state.armed[position].number, fault)
            }
            return nil
        }
    }
}
