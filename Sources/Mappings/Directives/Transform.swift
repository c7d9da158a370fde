import LosslessJSON

/// `@transform`: one mapping on the event, and another on what that made.
struct Transform: Directive {
    static let argumentNames = ["apply", "mapping"]

    let apply: Expression
    let applyPlace: Place
    let mapping: Expression
    let mappingPlace: Place

    func summary(in scope: JSON) -> String { "@transform" }

    func inputs(in scope: JSON) -> [Input] {
        let first = Input(place: applyPlace, expression: apply, scope: scope)
        guard let applied = try? applied(to: scope) else { return [first] }
        return [first, Input(place: mappingPlace, expression: mapping, scope: applied)]
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        try mapping.value(in: applied(to: scope))
    }

    func outcome(in scope: JSON) throws(MappingError) -> Outcome {
        try mapping.outcome(in: applied(to: scope))
    }

    private func applied(to scope: JSON) throws(MappingError) -> JSON {
        let value = try apply.value(in: scope)
        guard let value, case .object = value else {
            throw MappingError(at: applyPlace, "must be an object, not \(value?.kindName ?? "undefined")")
        }
        return value
    }
}

extension Compiler {
    mutating func transform(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        guard let arguments = arguments(argument, named: Transform.argumentNames, at: place, dialect) else {
            return .placeholder
        }
        return .directive(
            Transform(
                apply: requiredObject("apply", in: arguments),
                applyPlace: place.appending("apply"),
                mapping: requiredObject("mapping", in: arguments),
                mappingPlace: place.appending("mapping")
            )
        )
    }
}
