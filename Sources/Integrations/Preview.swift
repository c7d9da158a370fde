package import Events
package import LosslessJSON
import TrackAPI

/// The dry run's output: one JSON line for an input line and an integration. The format is a contract.
package struct Preview: Sendable {
    /// The number of the input line, from 1; of an event of the log its number there.
    package let line: Int
    package let integration: Integration
    package let explains: Bool

    package init(line: Int, integration: Integration, explains: Bool = false) {
        self.line = line
        self.integration = integration
        self.explains = explains
    }

    /// What becomes of one message. Nothing is made up: no messageId, no time of receipt. Validation is strict mode's.
    package func run(_ message: Result<JSON, JSONError>) -> (output: JSON.Object, isValid: Bool) {
        do throws(Rejection) {
            let json: JSON
            do { json = try message.get() } catch {
                throw Rejection(.invalidJSON, "not JSON: \(error)")
            }
            let source = integration.sources.first ?? ""
            let receipt = Event.Receipt(source: source, receivedAt: nil, strictness: .strict)
            let event = try Event(normalising: json, receipt: receipt)
            return (output(event, plan: integration.plan(event)), true)
        } catch {
            let messageId = (try? message.get())?["messageId"]?.presentText
            return (output(messageId: messageId, rejection: error), false)
        }
    }

    /// What becomes of an event of the log, under this integration as it is now.
    package func run(on event: Event) -> JSON.Object {
        output(event, plan: integration.plan(event))
    }

    private func output(_ event: Event, plan: Plan) -> JSON.Object {
        var output = head(messageId: event.messageId)
        output.append("operations", .array(plan.operations.map(\.json)))
        output.append("ignored", .array(plan.ignored.map(\.json)))
        output.append("warnings", .array(plan.warnings.map(\.json)))
        output.append("error", .null)
        if explains { output.append("trace", .array(integration.explain(event).map(\.json))) }
        return output
    }

    private func output(messageId: String?, rejection: Rejection) -> JSON.Object {
        var output = head(messageId: messageId)
        for list in ["operations", "ignored", "warnings"] { output.append(list, .array([])) }
        output.append("error", .string(rejection.message))
        if explains { output.append("trace", .array([])) }
        return output
    }

    private func head(messageId: String?) -> JSON.Object {
        var head = JSON.Object()
        head.append("line", .number(JSON.Number(line)))
        head.append("messageId", messageId.map(JSON.string) ?? .null)
        head.append("integration", .string(integration.name))
        return head
    }
}

extension Plan.Planned {
    /// The operation as previews print it.
    package var json: JSON {
        [
            "action": .string(action),
            "method": "POST",
            "path": .string(operation.path),
            "body": .object(operation.body),
        ]
    }
}

extension Plan.Ignored {
    package var json: JSON {
        ["action": action.map(JSON.string) ?? .null, "reason": .string(reason.description)]
    }
}

extension Plan.Warning {
    package var json: JSON {
        ["action": action.map(JSON.string) ?? .null, "message": .string(message)]
    }
}

extension ActionTrace {
    /// As previews print it under `--explain`.
    package var json: JSON {
        [
            "action": .string(action),
            "enabled": .bool(isEnabled),
            "trigger": ["matches": .bool(matches), "clause": .string(clause), "reason": .string(reason)],
            "fields": .array(
                fields.map { trace in
                    [
                        "field": .string(trace.field.rawValue),
                        "from": .string(trace.from),
                        "value": trace.value ?? .null,
                    ]
                }
            ),
        ]
    }
}
