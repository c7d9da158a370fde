import NIOCore
import Synchronization

/// Whether a request was begun: only then can one of its operations be to blame for what followed, and only then can it
/// still be applied after nobody waits for it any more.
///
/// The HTTP client throws the same errors on both sides of that moment. But it asks for the body only when it has a
/// connection and has written the head; before that no byte of an operation has left.
final class Departure: Sendable {
    private let begun: Atomic<Bool>

    /// - Parameter hasBegun: `true` for a request without a body, of which nothing is known but its error.
    init(hasBegun: Bool) {
        begun = Atomic(hasBegun)
    }

    var hasBegun: Bool { begun.load(ordering: .acquiring) }

    fileprivate func begin() {
        begun.store(true, ordering: .releasing)
    }
}

/// The body of a request, in one piece, that notes when it is asked for.
struct DepartingBody: AsyncSequence, Sendable {
    let bytes: ByteBuffer
    let departure: Departure

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var rest: ByteBuffer?
        fileprivate let departure: Departure

        mutating func next() async -> ByteBuffer? {
            departure.begin()
            defer { rest = nil }
            return rest
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(rest: bytes, departure: departure)
    }
}
