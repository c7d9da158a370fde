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

    /// How many of these, from the first on, one request takes.
    private func filled(_ items: some Sequence<Batch.Item>) -> Int {
        var filling = Batch.Filling()
        return items.prefix { filling.take($0) }.count
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
        #expect(filled(items) == test.count)
    }

    @Test func `an operation without batching goes alone, and ends the group before it`() {
        let alone = Batch.Item(.event("a"), batchSize: 50, batching: false)
        let batched = Batch.Item(.event("b"), batchSize: 50, batching: true)
        #expect(filled([alone, batched]) == 1)
        #expect(filled([batched, batched, alone, batched]) == 2)
    }

    @Test func `a metric goes alone, and ends the group before it`() {
        let metric = Batch.Item(.metric, batchSize: 50, batching: true)
        let item = Batch.Item(.event("b"), batchSize: 50, batching: true)
        #expect(filled([metric, metric]) == 1)
        #expect(filled([item, item, metric, item]) == 2)
    }

    @Test(arguments: [(32_768, false), (32_769, true)])
    func `an item of more than 32,768 bytes is too large`(bytes: Int, isTooLarge: Bool) {
        let item = Batch.Item(.entity(bytes: bytes), batchSize: 50, batching: true)
        #expect(item.bytes == bytes)
        #expect(item.isTooLarge == isTooLarge)
        let metric = Operation(kind: .metric, body: Operation.entity(bytes: bytes).body)
        #expect(Batch.Item(metric, batchSize: 50, batching: true).isTooLarge == isTooLarge)
    }

    @Test func `it says when nothing can follow`() {
        var filling = Batch.Filling()
        let item = Batch.Item(.event("a"), batchSize: 2, batching: true)
        let isFull = [filling.isFull, filling.take(item), filling.isFull, filling.take(item), filling.isFull]
        #expect(isFull == [false, true, false, true, true])
    }

    @Test(arguments: [(0, 16), (1, 15)])
    func `the whole body has at most 500,000 bytes`(excess: Int, count: Int) {
        // Fifteen items of 32,000 and a last one that fills the body to the byte: 12 for the frame, 15 commas.
        let last = 500_000 - 12 - 15 - 15 * 32_000 + excess
        let operations = Array(repeating: Operation.entity(bytes: 32_000), count: 15) + [.entity(bytes: last)]
        let items = operations.map { Batch.Item($0, batchSize: 100, batching: true) }
        #expect(Batch(operations).encoded().count == 500_000 + excess)
        #expect(filled(items) == count)
    }

    @Test func `whatever comes, each group keeps every limit and is as full as it can be`() {
        var generator = SeededGenerator(for: "Batches")
        let seed = generator.seed
        for _ in 0..<40 {
            let items = (0..<Int.random(in: 0...80, using: &generator)).map { Self.item($0, using: &generator) }
            var pending = items.filter { !$0.isTooLarge }[...]
            while !pending.isEmpty {
                let group = pending.prefix(filled(pending))
                #expect(Self.fits(Array(group)), "FERRY_SEED=\(seed)")
                guard !group.isEmpty else { return }
                pending = pending.dropFirst(group.count)
                if let next = pending.first {
                    #expect(!Self.fits(group + [next]), "a group stops early, FERRY_SEED=\(seed)")
                }
            }
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
