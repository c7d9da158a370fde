import Diagnostics
import Foundation
import LosslessJSON
import Yams

/// Reads a YAML document with an eye on its mistakes: each reading either gives a value or notes a problem with its
/// place, so that a file's mistakes are told all at once.
struct YAMLReader {
    private let file: String
    private let text: String
    private let source: SourceText
    private(set) var problems: [ConfigurationError.Problem] = []
    /// Aliases let a short file stand for a huge tree; this many nodes are read at most.
    private var nodesLeft = 200_000
    /// Nobody reads more of them.
    private static let problemLimit = 100

    init(file: String, text: String) {
        self.file = file
        // YAML counts a byte-order mark as a character, which nobody sees.
        let mark: Unicode.Scalar = "\u{FEFF}"
        self.text = text.unicodeScalars.first == mark ? String(text.unicodeScalars.dropFirst()) : text
        source = SourceText(self.text)
    }

    /// The document's root; `nil` for an empty document, and for one that is no YAML.
    mutating func compose() -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            note(error)
        } catch {
            note(line: 1, column: 1, "this is not YAML")
        }
        return nil
    }

    // MARK: Problems

    mutating func note(_ node: Node, _ message: String, _ suggestion: String? = nil) {
        note(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, message, suggestion)
    }

    mutating func note(line: Int, column: Int, _ message: String, _ suggestion: String? = nil) {
        guard problems.count < Self.problemLimit else { return }
        let excerpt = source.excerpt(line: line, column: column)
        let message = message.maskingCredentials
        problems.append(.init(file: file, excerpt: excerpt, message: message, suggestion: suggestion))
    }

    /// A problem inside the text of a scalar, at a line and a column (in characters) of it, both counted from 1. Where
    /// the file spells the text otherwise (escapes, folded lines) it is shown where the scalar begins.
    mutating func note(_ node: Node, line: Int, column: Int, _ message: String, _ suggestion: String? = nil) {
        guard let place = place(in: node, line: line, column: column) else { return note(node, message, suggestion) }
        note(line: place.line, column: place.column, message, suggestion)
    }

    private func place(in node: Node, line: Int, column: Int) -> (line: Int, column: Int)? {
        guard let mark = node.mark, case .scalar(let scalar) = node else { return nil }
        let lines = scalar.string.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(line - 1) else { return nil }
        let content = Array(lines[line - 1])
        let offset = String(String.UnicodeScalarView(content)).prefix(column - 1).unicodeScalars.count
        if scalar.style == .literal {
            let written = source.line(mark.line + line) ?? []
            guard written.suffix(content.count).elementsEqual(content) else { return nil }
            return (mark.line + line, written.count - content.count + offset + 1)
        }
        let isQuoted = scalar.style == .doubleQuoted || scalar.style == .singleQuoted
        let start = mark.column - 1 + (isQuoted ? 1 : 0)
        let written = (source.line(mark.line) ?? []).dropFirst(start).prefix(offset)
        guard line == 1, written.elementsEqual(content.prefix(offset)) else { return nil }
        return (mark.line, start + offset + 1)
    }

    mutating func noteUnknown(_ node: Node, _ what: String, _ name: String, among known: [String]) {
        let nearest = name.nearest(among: known).map { "did you mean `\($0)`?" }
        let choice = known.isEmpty ? nil : "known: \(known.joined(separator: ", "))"
        note(node, "unknown \(what) `\(name)`", nearest ?? choice)
    }

    /// Yams puts the whole document into its errors; only the sentence and the place are kept.
    private mutating func note(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let sentence = "this is not YAML: " + (context.map { $0.text + " " } ?? "") + problem
            // What is never closed is noticed at the end of the file; it is shown where it begins, if that is known.
            let end = source.end
            var place = (line: mark.line, column: mark.column)
            if place >= end, let begin = context?.mark { place = (begin.line, begin.column) }
            if place > end { place = end }
            let isTab = source.line(place.line)?.dropFirst(place.column - 1).first == "\t"
            note(line: place.line, column: place.column, sentence, isTab ? "indent with spaces, not tabs" : nil)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "`\($0)`" }.joined(separator: ", ")
            note(line: context.mark.line, column: context.mark.column, "\(keys) stands twice in this mapping")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0).unicodeScalars
                .split(separator: "\n", omittingEmptySubsequences: false)
            note(line: max(before.count, 1), column: (before.last?.count ?? 0) + 1, "this is not YAML: \(problem)")
        default: note(line: 1, column: 1, "this is not YAML")
        }
    }

    // MARK: Values

    /// The keys and values of a mapping, in their order.
    mutating func mapping(_ node: Node, _ what: String) -> [(key: Node, name: String, value: Node)]? {
        guard case .mapping(let mapping) = node else {
            note(node, "\(what) must be a mapping (key: value), not \(Self.kind(node))")
            return nil
        }
        guard count(mapping.count, in: node) else { return nil }
        var names: Set<String> = []
        var entries: [(key: Node, name: String, value: Node)] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                note(key, "a key must be a text, not \(Self.kind(key))")
                continue
            }
            // To YAML, `1` and `"1"` are two keys.
            if !names.insert(name).inserted { note(key, "`\(name)` stands twice in this mapping") }
            entries.append((key, name, value))
        }
        return entries
    }

    /// Takes nodes from the budget; `false` where there are too many.
    private mutating func count(_ nodes: Int, in node: Node) -> Bool {
        guard nodesLeft >= 0 else { return false }
        nodesLeft -= nodes
        if nodesLeft < 0 { note(node, "the file stands for more than 200,000 values") }
        return nodesLeft >= 0
    }

    mutating func sequence(_ node: Node, _ what: String) -> [Node]? {
        guard case .sequence(let sequence) = node else {
            note(node, "\(what) must be a list, not \(Self.kind(node))")
            return nil
        }
        return count(sequence.count, in: node) ? Array(sequence) : nil
    }

    mutating func string(_ node: Node, _ what: String) -> String? {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty, !Self.isNull(scalar) else {
            note(node, "\(what) must be a text, not \(Self.kind(node))")
            return nil
        }
        return scalar.string
    }

    mutating func bool(_ node: Node, _ what: String) -> Bool? {
        guard case .bool(let value)? = json(node) else {
            note(node, "\(what) must be true or false")
            return nil
        }
        return value
    }

    mutating func int(_ node: Node, _ what: String, in range: ClosedRange<Int>) -> Int? {
        guard case .number(let number)? = json(node), let value = number.int64.flatMap({ Int(exactly: $0) }),
            range.contains(value)
        else {
            note(node, "\(what) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }

    /// A node as JSON. Plain scalars are numbers, true, false and null where JSON would have them so (YAML 1.1's `yes`,
    /// `on` and octal numbers are texts); numbers keep their text.
    mutating func json(_ node: Node) -> JSON? {
        guard count(1, in: node) else { return nil }
        switch node {
        case .scalar(let scalar): return Self.json(scalar)
        case .sequence(let sequence):
            var items: [JSON] = []
            for item in sequence {
                guard let item = json(item) else { return nil }
                items.append(item)
            }
            return .array(items)
        case .mapping(let mapping):
            var object = JSON.Object()
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    note(key, "a key must be a text")
                    return nil
                }
                guard let value = json(value) else { return nil }
                object[name] = value
            }
            return .object(object)
        case .alias:
            note(node, "this alias has no anchor")
            return nil
        }
    }

    private static func json(_ scalar: Node.Scalar) -> JSON {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        if isNull(scalar) { return .null }
        switch scalar.string {
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: return JSON.Number(scalar.string).map(JSON.number) ?? .string(scalar.string)
        }
    }

    /// The key or the item at a JSON pointer; where it leads on beyond the tree, the last one before.
    static func node(at pointer: String, in node: Node) -> Node {
        var (found, value) = (node, node)
        for part in pointer.split(separator: "/") {
            let name = part.replacing("~1", with: "/").replacing("~0", with: "~")
            if let entry = value.mapping?.first(where: { $0.key.scalar?.string == String(name) }) {
                (found, value) = (entry.key, entry.value)
            } else if let items = value.sequence, let position = Int(name), items.indices.contains(position) {
                (found, value) = (items[position], items[position])
            } else {
                break
            }
        }
        return found
    }

    static func isNull(_ node: Node) -> Bool {
        node.scalar.map(isNull) ?? false
    }

    private static func isNull(_ scalar: Node.Scalar) -> Bool {
        let isPlain = scalar.style == .plain || scalar.style == .any
        return isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private static func kind(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar) where isNull(scalar): "nothing"
        case .scalar(let scalar): scalar.string.isEmpty ? "an empty one" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .alias: "an alias"
        }
    }
}
