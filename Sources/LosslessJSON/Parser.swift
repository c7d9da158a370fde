/// A recursive-descent parser over borrowed bytes. Every byte is looked at a bounded number of times.
///
/// Finished members and items wait on two stacks that are shared by the whole document and are moved off into an
/// exactly sized array when their container closes: one allocation a container, no copies.
struct Parser: ~Copyable {
    struct Fault: Error {
        let code: JSONError.Code
        let offset: Int
    }

    private let bytes: UnsafeRawBufferPointer
    private let end: Int
    private let limits: JSON.Limits
    private var position = 0
    private var depthLeft: Int
    private var items = MoveStack<JSON>()
    private var members = MoveStack<JSON.Object.Member>()

    init(_ bytes: UnsafeRawBufferPointer, limits: JSON.Limits) {
        self.bytes = bytes
        self.end = bytes.count
        self.limits = limits
        self.depthLeft = min(limits.depth, JSON.Limits.deepest)
    }

    mutating func document() throws(Fault) -> JSON {
        guard end <= limits.bytes else { throw Fault(code: .tooLarge, offset: 0) }
        if end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
        skipWhitespace()
        guard position < end else { throw Fault(code: .empty, offset: position) }
        let result = try value()
        skipWhitespace()
        guard position == end else { throw Fault(code: .trailingBytes, offset: position) }
        return result
    }

    private mutating func value() throws(Fault) -> JSON {
        switch try token() {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw fault(.unexpectedCharacter)
        }
    }

    private mutating func object() throws(Fault) -> JSON.Object {
        try enter()
        let first = members.count
        var next = try token()
        if next == UInt8(ascii: "}") { return leave(JSON.Object()) }
        while true {
            guard next == UInt8(ascii: "\"") else { throw fault(.unexpectedCharacter) }
            let (key, fingerprint) = try key()
            guard try token() == UInt8(ascii: ":") else { throw fault(.unexpectedCharacter) }
            position &+= 1
            members.push(JSON.Object.Member(key: key, fingerprint, value: try value()))
            next = try token()
            if next == UInt8(ascii: "}") { break }
            guard next == UInt8(ascii: ",") else { throw fault(.unexpectedCharacter) }
            position &+= 1
            next = try token()
        }
        return leave(JSON.Object(lastWins: members.popArray(from: first)))
    }

    private mutating func array() throws(Fault) -> [JSON] {
        try enter()
        let first = items.count
        if try token() == UInt8(ascii: "]") { return leave([]) }
        while true {
            items.push(try value())
            let next = try token()
            if next == UInt8(ascii: "]") { break }
            guard next == UInt8(ascii: ",") else { throw fault(.unexpectedCharacter) }
            position &+= 1
        }
        return leave(items.popArray(from: first))
    }

    private mutating func enter() throws(Fault) {
        guard depthLeft > 0 else { throw fault(.tooDeep) }
        depthLeft &-= 1
        position &+= 1
    }

    private mutating func leave<Container>(_ container: Container) -> Container {
        depthLeft &+= 1
        position &+= 1
        return container
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(Fault) -> JSON {
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < end else { throw fault(.unexpectedEnd) }
            guard bytes[position] == word.utf8Start[offset] else { throw fault(.unexpectedCharacter) }
            position += 1
        }
        return value
    }

