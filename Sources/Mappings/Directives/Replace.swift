import LosslessJSON

/// `@replace`: a text with one pattern after the other replaced. Patterns and replacements are literal text.
struct Replace: Directive {
    /// Literal text of 1 to 10 characters.
    struct Pattern: ArgumentValue {
        static let expectation = "a string of 1 to 10 characters"
        let text: String

        init?(argument: JSON) {
            guard let text = argument.stringValue, 1...10 ~= text.unicodeScalars.count else { return nil }
            self.text = text
        }
    }

    /// Literal text of at most 10 characters.
    struct Replacement: ArgumentValue {
        static let expectation = "a string of at most 10 characters"
        let text: String

        init?(argument: JSON) {
            guard let text = argument.stringValue, text.unicodeScalars.count <= 10 else { return nil }
            self.text = text
        }
    }

    /// One pattern with its replacement; `""` if none is given.
    struct Rule: Sendable {
        let pattern: Argument<Pattern>
        let replacement: Argument<Replacement>?
    }

    static let argumentNames = [
        "value", "pattern", "replacement", "pattern2", "replacement2", "global", "ignorecase",
    ]

    let input: Expression
    let rules: [Rule]
    let replacesAll: Argument<Bool>
    let ignoresCase: Argument<Bool>
    let place: Place

    func summary(in scope: JSON) -> String { "@replace" }

    func inputs(in scope: JSON) -> [Input] {
        [Input(place: place.appending("value"), expression: input, scope: scope)]
            + rules.flatMap { $0.pattern.inputs(in: scope) + ($0.replacement?.inputs(in: scope) ?? []) }
            + replacesAll.inputs(in: scope) + ignoresCase.inputs(in: scope)
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        let replacesAll = try replacesAll.value(in: scope)
        let ignoresCase = try ignoresCase.value(in: scope)
        var text =
            switch try input.value(in: scope) {
            case .string(let text)?: text
            case .number(let number)?: number.text
            case .bool(let value)?: value ? "true" : "false"
            default: ""
            }
        for rule in rules {
            let pattern = try rule.pattern.value(in: scope).text
            let replacement = try rule.replacement?.value(in: scope).text ?? ""
            text = text.replacing(pattern, with: replacement, all: replacesAll, ignoringCase: ignoresCase)
            _ = try Bounds.admit(text, at: place)
        }
        return .string(text)
    }
}

extension String {
    fileprivate func replacing(_ pattern: String, with replacement: String, all: Bool, ignoringCase: Bool) -> String {
        let scalars = Array(unicodeScalars)
        let compared = ignoringCase ? scalars.map(\.lowerCase) : scalars
        let wanted = pattern.unicodeScalars.map { ignoringCase ? $0.lowerCase : $0 }
        guard !wanted.isEmpty, compared.count >= wanted.count else { return self }
        var result = ""
        var position = 0
        var isDone = false
        while position < scalars.count {
            if !isDone, compared[position...].starts(with: wanted) {
                result += replacement
                position += wanted.count
                isDone = !all
            } else {
                result.unicodeScalars.append(scalars[position])
                position += 1
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// The lower case if it is one scalar, else the scalar itself.
    fileprivate var lowerCase: Unicode.Scalar {
        if isASCII { return 0x41...0x5A ~= value ? Unicode.Scalar(UInt8(value) | 0x20) : self }
        let mapping = properties.lowercaseMapping.unicodeScalars
        guard let only = mapping.first, mapping.count == 1 else { return self }
        return only
    }
}

extension Compiler {
    mutating func replace(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        guard let arguments = arguments(argument, named: Replace.argumentNames, at: place, dialect) else {
            return .placeholder
        }
        let input = requiredValue("value", in: arguments)
        let pattern: Argument<Replace.Pattern>? = requiredForm("pattern", in: arguments)
        var rules = pattern.map { [Replace.Rule(pattern: $0, replacement: form("replacement", in: arguments))] } ?? []
        if arguments.members["pattern2"] != .string("") {
            let second: Argument<Replace.Pattern>? = form("pattern2", in: arguments)
            let replacement: Argument<Replace.Replacement>? = form("replacement2", in: arguments)
            if let second { rules.append(Replace.Rule(pattern: second, replacement: replacement)) }
        }
        return .directive(
            Replace(
                input: input,
                rules: rules,
                replacesAll: form("global", in: arguments) ?? .literal(true),
                ignoresCase: form("ignorecase", in: arguments) ?? .literal(false),
                place: place
            )
        )
    }
}
