import Diagnostics
package import LosslessJSON

/// An integration made of what Segment has of a destination.
package struct SegmentImport: Sendable {
    /// What became of one action of the export.
    package struct Outcome: Sendable, Equatable {
        /// `subscriptions[3] "Orders"`
        package let title: String
        /// Its key in the file.
        package let name: String
        package let isEnabled: Bool
        /// Settings that say what Ferry does by default, and are left out.
        package let unchanged: [String]
    }

    /// The configuration file.
    package let yaml: String
    package let outcomes: [Outcome]
    package let notes: [ImportNote]
    /// Actions that the export does not have, and that a new integration would have switched on.
    package let switchedOff: [String]

    /// Reads an export.
    ///
    /// - Parameters:
    ///   - json: what Segment's Public API answers, or a list.
    ///   - name: the integration's key in the file; by default the destination's name.
    /// - Throws: `SegmentExport.Problem` for what is no export.
    package init(_ json: JSON, integration name: String? = nil) throws(SegmentExport.Problem) {
        let export = try SegmentExport(json)
        var reader = Reader()
        for subscription in export.subscriptions { reader.read(subscription) }
        reader.settle()
        if export.isIncomplete {
            reader.note(
                "pagination",
                "the export goes on: these are not all subscriptions",
                "ask for more with pagination.count, or put the pages together"
            )
        }
        var section: JSON.Object = ["type": "customerio"]
        if !export.isEnabled { section.append("enabled", false) }
        var settings: JSON.Object = ["site_id": "env:CIO_SITE_ID", "api_key": "env:CIO_API_KEY"]
        if let region = export.region { settings.append("account_region", .string(region)) }
        section.append("settings", .object(settings))
        if !reader.sections.isEmpty { section.append("actions", .object(reader.sections)) }
        let key = name ?? export.name?.kebabCase ?? "customerio"
        yaml = JSON.object(["integrations": .object([key.isEmpty ? "customerio" : key: .object(section)])]).yaml
        outcomes = reader.outcomes
        notes = reader.notes
        switchedOff = reader.switchedOff
    }
}

extension SegmentImport {
    /// Gathers the actions of an export, and gives them their names.
    private struct Reader {
        private var actions: [ImportedAction] = []
        private(set) var sections = JSON.Object()
        private(set) var outcomes: [Outcome] = []
        private(set) var notes: [ImportNote] = []
        private(set) var switchedOff: [String] = []

        mutating func note(_ place: String, _ words: String, _ remedy: String) {
            notes.append(ImportNote(kind: .lost, place: place, words: words, remedy: remedy))
        }

        mutating func read(_ subscription: SegmentExport.Subscription) {
            let title = subscription.title
            guard !subscription.isOfModel else {
                return note(title, "rows of a warehouse start it, not events", "send the rows to Ferry as calls")
            }
            guard let trigger = subscription.trigger else {
                return note(
                    title,
                    "it has no trigger: Segment itself starts it",
                    "write an action with the trigger that its events make true"
                )
            }
            guard let named = subscription.slug ?? subscription.name else {
                return note(title, "it says neither actionSlug nor name", "add the actionSlug, such as \"trackEvent\"")
            }
            guard let action = SegmentAction.named(named), let definition = ActionDefinition.named(action.definition)
            else {
                let nearest = named.nearest(among: SegmentAction.all.map(\.slug))
                return note(
                    title,
                    "Ferry has no action for \"\(named)\"\(nearest.map { "; did you mean \"\($0)\"?" } ?? "")",
                    nearest == nil
                        ? "leave it where it is: Ferry sends to Customer.io alone"
                        : "write its actionSlug into the export"
                )
            }
            actions.append(ImportedAction(subscription, trigger: trigger, action, definition))
        }

        /// Names the actions: of those with one definition, one takes its name, best one with its trigger; the others
        /// become actions of one's own.
        mutating func settle() {
            keepTriggersBesideCommands()
            var named: [String: Int] = [:]
            for (position, action) in actions.enumerated() {
                let name = action.definition.name
                guard let other = named[name] else {
                    named[name] = position
                    continue
                }
                if action.hasDefaultTrigger, !actions[other].hasDefaultTrigger { named[name] = position }
            }
            for position in actions.indices {
                write(position, isOwn: named[actions[position].definition.name] != position)
            }
            for definition in ActionDefinition.catalog where named[definition.name] == nil {
                sections.append(definition.name, .object(["enabled": false]))
                switchedOff.append(definition.name)
            }
            noteEmail()
        }

        /// By default an event that a command takes is no ordinary event; in Segment it is both.
        private mutating func keepTriggersBesideCommands() {
            let hasCustomCommand = actions.contains {
                $0.definition.isCommand && !$0.hasDefaultTrigger && $0.subscription.isEnabled
            }
            guard hasCustomCommand else { return }
            for position in actions.indices where actions[position].definition.yieldsToCommands {
                actions[position].keepTrigger()
            }
        }

        private mutating func write(_ position: Int, isOwn: Bool) {
            var action = actions[position]
            if let reason = action.definition.lockedBecause, isOwn || action.changesLocked {
                action.note(
                    .lost,
                    "settings",
                    "\(action.definition.name) is protected, because \(reason)",
                    isOwn
                        ? "write an action that `uses` it, with `i_know_this_can_break_metrics: true`"
                        : "write what differs, with `i_know_this_can_break_metrics: true`"
                )
            }
            notes += action.notes
            guard !isOwn || action.definition.lockedBecause == nil else { return }
            let name = isOwn ? ownName(of: action) : action.definition.name
            let section = action.section(isOwn: isOwn)
            if !section.isEmpty { sections.append(name, .object(section)) }
            outcomes.append(
                Outcome(
                    title: action.subscription.title,
                    name: name,
                    isEnabled: section["enabled"] == nil,
                    unchanged: action.unchanged
                )
            )
        }

        private func ownName(of action: ImportedAction) -> String {
            let wish = (action.subscription.name ?? "").kebabCase
            let base = wish.isEmpty ? action.definition.name : wish
            let taken = ActionDefinition.catalog.map(\.name) + outcomes.map(\.name)
            guard taken.contains(base) else { return base }
            var number = 2
            while taken.contains("\(base)-\(number)") { number += 1 }
            return "\(base)-\(number)"
        }

        /// A difference of most actions, told once.
        private mutating func noteEmail() {
            let names = actions.filter { action in
                action.definition.fields.contains { $0.key == .email }
                    && action.definition.name != "create-or-update-person"
            }
            guard let first = names.first else { return }
            notes.append(
                ImportNote(
                    kind: .differs,
                    place: "actions that name a person (\(first.definition.name) and so on)",
                    words: "Ferry knows people without a user id by their e-mail address, too",
                    remedy: "to keep Segment's way, write `email: null` into the mapping of an action"
                )
            )
        }
    }
}

extension String {
    /// Small letters and digits, words joined by hyphens.
    fileprivate var kebabCase: String {
        lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
    }
}
