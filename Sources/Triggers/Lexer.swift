/// Cuts the source of a trigger into tokens (source-api.md §4.1).
struct Lexer {
    typealias Fault = TriggerError.Fault

    let bytes: [UInt8]
    private var position = 0

    init(_ source: String) {
        bytes = Array(source.utf8)
    }

    /// The next token, `.end` for ever at the end.
    mutating func next() throws(Fault) -> Token {
        while let byte = peek(), Self.isWhitespace(byte) { position += 1 }
        let start = position
        guard let byte = peek() else { return Token(kind: .end, range: start..<start) }
        let kind: Token.Kind =
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"): try text(quote: byte)
            case UInt8(ascii: "+"), UInt8(ascii: "-"), 0x30...0x39: try number()
            case UInt8(ascii: "\\"), UInt8(ascii: "_"): try word()
            case _ where Self.isLetter(byte): try word()
            default: try symbol(byte)
            }
        return Token(kind: kind, range: start..<position)
    }

    /// The source between two offsets.
    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    func byte(at offset: Int) -> UInt8? {
        bytes.indices.contains(offset) ? bytes[offset] : nil
    }

    private func peek(_ distance: Int = 0) -> UInt8? {
        byte(at: position + distance)
    }

    static func isWhitespace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        0x41...0x5A ~= byte || 0x61...0x7A ~= byte
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}

// MARK: - Texts and numbers

extension Lexer {
    /// A backslash in front of the enclosing quote gives the quote; every other one stays, because patterns need it.
    private mutating func text(quote: UInt8) throws(Fault) -> Token.Kind {
        let start = position
        var content: [UInt8] = []
        var endsInEscape = false
        position += 1
        while let byte = peek() {
            position += 1
            if byte == quote { return .text(String(decoding: content, as: UTF8.self)) }
            endsInEscape = byte == UInt8(ascii: "\\") && peek() == quote
            if endsInEscape { position += 1 }
            content.append(endsInEscape ? quote : byte)
        }
        let mark = quote == UInt8(ascii: "\"") ? "\"" : "'"
        throw Fault(
            .unclosed,
            at: start,
            "the string that begins here is never closed",
            endsInEscape
                ? "a quote after a backslash belongs to the string; add another `\(mark)`"
                : "add a `\(mark)` where it ends"
        )
    }

    private mutating func number() throws(Fault) -> Token.Kind {
        let start = position
        if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
        guard skipDigits() else {
            let sign = text(start..<position)
            throw Fault(.invalidNumber, at: start, "a digit must follow `\(sign)`", fieldEscape(at: start))
        }
        if peek() == UInt8(ascii: "."), let digit = peek(1), Self.isDigit(digit) {
            position += 1
            _ = skipDigits()
        }
        let end = position
        while let byte = peek(), Self.isNameByte(byte) || byte == UInt8(ascii: ".") { position += 1 }
        let rest = text(end..<position)
        guard rest.isEmpty || Token.keyword(rest) != nil else { throw numberFault(start, end) }
        position = end
        return .number(text(start..<end))
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while let byte = peek(), Self.isDigit(byte) { position += 1 }
        return position > start
    }

    private func numberFault(_ start: Int, _ end: Int) -> Fault {
        let all = text(start..<position).shortened()
        let rest = text(end..<position)
        let isExponent =
            rest.utf8.first.map { $0 | 0x20 } == UInt8(ascii: "e")
            && rest.utf8.dropFirst().allSatisfy { Self.isDigit($0) || $0 == UInt8(ascii: "-") }
        if isExponent {
            return Fault(.invalidNumber, at: start, "`\(all)` has an exponent", "write the number with all its digits")
        }
        if rest == "." {
            return Fault(.invalidNumber, at: start, "a digit must follow the point of `\(all)`")
        }
        if rest.hasPrefix("_") {
            return Fault(.invalidNumber, at: start, "a number has no underscores", "write it with digits only")
        }
        return Fault(.invalidNumber, at: start, "`\(all)` is not a number", "text needs quotes: `\"\(all)\"`")
    }
}

// MARK: - Words

extension Lexer {
    private mutating func word() throws(Fault) -> Token.Kind {
        let start = position
        var parts = [try part()]
        let isEscaped = bytes[start..<position].contains(UInt8(ascii: "\\"))
        if !isEscaped, let keyword = Token.keyword(parts[0]) {
            guard peek() == UInt8(ascii: ".") else { return keyword }
            throw Fault(
                .invalidField,
                at: start,
                "`\(parts[0])` is a keyword, not a field",
                "a field of this name is written `\\\(parts[0])`"
            )
        }
        while peek() == UInt8(ascii: ".") {
            position += 1
            parts.append(try part())
        }
        if let byte = peek(), byte >= 0x80, let scalar = scalar(at: position), scalar.properties.isAlphabetic {
            throw unexpectedCharacter()
        }
        if parts.count == 1, !isEscaped, peek() == UInt8(ascii: "(") { return .function(parts[0]) }
        return .word(parts)
    }

