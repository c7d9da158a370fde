import Foundation
import Postgres
import PostgresServer
import Storage

/// The log in either engine, without HTTP in front: how fast events are appended, beside a bare insertion of the same rows
/// into a table of the same PostgreSQL; and whether that changes as the log grows.
struct LogEngines {
    /// Events of the grown log.
    let events: Int

    private static let rounds = 3
    private static let callers = 16
    private static let batch = 100
    private static let batchesOfARound = 600
    private static let body =
        [UInt8](#"{"type":"track","event":"Ordered","text":""#.utf8)
        + [UInt8](repeating: UInt8(ascii: "x"), count: 950) + [UInt8](#""}"#.utf8)

    func run() async throws -> String {
        guard PostgresServer.isInstalled else { return "log engines: left out, there is no PostgreSQL server" }
        // As an operator runs it: what is committed is on the disk.
        let server = try PostgresServer(settings: [
            "fsync=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB",
        ])
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
        lines += try await grown(try DataStore(opening: .postgres(try await server.database(), folder: nil)))
        return lines.joined(separator: "\n")
    }

    /// As the log grows tenfold: the rate of appending, and the time to read a page of a thousand events at its end.
    private func grown(_ store: DataStore) async throws -> [String] {
        var lines = ["as the log in PostgreSQL grows"]
        var mark = 10_000
        var number = 0
        while mark <= events {
            let last = Int(try await store.log.lastSequence())
            if last < mark { _ = try await Self.append(to: store, (mark - last) / Self.batch, "g\(number)") }
            let rate = try await Self.append(to: store, 100, "m\(number)")
            let end = try await store.log.lastSequence()
            let start = ContinuousClock.now
            for _ in 0..<20 { _ = try await store.log.read(after: end - 1_000, limit: 1_000) }
            let read = start.duration(to: .now) / .milliseconds(1) / 20
            lines.append(
                "  at \(mark) events   \(Self.text(rate)) events/s, a page of 1,000 in \((read * 10).rounded() / 10) ms"
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
