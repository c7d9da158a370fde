import Diagnostics
import LosslessJSON
import Mappings
import Triggers
import Yams

extension ConfigurationParser {
    private static let actionKeys = [
        "enabled", "trigger", "mapping", "convert_timestamps", "enable_batching", "batch_size", "uses", unlockKey,
    ]
    private static let unlockKey = "i_know_this_can_break_metrics"

    /// The fifteen actions as the file sets them, then the file's own, in its order.
    mutating func actions(_ node: Node?) -> [Action] {
        var catalog: [String: Action] = [:]
        var own: [Action] = []
        if let node, !YAMLReader.isNull(node), let entries = reader.mapping(node, "`actions`") {
            for entry in entries {
                guard let definition = definition(named: entry.name, entry.key, entry.value) else { continue }
                let isOwn = definition.name != entry.name
                guard let action = action(named: entry.name, from: definition, entry.key, entry.value) else { continue }
                if isOwn { own.append(action) } else { catalog[definition.name] = action }
            }
        }
        var actions: [Action] = []
        for definition in ActionDefinition.catalog {
            // A default trigger that does not compile is a mistake of the catalog, which its tests find.
            if let action = try? catalog[definition.name] ?? Action(definition) { actions.append(action) }
        }
        return actions + own
    }

    /// The definition that an action is named after, or that it `uses`.
    private mutating func definition(named name: String, _ key: Node, _ node: Node) -> ActionDefinition? {
        let known = ActionDefinition.catalog.map(\.name)
        let uses = node.mapping?.first { $0.key.scalar?.string == "uses" }?.value
        if let definition = ActionDefinition.named(name) {
            if let uses, let text = reader.string(uses, "`uses`"), text != name {
                reader.note(
                    uses,
                    "`\(name)` is itself a definition and can't use `\(text)`",
                    "give the action another name"
                )
            }
            return definition
        }
        guard let uses else {
            let nearest = name.nearest(among: known).map { "did you mean `\($0)`? " } ?? ""
            reader.note(
                key,
                "unknown action `\(name)`",
                nearest + "an action of one's own names its definition, for example `uses: track-event`"
            )
            return nil
        }
        guard let text = reader.string(uses, "`uses`") else { return nil }
        guard let definition = ActionDefinition.named(text) else {
            reader.noteUnknown(uses, "definition", text, among: known)
            return nil
        }
        return definition
    }

    private mutating func action(
        named name: String,
        from definition: ActionDefinition,
        _ key: Node,
        _ node: Node
    ) -> Action? {
        var options = Action.Options()
        var trigger: (text: String, node: Node)?
        var mapping: [Field.Key: Mapping] = [:]
        var isUnlocked = false
        var changes: [Node] = []
        readKeys(of: node, "the action `\(name)`", known: Self.actionKeys) { parser, key, value in
            if !["enabled", Self.unlockKey].contains(key) { changes.append(value) }
            switch key {
            case "enabled": options.isEnabled = parser.reader.bool(value, "`enabled`") ?? true
            case "trigger": trigger = parser.reader.string(value, "`trigger`").map { ($0, value) }
            case "mapping": mapping = parser.mapping(value, of: definition)
            case "convert_timestamps":
                options.convertTimestamps = parser.reader.bool(value, "`convert_timestamps`") ?? true
            case "enable_batching": options.enableBatching = parser.reader.bool(value, "`enable_batching`") ?? true
            case "batch_size":
                options.batchSize = parser.reader.int(value, "`batch_size`", in: Action.Options.batchSizes) ?? 50
            case Self.unlockKey: isUnlocked = parser.reader.bool(value, "`\(key)`") ?? false
            default: break
            }
        }
        if let reason = definition.lockedBecause, let change = changes.first, !isUnlocked {
            reader.note(
                change,
                "`\(definition.name)` is protected, because \(reason)",
                "it can be switched off with `enabled: false`; to change it all the same, add `\(Self.unlockKey): true`"
            )
        }
        do {
            return try Action(definition, name: name, trigger: trigger?.text, mapping: mapping, options: options)
        } catch {
            reader.note(
                trigger?.node ?? key,
                line: error.line,
                column: error.column,
                error.message,
                error.suggestion
            )
            return nil
        }
    }

    /// Each field's mapping by itself, so that the others keep their default.
    private mutating func mapping(_ node: Node, of definition: ActionDefinition) -> [Field.Key: Mapping] {
        guard !YAMLReader.isNull(node), let entries = reader.mapping(node, "`mapping`") else { return [:] }
        let known = definition.fields.map(\.key.rawValue)
        var result: [Field.Key: Mapping] = [:]
        for entry in entries {
            guard let key = Field.Key(rawValue: entry.name), known.contains(entry.name) else {
                reader.noteUnknown(entry.key, "field of \(definition.name)", entry.name, among: known)
                continue
            }
            guard let value = reader.json(entry.value) else { continue }
            do {
                result[key] = try Mapping(value, dialect: .short)
            } catch {
                for problem in error.problems {
                    let place = problem.place == "/" ? "" : "\(problem.place): "
                    reader.note(
                        YAMLReader.node(at: problem.place, in: entry.value),
                        place + problem.message,
                        problem.suggestion.map { "did you mean `\($0)`?" }
                    )
                }
            }
        }
        return result
    }
}