    private mutating func part() throws(Fault) -> String {
        var name: [UInt8] = []
        while let byte = peek() {
            if Self.isNameByte(byte) {
                name.append(byte)
                position += 1
            } else if byte == UInt8(ascii: "\\") {
                guard let scalar = scalar(at: position + 1) else {
                    throw Fault(.invalidField, at: position, "a character must follow the backslash")
                }
                name += Array(String(scalar).utf8)
                position += 1 + String(scalar).utf8.count
            } else {
                break
            }
        }
        guard !name.isEmpty else {
            throw Fault(
                .invalidField,
                at: position,
                "the name of a field must follow the dot",
                fieldEscape(at: position)
            )
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// How a field is written that begins with a character which names do not have.
    private func fieldEscape(at offset: Int) -> String? {
        guard let scalar = scalar(at: offset), scalar.isShownAsItself, scalar != " ", scalar != "." else { return nil }
        guard let next = byte(at: offset + String(scalar).utf8.count), Self.isNameByte(next) else { return nil }
        return "in the name of a field it is written `\\\(scalar)`"
    }

    private func scalar(at offset: Int) -> Unicode.Scalar? {
        guard let lead = byte(at: offset) else { return nil }
        let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        return text(offset..<min(offset + length, bytes.count)).unicodeScalars.first
    }
}

// MARK: - Symbols

extension Lexer {
    private mutating func symbol(_ byte: UInt8) throws(Fault) -> Token.Kind {
        let isFollowedByEqual = peek(1) == UInt8(ascii: "=")
        let kind: Token.Kind
        switch byte {
        case UInt8(ascii: "("): kind = .leftParenthesis
        case UInt8(ascii: ")"): kind = .rightParenthesis
        case UInt8(ascii: "["): kind = .leftBracket
        case UInt8(ascii: "]"): kind = .rightBracket
        case UInt8(ascii: ","): kind = .comma
        case UInt8(ascii: "="): kind = .comparison(.equal)
        case UInt8(ascii: "!"): kind = isFollowedByEqual ? .comparison(.notEqual) : .not
        case UInt8(ascii: "<"): kind = .comparison(isFollowedByEqual ? .lessOrEqual : .less)
        case UInt8(ascii: ">"): kind = .comparison(isFollowedByEqual ? .greaterOrEqual : .greater)
        default: throw unexpectedCharacter()
        }
        if case .comparison = kind {
            try rejectForeignOperator()
            position += isFollowedByEqual ? 2 : 1
        } else {
            position += 1
        }
        return kind
    }

    /// Operators of other languages, longest first, and what they are called here.
    private static let foreignOperators: [(String, String)] = [
        ("===", "="), ("!==", "!="), ("<=>", "="), ("<>", "!="), ("=>", ">="), ("=<", "<="), ("=~", "match(…)"),
        ("&&", "and"), ("||", "or"), ("&", "and"), ("|", "or"), ("~=", "match(…)"), ("~", "match(…)"),
        ("“", "\""), ("”", "\""), ("„", "\""), ("‘", "'"), ("’", "'"), ("`", "\""), ("≠", "!="), ("≤", "<="),
        ("≥", ">="),
        ("{", "("), ("}", ")"), (";", "and"),
    ]

    private func rejectForeignOperator() throws(Fault) {
        for (foreign, own) in Self.foreignOperators where bytes[position...].starts(with: foreign.utf8) {
            throw Fault(
                .unexpectedCharacter,
                at: position,
                "`\(foreign)` is not part of the trigger language",
                "did you mean `\(own)`?"
            )
        }
    }

    private func unexpectedCharacter() -> Fault {
        do {
            try rejectForeignOperator()
        } catch {
            return error
        }
        guard let scalar = scalar(at: position) else {
            return Fault(.unexpectedCharacter, at: position, "unexpected end")
        }
        if scalar.properties.isWhitespace {
            return Fault(
                .unexpectedCharacter,
                at: position,
                "\(scalar.codePoint) is not white space of the trigger language",
                "use an ordinary space"
            )
        }
        let name = scalar.isShownAsItself ? "`\(scalar)`" : scalar.codePoint
        let message = "unexpected \(name)"
        if scalar == "$" {
            let advice = "a field is written from the top of the event: `properties.plan`"
            return Fault(.unexpectedCharacter, at: position, message, advice)
        }
        if scalar == ".", let next = peek(1), Self.isDigit(next) {
            return Fault(
                .invalidNumber,
                at: position,
                "a number begins with a digit",
                "put a `0` before the point"
            )
        }
        if scalar.properties.isAlphabetic {
            let advice = "in the name of a field it is written `\\\(scalar)`; text needs quotes"
            return Fault(.unexpectedCharacter, at: position, message, advice)
        }
        return Fault(.unexpectedCharacter, at: position, message)
    }
}

extension Unicode.Scalar {
    /// Whether a terminal obeys this character, or shows nothing at all, instead of showing it.
    var isInvisible: Bool {
        switch properties.generalCategory {
        case .control, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: true
        // The joiner of emoji is harmless; characters that turn the direction of writing are not.
        case .format: value != 0x200D
        default: false
        }
    }

    /// Whether a message can show this character by itself.
    var isShownAsItself: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: false
        default: !isInvisible
        }
    }

    /// `U+00A0`
    var codePoint: String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension String {
    /// This text with a space in the place of every character that would disturb a line of a message.
    func madeVisible() -> String {
        String(map { $0.unicodeScalars.contains(where: \.isInvisible) ? " " : $0 })
    }

    /// This text, cut to a length that a message can bear, with an ellipsis where it was cut.
    func shortened(to limit: Int = 40) -> String {
        count > limit ? prefix(limit) + "…" : self
    }
}
