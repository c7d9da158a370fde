import Diagnostics
import LosslessJSON

/// Turns a definition into an expression and collects what is wrong with it. Where there is a problem, a placeholder
/// stands in the expression, so that the rest is looked at too; such an expression is never evaluated.
struct Compiler {
    private(set) var problems: [MappingError.Problem] = []

    /// A value, wherever in a definition one may stand.
    mutating func expression(_ definition: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        switch definition {
        case .null, .bool, .number: return .constant(definition)
        case .string(let text): return string(text, at: place, dialect)
        case .array(let items):
            guard admitsContainer(at: place) else { return .placeholder }
            return list(items, at: place, dialect)
        case .object(let object):
            guard admitsContainer(at: place) else { return .placeholder }
            return object.isDirective ? directive(object, at: place, dialect) : fields(object, at: place, dialect)
        }
    }

    mutating func refuse(_ place: Place, _ message: String, suggestion: String? = nil) {
        problems.append(.init(place: place.description, message: message, suggestion: suggestion))
    }

    private mutating func admitsContainer(at place: Place) -> Bool {
        guard place.depth >= Bounds.definitionDepth else { return true }
        refuse(place, "is more than \(Bounds.definitionDepth) levels deep")
        return false
    }

    private func string(_ text: String, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        guard dialect == .short else { return .constant(.string(text)) }
        if text.utf8.starts(with: "$.".utf8) { return .path(MappingPath(text)) }
        return TemplateText.expression(Template(text), at: place)
    }

    private mutating func list(_ items: [JSON], at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        var expressions: [Expression] = []
        for (position, item) in items.enumerated() {
            expressions.append(expression(item, at: place.appending(position), dialect))
        }
        let constants = expressions.compactMap(\.constant)
        return constants.count == items.count ? .constant(.array(constants)) : .list(expressions)
    }

    private mutating func fields(
        _ object: JSON.Object,
        at place: Place,
        _ dialect: Mapping.Dialect
    ) -> Expression {
        var fields: [Expression.Field] = []
        var constants: [JSON.Object.Member] = []
        for member in object {
            let value = expression(member.value, at: place.appending(member.key), dialect)
            fields.append(Expression.Field(key: member.key, value: value))
            if let constant = value.constant {
                constants.append(JSON.Object.Member(key: member.key, value: constant))
            }
        }
        guard constants.count == fields.count else { return .object(fields) }
        return .constant(.object(JSON.Object(uniqueMembers: constants)))
    }

    private mutating func directive(
        _ object: JSON.Object,
        at place: Place,
        _ dialect: Mapping.Dialect
    ) -> Expression {
        var found: [String] = []
        var result = Expression.placeholder
        for member in object {
            if member.key.isDirectiveName {
                found.append(member.key)
                result = directive(named: member.key, member.value, at: place.appending(member.key), dialect)
            } else if !member.key.isMetadata {
                refuse(place.appending(member.key), "cannot stand next to a directive; only \"_metadata\" can")
            }
        }
        if found.count > 1 {
            refuse(
                place,
                "holds several directives (\(found.map(\.quoted).joined(separator: ", "))); only one can stand here"
            )
        }
        return result
    }

    private mutating func directive(
        named name: String,
        _ argument: JSON,
        at place: Place,
        _ dialect: Mapping.Dialect
    ) -> Expression {
        guard let known = DirectiveName(rawValue: name) else {
            let suggestion = name.nearest(among: DirectiveName.allCases.map(\.rawValue))
            refuse(place, "there is no directive \(name.quoted)", suggestion: suggestion)
            return .placeholder
        }
        return switch known {
        case .path: pathDirective(argument, at: place, dialect)
        case .template: templateDirective(argument, at: place, dialect)
        case .literal: expression(argument, at: place, .standard)
        case .conditional: conditional(argument, at: place, dialect)
        case .letterCase: letterCase(argument, at: place, dialect)
        case .replace: replace(argument, at: place, dialect)
        case .arrayPath: arrayPath(argument, at: place, dialect)
        case .merge: merge(argument, at: place, dialect)
        case .transform: transform(argument, at: place, dialect)
        case .json: jsonText(argument, at: place, dialect)
        case .flatten: flatten(argument, at: place, dialect)
        case .excludeWhenNull: excludeWhenNull(argument, at: place, dialect)
        case .liquid: refuseLiquid(at: place)
        }
    }

    private mutating func refuseLiquid(at place: Place) -> Expression {
        refuse(place, "@liquid is not supported; use @template, @case, @replace and @if instead")
        return .placeholder
    }
}

/// The directives of source-api.md §5.3.
enum DirectiveName: String, CaseIterable {
    case path = "@path"
    case template = "@template"
    case literal = "@literal"
    case conditional = "@if"
    case letterCase = "@case"
    case replace = "@replace"
    case arrayPath = "@arrayPath"
    case merge = "@merge"
    case transform = "@transform"
    case json = "@json"
    case flatten = "@flatten"
    case excludeWhenNull = "@excludeWhenNull"
    case liquid = "@liquid"
}

extension Expression {
    /// What stands where there was a problem.
    static let placeholder = Expression.constant(.null)
}

extension JSON.Object {
    /// Whether a key begins with `@`.
    var isDirective: Bool {
        members.contains { $0.key.isDirectiveName }
    }
}

extension String {
    fileprivate var isDirectiveName: Bool { utf8.first == UInt8(ascii: "@") }

    /// Notes of the tool that wrote the mapping, which mean nothing (source-api.md §5.1).
    var isMetadata: Bool { hasSameBytes(as: "_metadata") }

    /// In quotes and not too long, for a message.
    var quoted: String {
        let longest = 40
        return unicodeScalars.count <= longest ? "\"\(self)\"" : "\"\(String(unicodeScalars.prefix(longest)))…\""
    }
}
