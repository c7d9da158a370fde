import Foundation
import Seeding
import Storage
import Testing

/// A damaged log is told from a sound one, and what can be read of it is saved.
@Suite(.timeLimit(.minutes(3))) struct `Damage` {
    private static let count = 3000

    private static func body(_ number: Int) -> String { "\(number) " + String(repeating: "x", count: 1000) }

    /// A folder with a log of 3,000 events, a position, and a refused message, and no server on it.
    private func makeLog() async throws -> ScratchFolder {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: scratch.data)
        for first in stride(from: 1, through: Self.count, by: 100) {
            _ = try await store.log.append((first..<first + 100).map { event("m\($0)", body: Self.body($0)) })
        }
        _ = try await store.ledger.open(.live, of: "i", startingAt: 1234)
        let refused = RefusedMessage(source: "web", code: "c", reason: "r", raw: [1], receivedAt: 1_700_000_000_000)
        try await store.refusedMessages.record([refused])
        try store.close()
        return scratch
    }

    private func verify(_ scratch: ScratchFolder) throws -> LogVerification {
        try LogVerification(of: scratch.path + "/data") { String(decoding: $0, as: UTF8.self).hasSuffix("xxx") }
    }

    /// Overwrites pages of the file with noise.
    private func damage(_ scratch: ScratchFolder, pages: [Int], _ chance: inout SeededGenerator) throws {
        let file = try FileHandle(forUpdating: URL(filePath: scratch.path + "/data/ferry.db"))
        for page in pages {
            try file.seek(toOffset: UInt64(page * 4096))
            try file.write(contentsOf: Data((0..<4096).map { _ in UInt8.random(in: 0...255, using: &chance) }))
        }
        try file.close()
    }

    private func pageCount(_ scratch: ScratchFolder) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path + "/data/ferry.db")
        return try #require(attributes[.size] as? NSNumber).intValue / 4096
    }

    @Test func `a sound log has no problems, also while a server has it`() async throws {
        let scratch = try await makeLog()
        #expect(try verify(scratch).problems == [])
        #expect(try verify(scratch).events == 3000)
        let store = try DataStore(opening: scratch.data)
        _ = try await store.log.append([event("more", body: Self.body(1))])
        #expect(try verify(scratch).events == 3001)
        try store.close()
    }

    @Test(arguments: 1...6)
    func `what the damage left is saved, in its order, and the log goes on`(pages: Int) async throws {
        var chance = SeededGenerator(for: "Damage")
        let scratch = try await makeLog()
        // Behind the first pages, which say what the file is.
        let last = try pageCount(scratch)
        try damage(scratch, pages: (0..<pages).map { _ in Int.random(in: 30..<last, using: &chance) }, &chance)
        let found = try verify(scratch)
        #expect(!found.problems.isEmpty)

        let repair = try LogRepair(of: scratch.path + "/data")
        #expect(FileManager.default.fileExists(atPath: repair.damagedFile))
        let lost = repair.lost.reduce(0) { $0 + $1.count }
        #expect(repair.events + lost == Self.count)
        // A page in the middle of the tree takes all below it along.
        #expect(repair.events > Self.count / 5)
        #expect(try verify(scratch).problems == [])

        let store = try DataStore(opening: scratch.data)
        let saved = try await store.log.read(after: 0, limit: .max)
        #expect(saved.count == repair.events)
        #expect(saved.map(\.seq) == saved.map(\.seq).sorted())
        for event in saved { #expect(String(decoding: event.body, as: UTF8.self) == Self.body(Int(event.seq))) }
        #expect(try await store.ledger.position(of: "i") == 1234)
        #expect(try await store.log.append([event("new")]) == [.stored(seq: 3001)])
        try store.close()
    }

    @Test func `integrations that live in the data are saved with it, and their secrets`() async throws {
        let scratch = try await makeLog()
        var store = try DataStore(opening: scratch.data)
        var revision = NewRevision(integration: "own", author: "API", text: "t", at: 5, behindRead: nil, isKept: true)
        revision.secrets = ["api_key": "open sesame"]
        let made = try await store.revisions.add([revision])
        try await store.revisions.pause("own", true)
        try store.close()
        _ = try LogRepair(of: scratch.path + "/data")
        store = try DataStore(opening: scratch.data)
        #expect(try await store.revisions.all() == ["own": made])
        #expect(try await store.revisions.keptIntegrations() == ["own"])
        #expect(try await store.revisions.secrets(of: "own") == ["api_key": "open sesame"])
        #expect(try await store.revisions.pausedIntegrations() == ["own"])
        try store.close()
    }

    @Test func `a log that was cut off is saved up to there`() async throws {
        let scratch = try await makeLog()
        let path = scratch.path + "/data/ferry.db"
        truncate(path, off_t(try pageCount(scratch) * 4 / 5 * 4096))
        #expect(try !verify(scratch).problems.isEmpty)
        let repair = try LogRepair(of: scratch.path + "/data")
        #expect(repair.events > 1000)
        #expect(repair.events + repair.lost.reduce(0) { $0 + $1.count } == Self.count)
        let store = try DataStore(opening: scratch.data)
        #expect(try await store.log.append([event("new")]) == [.stored(seq: 3001)])
        try store.close()
    }

    @Test func `what is no database at all is named and left as it is`() async throws {
        let scratch = try await makeLog()
        var chance = SeededGenerator(for: "Damage")
        try damage(scratch, pages: [0], &chance)
        #expect(try !verify(scratch).problems.isEmpty)
        let error = #expect(throws: StorageError.self) { try LogRepair(of: scratch.path + "/data") }
        #expect(error?.code == .corrupt)
        #expect(throws: StorageError.self) { try DataStore(opening: scratch.data) }
    }

    @Test func `a log that a server uses is not repaired`() async throws {
        let scratch = try await makeLog()
        let store = try DataStore(opening: scratch.data)
        let error = #expect(throws: StorageError.self) { try LogRepair(of: scratch.path + "/data") }
        #expect(error?.code == .locked)
        try store.close()
    }
}
