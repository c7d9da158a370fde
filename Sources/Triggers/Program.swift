import LosslessJSON

/// A trigger made ready for matching.
///
/// The tree is flattened into arrays of plain values that refer to one another by position, so that matching follows no
/// references and counts none. Negation is gone, pushed down into what each test must answer. Conditions on the same
/// path that stand in one `and` or `or` are one condition with several tests, so that the path is walked once.
/// `Syntax.holds(for:)` is what this must agree with; random triggers are tested against both.
final class Program: Sendable {
    enum Condition: Sendable {
        case constant(Bool)
        /// Whether all of a range of `conditions` hold.
        case all(Range<Int>)
        case any(Range<Int>)
        /// Whether at least one of a range of `tests` passes is `expected`.
        case test(Operand, Range<Int>, expected: Bool)
        /// Whether an expression is true is `expected`: for what compares two values of the event.
        case expression(Int, expected: Bool)
    }

    /// A value that only the event can tell.
    enum Operand: Sendable, Hashable {
        case type
        case event
        case path(Int)
        case computed(Int)
    }

    /// A question about one value, with everything else known.
    enum Test: Sendable {
        case isNull
        case isBool(Bool)
        case isText(Text)
        case containsText(Text)
        case matchesGlob(Int)
        case isNumber(Int)
        case isOrdered(Comparison, Int)
        /// The value is a list with an item that passes the other test.
        case hasItem(test: Int)
    }

    /// A text, as a part of `bytes`.
    struct Text: Sendable {
        let start: Int
        let count: Int
    }

    /// Everything that conditions and tests refer to by position.
    struct Pools: Sendable {
        var conditions: [Condition] = []
        var tests: [Test] = []
        var bytes: [UInt8] = []
        /// Ranges of `steps`, the first of which is a top-level field.
        var paths: [Range<Int>] = []
        var steps: [JSON.Path.Step] = []
        var numbers: [ExactNumber] = []
        var globs: [Glob] = []
        var expressions: [Syntax] = []
    }

    private let root: Condition
    private let pools: Pools

    init(root: Condition, pools: Pools) {
        self.root = root
        self.pools = pools
    }
}

extension Program {
    func matches(_ subject: Trigger.Subject) -> Bool {
        holds(root, subject)
    }

    private func holds(_ condition: Condition, _ subject: Trigger.Subject) -> Bool {
        switch condition {
        case .constant(let value):
            return value
        case .all(let range):
            for position in range where !holds(pools.conditions[position], subject) { return false }
            return true
        case .any(let range):
            for position in range where holds(pools.conditions[position], subject) { return true }
            return false
        case .test(let operand, let tests, let expected):
            switch operand {
            case .type: return passes(tests, subject.type) == expected
            case .event: return passes(tests, subject.event) == expected
            case .path(let path): return passes(tests, value(at: path, of: subject)) == expected
            case .computed(let position):
                return passes(tests, pools.expressions[position].value(for: subject)) == expected
            }
        case .expression(let position, let expected):
            return pools.expressions[position].holds(for: subject) == expected
        }
    }

    private func value(at path: Int, of subject: Trigger.Subject) -> JSON {
        let range = pools.paths[path]
        guard var value = subject.value(of: pools.steps[range.lowerBound]) else { return .null }
        for position in range.dropFirst() {
            guard let next = value.value(of: pools.steps[position]) else { return .null }
            value = next
        }
        return value
    }

    private func passes(_ tests: Range<Int>, _ value: JSON) -> Bool {
        switch value {
        case .string(let text): text.withUTF8Bytes { passes(tests, text: $0) }
        case .number(let number): passes(tests, number: ExactNumber(number))
        case .null, .bool, .array, .object: tests.contains { passes(pools.tests[$0], other: value) }
        }
    }

    private func passes(_ tests: Range<Int>, text: UnsafeBufferPointer<UInt8>) -> Bool {
        for position in tests {
            switch pools.tests[position] {
            case .isText(let known):
                if known.count == text.count, withBytes(of: known, { text.hasBytes($0, at: 0) }) { return true }
            case .containsText(let known):
                if withBytes(of: known, { text.contains($0) }) { return true }
            case .matchesGlob(let glob):
                if pools.globs[glob].matches(text) { return true }
            case .isNull, .isBool, .isNumber, .isOrdered, .hasItem: break
            }
        }
        return false
    }

    private func passes(_ tests: Range<Int>, number: ExactNumber) -> Bool {
        for position in tests {
            switch pools.tests[position] {
            case .isNumber(let known):
                if number.order(against: pools.numbers[known]) == 0 { return true }
            case .isOrdered(let comparison, let known):
                if comparison.accepts(order: number.order(against: pools.numbers[known])) { return true }
            case .isNull, .isBool, .isText, .containsText, .matchesGlob, .hasItem: break
            }
        }
        return false
    }

    private func passes(_ test: Test, other value: JSON) -> Bool {
        switch (test, value) {
        case (.isNull, .null): true
        case (.isBool(let known), .bool(let value)): value == known
        case (.hasItem(let test), .array(let items)): items.contains { passes(test..<test + 1, $0) }
        default: false
        }
    }

    @inline(__always)
    private func withBytes(of text: Text, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        pools.bytes.withUnsafeBufferPointer { bytes in
            body(UnsafeBufferPointer(rebasing: bytes[text.start..<text.start &+ text.count]))
        }
    }
}
