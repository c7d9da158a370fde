import Foundation
import Integrations
import LosslessJSON
import Seeding
import Storage
import Synchronization
import Testing
import TrackAPI

@testable import Delivery

@Suite(.timeLimit(.minutes(2))) struct `The dispatcher` {
    private func destination(
        _ name: String,
        sources: Integration.Sources = .all,
        _ scripted: ScriptedDestination
    ) throws -> Dispatcher.Destination {
        Dispatcher.Destination(integration: try integration(name, sources: sources)) { scripted.send($0) }
    }

    @Test func `every event arrives once, in the order of the log`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        let names = (1...1_200).map { "event-\($0)" }
        _ = try await store.cursors.start("a", at: 0)
        try await store.log.appendTracks(names)
        let scripted = ScriptedDestination()
        try await dispatch([destination("a", scripted)], from: store) { $0.settles(1_200, in: "a") }
        #expect(scripted.taken == names)
        #expect(scripted.requests == 24)
        #expect(try await store.cursors.position(of: "a") == LogPosition(seq: 1_200))
        try store.close()
    }

    @Test func `a new integration starts with the events that arrive after it was made`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        try await store.log.appendTracks(["before"])
        let scripted = ScriptedDestination()
        async let dispatched: Void = dispatch([destination("new", scripted)], from: store) { $0.settles(2, in: "new") }
        while try await store.cursors.position(of: "new") == nil { await Task.yield() }
        try await store.log.appendTracks(["after"])
        try await dispatched
        #expect(scripted.taken == ["after"])
        try store.close()
    }

    @Test func `a transient failure is retried and nothing overtakes`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.cursors.start("a", at: 0)
        try await store.log.appendTracks(["x", "y", "z"])
        let scripted = ScriptedDestination { names, request in
            request <= 4 ? .unavailable(words: "503", retryAfter: nil) : .delivered(names)
        }
        try await dispatch([destination("a", scripted)], from: store) { $0.settles(3, in: "a") }
        #expect(scripted.taken == ["x", "y", "z"])
        #expect(scripted.requests == 5)
        try store.close()
    }

    @Test func `a refused operation is kept with the words and stops nobody`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.cursors.start("a", at: 0)
        try await store.log.appendTracks(["x", "bad", "z"])
        let scripted = ScriptedDestination { names, _ in
            .settled(names.map { $0 == "bad" ? .refused("400 name is bad") : .delivered })
        }
        try await dispatch([destination("a", scripted)], from: store) { $0.settles(2, in: "a") }
        #expect(scripted.taken == ["x", "z"])
        let failures = try await store.cursors.failures(of: "a", limit: 10)
        #expect(failures.map(\.operation.words) == ["400 name is bad"])
        #expect(failures.map(\.operation.seq) == [2])
        #expect(failures.map(\.operation.action) == ["track-event"])
        try store.close()
    }

    @Test func `an integration takes the events of its own sources only`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.cursors.start("a", at: 0)
        try await store.log.appendTracks(["web-1"], source: "web")
        try await store.log.appendTracks(["app-1"], source: "app")
        try await store.log.appendTracks(["web-2"], source: "web")
        let scripted = ScriptedDestination()
        try await dispatch([destination("a", sources: .only(["web"]), scripted)], from: store) {
            $0.settles(3, in: "a")
        }
        #expect(scripted.taken == ["web-1", "web-2"])
        try store.close()
    }

    @Test func `a dead integration costs the others nothing`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        for name in ["dead", "well"] { _ = try await store.cursors.start(name, at: 0) }
        try await store.log.appendTracks(["x", "y"])
        let dead = try Dispatcher.Destination(integration: integration("dead")) { _ in
            try? await Task.sleep(for: .seconds(3600))
            return .suspicious(words: "no answer", retryAfter: nil, isTimeout: true)
        }
        let scripted = ScriptedDestination()
        try await dispatch([dead, destination("well", scripted)], from: store) { $0.settles(2, in: "well") }
        #expect(scripted.taken == ["x", "y"])
        try store.close()
    }

    /// The process stops after a random number of requests, at a random moment, again and again; answers are random.
    @Test func `whatever is answered and whenever the process stops, order holds and nothing is missing`() async throws
    {
        var chance = SeededGenerator(for: "Dispatcher")
        let scratch = ScratchStore()
        let names = (1...120).map { "event-\($0)" }
        var store = try scratch.open()
        _ = try await store.cursors.start("a", at: 0)
        try await store.log.appendTracks(names)
        let rolls = Mutex(SeededGenerator(seed: chance.seed &+ 1))
        let scripted = ScriptedDestination { names, _ in
            switch rolls.withLock({ Int.random(in: 0..<10, using: &$0) }) {
            case 0: .unavailable(words: "503", retryAfter: nil)
            case 1 where names.count > 1: .unclear(words: "400")
            case 2: .settings(words: "401")
            case 3: .settled(names.enumerated().map { $0.offset == 0 ? .delivered : .untried })
            default: .delivered(names)
            }
        }
        while try await store.cursors.position(of: "a") != LogPosition(seq: 120) {
            let stop = scripted.requests + Int.random(in: 1...4, using: &chance)
            try await dispatch([destination("a", scripted)], from: store) { note in
                scripted.requests >= stop || note.settles(120, in: "a")
            }
            try store.close()
            store = try scratch.open()
        }
        // Repeats are allowed; the last time that each was sent follows the log.
        var last: [String: Int] = [:]
        for (position, name) in scripted.taken.enumerated() { last[name] = position }
        #expect(last.count == names.count)
        #expect(names.sorted { (last[$0] ?? -1) < (last[$1] ?? -1) } == names)
        try store.close()
    }
}
