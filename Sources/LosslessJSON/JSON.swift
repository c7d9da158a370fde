/// LosslessJSON: JSON as it was sent.
///
/// This room keeps what other parsers lose: the text of every number (`1.10`, `12345678901234567890`) and the order of
/// every object's keys. It reads and writes bytes, compares values exactly, and walks paths. It knows nothing of
/// events.
///
/// What RFC 8259 leaves open is decided here, once:
///
/// | input | decision |
/// |---|---|
/// | invalid UTF-8 | refused |
/// | a lone surrogate escape (`\ud800`) | read as U+FFFD, so that one bad emoji does not cost a whole batch |
/// | a key that stands twice | the last value wins, at the place of the first |
/// | `\u0000` | kept |
/// | a raw control character in a string, a leading zero, `NaN`, comments, trailing commas | refused |
/// | anything but white space behind the value | refused |
/// | a byte-order mark in front | skipped |
/// | nesting beyond `JSON.Limits.depth`, input beyond `JSON.Limits.bytes` | refused |
package enum JSON: Sendable {
    case null
    case bool(Bool)
    case number(Number)
    case string(String)
    case array([JSON])
    case object(Object)
}

extension JSON {
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var numberValue: Number? {
        if case .number(let value) = self { value } else { nil }
    }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var arrayValue: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectValue: Object? {
        if case .object(let value) = self { value } else { nil }
    }

    /// What a message to a person calls this kind of value: `an object`, `a number`, `null` …
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// The value of a key, `nil` for a missing key and for anything that is not an object.
    package subscript(key: String) -> JSON? {
        objectValue?[key]
    }
}

/// Equality is by value: numbers by their exact value (`1.0` equals `1`), strings by their bytes, objects whatever the
/// order of their keys.
extension JSON: Equatable {
    package static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

/// Literals. There is none for null: where a `JSON?` is expected, `nil` is no value, and null is written `.null`.
extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(booleanLiteral value: Bool) {
        self = .bool(value)
    }

    package init(integerLiteral value: Int64) {
        self = .number(Number(value))
    }

    package init(stringLiteral value: String) {
        self = .string(value)
    }

    package init(arrayLiteral elements: JSON...) {
        self = .array(elements)
    }

    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Object(lastWins: elements.map { Object.Member(key: $0.0, value: $0.1) }))
    }
}

extension JSON: CustomStringConvertible {
    /// The compact JSON text.
    package var description: String {
        String(decoding: encoded(), as: UTF8.self)
    }
}
