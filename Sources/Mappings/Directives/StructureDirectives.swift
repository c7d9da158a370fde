import LosslessJSON

/// `@json`: a value as JSON text, or JSON text as a value.
struct JSONText: Directive {
    enum Mode: String, CaseIterable, ArgumentValue {
        case encode
        case decode
    }

    let mode: Argument<Mode>
    let input: Expression
    let place: Place

    func summary(in scope: JSON) -> String {
        "@json \((try? mode.value(in: scope).rawValue) ?? "")"
    }

    func inputs(in scope: JSON) -> [Input] {
        mode.inputs(in: scope) + [Input(place: place.appending("value"), expression: input, scope: scope)]
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        let mode = try mode.value(in: scope)
        let value = try input.value(in: scope)
        switch (mode, value) {
        case (.encode, let value?): return try Bounds.admit(value.description, at: place)
        case (.decode, .string(let text)?):
            let limits = JSON.Limits(depth: Bounds.decodedDepth, bytes: Bounds.decodedBytes)
            return (try? JSON(parsing: text, limits: limits)) ?? value
        default: return value
        }
    }
}

/// `@flatten`: what is nested at one level, under the keys that led to it.
struct Flatten: Directive {
    /// What stands between two keys.
    struct Separator: ArgumentValue {
        static let expectation = "a string of at least one character"
        let text: String

        init?(argument: JSON) {
            guard let text = argument.stringValue, !text.isEmpty else { return nil }
            self.text = text
        }
    }

    let separator: Argument<Separator>
    let keepsLists: Argument<Bool>
    let input: Expression
    let place: Place

    func summary(in scope: JSON) -> String { "@flatten" }

    func inputs(in scope: JSON) -> [Input] {
        [Input(place: place.appending("value"), expression: input, scope: scope)]
            + separator.inputs(in: scope) + keepsLists.inputs(in: scope)
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        let separator = try separator.value(in: scope).text
        let keepsLists = try keepsLists.value(in: scope)
        guard let value = try input.value(in: scope) else { return nil }
        var run = Run(separator: separator, keepsLists: keepsLists)
        guard run.add(value, under: nil) else {
            throw MappingError(at: place, "makes keys of more than \(Bounds.textBytes) bytes")
        }
        return run.members.outcome.value
    }

    private struct Run {
        let separator: String
        let keepsLists: Bool
        var members = UniqueMembers()
        private var keyBytes = 0

        init(separator: String, keepsLists: Bool) {
            self.separator = separator
            self.keepsLists = keepsLists
        }

        /// False when the keys have become too long.
        mutating func add(_ value: JSON, under prefix: String?) -> Bool {
            switch value {
            case .object(let object):
                for member in object {
                    guard add(member.value, under: joined(prefix, member.key)) else { return false }
                }
            case .array(let items) where !keepsLists:
                for (position, item) in items.enumerated() {
                    guard add(item, under: joined(prefix, String(position))) else { return false }
                }
            default: members.set(prefix ?? "", value)
            }
            return keyBytes <= Bounds.textBytes
        }

        private mutating func joined(_ prefix: String?, _ key: String) -> String {
            let joined = prefix.map { $0 + separator + key } ?? key
            keyBytes += joined.utf8.count
            return joined
        }
    }
}

/// `@excludeWhenNull`: null as undefined, and objects without their null members, but for those inside lists.
struct ExcludeWhenNull: Directive {
    let input: Expression
    let place: Place

    func summary(in scope: JSON) -> String { "@excludeWhenNull" }

    func inputs(in scope: JSON) -> [Input] {
        [Input(place: place, expression: input, scope: scope)]
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        try input.value(in: scope)?.withoutNulls
    }
}

extension JSON {
    fileprivate var withoutNulls: JSON? {
        switch self {
        case .null: return .none
        case .object(let object): return .object(object.compactMapValues(\.withoutNulls))
        default: return self
        }
    }
}

extension Compiler {
    mutating func jsonText(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        guard let arguments = arguments(argument, named: ["mode", "value"], at: place, dialect) else {
            return .placeholder
        }
        let mode: Argument<JSONText.Mode>? = requiredForm("mode", in: arguments)
        let input = requiredValue("value", in: arguments)
        guard let mode else { return .placeholder }
        return .directive(JSONText(mode: mode, input: input, place: place))
    }

    mutating func flatten(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        let names = ["value", "separator", "omitArrays"]
        guard let arguments = arguments(argument, named: names, at: place, dialect) else { return .placeholder }
        let input = requiredValue("value", in: arguments)
        let separator: Argument<Flatten.Separator>? = requiredForm("separator", in: arguments)
        let keepsLists: Argument<Bool> = form("omitArrays", in: arguments) ?? .literal(false)
        guard let separator else { return .placeholder }
        return .directive(Flatten(separator: separator, keepsLists: keepsLists, input: input, place: place))
    }

    mutating func excludeWhenNull(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        .directive(ExcludeWhenNull(input: expression(argument, at: place, dialect), place: place))
    }
}
