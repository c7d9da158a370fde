import Events
import HTTPTypes
import LosslessJSON
import NIOCore
import Storage

/// The body of a source call, taken apart: its messages and what holds for all of them.
struct Submission {
    /// The call that the path names, which wins over the message's `type`; `nil` on the batch paths.
    let call: Event.Call?
    private(set) var messages: [JSON]
    let envelope: Event.Envelope
    /// Size of the envelope's values that go into each message, as compact JSON.
    let envelopeBytes: Int
    /// The write keys of the body, in the order in which they are tried (source-api.md §1.2).
    let writeKeys: [String]
    /// No message's compact JSON can be larger than this.
    let bodyBytes: Int

    /// - Throws: `Rejection` for a body that cannot be understood as a whole.
    init(_ body: ReceivedBody, of request: IncomingRequest, call: Event.Call?, limits: SourceLimits) throws(Rejection) {
        let buffer = try Self.buffer(of: body, isBatch: call == nil, limits: limits)
        let root: JSON
        do {
            root = try JSON(parsing: buffer)
        } catch {
            throw Rejection(.invalidJSON, "the body is not JSON: \(error)" + Self.hint(about: request))
        }
        try self.init(root, bytes: buffer.readableBytes, call: call)
    }

    /// - Throws: `Rejection` for JSON that is neither a message nor a batch.
    init(_ root: JSON, bytes: Int, call: Event.Call?) throws(Rejection) {
        guard case .object(let object) = root else {
            throw Rejection(.invalidJSON, "the body must be a JSON object, not \(root.kindName)")
        }
        self.call = call
        bodyBytes = bytes
        if call == nil {
            messages = try Self.messages(of: object)
            envelope = Event.Envelope(object)
            envelopeBytes = envelope.mergedBytes
            writeKeys = [object["writeKey"], messages.first?["writeKey"]].compactMap { $0?.stringValue }
        } else {
            if case .array? = object["batch"] {
                throw Rejection(
                    .invalidRequest,
                    field: "batch",
                    "this path takes a single message: a batch goes to /v1/batch"
                )
            }
            messages = [root]
            envelope = .none
            envelopeBytes = 0
            writeKeys = [object["writeKey"]].compactMap { $0?.stringValue }
        }
    }

    /// The same without messages of which an erasure has taken away whose they were: they would all be one person's.
    func withoutErased() -> Submission {
        var left = self
        left.messages.removeAll { message in
            ["userId", "anonymousId", "previousId"].contains { key in
                message[key]?.stringValue?.contains(Redaction.replacement) ?? false
            }
        }
        return left
    }

    private static func messages(of object: JSON.Object) throws(Rejection) -> [JSON] {
        switch object["batch"] {
        case .array(let messages)?: return messages
        case let value?:
            throw Rejection(.invalidRequest, field: "batch", "batch must be a list of messages, not \(value.kindName)")
        case nil:
            throw Rejection(
                .invalidRequest,
                field: "batch",
                "batch is missing: this path takes {\"batch\":[…]}, a single message goes to the path of its type"
            )
        }
    }

    private static func buffer(
        of body: ReceivedBody,
        isBatch: Bool,
        limits: SourceLimits
    ) throws(Rejection) -> ByteBuffer {
        switch body {
        case .whole(let buffer): return buffer
        case .damaged:
            throw Rejection(.invalidJSON, "the body begins like gzip and is no whole gzip stream: send it again whole")
        case .tooLarge, .tooSlow, .noRoom:
            throw Rejection(
                isBatch ? .batchTooLarge : .messageTooLarge,
                "the body is larger than \(limits.bodyBytes) bytes"
            )
        }
    }

    /// What to say of a body that can't be read because of a compression that nobody asked for.
    private static func hint(about request: IncomingRequest) -> String {
        let encoding = request.headers[.contentEncoding] ?? "identity"
        guard !["identity", "gzip", "x-gzip"].contains(encoding.lowercased()) else { return "" }
        return "; of compressions, gzip alone is understood"
    }
}

extension Event.Envelope {
    /// What is left of the batch, as JSON.
    var encoded: [UInt8] {
        var object = JSON.Object()
        if !context.isEmpty { object.append("context", .object(context)) }
        if !integrations.isEmpty { object.append("integrations", .object(integrations)) }
        if let sentAt { object.append("sentAt", sentAt) }
        return object.encoded()
    }

    /// Size of what is merged into each message.
    fileprivate var mergedBytes: Int {
        let objects = [context, integrations].filter { !$0.isEmpty }.map(JSON.object)
        return (objects + [sentAt].compactMap(\.self)).reduce(0) { $0 + $1.encodedCount }
    }
}
