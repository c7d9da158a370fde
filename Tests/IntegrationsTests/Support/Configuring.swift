import Integrations
import LosslessJSON
import Testing

/// The mistakes of a configuration: `LINE:COLUMN: MESSAGE; SUGGESTION` each.
func problems(_ text: String) -> [String] {
    do {
        _ = try Configuration(parsing: text, file: "ferry.yaml")
        return []
    } catch {
        return error.problems.map { problem in
            "\(problem.line):\(problem.column): \(problem.message)" + (problem.suggestion.map { "; \($0)" } ?? "")
        }
    }
}

/// Everything that is printed of a configuration's mistakes.
func report(_ text: String) -> String {
    do {
        _ = try Configuration(parsing: text, file: "ferry.yaml")
        return ""
    } catch {
        return error.description
    }
}

/// The only integration of a configuration, whose actions are written in YAML (indented by six).
func configured(_ actions: String) throws -> Integration {
    let text = """
        integrations:
          production:
            type: customerio
            settings: { endpoint: workspace }
            actions:
        \(actions)
        """
    return try #require(try Configuration(parsing: text, file: "ferry.yaml").integrations.first)
}
