import LosslessJSON

/// The operations of one request: a metric alone, an item alone, or several items (actions.md §5).
package struct Batch: Sendable, Equatable {
    /// In the order in which they are applied (track-api.md §10).
    package let operations: [Operation]

    package init(_ operations: [Operation]) {
        self.operations = operations
    }

    /// Where the request goes: `/api/v2/batch` takes several items, anything else goes to the path of its operation.
    package var path: String {
        guard operations.count == 1 else { return "/api/v2/batch" }
        return operations[0].path
    }

    /// Whether one request can carry these operations: the batch API knows no metrics.
    var isOneRequest: Bool {
        operations.count == 1 || !operations.isEmpty && operations.allSatisfy { $0.kind == .entity }
    }

    /// The body of the request.
    package func encoded() -> [UInt8] {
        if operations.count == 1 { return operations[0].encoded() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(operations.count * 512 + Batch.frameBytes)
        bytes += Batch.opening
        for position in operations.indices {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            operations[position].body.write(to: &bytes)
        }
        bytes += Batch.closing
        return bytes
    }

    private static let opening = Array(#"{"batch":["#.utf8)
    private static let closing = Array("]}".utf8)
    fileprivate static let frameBytes = opening.count + closing.count
}

extension Batch {
    /// An operation that waits to be sent, with what its action says about batching.
    package struct Item: Sendable, Equatable {
        package let operation: Operation
        /// Bytes of the operation's compact JSON text.
        package let bytes: Int
        /// How many operations its request may hold, 1 or more. To halve a group (`Answer.unclear`), lower it.
        package var batchSize: Int

        /// - Parameters:
        ///   - operation: weighed once, here.
        ///   - batchSize: the action's *Batch Size*; less than 1 counts as 1.
        ///   - batching: the action's *Enable Batching*; without it the operation goes alone.
        package init(_ operation: Operation, batchSize: Int, batching: Bool) {
            self.operation = operation
            self.bytes = operation.body.encodedCount
            self.batchSize = batching ? max(1, batchSize) : 1
        }

        /// Whether it is refused without being sent (actions.md §5).
        package var isTooLarge: Bool { bytes > TrackLimits.itemBytes }
        fileprivate var goesAlone: Bool { operation.kind == .metric || batchSize <= 1 }
    }

    /// A request that is being filled, item by item (actions.md §5).
    ///
    /// It holds at most the smallest *Batch Size* among its items and `TrackLimits.batchBytes` of whole body; metrics, and
    /// operations without batching, go alone.
    package struct Filling: Sendable {
        private var count = 0
        private var capacity = Int.max
        private var bytes = frameBytes

        package init() {}

        /// Whether the item fits; if it does it is in.
        package mutating func take(_ item: Item) -> Bool {
            let size = bytes + item.bytes + (count > 0 ? 1 : 0)
            let capacity = min(capacity, item.goesAlone ? 1 : item.batchSize)
            // The first one fits always: what is too large by itself was sorted out before (`Item.isTooLarge`).
            guard count == 0 || (count < capacity && size <= TrackLimits.batchBytes) else { return false }
            count += 1
            self.capacity = capacity
            bytes = size
            return true
        }

        /// Whether nothing can follow.
        package var isFull: Bool { count >= capacity }
    }
}