    private mutating func number() throws(Fault) -> JSON.Number {
        let start = position
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try digits() }
        if skip(UInt8(ascii: ".")) { try digits() }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < end, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits()
        }
        if position < end, 0x30...0x39 ~= bytes[position] { throw fault(.invalidNumber) }
        return JSON.Number(validText: bytes.asciiText(from: start, to: position))
    }

    /// One digit or more.
    private mutating func digits() throws(Fault) {
        let start = position
        while position < end, 0x30...0x39 ~= bytes[position] { position += 1 }
        guard position > start else { throw fault(position < end ? .invalidNumber : .unexpectedEnd) }
    }

    // MARK: Strings

    private mutating func string() throws(Fault) -> String {
        let start = position &+ 1
        position = bytes.plainEnd(from: start)
        guard position < end, bytes[position] == UInt8(ascii: "\"") else { return try unusualString(from: start) }
        position &+= 1
        return bytes.asciiText(from: start, to: position &- 1)
    }

    private mutating func key() throws(Fault) -> (String, KeyFingerprint) {
        let start = position &+ 1
        position = bytes.plainEnd(from: start)
        guard position < end, bytes[position] == UInt8(ascii: "\"") else {
            let key = try unusualString(from: start)
            return (key, KeyFingerprint(key))
        }
        position &+= 1
        let fingerprint = KeyFingerprint(UnsafeRawBufferPointer(rebasing: bytes[start..<(position &- 1)]))
        return (bytes.asciiText(from: start, to: position &- 1), fingerprint)
    }

    /// A string that is not all ASCII, has escapes or is at fault; `position` is at the first such place.
    @inline(never)
    private mutating func unusualString(from start: Int) throws(Fault) -> String {
        do {
            return try checkedString(from: start)
        } catch {
            throw firstInvalidUTF8(from: start, to: error.offset) ?? error
        }
    }

    private mutating func checkedString(from start: Int) throws(Fault) -> String {
        skipUnescaped()
        guard position < end else { throw fault(.unexpectedEnd) }
        switch bytes[position] {
        case UInt8(ascii: "\""):
            guard let result = String(valid: UnsafeRawBufferPointer(rebasing: bytes[start..<position])) else {
                throw fault(.invalidUTF8)
            }
            position += 1
            return result
        case UInt8(ascii: "\\"): return try escapedString(from: start)
        default: throw fault(.controlCharacter)
        }
    }

    /// Moves on to the next quote, backslash or control character.
    private mutating func skipUnescaped() {
        while position &+ 8 <= end {
            let unescaped = bytes.word(at: position).unescapedPrefix
            position &+= unescaped
            if unescaped < 8 { return }
        }
        while position < end, bytes[position].isUnescaped { position &+= 1 }
    }

    /// A string that holds at least one escape; `position` is at the first one.
    private mutating func escapedString(from start: Int) throws(Fault) -> String {
        var decoded: [UInt8] = []
        var chunk = start
        while true {
            skipUnescaped()
            guard position < end else { throw fault(.unexpectedEnd) }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                decoded.append(contentsOf: bytes[chunk..<position])
                guard let result = decoded.withUnsafeBytes({ String(valid: $0) }) else { throw fault(.invalidUTF8) }
                position += 1
                return result
            case UInt8(ascii: "\\"):
                decoded.append(contentsOf: bytes[chunk..<position])
                try escape(into: &decoded)
                chunk = position
            default: throw fault(.controlCharacter)
            }
        }
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(Fault) {
        guard position + 1 < end else { throw Fault(code: .unexpectedEnd, offset: end) }
        let letter = bytes[position + 1]
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(letter)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            decoded.append(contentsOf: UTF8.encode(try unicodeEscape()) ?? UTF8.encodedReplacementCharacter)
            return
        default: throw fault(.invalidEscape)
        }
        position += 2
    }

    /// `\uXXXX`, or two of them that make one scalar. Half a pair becomes U+FFFD.
    private mutating func unicodeEscape() throws(Fault) -> Unicode.Scalar {
        let unit = try hexadecimalUnit(at: position)
        position += 6
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard 0xD800...0xDBFF ~= unit, position + 1 < end,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        else { return "\u{FFFD}" }
        let low = try hexadecimalUnit(at: position)
        guard 0xDC00...0xDFFF ~= low else { return "\u{FFFD}" }
        position += 6
        return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    /// The number behind `\u` at an offset.
    private func hexadecimalUnit(at offset: Int) throws(Fault) -> UInt32 {
        var unit: UInt32 = 0
        for place in (offset + 2)..<(offset + 6) {
            guard place < end else { throw Fault(code: .unexpectedEnd, offset: end) }
            let byte = bytes[place]
            switch byte {
            case 0x30...0x39: unit = unit << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: unit = unit << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: unit = unit << 4 | UInt32(byte - 0x61 + 10)
            default: throw Fault(code: .invalidEscape, offset: offset)
            }
        }
        return unit
    }

    /// The fault of the first byte that is no UTF-8, if it stands in front of another fault. A scalar that the end of
    /// the input cuts off is none.
    private func firstInvalidUTF8(from start: Int, to stop: Int) -> Fault? {
        var offset = start
        var decoder = UTF8()
        var source = bytes[start..<stop].makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&source) {
            offset += UTF8.width(scalar)
        }
        guard offset < stop, !(stop == end && bytes[offset...].isScalarStart) else { return nil }
        return Fault(code: .invalidUTF8, offset: offset)
    }

    // MARK: Bytes

    private mutating func skipWhitespace() {
        while position < end {
            let byte = bytes[position]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position &+= 1
        }
    }

    /// The byte with which the next token starts, `position` being at it.
    @inline(__always)
    private mutating func token() throws(Fault) -> UInt8 {
        if position < end, bytes[position] > 0x20 { return bytes[position] }
        skipWhitespace()
        guard position < end else { throw fault(.unexpectedEnd) }
        return bytes[position]
    }

    @inline(__always)
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < end, bytes[position] == byte else { return false }
        position &+= 1
        return true
    }

    private func fault(_ code: JSONError.Code) -> Fault {
        Fault(code: code, offset: position)
    }
}

extension String {
    /// The text of these bytes; `nil` if they are not valid UTF-8.
    ///
    /// `String(validating:)` goes byte by byte and takes ten times as long. The decoding initializer puts U+FFFD in the
    /// place of what is invalid, which makes other bytes of the text.
    fileprivate init?(valid bytes: UnsafeRawBufferPointer) {
        self.init(decoding: bytes, as: UTF8.self)
        guard withBytes({ $0.hasSameBytes(as: bytes) }) else { return nil }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Whether one to three continuation bytes would complete these bytes to a scalar.
    fileprivate var isScalarStart: Bool {
        count < 4
            && (1...3).contains { missing in
                [0x80, 0xBF].contains { filler in
                    String(validating: self + Array(repeating: filler, count: missing), as: UTF8.self) != nil
                }
            }
    }
}
