/// Why bytes are not JSON, and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case empty
        case unexpectedCharacter
        case unexpectedEnd
        case trailingBytes
        case invalidNumber
        case invalidEscape
        case invalidUTF8
        case controlCharacter
        case tooDeep
        case tooLarge
    }

    package let code: Code
    /// Bytes in front of the place.
    package let offset: Int
    /// From 1; a column counts bytes.
    package let line: Int
    package let column: Int

    /// A sentence without any of the input in it, so that it can be logged.
    package var description: String {
        switch code {
        case .empty, .tooLarge: explanation
        default: "\(explanation) at line \(line), column \(column)"
        }
    }

    private var explanation: String {
        switch code {
        case .empty: "there is no JSON value"
        case .unexpectedCharacter: "unexpected character"
        case .unexpectedEnd: "the JSON ends too early"
        case .trailingBytes: "something stands behind the JSON value"
        case .invalidNumber: "not a JSON number"
        case .invalidEscape: "not a JSON escape"
        case .invalidUTF8: "not valid UTF-8"
        case .controlCharacter: "a control character must be escaped in a string"
        case .tooDeep: "nested too deeply"
        case .tooLarge: "the JSON is too large"
        }
    }
}
