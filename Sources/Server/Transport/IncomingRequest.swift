import HTTPTypes
import Hummingbird
import LosslessJSON
import NIOCore
import TrackAPI

/// One request as the services see it. Its body is still on the wire.
package struct IncomingRequest: Sendable {
    let method: HTTPRequest.Method
    /// What the request line holds: the path and, behind a `?`, the query.
    let target: String
    let headers: HTTPFields
    /// The `Host` header.
    let authority: String?
    /// The sender's address, without the port.
    let peerAddress: String?
    /// The embedded workspace that the credentials open, where that was looked up before.
    var workspace: EmbeddedWorkspace?
    private var body: RequestBody
    /// What came of reading the body, where that was tried before.
    private var failure: ReceivedBody?

    init(_ request: Request, peerAddress: String?) {
        self.init(request.head, body: request.body, peerAddress: peerAddress)
    }

    /// A request whose body is to come, or is here already (`RequestBody(buffer:)`).
    init(_ head: HTTPRequest, body: RequestBody, peerAddress: String?) {
        method = head.method
        target = head.path ?? "/"
        headers = head.headerFields
        authority = head.authority
        self.peerAddress = peerAddress
        self.body = body
    }

    /// A request that nobody has sent: one service asks another.
    init(method: HTTPRequest.Method, target: String, headers: HTTPFields, body: ByteBuffer) {
        self.method = method
        self.target = target
        self.headers = headers
        authority = nil
        peerAddress = nil
        self.body = RequestBody(buffer: body)
    }

    /// The same request with a body that was read already, or with what became of that.
    func with(_ received: ReceivedBody) -> IncomingRequest {
        var request = self
        if case .whole(let buffer) = received {
            request.body = RequestBody(buffer: buffer)
        } else {
            request.failure = received
        }
        return request
    }

    /// The trace that the sender names in `traceparent`, for what is logged of this request.
    var trace: TraceID? {
        guard headers.contains(.traceparent) else { return nil }
        let values = headers[values: .traceparent]
        return values.count == 1 ? TraceID(traceparent: values[0]) : nil
    }

    /// The value of a header. `headers` itself puts a new text together, even for one that comes once, as nearly all do.
    func header(_ name: HTTPField.Name) -> String? {
        var value: String?
        for field in headers where field.name == name {
            if value != nil { return headers[name] }
            value = field.value
        }
        return value
    }

    /// The decoded values of the query's parameters.
    var query: RequestQuery { RequestQuery(target) }
}

/// The sender went away in the middle of a request, or stopped speaking HTTP: nobody is left to answer.
package struct BrokenRequest: Error {
    let cause: any Error
}

/// The bytes of a request, or why there are none.
enum ReceivedBody {
    case whole(ByteBuffer)
    /// Larger than the limit. All but its beginning was thrown away; `isDrained` says whether the rest has come.
    case tooLarge(isDrained: Bool, beginning: ByteBuffer)
    /// Not complete in time.
    case tooSlow
    /// Other requests use up the memory that there is for bodies.
    case noRoom
    /// Compressed, and no whole gzip stream; its beginning may make sense.
    case damaged(beginning: ByteBuffer)

    /// Bytes that are kept of a body that is not taken, to tell what it was.
    static let beginningBytes = 16 << 10

    /// What came, or its beginning.
    var bytes: [UInt8] {
        switch self {
        case .whole(let buffer), .tooLarge(_, let buffer), .damaged(let buffer): Array(buffer.readableBytesView)
        case .tooSlow, .noRoom: []
        }
    }

    /// Whether something came that is not in `bytes`.
    var isCut: Bool {
        if case .whole = self { false } else { true }
    }

    /// Bytes that the caller gives back to the budget.
    var heldBytes: Int {
        if case .whole(let buffer) = self { buffer.readableBytes } else { 0 }
    }
}

extension ReceivedBody {
    /// The body before it was compressed with gzip, within the same bounds; this one if it was not. What it grows by is
    /// taken from `budget`.
    func inflated(upTo limit: Int, budget: ByteBudget) -> ReceivedBody {
        guard case .whole(let buffer) = self, buffer.isGzip else { return self }
        defer { budget.giveBack(buffer.readableBytes) }
        switch buffer.inflated(upTo: limit) {
        case .whole(let plain): return budget.take(plain.readableBytes) ? .whole(plain) : .noRoom
        case .tooLarge(let beginning): return .tooLarge(isDrained: true, beginning: beginning)
        case .damaged(let beginning): return .damaged(beginning: beginning)
        }
    }
}

extension JSON {
    /// Reads one JSON value, which the buffer's size bounds.
    init(parsing buffer: ByteBuffer) throws(JSONError) {
        let result = buffer.withUnsafeReadableBytes { bytes -> Result<JSON, JSONError> in
            do throws(JSONError) {
                return .success(try JSON(parsing: bytes, limits: Limits(bytes: bytes.count)))
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }
}

extension IncomingRequest {
    /// Reads the body and never keeps more than `limit` bytes of it. What is kept is taken from `budget`, to which the
    /// caller gives it back.
    ///
    /// A body that is not kept is read on to four times the limit, so that the sender has finished sending and reads
    /// its answer. Whoever takes longer than `seconds` is not waited for.
    func readBody(upTo limit: Int, seconds: Int, budget: ByteBudget) async throws(BrokenRequest) -> ReceivedBody {
        if let failure { return failure }
        let (drained, overflow) = limit.multipliedReportingOverflow(by: 4)
        let drainLimit = overflow ? Int.max : drained
        let announced = headers[.contentLength].flatMap { Int($0) } ?? 0
        if announced > drainLimit { return .tooLarge(isDrained: false, beginning: ByteBuffer()) }
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        var buffer = ByteBuffer()
        var received = 0
        var failure: ReceivedBody?
        var beginning = ByteBuffer()
        do {
            for try await var chunk in body {
                received += chunk.readableBytes
                // A silent sender is cut off by the connection's idle time-out; this is for one who dribbles.
                if received > drainLimit || ContinuousClock.now > deadline {
                    budget.giveBack(buffer.readableBytes)
                    return received > drainLimit ? .tooLarge(isDrained: false, beginning: beginning) : .tooSlow
                }
                guard failure == nil else { continue }
                if received > limit {
                    let first = buffer.readableBytes > 0 ? buffer : chunk
                    // Nobody sees what stands in a compressed one, which may be a key.
                    let length = first.isGzip ? 0 : ReceivedBody.beginningBytes
                    beginning = ByteBuffer(bytes: first.readableBytesView.prefix(length))
                    failure = .tooLarge(isDrained: true, beginning: beginning)
                } else if !budget.take(chunk.readableBytes) {
                    failure = .noRoom
                } else if buffer.readableBytes > 0 {
                    buffer.writeBuffer(&chunk)
                } else {
                    buffer = chunk
                    buffer.reserveCapacity(min(announced, limit))
                }
                guard failure != nil else { continue }
                budget.giveBack(buffer.readableBytes)
                buffer = ByteBuffer()
            }
        } catch {
            budget.giveBack(buffer.readableBytes)
            throw BrokenRequest(cause: error)
        }
        return failure ?? .whole(buffer)
    }
}
