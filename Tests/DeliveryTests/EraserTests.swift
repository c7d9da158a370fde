import Foundation
import Integrations
import LosslessJSON
import Seeding
import Storage
import Synchronization
import Testing
import TrackAPI

@testable import Delivery

/// Erasing with real lanes, on a real disk.
@Suite(.timeLimit(.minutes(2))) struct `The eraser` {
    private func erasure(of userId: String, _ command: Erasure.Command? = nil) -> NewErasure {
        var new = NewErasure(.init(userId: userId), startedAt: 1)
        new.command = command
        new.tellings = command.map { [.init("a", $0)] } ?? []
        return new
    }

    private func isDone(_ number: Int64, in store: DataStore) async throws -> Bool {
        try await store.erasures.erasure(number)?.stage == .done
    }

    @Test func `waits for what is under way, keeps no word of it, and sends nothing after`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(["x-1", "x-2", "y-1", "x-3"]) { $0.hasPrefix("x") ? "user-7f3a" : "other" }
        let control = DeliveryControl()
        let isUnderWay = Mutex(false)
        let isReleased = Mutex(false)
        let taken = Mutex<[String]>([])
        let destination = try Destination(integration: integration("a")) { operations in
            let names = operations.map { $0.body["name"]?.stringValue ?? "" }
            if names.contains("x-1") {
                isUnderWay.withLock { $0 = true }
                while !isReleased.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(1)) }
                let refused = ItemOutcome.refused("400 user-7f3a is bad")
                let outcomes = names.map { $0.hasPrefix("x") ? refused : .delivered }
                return Exchange(status: 207, answer: .settled(outcomes), workspace: nil)
            }
            taken.withLock { $0 += names }
            return Exchange(status: 200, answer: .delivered(names), workspace: nil)
        }
        let number = Mutex<Int64>(0)
        try await dispatch([destination], from: store, control: control) {
            guard isUnderWay.withLock({ $0 }) else { return false }
            if number.withLock({ $0 }) == 0 {
                let asked = try #require(
                    try await control.begin(erasure(of: "user-7f3a"), in: store.erasures, now: { 1 })
                ).number
                number.withLock { $0 = asked }
                while try await store.erasures.erasure(asked)?.stage != .cleaning {
                    try await Task.sleep(for: .milliseconds(1))
                }
                // It is not done before what is under way is answered.
                try await Task.sleep(for: .milliseconds(50))
                #expect(try await store.erasures.erasure(asked)?.stage == .cleaning)
                isReleased.withLock { $0 = true }
            }
            guard try await isDone(number.withLock { $0 }, in: store) else { return false }
            return try await store.isSettled("a", through: 4)
        }
        #expect(taken.withLock { $0 }.allSatisfy { !$0.hasPrefix("x") })
        #expect(try await store.failures.list(FailureFilter(), limit: 9).failures.isEmpty)
        let cursor = try #require(try await store.ledger.cursor(.live, of: "a"))
        let words = try await store.ledger.requests(of: cursor.id, withEvent: 1).map(\.words)
        #expect(words == ["[erased]"])
        let counted = try #require(try await store.ledger.counted(.live, of: "a"))
        let counts = DeliveryCounts(live: counted, metrics: nil)
        #expect(counts.total.planned == counts.total.delivered + counts.total.erased)
        #expect(counts.events.planned + counts.events.erased == 4)
        try store.close()
        let files = try FileManager.default.contentsOfDirectory(at: scratch.folder, includingPropertiesForKeys: nil)
        for file in files {
            let data = try Data(contentsOf: file)
            #expect(data.range(of: Data("user-7f3a".utf8)) == nil, "\(file.lastPathComponent)")
        }
    }

    @Test func `tells an integration until it answers, and keeps what it said`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(["x-1"]) { _ in "user-7f3a" }
        let asked = try await store.erasures.add(erasure(of: "user-7f3a", .suppress)).number
        let told = Mutex<[String]>([])
        let destination = try Destination(integration: integration("a")) { operations in
            let count = told.withLock { told in
                told += operations.map { "\($0.body["action"]?.stringValue ?? "") \($0.body["identifiers"] ?? .null)" }
                return told.count
            }
            let answer: Answer =
                count < 3
                ? .unavailable(words: "503", retryAfter: nil) : .settled([.refused("400 id user-7f3a is bad")])
            return Exchange(status: 200, answer: answer, workspace: nil)
        }
        try await dispatch([destination], from: store) { try await isDone(asked, in: store) }
        let commands = told.withLock { $0 }.filter { $0.hasPrefix("suppress") }
        #expect(commands.last == #"suppress {"id":"user-7f3a"}"#)
        let erasure = try #require(try await store.erasures.erasure(asked))
        #expect(erasure.told.map(\.answer) == [.refused])
        #expect(erasure.told.map(\.words) == ["400 id [erased] is bad"])
        #expect(erasure.told.map(\.attempts) == [Int64(commands.count)])
        #expect(erasure.person == nil && "\(erasure)" == "erasure \(asked)")
        try store.close()
    }

    /// What is told, and what is done before and after it, in the order in which a destination takes it.
    @Test(arguments: [false, true])
    func `tells behind what was there before and before what comes after, whatever breaks off`(
        isCrashing: Bool
    ) async throws {
        var chance = SeededGenerator(for: "An erasure in order")
        for round in 0..<6 {
            let scratch = ScratchStore()
            let store = try scratch.open()
            _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
            let before = (0..<Int.random(in: 0...300, using: &chance)).map { number in
                chance.pick(["theirs", "other's"]) + " \(number)"
            }
            try await store.log.appendTracks(before) { $0.hasPrefix("theirs") ? "user-7f3a" : "other" }
            let taken = Mutex<[String]>([])
            let failing = UInt64.random(in: 1...4, using: &chance)
            let requests = Mutex<UInt64>(0)
            let destination = try Destination(integration: integration("a")) { operations in
                let number = requests.withLock { count in
                    count += 1
                    return count
                }
                if number % failing == 0, number < 40 {
                    return Exchange(status: 503, answer: .unavailable(words: "503", retryAfter: nil), workspace: nil)
                }
                let names = operations.map { operation in
                    operation.body["name"]?.stringValue ?? operation.body["action"]?.stringValue ?? ""
                }
                taken.withLock { $0 += names }
                return Exchange(status: 200, answer: .delivered(names), workspace: nil)
            }
            let last = Mutex<Int64?>(nil)
            var isOver = false
            while !isOver {
                let control = DeliveryControl()
                let lookedAt = ContinuousClock.now
                let life = Duration.milliseconds(Int.random(in: 1...60, using: &chance))
                try await dispatch([destination], from: store, control: control) {
                    if last.withLock({ $0 }) == nil {
                        let new = erasure(of: "user-7f3a", .delete)
                        let begun = try #require(try await control.begin(new, in: store.erasures, now: { 1 }))
                        last.withLock { $0 = begun.last }
                        try await store.log.appendTracks((0..<50).map { "after \($0)" }) { _ in "user-7f3a" }
                    }
                    if isCrashing, lookedAt.duration(to: .now) > life { return true }
                    guard try await isDone(1, in: store),
                        try await store.isSettled("a", through: Int64(before.count + 51))
                    else { return false }
                    isOver = true
                    return true
                }
            }
            let sent = taken.withLock { $0 }
            let told = sent.enumerated().filter { $0.element == "delete" }.map(\.offset)
            let firstAfter = try #require(sent.firstIndex { $0.hasPrefix("after") }, "round \(round)")
            #expect(try #require(told.last) < firstAfter, "round \(round), \(chance.seed)")
            // What was not written down before a crash is repeated in its order, and the command behind it.
            let decisive = try #require(isCrashing ? told.last : told.first)
            #expect(!sent[decisive...].contains { $0.hasPrefix("theirs") }, "round \(round), \(chance.seed)")
            var seen: Set<String> = []
            let firsts = sent.filter { $0.hasPrefix("after") && seen.insert($0).inserted }
            #expect(firsts.elementsEqual((0..<50).map { "after \($0)" }))
            #expect(try await store.erasures.erasure(1)?.told.map(\.answer) == [.taken])
            let telling = try await store.log.read(after: Int64(before.count), limit: 1)
            #expect(telling.allSatisfy { $0.isErased && $0.source == ErasureEvent.source })
            try store.close()
        }
    }
}
