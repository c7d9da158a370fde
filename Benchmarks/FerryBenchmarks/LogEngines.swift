import Foundation
import Postgres
import PostgresServer
import Storage

/// The log in either engine, without HTTP in front: how fast events are appended, beside a bare insertion of the same rows
/// into a table of the same PostgreSQL; what several that append to one log do; and whether that changes as the log grows.
struct LogEngines {
    /// Events of the grown log.
    let events: Int

    /// As an operator runs PostgreSQL: what is committed is on the disk.
    static let settings = ["fsync=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB"]

    private static let rounds = 3
    private static let callers = 16
    private static let batch = 100
    private static let batchesOfARound = 600
    private static let body =
        [UInt8](#"{"type":"track","event":"Ordered","text":""#.utf8)
        + [UInt8](repeating: UInt8(ascii: "x"), count: 950) + [UInt8](#""}"#.utf8)

    func run() async throws -> String {
        guard PostgresServer.isInstalled else { return "log engines: left out, there is no PostgreSQL server" }
        let server = try PostgresServer(settings: Self.settings)
        let folder = NSTemporaryDirectory() + "ferry-engines-\(ProcessInfo.processInfo.processIdentifier)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let sqlite = try DataStore(opening: .folder(folder))
        let postgres = try DataStore(opening: .postgres(try await server.database(), folder: nil))
        let floor = try Floor(try await server.database())
        var rates: [[Double]] = [[], [], []]
        for round in 0..<Self.rounds {
            rates[0].append(try await Self.append(to: sqlite, Self.batchesOfARound, "s\(round)"))
            rates[1].append(try await Self.append(to: postgres, Self.batchesOfARound, "p\(round)"))
            rates[2].append(try floor.insert(Self.batchesOfARound * Self.batch))
        }
        let medians = rates.map { $0.sorted()[$0.count / 2] }
        var lines = [
            "log engines: \(Self.callers) callers, \(Self.batch) events of 1 KB a call, on the disk; medians of \(Self.rounds)",
            "  bare insertion into PostgreSQL   \(Self.text(medians[2])) events/s",
            "  append, PostgreSQL               \(Self.text(medians[1])) events/s, \(Self.ratio(medians[1], medians[2])) of that",
            "  append, SQLite                   \(Self.text(medians[0])) events/s, \(Self.ratio(medians[0], medians[2]))",
        ]
        try sqlite.close()
        try postgres.close()
        lines += try await shared(try await server.database())
        lines += try await grown(try await server.database())
        return lines.joined(separator: "\n")
    }

    /// One, two and three that append to the same log: their groups go one after the other.
    private func shared(_ url: String) async throws -> [String] {
        let stores = try (0..<3).map { _ in try DataStore(opening: .postgres(url, folder: nil)) }
        var rates: [[Double]] = [[], [], []]
        var groups: [[Double]] = [[], [], []]
        for round in 0..<Self.rounds {
            for count in 1...stores.count {
                let appending = stores.prefix(count)
                let before = appending.map(\.log.commitStatistics.groups).reduce(0, +)
                let start = ContinuousClock.now
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (index, store) in appending.enumerated() {
                        group.addTask {
                            let name = "n\(round)-\(count)-\(index)"
                            _ = try await Self.append(to: store, Self.batchesOfARound / count, name)
                        }
                    }
                    try await group.waitForAll()
                }
                let seconds = start.duration(to: .now) / .seconds(1)
                rates[count - 1].append(Double(Self.batchesOfARound / count * count * Self.batch) / seconds)
                let after = appending.map(\.log.commitStatistics.groups).reduce(0, +)
                groups[count - 1].append(Double(after - before) / seconds)
            }
        }
        for store in stores { try store.close() }
        return ["1, 2 and 3 that append to one log in PostgreSQL, \(Self.callers) callers each"]
            + zip(rates, groups).map { "  \(range($0)) events/s in \(range($1)) groups/s" }
    }

    /// As the log grows tenfold: the rate of appending, what it writes ahead right behind a checkpoint, where each page is written
    /// as a whole that is touched for the first time, and the time to read a page of a thousand events at the end.
    private func grown(_ url: String) async throws -> [String] {
        let store = try DataStore(opening: .postgres(url, folder: nil))
        let server = try PostgresConnection(PostgresURL(url))
        let walBytes = { try server.query("SELECT (pg_current_wal_lsn() - '0/0')::BIGINT").integer(0, 0) }
        var lines = ["as the log in PostgreSQL grows"]
        var mark = 10_000
        var number = 0
        while mark <= events {
            let last = Int(try await store.log.lastSequence())
            if last < mark { _ = try await Self.append(to: store, (mark - last) / Self.batch, "g\(number)") }
            try server.run("CHECKPOINT")
            let written = try walBytes()
            let rate = try await Self.append(to: store, 100, "m\(number)")
            let wal = try (walBytes() - written) / Int64(100 * Self.batch)
            let end = try await store.log.lastSequence()
            let start = ContinuousClock.now
            for _ in 0..<20 { _ = try await store.log.read(after: end - 1_000, limit: 1_000) }
            let read = start.duration(to: .now) / .milliseconds(1) / 20
            lines.append(
                "  at \(mark) events   \(Self.text(rate)) events/s, \(wal) bytes of WAL an event, "
                    + "a page of 1,000 in \((read * 10).rounded() / 10) ms"
            )
            number += 1
            mark *= 10
        }
        try store.close()
        return lines
    }

    /// Events a second.
    private static func append(to store: DataStore, _ batches: Int, _ name: String) async throws -> Double {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    for number in stride(from: caller, to: batches, by: callers) {
                        let events = (0..<batch).map { event("\(name)-\(number)-\($0)") }
                        _ = try await store.log.append(events)
                    }
                }
            }
            try await group.waitForAll()
        }
        return Double(batches * batch) / (start.duration(to: .now) / .seconds(1))
    }

    private static func event(_ id: String) -> NewEvent {
        NewEvent(
            source: "web",
            messageId: id,
            type: "track",
            name: "Ordered",
            userId: "u1",
            anonymousId: nil,
            receivedAt: Int64(Date().timeIntervalSince1970 * 1000),
            body: body,
            deduplicates: true
        )
    }

    private static func text(_ rate: Double) -> String { String(Int(rate)) }
    private static func ratio(_ rate: Double, _ other: Double) -> String {
        String((rate / other * 100).rounded() / 100)
    }

    /// Rows of the same size without a log: no deduplication, no order, one commit for as many events as a group has.
    private struct Floor {
        let connection: PostgresConnection

        init(_ url: String) throws {
            connection = try PostgresConnection(PostgresURL(url))
            try connection.run(
                """
                CREATE TABLE rows (
                    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source TEXT, message_id TEXT, received_at BIGINT,
                    body BYTEA)
                """
            )
        }

        func insert(_ count: Int) throws -> Double {
            let group = 1_000
            let start = ContinuousClock.now
            for first in stride(from: 0, to: count, by: group) {
                let numbers = first..<first + group
                _ = try connection.query(
                    """
                    INSERT INTO rows (source, message_id, received_at, body)
                    SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[], $4::BYTEA[])
                    """,
                    [
                        .texts(numbers.map { _ in Array("web".utf8) }), .texts(numbers.map { Array("id-\($0)".utf8) }),
                        .integers(numbers.map(Int64.init)), .byteses(numbers.map { _ in LogEngines.body }),
                    ]
                )
            }
            return Double(count) / (start.duration(to: .now) / .seconds(1))
        }
    }
}
