/// A pattern of `match` (source-api.md §4.2), ready for use.
///
/// `*` is any run of characters, `?` one, `[abc]`, `[a-z]` and `[!x]` one of a class, `\x` the character x itself. A
/// character is a Unicode scalar. What spells no class or escape stands for itself: a `[` that is never closed, a
/// backslash at the end. A `]` directly behind `[` or `[!` belongs to the class.
struct Glob: Sendable {
    private enum Element: Sendable {
        case literal([UInt8])
        case one
        case run
        case oneOf([ClosedRange<UInt32>], negated: Bool)
    }

    private let elements: [Element]

    init(_ pattern: String) {
        var reader = Reader(pattern)
        var elements: [Element] = []
        var literal: [UInt8] = []
        while let element = reader.next() {
            if case .literal(let bytes) = element {
                literal += bytes
                continue
            }
            if !literal.isEmpty {
                elements.append(.literal(literal))
                literal = []
            }
            // `**` says no more than `*`.
            if case .run = element, case .run? = elements.last { continue }
            elements.append(element)
        }
        if !literal.isEmpty { elements.append(.literal(literal)) }
        self.elements = elements
    }

    /// Whether the pattern covers the whole of a text, given as UTF-8.
    ///
    /// Only the last `*` is ever taken back, because an earlier one can gain nothing by taking more. The time is
    /// therefore at most proportional to the length of the text times that of the pattern.
    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var element = 0
        var offset = 0
        var lastRun: (element: Int, offset: Int)?
        while true {
            if element == elements.count {
                if offset == text.count { return true }
            } else if case .run = elements[element] {
                if let isMatch = finish(behind: element, text, from: offset) { return isMatch }
                guard let start = start(behind: element, text, from: offset) else { return false }
                lastRun = (element, start)
                offset = start
                element &+= 1
                continue
            } else if let next = end(of: element, text, from: offset) {
                offset = next
                element &+= 1
                continue
            }
            guard let run = lastRun, run.offset < text.count else { return false }
            let longer = run.offset &+ Self.scalarLength(text[run.offset])
            guard let start = start(behind: run.element, text, from: longer) else { return false }
            lastRun = (run.element, start)
            offset = start
            element = run.element &+ 1
        }
    }

    /// The answer, where nothing or only a literal follows a `*`.
    private func finish(behind run: Int, _ text: UnsafeBufferPointer<UInt8>, from offset: Int) -> Bool? {
        if run == elements.count - 1 { return true }
        guard run == elements.count - 2, case .literal(let bytes) = elements[run + 1] else { return nil }
        let start = text.count - bytes.count
        return start >= offset && bytes.withUnsafeBufferPointer { text.hasBytes($0, at: start) }
    }

    /// Where a `*` that takes the text up to an offset, or more, may end: where the literal that follows it, if one does,
    /// is next found. `nil` if it is found nowhere.
    private func start(behind run: Int, _ text: UnsafeBufferPointer<UInt8>, from offset: Int) -> Int? {
        guard case .literal(let bytes) = elements[run &+ 1] else { return offset }
        return bytes.withUnsafeBufferPointer { text.offset(of: $0, from: offset) }
    }

    /// Where the text goes on behind an element that takes one character or a literal; `nil` if it does not fit.
    private func end(of element: Int, _ text: UnsafeBufferPointer<UInt8>, from offset: Int) -> Int? {
        switch elements[element] {
        case .literal(let bytes):
            return bytes.withUnsafeBufferPointer { text.hasBytes($0, at: offset) } ? offset &+ bytes.count : nil
        case .one:
            return offset < text.count ? offset &+ Self.scalarLength(text[offset]) : nil
        case .oneOf(let ranges, let negated):
            guard offset < text.count else { return nil }
            let length = Self.scalarLength(text[offset])
            let scalar = Self.scalar(text, from: offset, length: length)
            return ranges.contains { $0.contains(scalar) } != negated ? offset &+ length : nil
        case .run:
            return nil
        }
    }

    /// The length in bytes of the UTF-8 scalar that begins with a byte.
    private static func scalarLength(_ lead: UInt8) -> Int {
        lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    }

    private static func scalar(_ text: UnsafeBufferPointer<UInt8>, from offset: Int, length: Int) -> UInt32 {
        guard length > 1 else { return UInt32(text[offset]) }
        var scalar = UInt32(text[offset]) & (0xFF >> UInt32(length + 1))
        for position in offset + 1..<offset + length { scalar = scalar << 6 | UInt32(text[position]) & 0x3F }
        return scalar
    }
}

extension Glob {
    /// Reads a pattern from the left, one element after the other; every character of a literal is one.
    private struct Reader {
        private let scalars: [Unicode.Scalar]
        private var position = 0
        /// Once one `[` was found unclosed, all later ones are, and need no search: reading stays linear.
        private var hasUnclosedClass = false

        init(_ pattern: String) {
            scalars = Array(pattern.unicodeScalars)
        }

        mutating func next() -> Element? {
            guard position < scalars.count else { return nil }
            let scalar = scalars[position]
            position += 1
            switch scalar {
            case "*": return .run
            case "?": return .one
            case "[":
                if let element = characterClass() { return element }
            case "\\":
                if position < scalars.count {
                    position += 1
                    return Self.literal(scalars[position - 1])
                }
            default: break
            }
            return Self.literal(scalar)
        }

        private static func literal(_ scalar: Unicode.Scalar) -> Element {
            .literal(Array(String(scalar).utf8))
        }

        /// The class behind a `[`; `nil` if it is never closed, with the position unchanged.
        private mutating func characterClass() -> Element? {
            guard !hasUnclosedClass else { return nil }
            let start = position
            let negated = peek() == "!"
            if negated { position += 1 }
            var ranges: [ClosedRange<UInt32>] = []
            var isFirst = true
            while let lower = member(isFirst: isFirst) {
                isFirst = false
                guard peek() == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                    ranges.append(lower.value...lower.value)
                    continue
                }
                position += 1
                guard let upper = member(isFirst: true) else { break }
                // A range that runs backwards holds nothing.
                if lower.value <= upper.value { ranges.append(lower.value...upper.value) }
            }
            guard peek() == "]" else {
                hasUnclosedClass = true
                position = start
                return nil
            }
            position += 1
            return .oneOf(ranges, negated: negated)
        }

        /// The next character of a class; `nil` at its end or the pattern's.
        private mutating func member(isFirst: Bool) -> Unicode.Scalar? {
            guard let scalar = peek(), isFirst || scalar != "]" else { return nil }
            position += 1
            guard scalar == "\\", let escaped = peek() else { return scalar }
            position += 1
            return escaped
        }

        private func peek() -> Unicode.Scalar? {
            position < scalars.count ? scalars[position] : nil
        }
    }
}
