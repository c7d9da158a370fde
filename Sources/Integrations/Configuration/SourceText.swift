import Diagnostics

/// The text of a configuration file as its mistakes are shown in it.
///
/// The line of a mistake may hold a secret, for flow mappings put everything on one line and a file that is no YAML
/// says nothing of what is what. So whatever stands behind a key that looks like that of a secret is shown as bullets,
/// as are the credentials in a URL. One bullet a character keeps every place where it is.
struct SourceText {
    /// The lines as they are, each as Unicode scalars, in which YAML counts.
    private let lines: [[Unicode.Scalar]]
    private let shown: String

    init(_ text: String) {
        lines = Self.lines(of: text)
        var mask = SecretMask(lines)
        mask.maskAll()
        shown = mask.text
    }

    /// A place of the text, lines and columns (in Unicode scalars) counted from 1.
    func excerpt(line: Int, column: Int) -> Excerpt {
        Excerpt(of: shown, line: line, column: column)
    }

    /// A line, counted from 1.
    func line(_ number: Int) -> [Unicode.Scalar]? {
        lines.indices.contains(number - 1) ? lines[number - 1] : nil
    }

    /// The place behind the last line in which something stands.
    var end: (line: Int, column: Int) {
        let last = lines.lastIndex { !$0.isEmpty } ?? 0
        return (last + 1, lines[last].count + 1)
    }

    /// YAML ends lines with LF, CR LF, CR, NEL, and the two separators of Unicode.
    private static func lines(of text: String) -> [[Unicode.Scalar]] {
        var lines: [[Unicode.Scalar]] = [[]]
        var isBehindReturn = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where isBehindReturn: break
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": lines.append([])
            default: lines[lines.count - 1].append(scalar)
            }
            isBehindReturn = scalar == "\r"
        }
        return lines
    }
}

extension String {
    /// The text with bullets in place of credentials in its URLs.
    var maskingCredentials: String {
        var mask = SecretMask([Array(unicodeScalars)])
        mask.maskCredentials(0)
        return mask.text
    }
}

/// Goes over the lines once and puts bullets over the secrets.
private struct SecretMask {
    private var lines: [[Unicode.Scalar]]
    /// Inside a quoted secret that goes on over the line's end.
    private var openQuote: Unicode.Scalar?
    /// Lines that are indented more than this belong to a secret.
    private var secretIndent: Int?

    init(_ lines: [[Unicode.Scalar]]) {
        self.lines = lines
    }

    var text: String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: lines.joined(separator: ["\n"]))
        return String(text)
    }

    mutating func maskAll() {
        for number in lines.indices { maskLine(number) }
    }

    private mutating func maskLine(_ number: Int) {
        let line = lines[number]
        var position = 0
        if let quote = openQuote {
            position = line.firstIndex(of: quote) ?? line.count
            mask(number, 0..<position)
            if position < line.count { openQuote = nil }
        } else if let indent = secretIndent, !line.isEmpty {
            if line.prefix(while: { $0 == " " }).count > indent { return mask(number, 0..<line.count) }
            secretIndent = nil
        }
        while let colon = line[position...].firstIndex(of: ":") {
            position = colon + 1
            if isSecretKey(line[..<colon]) { position = maskValue(number, from: position) }
        }
        maskCredentials(number)
    }

    /// Whether the text in front of a colon ends in a key that is, or was meant as, that of a secret.
    private func isSecretKey(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
        var text = text
        while let last = text.last, last == " " || last == "\"" || last == "'" { text.removeLast() }
        let isPart: (Unicode.Scalar) -> Bool = { $0.properties.isAlphabetic || $0.properties.numericType != nil }
        let start = text.lastIndex { !isPart($0) && $0 != "_" && $0 != "-" }.map { $0 + 1 } ?? text.startIndex
        var key = String.UnicodeScalarView()
        key.append(contentsOf: text[start...].map { $0 == "-" ? "_" : $0 })
        let name = String(key).lowercased()
        return name == "key" || name.contains("secret") || name.contains("password")
            || name.nearest(among: ["site_id", "api_key", "write_key", "old_write_key", "admin_token"]) != nil
    }

    /// Masks the value that begins here; where the line goes on behind it.
    private mutating func maskValue(_ number: Int, from position: Int) -> Int {
        let line = lines[number]
        guard let start = line[position...].firstIndex(where: { $0 != " " && $0 != "\t" }) else {
            secretIndent = indent(of: line)
            return line.count
        }
        let first = line[start]
        let isQuoted = first == "\"" || first == "'"
        let content = isQuoted ? start + 1 : start
        for reference in ["env:", "file:"] where line[content...].starts(with: reference.unicodeScalars) {
            return content
        }
        if isQuoted {
            let end = closingQuote(in: line, from: content)
            if end == nil { openQuote = first }
            mask(number, content..<(end ?? line.count))
            return end ?? line.count
        }
        if !line[..<position].contains("{") { secretIndent = indent(of: line) }
        let isInFlow = line[..<position].contains("{")
        let end = isInFlow ? line[start...].firstIndex { $0 == "," || $0 == "}" } : nil
        mask(number, start..<(end ?? line.count))
        return end ?? line.count
    }

    private func closingQuote(in line: [Unicode.Scalar], from start: Int) -> Int? {
        let quote = line[start - 1]
        var position = start
        while position < line.count {
            if quote == "\"" && line[position] == "\\" {
                position += 1
            } else if line[position] == quote {
                guard quote == "'", position + 1 < line.count, line[position + 1] == quote else { return position }
                position += 1
            }
            position += 1
        }
        return nil
    }

    private func indent(of line: [Unicode.Scalar]) -> Int {
        line.prefix { $0 == " " }.count
    }

    /// Masks user and password, and the query, of each URL on a line.
    mutating func maskCredentials(_ number: Int) {
        let line = lines[number]
        let mark: [Unicode.Scalar] = [":", "/", "/"]
        var position = 0
        while let found = line[position...].firstRange(of: mark) {
            let rest = line[found.upperBound...]
            let end = rest.firstIndex { $0.properties.isWhitespace || $0 == "\"" || $0 == "'" } ?? line.count
            let url = line[found.upperBound..<end]
            if let at = url.lastIndex(of: "@") { mask(number, found.upperBound..<at) }
            if let query = url.firstIndex(of: "?") { mask(number, (query + 1)..<end) }
            position = end
        }
    }

    private mutating func mask(_ number: Int, _ range: Range<Int>) {
        for position in range where !lines[number][position].properties.isWhitespace {
            lines[number][position] = "•"
        }
    }
}
