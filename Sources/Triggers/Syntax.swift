import LosslessJSON

/// A part of a trigger as it was read (source-api.md §4.1), and where it stands in the source.
struct Syntax: Sendable, Equatable {
    indirect enum Kind: Sendable, Equatable {
        case literal(JSON)
        case path(JSON.Path)
        case list([Syntax])
        case call(Function, [Syntax])
        case comparison(Comparison, Syntax, Syntax)
        /// `left in right`
        case membership(Syntax, Syntax)
        case not(Syntax)
        case all([Syntax])
        case any([Syntax])
    }

    let kind: Kind
    /// Bytes of the source, without parentheses that enclose the whole.
    let range: Range<Int>

    init(_ kind: Kind, _ range: Range<Int>) {
        self.kind = kind
        self.range = range
    }

    /// Wherever they stand.
    static func == (left: Syntax, right: Syntax) -> Bool {
        left.kind == right.kind
    }
}

enum Comparison: Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

    /// The comparison that holds of (b, a) exactly when this one holds of (a, b).
    var mirrored: Comparison {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }

    /// Whether two numbers so ordered (negative, zero or positive as the first is less, equal or greater) satisfy this.
    func accepts(order: Int) -> Bool {
        switch self {
        case .equal: order == 0
        case .notEqual: order != 0
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        case .greaterOrEqual: order >= 0
        }
    }
}

extension Syntax {
    /// Whether this is true of an event: only the boolean true is (source-api.md §4.2).
    func holds(for subject: Trigger.Subject) -> Bool {
        switch kind {
        case .not(let operand): !operand.holds(for: subject)
        case .all(let operands): operands.allSatisfy { $0.holds(for: subject) }
        case .any(let operands): operands.contains { $0.holds(for: subject) }
        case .comparison(let comparison, let left, let right):
            Syntax.compare(left.value(for: subject), comparison, right.value(for: subject))
        case .membership(let item, let list):
            Syntax.isMember(item.value(for: subject), of: list.value(for: subject))
        case .literal, .path, .list, .call: value(for: subject).boolValue ?? false
        }
    }

    /// The value of this; null for what the event does not have.
    func value(for subject: Trigger.Subject) -> JSON {
        switch kind {
        case .literal(let value): value
        case .path(let path): subject.value(at: path) ?? .null
        case .list(let items): .array(items.map { $0.value(for: subject) })
        case .call(let function, let arguments):
            function.result(
                arguments.first?.value(for: subject) ?? .null,
                arguments.count > 1 ? arguments[1].value(for: subject) : .null
            )
        case .comparison, .membership, .not, .all, .any: .bool(holds(for: subject))
        }
    }

    /// Whether no event can change the value of this.
    var isConstant: Bool {
        switch kind {
        case .literal: true
        case .path: false
        case .list(let parts), .call(_, let parts), .all(let parts), .any(let parts): parts.allSatisfy(\.isConstant)
        case .comparison(_, let left, let right), .membership(let left, let right):
            left.isConstant && right.isConstant
        case .not(let operand): operand.isConstant
        }
    }

    static func compare(_ left: JSON, _ comparison: Comparison, _ right: JSON) -> Bool {
        switch (comparison, left, right) {
        case (.equal, _, _): return left == right
        case (.notEqual, _, _): return left != right
        case (_, .number(let left), .number(let right)):
            return comparison.accepts(order: ExactNumber(left).order(against: ExactNumber(right)))
        default: return false
        }
    }

    static func isMember(_ item: JSON, of list: JSON) -> Bool {
        list.arrayValue?.contains(item) ?? false
    }
}
