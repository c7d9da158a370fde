import LosslessJSON

/// A text with places for values: `{{path}}` or `{{{path}}}`, which mean the same (source-api.md §5.3).
///
/// Braces around nothing, around white space alone, and such as are not closed stay as they are. What is put in is not
/// looked through again.
struct Template: Sendable {
    enum Part: Sendable {
        case text(String)
        case value(MappingPath)
    }

    let parts: [Part]
    let source: String

    init(_ source: String) {
        self.source = source
        var reader = TemplateReader(source)
        parts = reader.parts()
    }

    /// Whether any value is put in.
    var hasPlaceholders: Bool {
        parts.contains { part in
            if case .value = part { true } else { false }
        }
    }

    /// The text for a scope, given up once it is longer than `Bounds.textBytes`.
    func text(in scope: JSON) -> String {
        if parts.count == 1, case .value(let path) = parts[0], case .string(let only)? = path.value(in: scope) {
            return only
        }
        var text = ""
        for part in parts {
            switch part {
            case .text(let fixed): text += fixed
            case .value(let path): path.value(in: scope)?.appendText(to: &text)
            }
            if text.utf8.count > Bounds.textBytes { break }
        }
        return text
    }
}

extension JSON {
    /// Appends the value as a text shows it: numbers as they were sent, lists joined by commas, `null` as nothing, an
    /// object as JavaScript's `[object Object]` (source-api.md §5.7 examples 19 to 23).
    fileprivate func appendText(to text: inout String) {
        switch self {
        case .null: break
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number): text += number.text
        case .string(let string): text += string
        case .object: text += "[object Object]"
        case .array(let items):
            for (position, item) in items.enumerated() {
                if position > 0 { text += "," }
                item.appendText(to: &text)
            }
        }
    }
}

/// Finds the placeholders. Time grows linearly with the text: it may come from an event.
private struct TemplateReader {
    private static let open = UInt8(ascii: "{")
    private static let close = UInt8(ascii: "}")
    private let bytes: [UInt8]
    private var found: [Template.Part] = []
    private var fixed: [UInt8] = []

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func parts() -> [Template.Part] {
        var position = 0
        while position < bytes.count {
            guard let placeholder = placeholder(at: position, braces: 3) ?? placeholder(at: position, braces: 2) else {
                fixed.append(bytes[position])
                position += 1
                continue
            }
            finishText()
            found.append(.value(MappingPath(inTemplate: placeholder.path)))
            position = placeholder.end
        }
        finishText()
        return found
    }

    private mutating func finishText() {
        if !fixed.isEmpty { found.append(.text(String(decoding: fixed, as: UTF8.self))) }
        fixed.removeAll(keepingCapacity: true)
    }

    private func placeholder(at start: Int, braces: Int) -> (path: String, end: Int)? {
        guard holds(Self.open, braces, at: start) else { return nil }
        let first = start + braces
        var last = first
        while last < bytes.count, bytes[last] != Self.open, bytes[last] != Self.close { last += 1 }
        guard holds(Self.close, braces, at: last) else { return nil }
        let path = String(decoding: bytes[first..<last], as: UTF8.self).trimmed
        return path.isEmpty ? nil : (path, last + braces)
    }

    private func holds(_ byte: UInt8, _ count: Int, at start: Int) -> Bool {
        start + count <= bytes.count && bytes[start..<start + count].allSatisfy { $0 == byte }
    }
}

extension String {
    /// Without the white space at both ends, as JavaScript's `trim` has it: U+FEFF counts as such.
    fileprivate var trimmed: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || scalar == "\u{FEFF}" }
        let start = unicodeScalars.drop(while: isSpace)
        guard let end = start.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(start[...end])
    }
}
