import Diagnostics

/// Every mistake of a configuration file, each with its place and what was probably meant.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package struct Problem: Equatable, Sendable, CustomStringConvertible {
        package let file: String
        /// From 1.
        package let line: Int
        /// From 1, in characters.
        package let column: Int
        package let message: String
        /// What to write instead, as a sentence: "did you mean `trigger`?"
        package let suggestion: String?
        private let excerpt: String

        init(file: String, excerpt: Excerpt, message: String, suggestion: String?) {
            self.file = file
            line = excerpt.line
            column = excerpt.column
            self.message = message
            self.suggestion = suggestion
            self.excerpt = excerpt.rendered()
        }

        /// `FILE:LINE:COLUMN: message; suggestion`, the line of the file, a caret.
        package var description: String {
            "\(file):\(line):\(column): \(message)\(suggestion.map { "; \($0)" } ?? "")\n"
                + excerpt.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        }
    }

    /// At least one, in the order of the file.
    package let problems: [Problem]

    init(problems: [Problem]) {
        self.problems = problems
    }

    /// One mistake that has no place.
    init(file: String, message: String) {
        let excerpt = Excerpt(of: "", line: 1, column: 1)
        self.init(problems: [Problem(file: file, excerpt: excerpt, message: message, suggestion: nil)])
    }

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}
