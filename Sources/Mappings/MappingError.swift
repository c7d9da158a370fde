/// Why a mapping is none, or why it could not be applied. No value of an event is in it.
package struct MappingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One thing that is wrong.
    package struct Problem: Equatable, Sendable, CustomStringConvertible {
        /// Where in the definition: keys, directives, their arguments and list positions, as a JSON pointer
        /// (`/name/@case/value`); `/` is the definition itself.
        package let place: String
        /// What is wrong there.
        package let message: String
        /// The nearest right name, where one is near.
        package let suggestion: String?

        package init(place: String, message: String, suggestion: String? = nil) {
            self.place = place
            self.message = message
            self.suggestion = suggestion
        }

        /// `/name/@cas: there is no directive "@cas"; did you mean "@case"?`
        package var description: String {
            "\(place): \(message)" + (suggestion.map { "; did you mean \"\($0)\"?" } ?? "")
        }
    }

    /// At least one, in the order of the definition.
    package let problems: [Problem]

    package init(problems: [Problem]) {
        self.problems = problems
    }

    init(at place: Place, _ message: String) {
        problems = [Problem(place: place.description, message: message)]
    }

    /// One line a problem.
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

/// A place in a definition, as a JSON pointer (RFC 6901).
struct Place: Sendable, CustomStringConvertible {
    static let root = Place(pointer: "", depth: 0)

    private let pointer: String
    /// Steps from the root.
    let depth: Int

    var description: String { pointer.isEmpty ? "/" : pointer }

    func appending(_ key: String) -> Place {
        var pointer = self.pointer + "/"
        for scalar in key.unicodeScalars {
            switch scalar {
            case "~": pointer += "~0"
            case "/": pointer += "~1"
            default: pointer.unicodeScalars.append(scalar)
            }
        }
        return Place(pointer: pointer, depth: depth + 1)
    }

    func appending(_ position: Int) -> Place {
        appending(String(position))
    }
}
