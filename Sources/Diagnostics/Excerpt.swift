/// A place in a text that a person wrote: its line and column, and the line itself to put a caret under.
package struct Excerpt: Equatable, Sendable {
    /// Lines are counted from 1 and end with LF.
    package let line: Int
    /// The character of the line, counted from 1.
    package let column: Int
    private let text: String
    private let indent: String

    private static let charactersBefore = 60
    private static let charactersBehind = 40

    /// The place that lies this many bytes into a text.
    package init(of source: String, atByte offset: Int) {
        let bytes = Array(source.utf8)
        let offset = min(max(offset, 0), bytes.count)
        let newline = UInt8(ascii: "\n")
        let lineStart = bytes[..<offset].lastIndex(of: newline).map { $0 + 1 } ?? 0
        let lineEnd = bytes[offset...].firstIndex(of: newline) ?? bytes.count
        self.init(
            line: bytes[..<lineStart].count { $0 == newline } + 1,
            before: String(decoding: bytes[lineStart..<offset], as: UTF8.self),
            behind: String(decoding: bytes[offset..<lineEnd], as: UTF8.self)
        )
    }

    /// The place at a line and a column (in Unicode scalars), both counted from 1.
    package init(of source: String, line: Int, column: Int) {
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        let scalars = lines.indices.contains(line - 1) ? Array(lines[line - 1].unicodeScalars) : []
        let split = min(max(column - 1, 0), scalars.count)
        var before = String.UnicodeScalarView()
        before.append(contentsOf: scalars[..<split])
        var behind = String.UnicodeScalarView()
        behind.append(contentsOf: scalars[split...])
        self.init(line: line, before: String(before), behind: String(behind))
    }

    private init(line: Int, before: String, behind: String) {
        self.line = line
        column = before.count + 1
        let start = before.suffix(Self.charactersBefore)
        let end = behind.prefix(Self.charactersBehind)
        let shown = (start.count < before.count ? "…" : "") + start
        // What moves the cursor or colours the screen would let the text draw its own picture.
        text = String(
            (shown + end + (end.count < behind.count ? "…" : "")).map { $0.isHarmless ? $0 : " " }
        )
        indent = String(shown.map { $0 == "\t" ? "\t" : " " })
    }

    /// The line of the source (of a long one the part around the place), and below it a caret under the place.
    package func rendered() -> String {
        text + "\n" + indent + "^"
    }
}

extension Character {
    /// Whether a terminal shows it and does nothing else.
    fileprivate var isHarmless: Bool {
        self == "\t" || !unicodeScalars.contains { $0.properties.generalCategory == .control || $0 == "\u{2028}" }
    }
}
