package import Events
package import LosslessJSON
import Mappings
import Triggers

/// Why one action did what it did: its trigger's outcome, and where each of its fields came from.
package struct ActionTrace: Sendable {
    package struct FieldTrace: Sendable {
        package let field: Field.Key
        /// The path, the mapping or the rule that gave the value.
        package let from: String
        package let value: JSON?
    }

    package let action: String
    package let isEnabled: Bool
    /// Whether the trigger is true.
    package let matches: Bool
    /// The part of the trigger that decided, and why.
    package let clause: String
    package let reason: String
    /// Empty while the trigger is false.
    package let fields: [FieldTrace]
}

extension Integration {
    /// The story behind `plan(event)`, action by action. Slower than planning; for people.
    package func explain(_ event: Event) -> [ActionTrace] {
        let subject = Subject(event)
        return actions.map { action in
            let decision = action.trigger.explain(event.message)
            let values = FieldValues(subject, action: action)
            return ActionTrace(
                action: action.name,
                isEnabled: action.isEnabled,
                matches: decision.outcome,
                clause: decision.clause,
                reason: decision.reason,
                fields: decision.outcome ? action.fields.map(values.trace) : []
            )
        }
    }
}

extension FieldValues {
    /// Where a field's value comes from.
    fileprivate func trace(_ bound: Action.BoundField) -> ActionTrace.FieldTrace {
        do {
            let value = try value(of: bound)
            return ActionTrace.FieldTrace(field: bound.field.key, from: origin(of: bound, value), value: value)
        } catch {
            return ActionTrace.FieldTrace(field: bound.field.key, from: "mapping, which failed: \(error)", value: nil)
        }
    }

    private func origin(of bound: Action.BoundField, _ value: JSON?) -> String {
        if let mapping = bound.mapping {
            let lines = mapping.explain(on: subject.event.message).lines
            return "mapping: " + lines.map(\.description).joined(separator: "; ")
        }
        if case .first(let paths) = bound.field.source, let found = firstPresent(paths, kind: bound.field.kind) {
            return "$.\(paths[found.position])"
        }
        let source = bound.field.source.description
        return value == nil ? "nothing at \(source)" : source
    }
}
