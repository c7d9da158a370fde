import Foundation
import Integrations
import LosslessJSON
import Storage
import Synchronization
import Testing
import TrackAPI

@testable import Delivery

/// Erasing with real lanes, on a real disk.
@Suite(.timeLimit(.minutes(2))) struct `The eraser` {
    private func erase(_ userId: String, _ command: Erasure.Command? = nil, in store: DataStore) async throws -> Int64 {
        var new = NewErasure(.init(userId: userId), startedAt: 1)
        new.command = command
        new.integrations = ["a"]
        return try await store.erasures.add(new).number
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
                let asked = try await erase("user-7f3a", in: store)
                number.withLock { $0 = asked }
                control.erasuresChanged()
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

    @Test func `tells an integration until it answers, behind everything else, and keeps what it said`() async throws {
        let scratch = ScratchStore()
        let store = try scratch.open()
        _ = try await store.ledger.open(.live, of: "a", startingAt: 0)
        try await store.log.appendTracks(["x-1"]) { _ in "user-7f3a" }
        let asked = try await erase("user-7f3a", .suppress, in: store)
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
}
