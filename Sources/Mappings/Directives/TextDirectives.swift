import LosslessJSON

/// `@path` whose path a directive gives.
struct ComputedPath: Directive {
    let path: Argument<MappingPath>

    func summary(in scope: JSON) -> String {
        guard let path = try? path.value(in: scope) else { return "@path" }
        return "@path \(path)"
    }

    func inputs(in scope: JSON) -> [Input] { path.inputs(in: scope) }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        try path.value(in: scope).value(in: scope)
    }
}

/// `@template`: always a string.
struct TemplateText: Directive {
    let template: Argument<Template>
    let place: Place

    static func expression(_ template: Template, at place: Place) -> Expression {
        guard template.hasPlaceholders else { return .constant(.string(template.source)) }
        return .directive(TemplateText(template: .literal(template), place: place))
    }

    func summary(in scope: JSON) -> String {
        guard let template = try? template.value(in: scope) else { return "@template" }
        return "@template \(template.source.quoted)"
    }

    /// Beside the arguments every value that is put in, so that an explanation shows which of them is missing.
    func inputs(in scope: JSON) -> [Input] {
        let placeholders = (try? template.value(in: scope))?.parts ?? []
        return template.inputs(in: scope)
            + placeholders.compactMap { part in
                guard case .value(let path) = part else { return nil }
                return Input(place: place, expression: .path(path), scope: scope)
            }
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        try Bounds.admit(try template.value(in: scope).text(in: scope), at: place)
    }
}

/// `@case`: strings in lower or upper case, everything else as it is.
struct LetterCase: Directive {
    enum Operator: String, CaseIterable, ArgumentValue {
        case lower
        case upper
    }

    let letters: Argument<Operator>
    let input: Expression
    let place: Place

    func summary(in scope: JSON) -> String {
        "@case \((try? letters.value(in: scope).rawValue) ?? "")"
    }

    func inputs(in scope: JSON) -> [Input] {
        letters.inputs(in: scope) + [Input(place: place.appending("value"), expression: input, scope: scope)]
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        let letters = try letters.value(in: scope)
        let value = try input.value(in: scope)
        guard case .string(let text)? = value else { return value }
        return switch letters {
        case .lower: .string(text.lowercased())
        case .upper: .string(text.uppercased())
        }
    }
}

extension Compiler {
    mutating func pathDirective(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        let path: Argument<MappingPath>? = form(argument, at: place, dialect)
        return switch path {
        case nil: .placeholder
        case .literal(let path)?: .path(path)
        case let path?: .directive(ComputedPath(path: path))
        }
    }

    mutating func templateDirective(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        let template: Argument<Template>? = form(argument, at: place, dialect)
        return switch template {
        case nil: .placeholder
        case .literal(let template)?: TemplateText.expression(template, at: place)
        case let template?: .directive(TemplateText(template: template, place: place))
        }
    }

    mutating func letterCase(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        guard let arguments = arguments(argument, named: ["operator", "value"], at: place, dialect) else {
            return .placeholder
        }
        let letters: Argument<LetterCase.Operator>? = requiredForm("operator", in: arguments)
        let input = requiredValue("value", in: arguments)
        guard let letters else { return .placeholder }
        return .directive(LetterCase(letters: letters, input: input, place: place))
    }
}
