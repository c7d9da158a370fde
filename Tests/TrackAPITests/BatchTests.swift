import Foundation
import LosslessJSON
import Seeding
import Testing
import TrackAPI

@Suite struct `A batch` {
    @Test func `one item is sent as it is, several as a batch array in their order`() {
        let one = Batch([.event("a")])
        let two = Batch([.event("a"), .event("b")])
        let a = String(decoding: Operation.event("a").encoded(), as: UTF8.self)
        let b = String(decoding: Operation.event("b").encoded(), as: UTF8.self)
        #expect(one.path == "/api/v2/entity")
        #expect(String(decoding: one.encoded(), as: UTF8.self) == a)
        #expect(two.path == "/api/v2/batch")
        #expect(String(decoding: two.encoded(), as: UTF8.self) == #"{"batch":[\#(a),\#(b)]}"#)
        #expect(Batch([.metric]).path == "/api/v1/metrics")
    }

    @Test func `nothing pending makes no request`() {
        #expect(Batch.cut(from: [Batch.Item]()) == nil)
    }

    struct SizeCase: Sendable, CustomTestStringConvertible {
        let sizes: [Int]
        let count: Int
        var testDescription: String { "batch sizes \(sizes) give \(count)" }
    }

    @Test(arguments: [
        SizeCase(sizes: [50], count: 1),
        SizeCase(sizes: Array(repeating: 50, count: 60), count: 50),
        SizeCase(sizes: [50, 50, 2, 50], count: 2),
        SizeCase(sizes: [2, 50, 50], count: 2),
        SizeCase(sizes: [50, 50, 3], count: 3),
        SizeCase(sizes: [50, 50, 50, 3, 50], count: 3),
        SizeCase(sizes: [50, 50, 50, 4, 50], count: 4),
        SizeCase(sizes: [100, 100], count: 2),
        SizeCase(sizes: [1, 50], count: 1),
        SizeCase(sizes: [50, 1, 50], count: 1),
        SizeCase(sizes: [0, 50], count: 1),
        SizeCase(sizes: [-7, 50], count: 1),
    ])
    func `a group holds at most the smallest Batch Size among its operations`(_ test: SizeCase) {
        let items = test.sizes.map { Batch.Item(.event("a"), batchSize: $0, batching: true) }
        #expect(Batch.cut(from: items) == .request(count: test.count))
    }

    @Test func `an operation without batching goes alone, and ends the group before it`() {
        let alone = Batch.Item(.event("a"), batchSize: 50, batching: false)
        let batched = Batch.Item(.event("b"), batchSize: 50, batching: true)
        #expect(Batch.cut(from: [alone, batched]) == .request(count: 1))
        #expect(Batch.cut(from: [batched, batched, alone, batched]) == .request(count: 2))
    }

    @Test func `a metric goes alone, and ends the group before it`() {
        let metric = Batch.Item(.metric, batchSize: 50, batching: true)
        let item = Batch.Item(.event("b"), batchSize: 50, batching: true)
        #expect(Batch.cut(from: [metric, metric]) == .request(count: 1))
        #expect(Batch.cut(from: [item, item, metric, item]) == .request(count: 2))
    }

    @Test(arguments: [(32_768, Batch.Cut.request(count: 1)), (32_769, .tooLarge(words: "larger than 32 KB"))])
    func `an item of more than 32,768 bytes fails without a request`(bytes: Int, cut: Batch.Cut) {
        let item = Batch.Item(.entity(bytes: bytes), batchSize: 50, batching: true)
        #expect(item.bytes == bytes)
        #expect(Batch.cut(from: [item]) == cut)
    }

    @Test func `a metric of more than 32,768 bytes fails too`() {
        let metric = Operation(kind: .metric, body: Operation.entity(bytes: 32_769).body)
        let cut = Batch.cut(from: [Batch.Item(metric, batchSize: 50, batching: true)])
        #expect(cut == .tooLarge(words: "larger than 32 KB"))
    }

    @Test func `a too large item ends the group before it, so that order does not change`() {
        let small = Batch.Item(.event("a"), batchSize: 50, batching: true)
        let large = Batch.Item(.entity(bytes: 40_000), batchSize: 50, batching: true)
        #expect(Batch.cut(from: [small, small, large, small]) == .request(count: 2))
    }

    @Test(arguments: [(0, 16), (1, 15)])
    func `the whole body has at most 500,000 bytes`(excess: Int, count: Int) {
        // Fifteen items of 32,000 and a last one that fills the body to the byte: 12 for the frame, 15 commas.
        let last = 500_000 - 12 - 15 - 15 * 32_000 + excess
        let operations = Array(repeating: Operation.entity(bytes: 32_000), count: 15) + [.entity(bytes: last)]
        let items = operations.map { Batch.Item($0, batchSize: 100, batching: true) }
        #expect(Batch(operations).encoded().count == 500_000 + excess)
        #expect(Batch.cut(from: items) == .request(count: count))
    }

    @Test func `groups joined are the input, whatever it is, and each keeps every limit`() {
        var generator = SeededGenerator(for: "Batches")
        let seed = generator.seed
        for _ in 0..<40 {
            let items = (0..<Int.random(in: 0...80, using: &generator)).map { Self.item($0, using: &generator) }
            var pending = items[...]
            var joined: [Batch.Item] = []
            while let cut = Batch.cut(from: pending) {
                let count = Self.checked(cut, pending: pending, seed: seed)
                guard count > 0 else { return }
                joined += pending.prefix(count)
                pending = pending.dropFirst(count)
            }
            #expect(joined == items, "FERRY_SEED=\(seed)")
        }
    }

    /// The limits said another way than the code says them.
    private static func checked(_ cut: Batch.Cut, pending: ArraySlice<Batch.Item>, seed: UInt64) -> Int {
        switch cut {
        case .tooLarge(let words):
            #expect(words == "larger than 32 KB" && (pending.first?.bytes ?? 0) > 32_768, "FERRY_SEED=\(seed)")
            return 1
        case .request(let count):
            let group = Array(pending.prefix(count))
            let next = pending.dropFirst(count).first
            #expect(fits(group), "FERRY_SEED=\(seed)")
            if let next { #expect(!fits(group + [next]), "a group stops early, FERRY_SEED=\(seed)") }
            return group.count
        }
    }

    private static func fits(_ group: [Batch.Item]) -> Bool {
        let isMixed = group.contains { $0.operation.kind == .metric } && group.count > 1
        return !group.isEmpty && !isMixed && group.allSatisfy { $0.bytes <= 32_768 && group.count <= $0.batchSize }
            && Batch(group.map(\.operation)).encoded().count <= 500_000
    }

    private static func item(_ number: Int, using generator: inout SeededGenerator) -> Batch.Item {
        let operation: TrackAPI.Operation =
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: .metric
            case 1: .entity(bytes: Int.random(in: 32_700...32_900, using: &generator))
            case 2..<8: .entity(bytes: Int.random(in: 20_000...32_768, using: &generator))
            default: .event("event \(number)")
            }
        return Batch.Item(
            operation,
            batchSize: [2, 10, 50, 100][Int.random(in: 0..<4, using: &generator)],
            batching: Int.random(in: 0..<10, using: &generator) > 0
        )
    }
}
