import LosslessJSON

/// A path of the mapping language (source-api.md §5.2): keys and list positions from the scope on.
struct MappingPath: Sendable, CustomStringConvertible {
    /// One reference, so that whoever takes a path out of an expression copies that and no list.
    private let parts: Parts

    private final class Parts: Sendable {
        /// Outside the list of the others, because most paths have no other.
        let first: JSON.Path.Step?
        let rest: [JSON.Path.Step]
        let description: String

        init(steps: [String], description: String) {
            first = steps.first.map(JSON.Path.Step.init)
            rest = steps.dropFirst().map(JSON.Path.Step.init)
            self.description = description
        }
    }

    /// A path as `@path` takes it: the first `$.` is removed, `$` alone is the whole scope.
    init(_ text: String) {
        parts = Parts(
            steps: text.hasSameBytes(as: "$") ? [] : PathReader.steps(of: text, removingPrefix: true),
            description: text.utf8.starts(with: "$".utf8) ? text : "$." + text
        )
    }

    /// A path as it stands between the braces of a template, where `$` has no meaning.
    init(inTemplate text: String) {
        parts = Parts(steps: PathReader.steps(of: text, removingPrefix: false), description: "$." + text)
    }

    /// The path as it was written, with a `$.` in front that means the scope.
    var description: String { parts.description }

    /// Own keys, list positions, and the `length` of lists and strings (in UTF-16 units, as JavaScript counts).
    func value(in scope: JSON) -> JSON? {
        guard let first = parts.first else { return scope }
        guard let found = scope.part(first) else { return nil }
        return parts.rest.isEmpty ? found : remainingValue(in: found)
    }

    private func remainingValue(in part: JSON) -> JSON? {
        var current = part
        for position in parts.rest.indices {
            guard let next = current.part(parts.rest[position]) else { return nil }
            current = next
        }
        return current
    }
}

extension JSON {
    fileprivate func part(_ step: JSON.Path.Step) -> JSON? {
        switch self {
        case .object(let object): return object[step]
        case .array(let items):
            if let item = value(of: step) { return item }
            return step.length(items.count)
        case .string(let text): return step.length(text.utf16.count)
        case .null, .bool, .number: return .none
        }
    }
}

extension JSON.Path.Step {
    /// The length, if that is what the step asks for.
    fileprivate func length(_ count: @autoclosure () -> Int) -> JSON? {
        // Not `nil` in a conditional expression: there it could be read as JSON's null.
        guard key.hasSameBytes(as: "length") else { return .none }
        return .number(JSON.Number(count()))
    }
}

/// Cuts a path into its steps. Time grows linearly with the path: it may come from an event.
private struct PathReader {
    private let bytes: [UInt8]
    private var position = 0
    private var prefixIsRemoved: Bool
    private var found: [String] = []
    private var key: [UInt8] = []
    /// Quotes for which no closing `']` follows any more.
    private var unclosedQuotes: Set<UInt8> = []

    static func steps(of path: String, removingPrefix: Bool) -> [String] {
        var reader = PathReader(bytes: Array(path.utf8), prefixIsRemoved: !removingPrefix)
        return reader.steps()
    }

    private init(bytes: [UInt8], prefixIsRemoved: Bool) {
        self.bytes = bytes
        self.prefixIsRemoved = prefixIsRemoved
    }

    private mutating func steps() -> [String] {
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "$"), !prefixIsRemoved, self.byte(after: 1) == UInt8(ascii: ".") {
                prefixIsRemoved = true
                position += 2
            } else if byte == UInt8(ascii: ".") {
                finishKey()
                position += 1
            } else if byte == UInt8(ascii: "["), let bracket = bracket() {
                finishKey()
                found.append(String(decoding: bytes[bracket.content], as: UTF8.self))
                position = bracket.end
            } else {
                key.append(byte)
                position += 1
            }
        }
        finishKey()
        return found
    }

    private mutating func finishKey() {
        if !key.isEmpty { found.append(String(decoding: key, as: UTF8.self)) }
        key.removeAll(keepingCapacity: true)
    }

    private func byte(after distance: Int) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    /// `[12]`, `['…']` or `["…"]` at the position; any other bracket is part of a key.
    private mutating func bracket() -> (content: Range<Int>, end: Int)? {
        guard let first = byte(after: 1) else { return nil }
        let start = position + 1
        if first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") {
            guard !unclosedQuotes.contains(first) else { return nil }
            var end = start + 1
            while end + 1 < bytes.count {
                if bytes[end] == first, bytes[end + 1] == UInt8(ascii: "]") { return (start + 1..<end, end + 2) }
                end += 1
            }
            unclosedQuotes.insert(first)
            return nil
        }
        var end = start
        while end < bytes.count, 0x30...0x39 ~= bytes[end] { end += 1 }
        guard end > start, end < bytes.count, bytes[end] == UInt8(ascii: "]") else { return nil }
        return (start..<end, end + 1)
    }
}
