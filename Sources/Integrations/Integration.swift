package import Events
import LosslessJSON
package import TrackAPI
import Triggers

/// Integrations: what an event becomes.
///
/// An integration is one Customer.io workspace to send to: its actions, each with a trigger, a mapping and options,
/// compiled once from a configuration. `plan` turns an event into Track API operations and says of every action why it
/// made none. The catalog of the fifteen actions is data, one file an action; the configuration file is read here too.
/// The room knows no network, no clock and no database: the same event gives the same plan.
package struct Integration: Sendable {
    /// Its key in `ferry.yaml`.
    package let name: String
    /// The sources that it takes events from, in the order of the file.
    package let sources: Sources
    package let settings: Settings
    /// In the order of actions.md §3, then of the file.
    package let actions: [Action]
    /// One that is switched off takes no events; what arrives meanwhile is never for it.
    package let isEnabled: Bool
    /// What was written of it.
    package let definition: IntegrationDefinition
    /// Enabled commands that listen to more than their default name: they take their events from `track-event`.
    private let customCommands: [Action]

    package init(
        name: String,
        isEnabled: Bool = true,
        sources: Sources = .all,
        settings: Settings,
        actions: [Action],
        definition: IntegrationDefinition? = nil
    ) {
        self.name = name
        self.isEnabled = isEnabled
        self.sources = sources
        self.settings = settings
        self.actions = actions
        self.definition = definition ?? IntegrationDefinition(name: name, section: [:])
        customCommands = actions.filter { $0.isEnabled && $0.definition.isCommand && !$0.hasDefaultTrigger }
    }

    /// Which sources an integration is connected to.
    package enum Sources: Sendable, Equatable {
        case all
        case only([String])

        package func contain(_ source: String) -> Bool {
            switch self {
            case .all: true
            case .only(let names): names.contains { $0.hasSameBytes(as: source) }
            }
        }

        /// The one that a preview takes events to come from.
        package var first: String? {
            if case .only(let names) = self { names.first } else { nil }
        }
    }

    /// The same with those of its actions only that make operations of a kind and are enabled.
    package func limited(to kind: Operation.Kind) -> Integration {
        let actions = actions.filter { $0.isEnabled && $0.definition.kind == kind }
        return Integration(
            name: name,
            isEnabled: isEnabled,
            sources: sources,
            settings: settings,
            actions: actions,
            definition: definition
        )
    }

    /// Whether events of a source are for it at all.
    package func takes(from source: String) -> Bool {
        isEnabled && sources.contain(source)
    }

    /// What this integration makes of an event (actions.md §3, §5). Pure: no clock, no chance.
    ///
    /// `replay` is the number of the replay that sends it as new, with ids of its own.
    package func plan(_ event: Event, replay: Int64? = nil) -> Plan {
        guard isSwitchedOn(for: event) else {
            return Plan(ignored: [Plan.Ignored(action: nil, reason: .switchedOff)])
        }
        let subject = Subject(event, replay: replay)
        var plan = Plan()
        if let warning = subject.timeWarning { plan.warnings.append(Plan.Warning(action: nil, message: warning)) }
        for action in actions where action.isEnabled && action.trigger.matches(subject.triggered) {
            if let command = command(takingOver: action, subject) {
                plan.ignored.append(Plan.Ignored(action: action.name, reason: .handled(by: command.name)))
            } else {
                action.run(on: subject, into: &plan)
            }
        }
        plan.sortOperations()
        return plan
    }

    /// The command that takes an event from `track-event` while that one listens by its default trigger: the message is
    /// a command then, as the default names are (actions.md §3).
    func command(takingOver action: Action, _ subject: Subject) -> Action? {
        guard action.definition.yieldsToCommands, action.hasDefaultTrigger, !customCommands.isEmpty else { return nil }
        return customCommands.first { $0.trigger.matches(subject.triggered) }
    }

    /// The event's `integrations` object decides first (actions.md §1, source-api.md §3): the integration's own name,
    /// then `Actions Customerio`, `All`, `all`. Only booleans and objects decide; everything else is passed over.
    func isSwitchedOn(for event: Event) -> Bool {
        guard case .object(let switches)? = event.message["integrations"], !switches.isEmpty else { return true }
        for key in [name, "Actions Customerio", "All", "all"] {
            switch switches[key] {
            case .bool(let isOn): return isOn
            case .object: return true
            default: continue
            }
        }
        return true
    }
}
