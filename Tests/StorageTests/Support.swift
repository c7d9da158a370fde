import Foundation
import PostgresServer
import Storage
import Testing

/// A temporary folder that goes with the value.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ferry-storage-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A data folder inside, not made yet.
    var data: DataStore.Location { .folder(path + "/data") }
}

/// The two engines, which keep the same promises.
enum Engine: String, CustomTestStringConvertible {
    case sqlite, postgres

    /// Those that are there: under CI both have to be.
    static let all: [Engine] = PostgresServer.isExpected ? [.sqlite, .postgres] : [.sqlite]

    var testDescription: String { rawValue }

    /// The other one; the same one where there is but one.
    var other: Engine { Self.all.first { $0 != self } ?? self }

    /// Data with nothing in them, gone with the process.
    func empty() async throws -> DataStore.Location {
        switch self {
        case .sqlite: .memory
        case .postgres: .postgres(try await PostgresServer.shared().database(), folder: nil)
        }
    }

    /// Data with nothing in them that can be opened again.
    func data(in scratch: ScratchFolder) async throws -> DataStore.Location {
        switch self {
        case .sqlite: scratch.data
        case .postgres: .postgres(try await PostgresServer.shared().database(), folder: scratch.path + "/data")
        }
    }
}

func event(
    _ messageId: String,
    source: String = "web",
    type: String = "track",
    name: String? = "Order Completed",
    receivedAt: Int64 = 1_700_000_000_000,
    body: String? = nil,
    deduplicates: Bool = true
) -> NewEvent {
    NewEvent(
        source: source,
        messageId: messageId,
        type: type,
        name: name,
        userId: "u1",
        anonymousId: nil,
        receivedAt: receivedAt,
        body: Array((body ?? #"{"messageId":"\#(messageId)"}"#).utf8),
        deduplicates: deduplicates
    )
}

extension DataStore {
    /// The bodies of the whole log, in order.
    func bodies() async throws -> [String] {
        try await log.read(after: 0, limit: .max).map { String(decoding: $0.body, as: UTF8.self) }
    }
}

/// Waits, giving way to others, until something holds. The test's time limit ends a wait in vain.
func until(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
}
