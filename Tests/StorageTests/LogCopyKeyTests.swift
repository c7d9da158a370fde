import Foundation
import GRDB
import Postgres
import PostgresServer
import Testing

@testable import Storage

/// The keys of messages and large bodies in a copy, with real files and a real server.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `The keys of a log that is copied` {
    private static let start: Int64 = 1_700_000_000_000
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    /// What there is to copy from, and an empty place of the other engine.
    private func places(_ engine: Engine) async throws -> (DataStore.Location, DataStore.Location) {
        let database = DataStore.Location.postgres(try await PostgresServer.shared().database(), folder: nil)
        let folder = DataStore.Location.folder(scratch.path + "/data")
        return engine == .sqlite ? (folder, database) : (database, folder)
    }

    private func store(_ location: DataStore.Location) throws -> DataStore {
        var limits = DataStore.Limits()
        // So that some are filed, some are being filed, and some are not.
        limits.recentKeys = 400
        return try DataStore(opening: location, limits: limits)
    }

    private func events(_ range: Range<Int>, after milliseconds: Int64 = 0) -> [NewEvent] {
        range.map { event("m\($0)", receivedAt: Self.start + milliseconds + Int64($0)) }
    }

    private func append(_ events: [NewEvent], _ store: DataStore) async throws {
        for first in stride(from: 0, to: events.count, by: 100) {
            _ = try await store.log.append(Array(events[first..<min(first + 100, events.count)]))
        }
    }

    /// Copies, and counts the keys that went over.
    private func copy(_ from: DataStore.Location, _ to: DataStore.Location) throws -> (LogCopy.Outcome, keys: Int) {
        var keys = 0
        let outcome = try LogCopy.run(from: from, to: to) { note in
            if case .keys(let count) = note { keys += count }
        }
        return (outcome, keys)
    }

    /// Changes a copy behind Ferry's back.
    private func tamper(_ location: DataStore.Location, _ sql: String) throws {
        switch location {
        case .folder(let path):
            let queue = try DatabaseQueue(path: path + "/ferry.db")
            try queue.write { try $0.execute(sql: sql) }
            try queue.close()
        case .postgres(let url, _):
            let connection = try PostgresConnection(PostgresURL(url))
            try connection.run("SET search_path TO ferry; \(sql)")
            connection.close()
        case .memory: break
        }
    }

    private func isWhole(_ outcome: LogCopy.Outcome) -> Bool {
        if case .whole = outcome { true } else { false }
    }

    @Test(arguments: [Engine.sqlite, .postgres])
    func `go over while a server goes on, and at the end only those that are new`(engine: Engine) async throws {
        let (from, to) = try await places(engine)
        let source = try store(from)
        try await append(events(0..<5_000), source)
        let first = try copy(from, to)
        #expect(first.0 == .inUse(last: 5_000) && first.keys >= 5_000)
        // Meanwhile those that were not filed are: they are where the first pass has been already.
        try await append(events(5_000..<5_300), source)
        let second = try copy(from, to)
        #expect(second.0 == .inUse(last: 5_300) && 300...600 ~= second.keys, "\(second.keys)")
        try await append(events(5_300..<5_310), source)
        try source.close()
        let last = try copy(from, to)
        // Once before it is known that nobody uses the source, and once after.
        #expect(isWhole(last.0) && 10...20 ~= last.keys, "\(last.keys)")
        let moved = try store(to)
        for first in stride(from: 0, to: 5_310, by: 90) {
            let again = try await moved.log.append(events(first..<first + 90))
            #expect(again == (first + 1...first + 90).map { .duplicate(of: Int64($0)) })
        }
        try moved.close()
    }

    @Test(arguments: [Engine.sqlite, .postgres])
    func `are those of the messages that came again, and not those that have expired`(engine: Engine) async throws {
        let (from, to) = try await places(engine)
        let (hour, source) = (Int64(3_600_000), try store(from))
        try await append(events(0..<1_000), source)
        #expect(try copy(from, to).0 == .inUse(last: 1_000))
        // Forgotten, and accepted once more under other numbers.
        try await append(events(0..<500, after: 25 * hour), source)
        #expect(try copy(from, to).0 == .inUse(last: 1_500))
        // The second half has left, wherever it still stands.
        try await append(events(2_000..<2_600, after: 37 * hour), source)
        try source.close()
        let outcome = try copy(from, to)
        #expect(isWhole(outcome.0) && 600...1_200 ~= outcome.keys, "\(outcome.keys)")
        let moved = try store(to)
        let known = try await moved.log.append(events(0..<500, after: 38 * hour))
        #expect(known == (1_001...1_500).map { .duplicate(of: $0) })
        let forgotten = try await moved.log.append(events(500..<1_000, after: 38 * hour))
        #expect(forgotten == (2_101...2_600).map { .stored(seq: $0) })
        try moved.close()
    }

    @Test(arguments: [Engine.sqlite, .postgres])
    func `are copied anew where they are not the same at the end`(engine: Engine) async throws {
        let changes = [
            "DELETE FROM seen WHERE seq = 17", "UPDATE seen SET seq = seq + 1 WHERE seq = 17",
            "UPDATE seen SET received_at = received_at - 1 WHERE seq = 17",
        ]
        for change in changes {
            let (from, to) = try await places(engine)
            let source = try store(from)
            try await append(events(0..<1_000), source)
            #expect(try copy(from, to).0 == .inUse(last: 1_000))
            try source.close()
            try tamper(to, change)
            let outcome = try copy(from, to)
            #expect(isWhole(outcome.0) && outcome.keys >= 1_000, "\(change)")
            let moved = try store(to)
            let again = try await moved.log.append(events(0..<1_000))
            #expect(again == (1...1_000).map { .duplicate(of: $0) }, "\(change)")
            try moved.close()
            for case .folder(let path) in [from, to] { try FileManager.default.removeItem(atPath: path) }
        }
    }

    @Test(arguments: [Engine.sqlite, .postgres])
    func `large bodies go over a few at a time`(engine: Engine) async throws {
        let (from, to) = try await places(engine)
        let source = try store(from)
        let body = [UInt8](repeating: 0x78, count: 64 << 10)
        let large = events(0..<300).map { event in
            var event = event
            event.body = body
            return event
        }
        try await append(large, source)
        try source.close()
        var pages: [Int64] = []
        var last: Int64 = 0
        let outcome = try LogCopy.run(from: from, to: to) { note in
            guard case .copied(let seq, last: _) = note else { return }
            pages.append(seq - last)
            last = seq
        }
        #expect(isWhole(outcome))
        // 8 MiB, which is 127 of these with their other texts.
        #expect(pages == [127, 127, 46])
        let moved = try store(to)
        #expect(try await moved.log.read(after: 0, limit: .max).map(\.body) == large.map(\.body))
        try moved.close()
    }

    @Test(arguments: [Engine.sqlite, .postgres])
    func `a row that is larger than a page goes over alone`(engine: Engine) async throws {
        let location = try await engine.data(in: scratch)
        try DataStore(opening: location).close()
        let end = try CopyEnd(making: location)
        defer { end.close() }
        let sizes = [10, CopiedTable.pageBytes + 1, 10, 10]
        let rows = sizes.enumerated().map { number, size in
            CopiedRow([
                .integer(Int64(number + 1)), .integer(1), .text("web"), .bytes([UInt8](repeating: 1, count: size)),
            ])
        }
        let table = try #require(CopiedTable.others.first { $0.name == "kept_events" })
        try end.write { try $0.insert(rows, into: table) }
        var pages: [[Int64]] = []
        try end.forEachPage(of: table) { pages.append($0.map(\.number)) }
        #expect(pages == [[1], [2], [3, 4]])
    }
}
