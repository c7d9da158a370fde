import Diagnostics

/// Why a text is not a trigger, where, and what was probably meant.
package struct TriggerError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case empty
        case tooLong
        case tooDeep
        case unexpectedCharacter
        case unclosed
        case invalidNumber
        case invalidField
        case missingOperand
        case missingOperator
        case chainedComparison
        case misplaced
        case unknownFunction
        case wrongArgumentCount
    }

    package let code: Code
    /// What is wrong, as a sentence without its full stop.
    package let message: String
    /// What to write instead, as a sentence without its full stop: ``did you mean `and`?``.
    package let suggestion: String?
    /// Bytes of the source in front of the place.
    package let offset: Int
    private let excerpt: Excerpt

    /// Lines are counted from 1 and end with LF.
    package var line: Int { excerpt.line }
    /// The character of the line, counted from 1.
    package var column: Int { excerpt.column }

    package var description: String {
        let sentence = "line \(line), column \(column): \(message)"
        return suggestion.map { "\(sentence); \($0)" } ?? sentence
    }

    /// The line of the source (of a long one the part around the place), and below it a caret under the place.
    package func rendered() -> String {
        excerpt.rendered()
    }
}

extension TriggerError {
    /// A fault as the parser finds it, before its line is known.
    struct Fault: Error {
        let code: Code
        let offset: Int
        let message: String
        var suggestion: String?

        init(_ code: Code, at offset: Int, _ message: String, _ suggestion: String? = nil) {
            self.code = code
            self.offset = offset
            self.message = message
            self.suggestion = suggestion
        }
    }

    init(_ fault: Fault, in source: String) {
        code = fault.code
        message = fault.message
        suggestion = fault.suggestion
        offset = min(fault.offset, source.utf8.count)
        excerpt = Excerpt(of: source, atByte: fault.offset)
    }
}
