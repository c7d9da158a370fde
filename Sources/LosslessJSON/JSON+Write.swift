extension JSON {
    /// The compact JSON text as bytes: no white space, numbers as their text, keys in their order, everything but
    /// quotes, backslashes and control characters unescaped.
    package func encoded() -> [UInt8] {
        var writer = Writer()
        writer.write(self)
        return writer.bytes
    }

    /// Appends the compact JSON text.
    package func write(to bytes: inout [UInt8]) {
        var writer = Writer()
        writer.write(self)
        writer.append(to: &bytes)
    }

    /// How many bytes the compact JSON text has.
    package var encodedCount: Int {
        var writer = Writer()
        writer.write(self)
        return writer.count
    }

    /// Whether the compact JSON text has at most so many bytes.
    package func isEncoded(within bytes: Int) -> Bool {
        Self.most(self) <= bytes || encodedCount <= bytes
    }

    /// So many bytes or fewer are in the compact JSON text: each byte of a text may need an escape of six. Tells without
    /// looking at the texts.
    private static func most(_ value: borrowing JSON) -> Int {
        switch value {
        case .null: return 4
        case .bool: return 5
        case .number(let number): return number.text.utf8.count
        case .string(let string): return most(string)
        case .array(let items):
            let items = items.span
            var most = 2 + items.count
            for position in items.indices { most += Self.most(items[position]) }
            return most
        case .object(let object):
            let members = object.members.span
            var most = 2 + 2 * members.count
            for position in members.indices {
                most += Self.most(members[position].key) + Self.most(members[position].value)
            }
            return most
        }
    }

    private static func most(_ string: borrowing String) -> Int { 2 + 6 * string.utf8.count }

    /// Appends a text as a JSON string.
    package static func write(_ string: String, to bytes: inout [UInt8]) {
        var writer = Writer()
        writer.write(string)
        writer.append(to: &bytes)
    }
}

extension JSON.Object {
    /// How many bytes the compact JSON text has.
    package var encodedCount: Int {
        var writer = Writer()
        writer.write(self)
        return writer.count
    }

    /// The compact JSON text as bytes.
    package func encoded() -> [UInt8] {
        var writer = Writer()
        writer.write(self)
        return writer.bytes
    }

    /// Appends the compact JSON text.
    package func write(to bytes: inout [UInt8]) {
        var writer = Writer()
        writer.write(self)
        writer.append(to: &bytes)
    }
}

/// Writes JSON text into memory of its own that doubles when it is full.
///
/// An `[UInt8]` would look at its uniqueness, its capacity and its count at every piece of text.
private struct Writer: ~Copyable {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    /// Room for an ordinary event.
    init(capacity: Int = 2048) {
        start = .allocate(byteCount: capacity, alignment: 1)
        self.capacity = capacity
    }

    deinit {
        start.deallocate()
    }

    var bytes: [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
    }

    mutating func write(_ value: borrowing JSON) {
        switch value {
        case .null: append("null")
        case .bool(true): append("true")
        case .bool(false): append("false")
        case .number(let number): append(number.text)
        case .string(let string): write(string)
        case .array(let items): write(items)
        case .object(let object): write(object)
        }
    }

    private mutating func write(_ items: borrowing [JSON]) {
        append(UInt8(ascii: "["))
        let items = items.span
        for position in items.indices {
            if position > 0 { append(UInt8(ascii: ",")) }
            write(items[position])
        }
        append(UInt8(ascii: "]"))
    }

    mutating func write(_ object: borrowing JSON.Object) {
        append(UInt8(ascii: "{"))
        let members = object.members.span
        for position in members.indices {
            if position > 0 { append(UInt8(ascii: ",")) }
            write(members[position].key)
            append(UInt8(ascii: ":"))
            write(members[position].value)
        }
        append(UInt8(ascii: "}"))
    }

    mutating func write(_ string: borrowing String) {
        string.withBytes { write(text: $0) }
    }

    /// Copies eight bytes at a time for as long as none of them must be escaped. The last word overlaps the one before
    /// it, and a short text is one word of which the rest is blank.
    @inline(never)
    private mutating func write(text: UnsafeRawBufferPointer) {
        reserve(text.count &+ 10)
        put(UInt8(ascii: "\""))
        var position = 0
        if text.count < 8 {
            let word = text.packedWord
            if (word | UInt64.blank(after: text.count)).hasByteToEscape { return write(escaping: text, from: 0) }
            put(word, counting: text.count)
        } else {
            let last = text.count &- 8
            while position < last {
                let word = text.word(at: position)
                if word.hasByteToEscape { return write(escaping: text, from: position) }
                put(word, counting: 8)
                position &+= 8
            }
            let word = text.word(at: last)
            if word.hasByteToEscape { return write(escaping: text, from: position) }
            count &-= position &- last
            put(word, counting: 8)
        }
        put(UInt8(ascii: "\""))
    }

    /// The rest of a text that has something to escape, and the closing quote.
    private mutating func write(escaping text: UnsafeRawBufferPointer, from first: Int) {
        var position = first
        while position < text.count {
            // Enough for the rest as it is, one escape in place of its first byte, and a whole word's store.
            reserve(text.count &- position &+ 16)
            if position &+ 8 <= text.count {
                let word = text.word(at: position)
                let unescaped = word.unescapedPrefix
                put(word, counting: unescaped)
                position &+= unescaped
                if unescaped == 8 { continue }
            }
            let byte = text[position]
            if byte.isUnescaped { put(byte) } else { put(escape: byte) }
            position &+= 1
        }
        put(UInt8(ascii: "\""))
    }

    // MARK: Bytes

    private mutating func append(_ byte: UInt8) {
        reserve(1)
        put(byte)
    }

    private mutating func append(_ text: borrowing String) {
        text.withBytes { text in
            reserve(text.count)
            UnsafeMutableRawBufferPointer(start: start + count, count: text.count).copyMemory(from: text)
            count &+= text.count
        }
    }

    /// Makes sure that so many bytes can be put.
    @inline(__always)
    private mutating func reserve(_ room: Int) {
        if capacity &- count < room { grow(room) }
    }

    @inline(never)
    private mutating func grow(_ room: Int) {
        let larger = max(capacity * 2, count + room)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 1)
        memory.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = memory
        capacity = larger
    }

    /// Writes a byte for which there is room.
    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Writes eight bytes for which there is room, of which only the first ones count.
    @inline(__always)
    private mutating func put(_ word: UInt64, counting bytes: Int) {
        start.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= bytes
    }

    /// Writes the escape of a byte; there is room for six.
    private mutating func put(escape byte: UInt8) {
        put(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): put(byte)
        case 0x08: put(UInt8(ascii: "b"))
        case 0x09: put(UInt8(ascii: "t"))
        case 0x0A: put(UInt8(ascii: "n"))
        case 0x0C: put(UInt8(ascii: "f"))
        case 0x0D: put(UInt8(ascii: "r"))
        default:
            put(UInt8(ascii: "u"))
            put(UInt8(ascii: "0"))
            put(UInt8(ascii: "0"))
            put(hexadecimal: byte &>> 4)
            put(hexadecimal: byte & 0x0F)
        }
    }

    private mutating func put(hexadecimal digit: UInt8) {
        put(digit < 10 ? 0x30 &+ digit : 0x61 &+ digit &- 10)
    }
}
