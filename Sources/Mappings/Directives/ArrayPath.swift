import LosslessJSON

/// `@arrayPath`: a list, each item resolved against a shape whose paths begin at the item.
struct ArrayPath: Directive {
    let source: Expression
    let shape: Expression?
    let place: Place

    func summary(in scope: JSON) -> String {
        guard shape != nil, case .array(let items)? = try? source.value(in: scope) else { return "@arrayPath" }
        return "@arrayPath, a shape on \(items.count) items"
    }

    func inputs(in scope: JSON) -> [Input] {
        [Input(place: place.appending(0), expression: source, scope: scope)]
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        let found = try source.value(in: scope)
        guard let shape else { return found }
        switch found {
        case .array(let items)?:
            var shaped: [JSON] = []
            shaped.reserveCapacity(items.count)
            for item in items {
                shaped.append(try shape.value(in: item) ?? .null)
            }
            return .array(shaped)
        case .object(let object)?: return .array([try shape.value(in: .object(object)) ?? .null])
        default: return found
        }
    }
}

extension Compiler {
    mutating func arrayPath(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        guard case .array(let arguments) = argument, let first = arguments.first, arguments.count <= 2 else {
            refuse(place, "takes a list of a path and, if wanted, a shape")
            return .placeholder
        }
        let source = arrayPathSource(first, at: place.appending(0), dialect)
        guard arguments.count == 2 else {
            return .directive(ArrayPath(source: source, shape: nil, place: place))
        }
        let shape = expression(arguments[1], at: place.appending(1), dialect)
        return .directive(ArrayPath(source: source, shape: shape.isShape ? shape : nil, place: place))
    }

    private mutating func arrayPathSource(
        _ definition: JSON,
        at place: Place,
        _ dialect: Mapping.Dialect
    ) -> Expression {
        switch definition {
        case .string(let path): return .path(MappingPath(path))
        case .object(let object) where object.isDirective: return expression(definition, at: place, dialect)
        default:
            refuse(place, "must be a path or a directive, not \(definition.kindName)")
            return .placeholder
        }
    }
}

extension Expression {
    /// Objects that are not empty, and directives, are shapes; anything else is as none.
    fileprivate var isShape: Bool {
        switch self {
        case .object, .path, .directive: true
        case .constant(.object(let object)): !object.isEmpty
        case .constant, .list: false
        }
    }
}
