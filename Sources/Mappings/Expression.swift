import LosslessJSON

/// A compiled definition. Evaluating it yields `nil` for the language's undefined.
enum Expression: Sendable {
    /// No directive stands in it.
    case constant(JSON)
    case path(MappingPath)
    /// An object; no key stands twice.
    case object([Field])
    case list([Expression])
    indirect case directive(any Directive)

    struct Field: Sendable {
        /// The member to be, its value still null: a key that is prepared once need not be for every event.
        let member: JSON.Object.Member
        let value: Expression

        init(key: String, value: Expression) {
            member = JSON.Object.Member(key: key, value: .null)
            self.value = value
        }
    }
}

/// A directive with its arguments compiled.
protocol Directive: Sendable {
    /// What an explanation calls it: its name and what was decided.
    func summary(in scope: JSON) -> String

    /// The expressions that its value depended on in this scope, each with the scope in which it was evaluated.
    func inputs(in scope: JSON) -> [Input]

    func value(in scope: JSON) throws(MappingError) -> JSON?

    /// The value with the keys at its top whose value is undefined; see `Outcome`.
    func outcome(in scope: JSON) throws(MappingError) -> Outcome
}

/// A part of a directive.
struct Input {
    let place: Place
    let expression: Expression
    let scope: JSON
}

/// A value, and the keys of the object that it is whose value is undefined.
///
/// Only `@merge` asks for them: there an undefined value counts, and takes its key away from the object that it is laid
/// over (source-api.md §5.7 example 63).
struct Outcome {
    var value: JSON?
    var undefinedKeys: [String] = []
}

extension Directive {
    func outcome(in scope: JSON) throws(MappingError) -> Outcome {
        Outcome(value: try value(in: scope))
    }
}

extension Expression {
    /// The value, if no directive stands in it.
    var constant: JSON? {
        guard case .constant(let value) = self else { return .none }
        return value
    }

    /// The value for what paths are relative to: the event, an item, or what `@transform` made.
    func value(in scope: JSON) throws(MappingError) -> JSON? {
        switch self {
        case .constant(let value): return value
        case .path(let path): return path.value(in: scope)
        case .directive(let directive): return try directive.value(in: scope)
        case .object(let fields): return .object(try Self.object(fields, in: scope))
        case .list(let expressions):
            var items: [JSON] = []
            items.reserveCapacity(expressions.count)
            for expression in expressions {
                items.append(try expression.value(in: scope) ?? .null)
            }
            return .array(items)
        }
    }

    func outcome(in scope: JSON) throws(MappingError) -> Outcome {
        switch self {
        case .directive(let directive): return try directive.outcome(in: scope)
        case .object(let fields):
            let object = try Self.object(fields, in: scope)
            guard object.count < fields.count else { return Outcome(value: .object(object)) }
            let undefinedKeys = fields.map(\.member.key).filter { !object.contains($0) }
            return Outcome(value: .object(object), undefinedKeys: undefinedKeys)
        default: return Outcome(value: try value(in: scope))
        }
    }

    private static func object(_ fields: [Field], in scope: JSON) throws(MappingError) -> JSON.Object {
        var members: [JSON.Object.Member] = []
        members.reserveCapacity(fields.count)
        let fields = fields.span
        for position in fields.indices {
            guard let value = try fields[position].value.value(in: scope) else { continue }
            var member = fields[position].member
            member.value = value
            members.append(member)
        }
        return JSON.Object(uniqueMembers: members)
    }
}
