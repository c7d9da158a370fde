package import LosslessJSON

/// Where the values of an output came from.
package struct Explanation: Sendable, CustomStringConvertible {
    /// One value: a field of the output, or what a directive took in to make one.
    package struct Line: Sendable, Equatable, CustomStringConvertible {
        /// Where in the definition, as in `MappingError.Problem`: `/name`, `/id/@if/then`.
        package let place: String
        /// What gave the value: a path (`$.properties.url`), `the mapping itself` for a value written there, or a
        /// directive with what it decided (`@if, which exists: then`).
        package let source: String
        /// `nil` when there was nothing, or an error.
        package let value: JSON?
        /// What went wrong, if something did.
        package let problem: MappingError.Problem?

        /// `/name: $.event = "Signed Up"`
        package var description: String {
            if let problem { return "\(place): \(source) failed: \(problem)" }
            return "\(place): \(source)" + (value.map { " = \($0)" } ?? ": nothing there")
        }
    }

    /// In the order of the definition; the parts of a directive follow it.
    package let lines: [Line]
    /// What `Mapping.apply(to:)` gives.
    package let output: JSON?
    /// What `Mapping.apply(to:)` throws.
    package let error: MappingError?

    init(of expression: Expression, on scope: JSON) {
        var lines: [Line] = []
        expression.explain(on: scope, at: .root, into: &lines)
        self.lines = lines
        do {
            output = try expression.value(in: scope)
            error = nil
        } catch {
            output = nil
            self.error = error
        }
    }

    /// One line each.
    package var description: String {
        lines.map(\.description).joined(separator: "\n")
    }
}

extension Expression {
    /// Each directive is evaluated again for its own line and for that of each directive around it, which
    /// `Bounds.definitionDepth` limits: an explanation is for a person.
    fileprivate func explain(on scope: JSON, at place: Place, into lines: inout [Explanation.Line]) {
        switch self {
        case .constant, .path: lines.append(line(on: scope, at: place))
        case .object(let fields):
            for field in fields {
                field.value.explain(on: scope, at: place.appending(field.member.key), into: &lines)
            }
        case .list(let expressions):
            for (position, expression) in expressions.enumerated() {
                expression.explain(on: scope, at: place.appending(position), into: &lines)
            }
        case .directive(let directive):
            lines.append(line(on: scope, at: place))
            for input in directive.inputs(in: scope) {
                input.expression.explain(on: input.scope, at: input.place, into: &lines)
            }
        }
    }

    private func line(on scope: JSON, at place: Place) -> Explanation.Line {
        let source =
            switch self {
            case .path(let path): path.description
            case .directive(let directive): directive.summary(in: scope)
            case .constant, .object, .list: "the mapping itself"
            }
        do {
            let value = try value(in: scope)
            return .init(place: place.description, source: source, value: value, problem: nil)
        } catch {
            return .init(place: place.description, source: source, value: nil, problem: error.problems.first)
        }
    }
}
