import Events
import Foundation
import Integrations
import LosslessJSON
import Seeding
import Storage
import Synchronization
import Testing
import TrackAPI

@testable import Delivery

/// The sums of an integration, looked at again and again while it delivers to a destination that fails, and worked out
/// anew from the log each time.
@Suite(.timeLimit(.minutes(2))) struct `Counts` {
    private static let events = 1_500

    /// What is in the log at that moment, by kind.
    private struct Expected: Equatable {
        var events = DeliveryCounts.Events()
        var planned: [String: Int64] = [:]
    }

    @Test func `agree with the log and with the destination at every moment`() async throws {
        let store = try DataStore(opening: .memory)
        var generator = SeededGenerator(for: "counts")
        let integration = try integration("a", sources: .only(["web"]))
        for kind in Ledger.Kind.standing { _ = try await store.ledger.open(kind, of: "a", startingAt: 0) }
        let destination = Recording(SeededGenerator(seed: generator.next()))
        let calls = (0..<Self.events).map { Self.call($0, &generator) }
        async let appending: Void = {
            for group in stride(from: 0, to: calls.count, by: 20) {
                _ = try await store.log.append(Array(calls[group..<min(group + 20, calls.count)]))
                try await Task.sleep(for: .milliseconds(2))
            }
        }()
        var scrapes = 0
        var plans: [Int64: Plan] = [:]
        try await dispatch([Destination(integration: integration) { await destination.take($0) }], from: store) {
            scrapes += 1
            return try await check(store, integration, destination, &plans)
        }
        try await appending
        #expect(scrapes > 3)
        #expect(destination.taken.count > Self.events / 2)
    }

    /// Whether everything is settled.
    private func check(
        _ store: DataStore,
        _ integration: Integration,
        _ destination: Recording,
        _ plans: inout [Int64: Plan]
    ) async throws -> Bool {
        guard let live = try await store.ledger.counted(.live, of: "a"),
            let metrics = try await store.ledger.counted(.metrics, of: "a")
        else { return false }
        // Asked after the ledger: what is delivered there is taken here.
        let taken = destination.taken
        let counts = DeliveryCounts(live: live, metrics: metrics)
        let log = try await store.log.read(after: 0, limit: .max)
        var expected = Expected()
        expected.events.accepted = live.lastSequence
        expected.events.waiting = live.lastSequence - live.cursor.position
        var settled: [OperationID: (action: String, mark: String)] = [:]
        for logged in log where logged.seq <= live.lastSequence {
            let isRead = (live: logged.seq <= live.cursor.position, metrics: logged.seq <= metrics.cursor.position)
            guard integration.takes(from: logged.source) else {
                if isRead.live { expected.events.skipped += 1 }
                continue
            }
            let plan = try plans[logged.seq] ?? Self.plan(logged, integration)
            plans[logged.seq] = plan
            if isRead.live { plan.operations.isEmpty ? (expected.events.ignored += 1) : (expected.events.planned += 1) }
            for (place, planned) in plan.operations.enumerated() {
                guard planned.operation.kind == .metric ? isRead.metrics : isRead.live else { continue }
                expected.planned[planned.action, default: 0] += 1
                let mark = JSON.object(planned.operation.body).description
                settled[OperationID(seq: logged.seq, place: place)] = (planned.action, mark)
            }
        }
        #expect(counts.events == expected.events)
        #expect(counts.operations.mapValues(\.planned).filter { $0.value > 0 } == expected.planned)
        for (action, operations) in counts.operations {
            let parts = [
                operations.delivered, operations.waiting, operations.retrying, operations.failed, operations.discarded,
            ]
            #expect(
                parts.allSatisfy { $0 >= 0 } && parts.reduce(0, +) == operations.planned,
                "\(action): \(operations)"
            )
        }
        // What is counted as delivered, and has no row, has been taken by the destination.
        let missing = settled.filter { !taken.contains($0.value.mark) }.count
        let total = counts.total
        #expect(Int64(missing) <= total.waiting + total.retrying + total.failed)
        #expect(total.delivered <= Int64(settled.count))
        return live.lastSequence == Self.events && counts.events.waiting == 0
            && metrics.cursor.position == live.lastSequence && total.waiting + total.retrying == 0
    }

    private static func plan(_ logged: LoggedEvent, _ integration: Integration) throws -> Plan {
        let message = try JSON(parsing: logged.body)
        let event = try #require(message.objectValue.flatMap { Event(logged: $0, source: logged.source) })
        return integration.plan(event)
    }

    private static func call(_ number: Int, _ generator: inout SeededGenerator) -> NewEvent {
        let user = "u\(Int.random(in: 0..<9, using: &generator))"
        var message: JSON.Object = ["messageId": .string("m\(number)"), "userId": .string(user), "type": "track"]
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<5: message["event"] = .string("\(generator.chance(5) ? "bad" : "good") \(number)")
        case 5:
            message["event"] = "Report Delivery Event"
            message["properties"] = ["deliveryId": .string("d\(number)"), "metric": "opened"]
        case 6:
            message["type"] = "identify"
            message["userId"] = nil
            message["anonymousId"] = .string("an\(number)")
        default:
            message["type"] = "identify"
            message["traits"] = ["n": .number(JSON.Number(Int64(number)))]
        }
        return NewEvent(
            source: generator.chance(10) ? "other" : "web",
            messageId: "m\(number)",
            type: "track",
            name: nil,
            userId: user,
            anonymousId: nil,
            receivedAt: 1_700_000_000_000 + Int64(number),
            body: JSON.object(message).encoded(),
            deduplicates: false
        )
    }

    /// Fails in every way, and remembers what it took.
    private final class Recording: Sendable {
        private struct State {
            var generator: SeededGenerator
            var taken: Set<String> = []
        }

        private let state: Mutex<State>

        init(_ generator: SeededGenerator) {
            state = Mutex(State(generator: generator))
        }

        var taken: Set<String> { state.withLock(\.taken) }

        func take(_ operations: [TrackAPI.Operation]) async -> Exchange {
            await Task.yield()
            return state.withLock { state in
                let answer: Answer =
                    switch Int.random(in: 0..<100, using: &state.generator) {
                    case 0..<5: .unavailable(words: "503", retryAfter: nil)
                    case 5..<12: .suspicious(words: "500", retryAfter: nil, isTimeout: false)
                    case 12..<16 where operations.count > 1: .unclear(words: "400")
                    default:
                        .settled(
                            operations.map { operation in
                                let isBad = operation.body["name"]?.stringValue?.hasPrefix("bad") ?? false
                                return isBad ? .refused("400 is bad") : .delivered
                            }
                        )
                    }
                if case .settled(let outcomes) = answer {
                    for (operation, outcome) in zip(operations, outcomes) where outcome == .delivered {
                        state.taken.insert(JSON.object(operation.body).description)
                    }
                }
                return Exchange(status: nil, answer: answer, workspace: nil)
            }
        }
    }
}
