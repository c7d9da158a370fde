import Foundation
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

/// Draws the same numbers from the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A generator whose seed is printed and can be given in `FERRY_SEED`.
    static func printed(_ what: String) -> SeededGenerator {
        let given = ProcessInfo.processInfo.environment["FERRY_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("\(what): FERRY_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }
}
