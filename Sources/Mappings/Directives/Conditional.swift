import LosslessJSON

/// `@if`: one of two branches; undefined where the chosen one is not given.
struct Conditional: Directive {
    enum Test: String {
        /// Holds for everything but undefined and null.
        case exists
        /// Holds, its name notwithstanding, when the value is *not* blank (source-api.md §5.3).
        case blank
    }

    let test: Test
    let tested: Expression
    let then: Expression?
    let otherwise: Expression?
    let place: Place

    func summary(in scope: JSON) -> String {
        guard let holds = try? holds(in: scope) else { return "@if \(test.rawValue)" }
        let found =
            switch test {
            case .exists: holds ? "exists" : "does not exist"
            case .blank: holds ? "is not blank" : "is blank"
            }
        let branch = chosen(holds)
        return "@if, which \(found): \(branch.name)" + (branch.expression == nil ? ", which is not given" : "")
    }

    func inputs(in scope: JSON) -> [Input] {
        var inputs = [Input(place: place.appending(test.rawValue), expression: tested, scope: scope)]
        if let holds = try? holds(in: scope) {
            let branch = chosen(holds)
            if let expression = branch.expression {
                inputs.append(Input(place: place.appending(branch.name), expression: expression, scope: scope))
            }
        }
        return inputs
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        try chosen(holds(in: scope)).expression?.value(in: scope)
    }

    func outcome(in scope: JSON) throws(MappingError) -> Outcome {
        try chosen(holds(in: scope)).expression?.outcome(in: scope) ?? Outcome(value: nil)
    }

    private func chosen(_ holds: Bool) -> (name: String, expression: Expression?) {
        holds ? ("then", then) : ("else", otherwise)
    }

    private func holds(in scope: JSON) throws(MappingError) -> Bool {
        guard let value = try tested.value(in: scope) else { return false }
        return switch test {
        case .exists: !value.isNull
        case .blank: !value.isBlank
        }
    }
}

extension JSON {
    fileprivate var isBlank: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .number(let number): number == JSON.Number(0)
        case .string(let text): text.isEmpty
        case .array(let items): items.isEmpty
        case .object: false
        }
    }
}

extension Compiler {
    mutating func conditional(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        let names = ["exists", "blank", "then", "else"]
        guard let arguments = arguments(argument, named: names, at: place, dialect) else { return .placeholder }
        let exists = value("exists", in: arguments)
        let blank = value("blank", in: arguments)
        let then = value("then", in: arguments)
        let otherwise = value("else", in: arguments)
        guard let tested = exists ?? blank else {
            refuse(place, "needs \"exists\" or \"blank\"")
            return .placeholder
        }
        return .directive(
            Conditional(
                test: exists == nil ? .blank : .exists,
                tested: tested,
                then: then,
                otherwise: otherwise,
                place: place
            )
        )
    }
}
