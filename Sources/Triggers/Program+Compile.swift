import LosslessJSON

extension Program {
    convenience init(_ syntax: Syntax) {
        var compiler = Compiler()
        let root = compiler.place(compiler.draft(syntax, expected: true))
        self.init(root: root, pools: compiler.pools)
    }
}

/// Turns a syntax tree into a program: first into a tree of drafts, in which conditions can still be joined, then into
/// flat arrays.
private struct Compiler {
    private(set) var pools = Program.Pools()
    /// Where the path of these keys stands among the paths.
    private var pathPositions: [[ExactText]: Int] = [:]

    indirect enum Draft {
        case group(isAll: Bool, [Draft])
        case test(Program.Operand, [Program.Test], expected: Bool)
        case other(Program.Condition)
    }

    // MARK: Drafting

    /// A draft that holds when the truth of the syntax is `expected`.
    mutating func draft(_ syntax: Syntax, expected: Bool) -> Draft {
        if syntax.isConstant {
            return .other(.constant(syntax.holds(for: Trigger.Subject(JSON.Object())) == expected))
        }
        switch syntax.kind {
        case .not(let operand): return draft(operand, expected: !expected)
        // What is not (a and b) is (not a or not b); likewise the other way round.
        case .all(let operands): return group(isAll: expected, operands, expected: expected)
        case .any(let operands): return group(isAll: !expected, operands, expected: expected)
        case .comparison(let comparison, let left, let right):
            if let draft = comparisonDraft(comparison, left, right, expected: expected) { return draft }
            if let draft = comparisonDraft(comparison.mirrored, right, left, expected: expected) { return draft }
        case .membership(let item, let list):
            if let draft = membershipDraft(item, list, expected: expected) { return draft }
        case .call(.contains, let arguments):
            if let text = arguments.last?.literal?.stringValue {
                return .test(operand(arguments[0]), [.containsText(add(text))], expected: expected)
            }
        case .call(.match, let arguments):
            if let pattern = arguments.last?.literal?.stringValue {
                return .test(operand(arguments[0]), [.matchesGlob(add(Glob(pattern), to: \.globs))], expected: expected)
            }
        case .path, .call: return .test(operand(syntax), [.isBool(true)], expected: expected)
        case .literal, .list: break
        }
        return .other(.expression(add(syntax, to: \.expressions), expected: expected))
    }

    private mutating func comparisonDraft(
        _ comparison: Comparison,
        _ left: Syntax,
        _ right: Syntax,
        expected: Bool
    ) -> Draft? {
        guard let known = right.literal else { return nil }
        switch comparison {
        case .equal: return .test(operand(left), [equality(known)], expected: expected)
        case .notEqual: return .test(operand(left), [equality(known)], expected: !expected)
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard let number = known.numberValue else { return .other(.constant(!expected)) }
            let test = Program.Test.isOrdered(comparison, add(ExactNumber(number), to: \.numbers))
            return .test(operand(left), [test], expected: expected)
        }
    }

    private mutating func membershipDraft(_ item: Syntax, _ list: Syntax, expected: Bool) -> Draft? {
        if case .list(let items) = list.kind {
            let known = items.compactMap(\.literal)
            guard known.count == items.count else { return nil }
            var tests: [Program.Test] = []
            for value in known { tests.append(equality(value)) }
            return .test(operand(item), tests, expected: expected)
        }
        guard let known = item.literal else { return nil }
        let test = equality(known)
        return .test(operand(list), [.hasItem(test: add(test, to: \.tests))], expected: expected)
    }

    private mutating func equality(_ known: JSON) -> Program.Test {
        switch known {
        case .bool(let value): .isBool(value)
        case .string(let text): .isText(add(text))
        case .number(let number): .isNumber(add(ExactNumber(number), to: \.numbers))
        // Literals are never lists or objects.
        case .null, .array, .object: .isNull
        }
    }

    private mutating func operand(_ syntax: Syntax) -> Program.Operand {
        guard case .path(let path) = syntax.kind else { return .computed(add(syntax, to: \.expressions)) }
        if path.steps == [.type] { return .type }
        if path.steps == [.event] { return .event }
        let keys = path.steps.map { ExactText($0.key) }
        if let position = pathPositions[keys] { return .path(position) }
        let start = pools.steps.count
        pools.steps += path.steps
        let position = add(start..<pools.steps.count, to: \.paths)
        pathPositions[keys] = position
        return .path(position)
    }

    private mutating func add(_ text: String) -> Program.Text {
        let start = pools.bytes.count
        pools.bytes += text.utf8
        return Program.Text(start: start, count: text.utf8.count)
    }

    private mutating func add<Element>(_ element: Element, to pool: WritableKeyPath<Program.Pools, [Element]>) -> Int {
        pools[keyPath: pool].append(element)
        return pools[keyPath: pool].count - 1
    }

    // MARK: Joining

    private mutating func group(isAll: Bool, _ operands: [Syntax], expected: Bool) -> Draft {
        var drafts: [Draft] = []
        var firstOnOperand: [Program.Operand: Int] = [:]
        for syntax in operands {
            let draft = draft(syntax, expected: expected)
            // "a or b passes" is "one of both passes", and "neither a nor b passes" is "none of both passes". Tests
            // that must all pass cannot be joined.
            guard case .test(let operand, let tests, !isAll) = draft else {
                drafts.append(draft)
                continue
            }
            if let position = firstOnOperand[operand], case .test(_, let others, _) = drafts[position] {
                drafts[position] = .test(operand, others + tests, expected: !isAll)
            } else {
                firstOnOperand[operand] = drafts.count
                drafts.append(draft)
            }
        }
        return drafts.count == 1 ? drafts[0] : .group(isAll: isAll, drafts)
    }

    // MARK: Placing

    mutating func place(_ draft: Draft) -> Program.Condition {
        switch draft {
        case .other(let condition): return condition
        case .test(let operand, let tests, let expected):
            let start = pools.tests.count
            pools.tests += tests
            return .test(operand, start..<pools.tests.count, expected: expected)
        case .group(let isAll, let drafts):
            var placed: [Program.Condition] = []
            for draft in drafts { placed.append(place(draft)) }
            let start = pools.conditions.count
            pools.conditions += placed
            let range = start..<pools.conditions.count
            return isAll ? .all(range) : .any(range)
        }
    }
}

extension Syntax {
    fileprivate var literal: JSON? {
        if case .literal(let value) = kind { value } else { nil }
    }
}
