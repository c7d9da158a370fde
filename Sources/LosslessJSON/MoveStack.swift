/// A stack whose top elements can be moved out as an array of exactly their number.
///
/// An `Array` would copy them (a retain and a release each); the parser spent a fifth of its time there.
struct MoveStack<Element>: ~Copyable {
    private var storage = UnsafeMutableBufferPointer<Element>(start: nil, count: 0)
    private(set) var count = 0

    deinit {
        storage.extracting(..<count).deinitialize()
        storage.deallocate()
    }

    @inline(__always)
    mutating func push(_ element: consuming Element) {
        if count == storage.count { grow() }
        storage.initializeElement(at: count, to: element)
        count &+= 1
    }

    /// Moves out everything from a position to the top.
    ///
    /// One by one: `Array(unsafeUninitializedCapacity:)` asks the runtime for the array's type at every call, which
    /// took longer than appending a dozen elements.
    mutating func popArray(from first: Int) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(count &- first)
        for position in first..<count {
            result.append(storage.moveElement(from: position))
        }
        count = first
        return result
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(20, storage.count * 2))
        _ = larger.moveInitialize(fromContentsOf: storage.extracting(..<count))
        storage.deallocate()
        storage = larger
    }
}
