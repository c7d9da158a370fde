import Events
import Foundation
import Integrations
import Logging
import LosslessJSON
import Storage
import Synchronization
import Testing
import TrackAPI

@testable import Delivery

typealias Operation = TrackAPI.Operation

/// A data folder that goes away with the test.
struct ScratchStore: ~Copyable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-delivery-\(UUID().uuidString)")

    func open() throws -> DataStore {
        try DataStore(opening: .folder(folder.path))
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }
}

extension EventLog {
    /// Appends track calls, named one by one, of one person or of several.
    func appendTracks(
        _ names: [String],
        source: String = "web",
        of user: (String) -> String = { _ in "u1" }
    ) async throws {
        let events = try names.map { name in
            let message: JSON = [
                "type": "track", "event": .string(name), "userId": .string(user(name)), "messageId": .string(name),
            ]
            let receipt = Event.Receipt(source: source, receivedAt: Timestamp(milliseconds: 1_700_000_000_000))
            let event = try Event(normalising: message, receipt: receipt)
            return NewEvent(
                source: source,
                messageId: name,
                type: "track",
                name: name,
                userId: user(name),
                anonymousId: nil,
                receivedAt: 1_700_000_000_000,
                body: event.message.encoded(),
                deduplicates: false
            )
        }
        _ = try await append(events)
    }
}

/// A destination that remembers what it took, and answers by a script.
final class ScriptedDestination: Sendable {
    private struct State {
        var taken: [String] = []
        var script: @Sendable (_ names: [String], _ request: Int) -> Answer
        var requests = 0
    }

    private let state: Mutex<State>

    init(
        _ script: @escaping @Sendable (_ names: [String], _ request: Int) -> Answer = { names, _ in .delivered(names) }
    ) {
        state = Mutex(State(script: script))
    }

    /// The names of the events in the order in which they were taken, repeats included.
    var taken: [String] { state.withLock { $0.taken } }
    var requests: Int { state.withLock { $0.requests } }

    func send(_ operations: [Operation]) -> Exchange {
        let names = operations.map { $0.body["name"]?.stringValue ?? "" }
        let answer = state.withLock { state in
            state.requests += 1
            let answer = state.script(names, state.requests)
            if case .settled(let outcomes) = answer {
                state.taken += zip(names, outcomes).filter { $0.1 == .delivered }.map(\.0)
            }
            return answer
        }
        return Exchange(status: 200, answer: answer, workspace: nil)
    }
}

extension Answer {
    static func delivered(_ names: [String]) -> Answer {
        .settled(names.map { _ in .delivered })
    }
}

func integration(_ name: String, sources: Integration.Sources = .all) throws -> Integration {
    Integration(name: name, sources: sources, settings: Integration.Settings(), actions: try Action.defaults())
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A clock that runs a hundred times as fast as others.
struct FastClock: Sendable {
    private static let speed: Int64 = 100
    private let start = ContinuousClock.now

    var now: Moment {
        let steady = Int64(start.duration(to: .now) / .milliseconds(1) * Double(Self.speed))
        return Moment(steady: steady, wall: 1_700_000_000_000 + steady)
    }

    func sleep(_ duration: Duration) async {
        try? await Task.sleep(for: duration / Int(Self.speed))
    }
}

/// An integration and what answers for its destination.
struct Destination {
    let integration: Integration
    let send: @Sendable ([TrackAPI.Operation]) async -> Exchange
}

/// Runs a dispatcher until a condition holds, then cancels it.
func dispatch(
    _ destinations: [Destination],
    from store: DataStore,
    control: DeliveryControl = DeliveryControl(),
    observe: @escaping @Sendable (DispatchNote) -> Void = { _ in },
    until isDone: () async throws -> Bool
) async throws {
    let clock = FastClock()
    let live = LiveIntegrations()
    for destination in destinations {
        let connection = Connection { operations, _ in await destination.send(operations) }
        live.add(destination.integration, connection, at: clock.now)
    }
    let dispatcher = Dispatcher(
        integrations: live,
        log: store.log,
        ledger: store.ledger,
        jobs: store.jobs,
        erasures: store.erasures,
        nodes: store.nodes,
        control: control,
        surroundings: Dispatcher.Surroundings(
            now: { clock.now },
            sleep: { await clock.sleep($0) },
            chance: { 0 },
            observe: observe
        ),
        logger: quiet
    )
    let run = Task { try await dispatcher.run() }
    while try await !isDone() { try await Task.sleep(for: .milliseconds(2)) }
    run.cancel()
    try await run.value
}

extension DataStore {
    /// Whether everything up to a place is settled, and written down.
    func isSettled(_ integration: String, through seq: Int64) async throws -> Bool {
        guard let cursor = try await ledger.cursor(.live, of: integration), cursor.position >= seq else { return false }
        return try await ledger.openOperations(of: cursor.id, limit: 1).isEmpty
    }
}
