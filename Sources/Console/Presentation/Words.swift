import LosslessJSON

extension JSON? {
    /// As it is read in a table: a text or number as it is, everything else as JSON, and a dash for nothing.
    var words: String {
        switch self {
        case .string(let text)?: text
        case .number(let number)?: number.text
        case .null?, nil: "–"
        case let value?: value.description
        }
    }

    var count: Int64 { self?.numberValue?.int64 ?? 0 }
    var list: [JSON] { self?.arrayValue ?? [] }
    var text: String? { self?.stringValue }
}

extension Int64 {
    /// `1,234,567`.
    var grouped: String {
        let digits = String(magnitude)
        var result = ""
        for (offset, digit) in digits.enumerated() {
            if offset > 0, (digits.count - offset) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return (self < 0 ? "−" : "") + result
    }
}

extension Unicode.Scalar {
    /// Bytes that it takes on a page, where some are escaped (`EscapedText`).
    fileprivate var pageBytes: Int {
        switch self {
        case "<", ">": 4
        case "&", "'": 5
        case "\"": 6
        case "\n", "\t": 1
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{61C}", "\u{200E}"..."\u{202E}", "\u{2066}"..."\u{2069}": 8
        default: UTF8.width(self)
        }
    }
}

extension String {
    /// The beginning of a long text; on a page it takes no more than twice as many bytes, whatever it is made of.
    func shortened(to length: Int) -> String {
        let short = beginning(of: length, pageBytes: 2 * length)
        return short.isCut ? short.text + "…" : self
    }

    /// With a text in the place of each `scalar`. For `replacing` a quote with an accent over it is another character, and a
    /// program that reads bytes sees the quote.
    func with(_ text: String, for scalar: Unicode.Scalar) -> String {
        var result = ""
        for other in unicodeScalars {
            if other == scalar { result += text } else { result.unicodeScalars.append(other) }
        }
        return result
    }

    fileprivate func beginning(of length: Int, pageBytes: Int) -> (text: String, isCut: Bool) {
        var short = String.UnicodeScalarView()
        var (room, left) = (pageBytes, length)
        for scalar in unicodeScalars {
            (room, left) = (room - scalar.pageBytes, left - 1)
            guard room >= 0, left >= 0 else { return (String(short), true) }
            short.append(scalar)
        }
        return (self, false)
    }
}

extension JSON {
    /// On one line, to be pasted into a terminal or a file: what a terminal would obey, or what would turn the direction of
    /// writing, is escaped. It can only stand within a string.
    var pasted: String {
        var text = ""
        for scalar in description.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                for unit in UTF16.encode(scalar).map(Array.init) ?? [] {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// The text of a value with a line for each member, and whether it is cut: what is longer can be read with the
    /// command line.
    var shown: (text: String, isCut: Bool) { shown(within: 25_000) }

    /// The same, in as many bytes of a page, which has 100 KB.
    func shown(within pageBytes: Int) -> (text: String, isCut: Bool) {
        var (text, isCut) = ("", false)
        write(to: &text, isCut: &isCut, indent: 0, upTo: pageBytes)
        let short = text.beginning(of: pageBytes, pageBytes: pageBytes)
        return short.isCut ? (short.text + "…", true) : (text, isCut)
    }

    private func write(to text: inout String, isCut: inout Bool, indent: Int, upTo bytes: Int) {
        guard text.utf8.count <= bytes else { return }
        let inner = String(repeating: "  ", count: indent + 1)
        let outer = String(repeating: "  ", count: indent)
        switch self {
        case .object(let object) where !object.isEmpty:
            text += "{\n"
            for (number, member) in object.enumerated() {
                text += number == 0 ? inner : ",\n" + inner
                text += JSON.string(member.key).description + ": "
                member.value.write(to: &text, isCut: &isCut, indent: indent + 1, upTo: bytes)
            }
            text += "\n\(outer)}"
        case .array(let items) where !items.isEmpty:
            text += "[\n"
            for (number, item) in items.enumerated() {
                text += number == 0 ? inner : ",\n" + inner
                item.write(to: &text, isCut: &isCut, indent: indent + 1, upTo: bytes)
            }
            text += "\n\(outer)]"
        case .string(let value):
            // One that is huge does not hide what stands behind it.
            let short = value.beginning(of: bytes / 3, pageBytes: bytes / 3)
            text += JSON.string(short.isCut ? short.text + "…" : value).description
            isCut = isCut || short.isCut
        default: text += description
        }
    }
}

/// The colour of a state: `good`, `bad`, `busy` or `quiet`.
func tone(of state: String) -> String {
    switch state {
    case "delivered", "healthy", "done", "taken": "good"
    case "failed", "unreachable", "settings", "refused": "bad"
    case "waiting", "sending", "retrying", "behind", "running", "busy": "busy"
    default: "quiet"
    }
}
