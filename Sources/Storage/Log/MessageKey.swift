/// What makes two messages one (source-api.md §2.7), in 16 bytes.
struct MessageKey: Sendable, Hashable, Comparable {
    /// The first eight bytes, the first of them highest, so that keys have the order of their bytes.
    let head: UInt64
    private let tail: UInt64

    init(head: UInt64, tail: UInt64) {
        self.head = head
        self.tail = tail
    }

    /// `nil` if there are not 16 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        head = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        tail = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            memory.storeBytes(of: head.bigEndian, toByteOffset: 0, as: UInt64.self)
            memory.storeBytes(of: tail.bigEndian, toByteOffset: 8, as: UInt64.self)
            count = 16
        }
    }

    static func < (left: MessageKey, right: MessageKey) -> Bool {
        (left.head, left.tail) < (right.head, right.tail)
    }
}

extension MessageKey {
    /// How long a message is remembered, in milliseconds (source-api.md §2.7).
    static let memoryMilliseconds: Int64 = 24 * 60 * 60 * 1000
    /// For how long what has expired is left: no clock that was ahead for a while makes anybody forget.
    private static let graceMilliseconds: Int64 = 12 * 60 * 60 * 1000

    /// What was received up to then may leave at a time (both in milliseconds since 1970).
    static func leaving(at now: Int64) -> Int64 { now.subtractingSaturated(memoryMilliseconds + graceMilliseconds) }
}

/// Makes message keys: SipHash-2-4 with 128 bits of output, under a secret of the database.
///
/// A key takes the same room however long a message id is, does not tell the message id, and nobody outside can choose
/// two messages that share one.
struct MessageKeys: Sendable, CustomStringConvertible, CustomReflectable {
    private let secret: [UInt8]

    /// Without the secret, wherever it is printed.
    var description: String { "message keys" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// - Parameter secret: 16 bytes.
    init(secret: [UInt8]) {
        self.secret = secret
    }

    func key(of event: NewEvent) -> MessageKey {
        var input: [UInt8] = []
        input.reserveCapacity(128)
        input.append(field: event.source)
        input.append(field: event.messageId)
        input.append(field: event.type)
        if event.type.utf8.elementsEqual("track".utf8) {
            input.append(field: event.name ?? "")
        }
        return SipHash128.hash(input, secret: secret)
    }

    /// The key of any text, which is never that of an event: an event has more fields.
    func key(ofText text: String) -> MessageKey {
        var input: [UInt8] = []
        input.append(field: text)
        return SipHash128.hash(input, secret: secret)
    }
}
