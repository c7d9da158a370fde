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

/// Whether a request may leave, for those whose right to send ends. It is asked again when there is a connection: that may be
/// long after the request was decided upon, because a network that was away is back.
package typealias DepartureGate = @Sendable () -> Bool

/// The body of a request, in one piece, that notes when it is asked for.
struct DepartingBody: AsyncSequence, Sendable {
    let bytes: ByteBuffer
    let departure: Departure
    let isOpen: DepartureGate

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var rest: ByteBuffer?
        fileprivate let departure: Departure
        fileprivate let isOpen: DepartureGate

        mutating func next() async throws -> ByteBuffer? {
            // A head whose body never comes is no request.
            guard rest == nil || isOpen() else { throw ConnectionFailure.HeldBack() }
            departure.begin()
            defer { rest = nil }
            return rest
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(rest: bytes, departure: departure, isOpen: isOpen)
    }
}
