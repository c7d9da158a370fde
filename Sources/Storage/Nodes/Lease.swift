import LosslessJSON
import Synchronization

/// What only one node at a time may do.
package struct LeaseName: Sendable, Hashable {
    /// As it stands in the database.
    package let text: String

    private static let integrations = "integration "

    init(text: String) {
        self.text = text
    }

    /// Delivering to an integration: its lanes, replays and retries.
    package static func integration(_ name: String) -> LeaseName { LeaseName(text: integrations + name) }
    /// Carrying out erasures.
    package static let erasing = LeaseName(text: "erasing")
    /// Removing what is too old or too much, and adding up old counts.
    package static let retention = LeaseName(text: "retention")

    /// The integration that it is for, if it is for one.
    package var integration: String? {
        text.hasPrefix(Self.integrations) ? String(text.dropFirst(Self.integrations.count)) : nil
    }

    package static func == (left: LeaseName, right: LeaseName) -> Bool { left.text.hasSameBytes(as: right.text) }
}

/// The right of this node to do something alone (delivery.md C.8).
///
/// It is a row of the database with an end, which its holder moves on, and a number, which rises with each node that takes
/// it. What is written under it asks for the number in the same transaction: so a node that stood still and wakes up
/// writes nothing any more. What is sent is not the database's to refuse. So the holder sends only while it has heard from
/// the database shortly before, by a clock that goes on while a process stands still.
package final class Lease: Sendable {
    private struct State {
        var certainUntil: ContinuousClock.Instant
        var isLost = false
        /// Whether another node is to have it: nothing new begins.
        var isEnding = false
        var users = 0
        var last = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    package let name: LeaseName
    /// `nil` where there is only one node, and nobody to take it.
    package let number: Int64?
    private let node: String
    private let state: Mutex<State>

    init(_ name: LeaseName, number: Int64?, node: String, certainUntil: ContinuousClock.Instant) {
        self.name = name
        self.number = number
        self.node = node
        state = Mutex(State(certainUntil: certainUntil))
    }

    /// Where there are no other nodes.
    package static func alone(_ name: LeaseName) -> Lease {
        Lease(name, number: nil, node: "", certainUntil: .now)
    }

    /// Whether certainly no other node has it: what it is for may be sent.
    package var isCertain: Bool {
        number == nil || state.withLock { !$0.isLost && $0.certainUntil > .now }
    }

    /// Does what only the holder may. It is cancelled when the lease is lost.
    ///
    /// - Returns: what it gives; `nil` where it was not begun, or not finished.
    package func holding<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        guard number != nil else { return try await work() }
        let isHeld = state.withLock { state in
            guard !state.isLost, !state.isEnding else { return false }
            state.users += 1
            return true
        }
        guard isHeld else { return nil }
        defer { state.withLock { $0.users -= 1 } }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                await self.lost()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// Returns when it is lost, or the task is cancelled.
    private func lost() async {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.isLost, !Task.isCancelled else { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }

    // MARK: For the database

    /// Lets a transaction go on only if this is still the newest lease of its name, which stays so until its end.
    ///
    /// - Throws: `locked` where another node has taken it.
    func check(_ connection: Connection) throws {
        guard let number else { return }
        let row = try connection.row(
            "SELECT 1 FROM leases WHERE name = ? AND number = ? AND node = ? FOR KEY SHARE",
            [Text(name.text), number, node]
        )
        guard row == nil else { return }
        lose()
        throw StorageError(.locked, "another node has taken the lease \(name.text)")
    }

    func renewed(until instant: ContinuousClock.Instant) {
        state.withLock { $0.certainUntil = max($0.certainUntil, instant) }
    }

    func lose() {
        let waiting = state.withLock { state in
            state.isLost = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }

    func end() { state.withLock { $0.isEnding = true } }

    var isEnding: Bool { state.withLock(\.isEnding) }
    var isLost: Bool { state.withLock(\.isLost) }
    /// Whether it is to be let go, and nobody needs it any more.
    var isOver: Bool { state.withLock { $0.isEnding && $0.users == 0 } }
}
