/// A text in which characters may be spelled as JSON does: `\u0040`, `\/`.
struct SpelledText {
    let bytes: UnsafeBufferPointer<UInt8>

    /// Where a text ends that begins at a position; `nil` when another one does. `scalars` are in lower case if any case
    /// will do.
    func end(of scalars: [Unicode.Scalar], from start: Int, anyCase: Bool) -> Int? {
        var position = start
        var matched = 0
        while matched < scalars.count {
            guard position < bytes.count else { return nil }
            // A backslash may stand for itself, where the text is no JSON.
            if scalars[matched] == "\\", bytes[position] == UInt8(ascii: "\\") {
                let isDoubled = position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "\\")
                position += isDoubled ? 2 : 1
                matched += 1
                continue
            }
            guard let (scalar, next) = scalar(at: position) else { return nil }
            if anyCase {
                for lower in scalar.properties.lowercaseMapping.unicodeScalars {
                    guard matched < scalars.count, scalars[matched] == lower else { return nil }
                    matched += 1
                }
            } else {
                guard scalars[matched] == scalar else { return nil }
                matched += 1
            }
            position = next
        }
        return position
    }

    /// The character at a position, and where the next one is.
    private func scalar(at position: Int) -> (Unicode.Scalar, next: Int)? {
        let byte = bytes[position]
        if byte == UInt8(ascii: "\\") { return escaped(at: position) }
        if byte < 0x80 { return (Unicode.Scalar(byte), position + 1) }
        let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
        guard byte >= 0xC2, position + length <= bytes.count else { return nil }
        let text = String(validating: bytes[position..<position + length], as: UTF8.self)
        return text?.unicodeScalars.first.map { ($0, position + length) }
    }

    private func escaped(at position: Int) -> (Unicode.Scalar, next: Int)? {
        guard position + 1 < bytes.count else { return nil }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""): return ("\"", position + 2)
        case UInt8(ascii: "\\"): return ("\\", position + 2)
        case UInt8(ascii: "/"): return ("/", position + 2)
        case UInt8(ascii: "b"): return ("\u{8}", position + 2)
        case UInt8(ascii: "f"): return ("\u{C}", position + 2)
        case UInt8(ascii: "n"): return ("\n", position + 2)
        case UInt8(ascii: "r"): return ("\r", position + 2)
        case UInt8(ascii: "t"): return ("\t", position + 2)
        case UInt8(ascii: "u"):
            guard let unit = unit(at: position) else { return nil }
            if let scalar = Unicode.Scalar(unit) { return (scalar, position + 6) }
            // Half of a character, whose other half follows.
            guard unit < 0xDC00, let second = self.unit(at: position + 6), 0xDC00...0xDFFF ~= second else { return nil }
            let value = 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00)
            return Unicode.Scalar(value).map { ($0, position + 12) }
        default: return nil
        }
    }

    /// The number in `\u0040`.
    private func unit(at position: Int) -> UInt32? {
        guard position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt32 = 0
        for byte in bytes[position + 2..<position + 6] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    // MARK: What stands around

    /// Whether a word does not go on at a position. A joiner goes on if a letter or digit is behind it.
    func isBoundary(after position: Int, joiners: StaticString) -> Bool {
        guard position < bytes.count else { return true }
        let byte = bytes[position]
        if isJoiner(byte, joiners) { return position + 1 >= bytes.count || !isWord(bytes[position + 1]) }
        if byte < 0x80 { return !isWord(byte) }
        return scalar(at: position).map { !$0.0.properties.isAlphabetic } ?? true
    }

    func isBoundary(before position: Int, joiners: StaticString) -> Bool {
        guard position > 0, !endsEscape(position) else { return true }
        let byte = bytes[position - 1]
        if isJoiner(byte, joiners) { return position < 2 || !isWord(bytes[position - 2]) || endsEscape(position - 1) }
        if byte < 0x80 { return !isWord(byte) }
        var start = position - 1
        while start > 0, bytes[start] & 0xC0 == 0x80, position - start < 4 { start -= 1 }
        return scalar(at: start).map { !$0.0.properties.isAlphabetic } ?? true
    }

    /// Whether the letter or digit before a position belongs to `\n`, `\u0040` or `%3D`.
    private func endsEscape(_ position: Int) -> Bool {
        if position >= 3, bytes[position - 3] == UInt8(ascii: "%"), isHex(position - 2), isHex(position - 1) {
            return true
        }
        if unitEnds(at: position) { return true }
        guard position >= 2, bytes[position - 2] == UInt8(ascii: "\\") else { return false }
        guard [UInt8](arrayLiteral: 0x62, 0x66, 0x6E, 0x72, 0x74).contains(bytes[position - 1]) else { return false }
        // `\\n` is a backslash and an n.
        var backslashes = 0
        while position - 2 - backslashes >= 0, bytes[position - 2 - backslashes] == UInt8(ascii: "\\") {
            backslashes += 1
        }
        return backslashes % 2 == 1
    }

    private func unitEnds(at position: Int) -> Bool {
        guard position >= 6, let unit = unit(at: position - 6) else { return false }
        return Unicode.Scalar(unit).map { !$0.properties.isAlphabetic } ?? true
    }

    private func isHex(_ position: Int) -> Bool {
        Character(Unicode.Scalar(bytes[position])).isHexDigit
    }

    private func isJoiner(_ byte: UInt8, _ joiners: StaticString) -> Bool {
        joiners.withUTF8Buffer { $0.contains(byte) }
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    // MARK: JSON

    /// Whether what lies between two positions is the whole of a JSON text.
    func isQuoted(_ start: Int, _ end: Int) -> Bool {
        start > 0 && end < bytes.count && bytes[start - 1] == UInt8(ascii: "\"") && bytes[end] == UInt8(ascii: "\"")
    }

    /// Whether the JSON text whose last quote is at a position is the name of a member.
    func isName(behind end: Int) -> Bool {
        var position = end + 1
        while position < bytes.count, isSpace(bytes[position]) { position += 1 }
        return position < bytes.count && bytes[position] == UInt8(ascii: ":")
    }

    /// The name, as it is spelled, of the member whose JSON value begins at a position; `nil` where there is none.
    func name(ofValueAt position: Int) -> String? {
        var end = position
        while end > 0, isSpace(bytes[end - 1]) { end -= 1 }
        guard end > 0, bytes[end - 1] == UInt8(ascii: ":") else { return nil }
        end -= 1
        while end > 0, isSpace(bytes[end - 1]) { end -= 1 }
        guard end > 1, bytes[end - 1] == UInt8(ascii: "\"") else { return nil }
        end -= 1
        var start = end
        while start > 0, bytes[start - 1] != UInt8(ascii: "\"") { start -= 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// The name of the member in whose text a position is, if it is in one of 1,000 bytes at most.
    func member(around position: Int) -> String? {
        var start = position
        while start > 0, position - start < 1_000 {
            start -= 1
            guard bytes[start] == UInt8(ascii: "\"") else { continue }
            var backslashes = 0
            while start - backslashes > 0, bytes[start - backslashes - 1] == UInt8(ascii: "\\") { backslashes += 1 }
            if backslashes % 2 == 0 { return name(ofValueAt: start) }
        }
        return nil
    }

    /// Whether what lies between two positions is a whole JSON value without quotes.
    func isLiteral(_ start: Int, _ end: Int) -> Bool {
        var (before, after) = (start, end)
        while before > 0, isSpace(bytes[before - 1]) { before -= 1 }
        while after < bytes.count, isSpace(bytes[after]) { after += 1 }
        guard before > 0, [UInt8](":[,".utf8).contains(bytes[before - 1]) else { return false }
        return after < bytes.count && [UInt8](",]}".utf8).contains(bytes[after])
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
            || byte == UInt8(ascii: "\r")
    }
}
