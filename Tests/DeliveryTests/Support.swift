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

func event(_ name: String) -> Operation {
    Operation(kind: .entity, body: ["type": "person", "action": "event", "name": .string(name)])
}

/// A plan with one operation, as a definition of one's own would make it.
func plan(_ operation: Operation) -> Plan {
    Plan(testing: [operation])
}

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
    /// Appends track calls of one person, named one by one.
    func appendTracks(_ names: [String], source: String = "web") async throws {
        let events = try names.map { name in
            let message: JSON = ["type": "track", "event": .string(name), "userId": "u1", "messageId": .string(name)]
            let receipt = Event.Receipt(source: source, receivedAt: Timestamp(milliseconds: 1_700_000_000_000))
            let event = try Event(normalising: message, receipt: receipt)
            return NewEvent(
                source: source,
                messageId: name,
                type: "track",
                name: name,
                userId: "u1",
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

    func send(_ operations: [Operation]) -> Answer {
        let names = operations.map { $0.body["name"]?.stringValue ?? "" }
        return state.withLock { state in
            state.requests += 1
            let answer = state.script(names, state.requests)
            if case .settled(let outcomes) = answer {
                state.taken += zip(names, outcomes).filter { $0.1 == .delivered }.map(\.0)
            }
            return answer
        }
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

/// Runs a dispatcher until a condition on its notes holds, then cancels it.
func dispatch(
    _ destinations: [Dispatcher.Destination],
    from store: DataStore,
    until isDone: @escaping @Sendable (DispatchNote) -> Bool
) async throws {
    let (done, finish) = AsyncStream.makeStream(of: Void.self)
    let dispatcher = Dispatcher(
        destinations: destinations,
        log: store.log,
        cursors: store.cursors,
        surroundings: Dispatcher.Surroundings(
            now: { 1_700_000_000_000 },
            sleep: { _ in await Task.yield() },
            chance: { 0 },
            observe: { note in if isDone(note) { finish.yield() } }
        ),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let run = Task { try await dispatcher.run() }
    for await _ in done { break }
    run.cancel()
    try await run.value
}

extension DispatchNote {
    /// Whether it says that the operation of a certain event is settled.
    func settles(_ seq: Int64, in integration: String) -> Bool {
        guard self.integration == integration, case .settled(seq, _, _) = kind else { return false }
        return true
    }
}
