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

extension String {
    /// The beginning of a long text.
    func shortened(to length: Int) -> String {
        guard unicodeScalars.count > length else { return self }
        var short = String.UnicodeScalarView()
        short.append(contentsOf: unicodeScalars.prefix(length))
        return String(short) + "…"
    }
}

extension JSON {
    /// Bytes of a value that a page shows; what is longer can be downloaded.
    private static let shownBytes = 60_000

    /// The text of a value with a line for each member, and whether it is cut.
    var shown: (text: String, isCut: Bool) {
        var text = ""
        write(to: &text, indent: 0)
        guard text.utf8.count > Self.shownBytes else { return (text, false) }
        return (String(decoding: text.utf8.prefix(Self.shownBytes), as: UTF8.self) + "…", true)
    }

    private func write(to text: inout String, indent: Int) {
        guard text.utf8.count <= Self.shownBytes else { return }
        let inner = String(repeating: "  ", count: indent + 1)
        let outer = String(repeating: "  ", count: indent)
        switch self {
        case .object(let object) where !object.isEmpty:
            text += "{\n"
            for (number, member) in object.enumerated() {
                text += number == 0 ? inner : ",\n" + inner
                text += JSON.string(member.key).description + ": "
                member.value.write(to: &text, indent: indent + 1)
            }
            text += "\n\(outer)}"
        case .array(let items) where !items.isEmpty:
            text += "[\n"
            for (number, item) in items.enumerated() {
                text += number == 0 ? inner : ",\n" + inner
                item.write(to: &text, indent: indent + 1)
            }
            text += "\n\(outer)]"
        case .string(let value): text += JSON.string(value.shortened(to: 10_000)).description
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
