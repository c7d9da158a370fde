import Integrations
import LosslessJSON
import Testing

/// The line that a preview writes for an input line.
func preview(
    _ line: String,
    in integration: Integration,
    number: Int = 1,
    explains: Bool = false
) -> (text: String, isValid: Bool) {
    let message = Result { () throws(JSONError) in try JSON(parsing: line) }
    let (output, isValid) = Preview(line: number, integration: integration, explains: explains).run(message)
    return (JSON.object(output).description, isValid)
}

/// The integration that a preview uses without a file: all actions with their defaults, no source.
func defaultIntegration() throws -> Integration {
    Integration(name: "default", settings: .init(), actions: try Action.defaults())
}
