import LosslessJSON

/// The functions of the trigger language (source-api.md §4.2).
///
/// One rule runs through them: what a function cannot work on gives null, and a test of it gives false.
enum Function: String, CaseIterable, Sendable {
    case contains, match, length, lowercase, uppercase, snakecase, kebabcase, titlecase, typeof, bool, string, number

    var argumentCount: Int {
        switch self {
        case .contains, .match: 2
        case .length, .lowercase, .uppercase, .snakecase, .kebabcase, .titlecase, .typeof, .bool, .string, .number: 1
        }
    }

    /// The result for one argument, or two where the function takes two.
    func result(_ value: JSON, _ second: JSON) -> JSON {
        switch self {
        case .contains: .bool(Function.contains(value, second))
        case .match: .bool(Function.match(value, second))
        case .length: Function.length(value)
        case .lowercase: Function.text(value) { $0.lowercased() }
        case .uppercase: Function.text(value) { $0.uppercased() }
        case .snakecase: Function.text(value) { $0.replacingSpaces(with: "_") }
        case .kebabcase: Function.text(value) { $0.replacingSpaces(with: "-") }
        case .titlecase: Function.text(value) { $0.capitalizingWords() }
        case .typeof: .string(Function.typeName(value))
        case .bool: Function.boolean(value)
        case .string: Function.string(value)
        case .number: Function.number(value)
        }
    }

    private static func contains(_ value: JSON, _ part: JSON) -> Bool {
        guard case .string(let text) = value, case .string(let part) = part else { return false }
        return text.withUTF8Bytes { text in part.withUTF8Bytes { text.contains($0) } }
    }

    private static func match(_ value: JSON, _ pattern: JSON) -> Bool {
        guard case .string(let text) = value, case .string(let pattern) = pattern else { return false }
        let glob = Glob(pattern)
        return text.withUTF8Bytes { glob.matches($0) }
    }

    private static func length(_ value: JSON) -> JSON {
        switch value {
        case .null: 0
        case .array(let items): .number(JSON.Number(items.count))
        case .string(let text): .number(JSON.Number(text.utf8.count))
        case .bool, .number, .object: .null
        }
    }

    private static func text(_ value: JSON, _ change: (String) -> String) -> JSON {
        guard case .string(let text) = value else { return .null }
        return .string(change(text))
    }

    private static func typeName(_ value: JSON) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .number: "number"
        case .string: "string"
        case .array: "list"
        case .object: "map"
        }
    }

    /// `true`, `"true"` and every number but zero are true; `false`, `"false"` and zero are false.
    private static func boolean(_ value: JSON) -> JSON {
        switch value {
        case .bool: value
        case .number(let number): .bool(number != JSON.Number(0))
        case .string(let text) where text.hasSameBytes(as: "true"): true
        case .string(let text) where text.hasSameBytes(as: "false"): false
        case .string, .null, .array, .object: .null
        }
    }

    /// A number gives its exact text, a list or object its JSON text; null stays null.
    private static func string(_ value: JSON) -> JSON {
        switch value {
        case .null, .string: value
        case .number(let number): .string(number.text)
        case .bool, .array, .object: .string(value.description)
        }
    }

    /// Text is read by the grammar of the language's own numbers, or of JSON's.
    private static func number(_ value: JSON) -> JSON {
        switch value {
        case .number: value
        case .string(let text): (JSON.Number(triggerText: text) ?? JSON.Number(text)).map(JSON.number) ?? .null
        case .null, .bool, .array, .object: .null
        }
    }
}

extension String {
    fileprivate func replacingSpaces(with replacement: Unicode.Scalar) -> String {
        var result = UnicodeScalarView()
        for scalar in unicodeScalars { result.append(scalar == " " ? replacement : scalar) }
        return String(result)
    }

    /// This text with the first letter behind every white space in upper case; all else stays as it is.
    fileprivate func capitalizingWords() -> String {
        var result = ""
        var startsWord = true
        for scalar in unicodeScalars {
            if startsWord {
                result += scalar.properties.titlecaseMapping
            } else {
                result.unicodeScalars.append(scalar)
            }
            startsWord = scalar.properties.isWhitespace
        }
        return result
    }
}
