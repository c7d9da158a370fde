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
    ) throws -> Destination {
        Destination(integration: try integration(name, sources: sources)) { scripted.send($0) }
    }

    @Test func `every event arrives once, in the order of the log`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        let names = (1...1_200).map { "event-\($0)" }
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(names)
        let scripted = ScriptedDestination()
        try await dispatch([destination("a", scripted)], from: store) {
            try await store.isSettled("a", through: 1_200)
        }
        #expect(scripted.taken == names)
        #expect(try await store.failures.list(FailureFilter(), limit: 1).failures.isEmpty)
        try store.close()
    }

    @Test func `a new integration starts with the events that arrive after it was made`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        try await store.log.appendTracks(["before"])
        let scripted = ScriptedDestination()
        async let dispatched: Void = dispatch([destination("new", scripted)], from: store) {
            try await store.isSettled("new", through: 2)
        }
        while try await store.ledger.cursor(.live, of: "new") == nil { await Task.yield() }
        try await store.log.appendTracks(["after"])
        try await dispatched
        #expect(scripted.taken == ["after"])
        try store.close()
    }

    @Test func `a transient failure is retried and nothing overtakes`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(["x", "y", "z"])
        let scripted = ScriptedDestination { names, request in
            request <= 4 ? .unavailable(words: "503", retryAfter: nil) : .delivered(names)
        }
        try await dispatch([destination("a", scripted)], from: store) {
            try await store.isSettled("a", through: 3)
        }
        #expect(scripted.taken == ["x", "y", "z"])
        #expect(scripted.requests == 5)
        try store.close()
    }

    @Test func `a refused operation is kept with the words and stops nobody`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(["x", "bad", "z"])
        let scripted = ScriptedDestination { names, _ in
            .settled(names.map { $0 == "bad" ? .refused("400 name is bad") : .delivered })
        }
        try await dispatch([destination("a", scripted)], from: store) {
            try await store.isSettled("a", through: 2)
        }
        #expect(scripted.taken == ["x", "z"])
        let failures = try await store.failures.list(FailureFilter(), limit: 10).failures.map(\.operation)
        #expect(failures.map(\.words) == ["400 name is bad"])
        #expect(failures.map(\.seq) == [2])
        #expect(failures.map(\.action) == ["track-event"])
        try store.close()
    }

    @Test func `an integration takes the events of its own sources only`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(["web-1"], source: "web")
        try await store.log.appendTracks(["app-1"], source: "app")
        try await store.log.appendTracks(["web-2"], source: "web")
        let scripted = ScriptedDestination()
        try await dispatch([destination("a", sources: .only(["web"]), scripted)], from: store) {
            try await store.isSettled("a", through: 3)
        }
        #expect(scripted.taken == ["web-1", "web-2"])
        try store.close()
    }

    @Test func `a dead integration costs the others nothing`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        for name in ["dead", "well"] { _ = try await store.ledger.open(.live, of: name, startingAt: 0) }
        try await store.log.appendTracks(["x", "y"])
        let dead = try Destination(integration: integration("dead")) { _ in
            try? await Task.sleep(for: .seconds(3600))
            return Exchange(status: nil, answer: .unavailable(words: "no answer", retryAfter: nil), workspace: nil)
        }
        let scripted = ScriptedDestination()
        try await dispatch([dead, destination("well", scripted)], from: store) {
            try await store.isSettled("well", through: 2)
        }
        #expect(scripted.taken == ["x", "y"])
        try store.close()
    }

    @Test func `a person whose event keeps failing holds up nobody else, and goes on behind it in order`() async throws
    {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        let names = (1...300).map { "event-\($0)" }
        // Three hundred events of ten people; the first one of u4 fails until everybody else's are there.
        try await store.log.appendTracks(names) { "u\($0.suffix(1))" }
        let others = Mutex(names.count * 9 / 10)
        let scripted = ScriptedDestination { names, _ in
            let isBroken = names.contains("event-4") && others.withLock { $0 > 0 }
            guard !isBroken else { return .suspicious(words: "500", retryAfter: nil, isTimeout: false) }
            others.withLock { $0 -= names.count { !$0.hasSuffix("4") } }
            return .delivered(names)
        }
        try await dispatch([destination("a", scripted)], from: store) {
            try await store.isSettled("a", through: 300)
        }
        let taken = scripted.taken
        #expect(taken.count == 300)
        let poisoned = taken.filter { $0.hasSuffix("4") }
        #expect(poisoned == names.filter { $0.hasSuffix("4") })
        // All the others are there before the first of the one.
        #expect(taken.firstIndex(of: "event-4") == 270)
        try store.close()
    }

    /// The process stops after a random number of requests, at a random moment, again and again; answers are random.
    @Test func `whatever is answered and whenever the process stops, order holds and nothing is missing`() async throws
    {
        var chance = SeededGenerator(for: "Dispatcher")
        let scratch = ScratchStore()
        let names = (1...120).map { "event-\($0)" }
        var store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(names) { "u\($0.suffix(1))" }
        let rolls = Mutex(SeededGenerator(seed: chance.seed &+ 1))
        let scripted = ScriptedDestination { names, _ in
            switch rolls.withLock({ Int.random(in: 0..<12, using: &$0) }) {
            case 0: .unavailable(words: "429", retryAfter: nil)
            case 1: .suspicious(words: "500", retryAfter: nil, isTimeout: false)
            case 2 where names.count > 1: .unclear(words: "400")
            case 3: .settled(names.enumerated().map { $0.offset == 0 ? .delivered : .untried })
            default: .delivered(names)
            }
        }
        for _ in 0..<12 {
            let stop = scripted.requests + Int.random(in: 1...4, using: &chance)
            try await dispatch([destination("a", scripted)], from: store) {
                let isOver = try await store.isSettled("a", through: 120)
                return isOver || scripted.requests >= stop
            }
            try store.close()
            store = try scratch.open()
        }
        try await dispatch([destination("a", scripted)], from: store) { try await store.isSettled("a", through: 120) }
        // Repeats are allowed; the last time that each was sent follows the log, for each person.
        var last: [String: Int] = [:]
        for (position, name) in scripted.taken.enumerated() { last[name] = position }
        #expect(last.count == names.count)
        for digit in 0...9 {
            let own = names.filter { $0.hasSuffix("\(digit)") }
            #expect(own.sorted { (last[$0] ?? -1) < (last[$1] ?? -1) } == own)
        }
        try store.close()
    }
}
