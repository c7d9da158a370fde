package import LosslessJSON
package import Mappings
package import Triggers

/// An action of an integration: a definition with a trigger, a mapping and options, compiled.
///
/// It never changes, and it is a class because every event hands on every action: one reference is counted then instead
/// of all that an action holds.
package final class Action: Sendable {
    /// What every action can be set to (actions.md §3).
    package struct Options: Sendable, Equatable {
        package static let batchSizes = 2...100

        package var isEnabled = true
        package var convertTimestamps = true
        package var enableBatching = true
        package var batchSize = 50

        package init() {}
    }

    /// The definition's name, or the key of an action of one's own.
    package let name: String
    package let definition: ActionDefinition
    package let trigger: Trigger
    package let hasDefaultTrigger: Bool
    package let options: Options
    /// The definition's fields with what a mapping makes of them, in their order.
    let fields: [BoundField]

    final class BoundField: Sendable {
        let field: Field
        /// What replaces the field's own source.
        let mapping: Mapping?

        init(_ field: Field, mapping: Mapping?) {
            self.field = field
            self.mapping = mapping
        }
    }

    package var isEnabled: Bool { options.isEnabled }
    /// The trigger as it is written.
    package var condition: String { trigger.source }
    /// The fields in their order, with the definition of what replaces a field's own source.
    package var mappings: [(field: Field, mapping: JSON?)] { fields.map { ($0.field, $0.mapping?.definition) } }

    /// An action with its default trigger, or with another one.
    ///
    /// - Throws: `TriggerError` when the trigger does not compile.
    package init(
        _ definition: ActionDefinition,
        name: String? = nil,
        trigger: String? = nil,
        mapping: [Field.Key: Mapping] = [:],
        options: Options = Options()
    ) throws(TriggerError) {
        self.name = name ?? definition.name
        self.definition = definition
        self.trigger = try Trigger(trigger ?? definition.trigger)
        hasDefaultTrigger = trigger.map { $0.hasSameBytes(as: definition.trigger) } ?? true
        self.options = options
        fields = definition.fields.map { BoundField($0, mapping: mapping[$0.key]) }
    }

    /// The fifteen actions with their defaults: what a new integration has.
    package static func defaults() throws(TriggerError) -> [Action] {
        var actions: [Action] = []
        for definition in ActionDefinition.catalog {
            actions.append(try Action(definition))
        }
        return actions
    }

    /// Adds this action's operation, or the reason why there is none, to a plan. The trigger has been found true.
    func run(on subject: Subject, into plan: inout Plan) {
        var values = FieldValues(subject, action: self)
        do throws(IgnoreReason) {
            let operation = try definition.build(&values)
            plan.operations.append(
                Plan.Planned(
                    action: name,
                    operation: operation,
                    enableBatching: options.enableBatching,
                    batchSize: options.batchSize,
                    rank: definition.rank
                )
            )
        } catch {
            plan.ignored.append(Plan.Ignored(action: name, reason: error))
        }
        plan.warnings += values.warnings.map { Plan.Warning(action: name, message: $0) }
    }
}

extension Integration {
    /// Why a text is no trigger, and where.
    package struct TriggerFault: Sendable, Equatable {
        package let words: String
        package let line: Int
        package let column: Int
        /// The line, and below it a caret under the place.
        package let excerpt: String
    }

    /// `nil` for a text that is a trigger.
    package static func fault(inTrigger text: String) -> TriggerFault? {
        do {
            _ = try Trigger(text)
            return nil
        } catch {
            return TriggerFault(
                words: error.description,
                line: error.line,
                column: error.column,
                excerpt: error.rendered()
            )
        }
    }
}
