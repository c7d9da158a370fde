import LosslessJSON

/// An argument that must have a certain form.
///
/// It is checked when the mapping is compiled if it is written out, when it runs if a directive gives it
/// (source-api.md §5.1).
enum Argument<Value: ArgumentValue>: Sendable {
    case literal(Value)
    case computed(Expression, Place)

    func value(in scope: JSON) throws(MappingError) -> Value {
        switch self {
        case .literal(let value): return value
        case .computed(let expression, let place):
            let found = try expression.value(in: scope)
            guard let value = found.flatMap(Value.init(argument:)) else {
                throw MappingError(at: place, Value.refusal(of: found))
            }
            return value
        }
    }

    /// The argument for an explanation: none if it is written out.
    func inputs(in scope: JSON) -> [Input] {
        switch self {
        case .literal: []
        case .computed(let expression, let place): [Input(place: place, expression: expression, scope: scope)]
        }
    }
}

/// What an argument can be.
protocol ArgumentValue: Sendable {
    /// What a message says it must be.
    static var expectation: String { get }
    /// The words among which it is chosen, if it is.
    static var choices: [String] { get }
    init?(argument: JSON)
}

extension ArgumentValue {
    static var choices: [String] { [] }

    static func refusal(of found: JSON?) -> String {
        switch found {
        case .string?: "must be \(expectation)"
        case let found: "must be \(expectation), not \(found?.kindName ?? "undefined")"
        }
    }
}

extension ArgumentValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    static var choices: [String] { allCases.map(\.rawValue) }
    static var expectation: String { choices.map { "\"\($0)\"" }.joined(separator: " or ") }

    init?(argument: JSON) {
        guard case .string(let word) = argument else { return nil }
        self.init(rawValue: word)
    }
}

extension Bool: ArgumentValue {
    static var expectation: String { "true or false, not in quotes" }

    init?(argument: JSON) {
        guard case .bool(let value) = argument else { return nil }
        self = value
    }
}

extension MappingPath: ArgumentValue {
    static var expectation: String { "a path, which is a string" }

    init?(argument: JSON) {
        guard case .string(let path) = argument else { return nil }
        self.init(path)
    }
}

extension Template: ArgumentValue {
    static var expectation: String { "a template, which is a string" }

    init?(argument: JSON) {
        guard case .string(let text) = argument else { return nil }
        self.init(text)
    }
}
