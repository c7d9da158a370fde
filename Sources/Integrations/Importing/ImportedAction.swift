import Diagnostics
import LosslessJSON
import Mappings
import Triggers

/// One action of an export as an action of `ferry.yaml`: what differs from Ferry's default is written, and notes say what
/// is not as it was.
struct ImportedAction {
    let subscription: SegmentExport.Subscription
    let definition: ActionDefinition
    private let action: SegmentAction
    private(set) var notes: [ImportNote] = []
    /// The settings that say what Ferry does by default, and are left out.
    private(set) var unchanged: [String] = []
    private var condition = Condition.unreadable
    private var mapping = JSON.Object()
    private var options = JSON.Object()

    private enum Condition {
        /// What Ferry's default says.
        case asFerry
        case own(String)
        case unreadable
    }

    init(
        _ subscription: SegmentExport.Subscription,
        trigger: String,
        _ action: SegmentAction,
        _ definition: ActionDefinition
    ) {
        self.subscription = subscription
        self.action = action
        self.definition = definition
        read(trigger: trigger)
        if let settings = subscription.settings {
            readFields(settings)
            readOptions(settings)
        } else {
            note(.differs, "settings", "the export has no fields of it", "Ferry's defaults stand in their place")
        }
    }

    var hasDefaultTrigger: Bool {
        if case .asFerry = condition { true } else { false }
    }

    /// Written out where it is none of Ferry's.
    private var trigger: String? {
        if case .own(let text) = condition { text } else { nil }
    }

    /// The section of the action in the file.
    func section(isOwn: Bool) -> JSON.Object {
        let isLost = notes.contains { $0.kind == .lost }
        var section = JSON.Object()
        if isOwn { section.append("uses", .string(definition.name)) }
        if isLost || !subscription.isEnabled { section.append("enabled", false) }
        guard definition.lockedBecause == nil else { return section }
        if let trigger { section.append("trigger", .string(trigger)) }
        for member in options { section.append(member.key, member.value) }
        if !mapping.isEmpty { section.append("mapping", .object(mapping)) }
        return section
    }

    /// Whether it sets something that Ferry keeps locked.
    var changesLocked: Bool {
        definition.lockedBecause != nil && (trigger != nil || !mapping.isEmpty || !options.isEmpty)
    }

    /// Writes the trigger out though it says what the default says: the default would also leave events to commands.
    mutating func keepTrigger() {
        guard hasDefaultTrigger, let text = subscription.trigger else { return }
        condition = .own(Self.tidied(text))
        let place = place("trigger")
        notes.removeAll { $0.place == place }
    }

    mutating func note(_ kind: ImportNote.Kind, _ part: String, _ words: String, _ remedy: String) {
        notes.append(ImportNote(kind: kind, place: place(part), words: words, remedy: remedy))
    }

    private func place(_ part: String) -> String { "\(subscription.title), \(part)" }

    // MARK: The trigger

    private mutating func read(trigger text: String) {
        let compiled: Trigger
        do {
            compiled = try Trigger(text)
        } catch {
            let hint = error.suggestion.map { " (\($0))" } ?? ""
            note(
                .lost,
                "trigger",
                "is no condition that Ferry reads: line \(error.line), column \(error.column): \(error.message)\(hint)",
                "write it as `trigger`, then take `enabled: false` away"
            )
            return
        }
        condition = .asFerry
        if let ours = try? Trigger(definition.trigger), compiled.isSameCondition(as: ours) { return }
        guard definition.yieldsToCommands, let names = SegmentAction.eventsLeftOut(by: compiled) else {
            condition = .own(Self.tidied(text))
            return
        }
        let missing = SegmentAction.commandNames.filter { !names.contains($0) }
        if !missing.isEmpty {
            note(
                .differs,
                "trigger",
                "Ferry's default also leaves out \(missing.joined(separator: ", ")), which are no events of a person",
                "to send them as events all the same, write the trigger out"
            )
        }
    }

    /// Without the indentation of several lines, where that changes nothing.
    private static func tidied(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
        let tidy = lines.filter { !$0.isEmpty }.joined(separator: "\n")
        guard let before = try? Trigger(text), let after = try? Trigger(tidy), after.isSameCondition(as: before) else {
            return text
        }
        return tidy
    }

    // MARK: Fields

    private mutating func readFields(_ settings: JSON.Object) {
        for field in definition.fields {
            // A setting with Ferry's own name is meant, too.
            let own = field.key.rawValue
            if let (name, setting) = action.settings.first(where: { $0.value.field == field.key }) {
                let isOwn = settings[name] == nil && settings[own] != nil
                read(settings[isOwn ? own : name], named: isOwn ? own : name, as: field, setting)
            } else if let value = settings[own] {
                read(value, named: own, as: field, nil)
            }
        }
        let known = Array(action.settings.keys) + SegmentAction.options + definition.fields.map(\.key.rawValue)
        for member in settings where !known.contains(where: member.key.hasSameBytes) { readUnknown(member, known) }
    }

    private mutating func read(
        _ value: JSON?,
        named name: String,
        as field: Field,
        _ setting: SegmentAction.Setting?
    ) {
        guard let value, !value.isAbsent else {
            // What Segment has no value for it does not send. The id of an event is better than none.
            if field.key != .eventId { mapping.append(field.key.rawValue, .null) }
            return
        }
        let paths = value.alternativePaths
        if let paths, field.isDefault(paths, in: definition) {
            unchanged.append(name)
            return
        }
        if let paths, let setting, paths.allSatisfy(setting.defaultPaths.contains) {
            note(
                .differs,
                "settings.\(name)",
                "Segment's default; Ferry's is \(field.source.description)",
                field.key == .eventId
                    ? "nothing is to be done: Customer.io knows a repeated event by a ULID"
                    : "to keep Segment's, write `\(field.key.rawValue): \(Mapping.shortForm(of: value))` into the mapping"
            )
            return
        }
        do {
            _ = try Mapping(value)
            mapping.append(field.key.rawValue, Mapping.shortForm(of: value))
            noteTakenOut(of: value, named: name, field)
        } catch {
            for problem in error.problems {
                let hint = problem.suggestion.map { "; did you mean `\($0)`?" } ?? ""
                note(
                    .lost,
                    "settings.\(name)\(problem.place == "/" ? "" : problem.place)",
                    "\(problem.message)\(hint)",
                    "write `\(field.key.rawValue)` in the mapping, then take `enabled: false` away"
                )
            }
        }
    }

    /// What Ferry's default and Segment's action take out of an object, a mapping of one's own keeps in it.
    private mutating func noteTakenOut(of value: JSON, named name: String, _ field: Field) {
        guard case .object(let path, let keys, _, _) = field.source, !keys.isEmpty,
            value.holdsPath(path.description)
        else { return }
        note(
            .differs,
            "settings.\(name)",
            "is a mapping of its own, of which Ferry takes nothing out; its default leaves out "
                + keys.joined(separator: ", "),
            "name in it what is to be sent, where these keys occur"
        )
    }

    private mutating func readUnknown(_ member: JSON.Object.Member, _ known: [String]) {
        switch member.key {
        case "__segment_internal_directive":
            note(
                .lost,
                "settings.\(member.key)",
                "transforms the event before all fields, which Ferry does field by field",
                "put its @transform around each field of the mapping, then take `enabled: false` away"
            )
        // A tie to a person needs one who is known.
        case "anonymous_id" where member.value.alternativePaths == ["anonymousId"]: break
        case let key where key.hasPrefix("__segment_internal_") || ["batch_bytes", "batch_keys"].contains(key):
            note(.differs, "settings.\(key)", "steers Segment's own sending", "nothing is to be done")
        default:
            let hint = member.key.nearest(among: known).map { "; did you mean `\($0)`?" } ?? ""
            note(
                .differs,
                "settings.\(member.key)",
                "is no field of the action, so that Segment sent nothing of it\(hint)",
                "put it into `attributes` if it should be sent"
            )
        }
    }

    // MARK: Options

    private mutating func readOptions(_ settings: JSON.Object) {
        for (name, option) in [("convert_timestamp", "convert_timestamps"), ("enable_batching", "enable_batching")] {
            switch settings[name] {
            case nil, .null?: break
            case .bool(true)?, .string("true")?: unchanged.append(name)
            case .bool(false)?, .string("false")?: options.append(option, false)
            case let value?:
                note(.differs, "settings.\(name)", "must be true or false, not \(value.kindName)", "Ferry's is true")
            }
        }
        guard let value = settings["batch_size"], !value.isAbsent else { return }
        let size = value.numberValue?.int64 ?? value.stringValue.flatMap(Int64.init)
        switch size {
        case 50?: unchanged.append("batch_size")
        case let size? where Action.Options.batchSizes.contains(Int(clamping: size)):
            options.append("batch_size", .number(JSON.Number(size)))
        default:
            note(
                .differs,
                "settings.batch_size",
                "is not a whole number from 2 to 100: \(value.description.onOneLine())",
                "Ferry's is 50"
            )
        }
    }
}

extension Field {
    /// Whether these paths, the first with a value counting, are where the field comes from by default. A person is known
    /// by the field's own paths, then by those of the e-mail.
    fileprivate func isDefault(_ paths: [String], in definition: ActionDefinition) -> Bool {
        switch source {
        case .first(let own):
            let own = own.map(\.description)
            if paths == own { return true }
            guard key == .personId, let email = definition.fields.first(where: { $0.key == .email })?.source,
                case .first(let others) = email
            else { return false }
            return paths.count > own.count && (own + others.map(\.description)).starts(with: paths)
        case .object(let path, let without, let adding, let overlaying):
            return paths == [path.description] && without.isEmpty && adding.isEmpty && overlaying == nil
        case .earliest, .eventId: return false
        }
    }
}

extension JSON {
    /// The paths of a mapping that takes the first of some values, and does nothing else; `nil` for another one.
    fileprivate var alternativePaths: [String]? {
        guard let object = objectValue?.removing(where: { $0 == "_metadata" }), object.count == 1 else { return nil }
        if let path = object["@path"]?.stringValue { return [path.withoutRoot] }
        if let template = object["@template"]?.stringValue { return template.onlyPlaceholder.map { [$0] } }
        guard let choice = object["@if"]?.objectValue, let tested = choice["exists"] ?? choice["blank"],
            let first = tested.alternativePaths, tested == choice["then"]
        else { return nil }
        guard let otherwise = choice["else"] else { return first }
        return otherwise.alternativePaths.map { first + $0 }
    }
}

extension JSON {
    /// Whether a part of a mapping takes all that is at a path.
    fileprivate func holdsPath(_ path: String) -> Bool {
        switch self {
        case .array(let items): items.contains { $0.holdsPath(path) }
        case .object(let object):
            object["@path"]?.stringValue?.withoutRoot == path || object.contains { $0.value.holdsPath(path) }
        case .null, .bool, .number, .string: false
        }
    }
}

extension String {
    fileprivate var withoutRoot: String { hasPrefix("$.") ? String(dropFirst(2)) : self }

    /// The path of a template that is one value and no more.
    fileprivate var onlyPlaceholder: String? {
        guard hasPrefix("{{"), hasSuffix("}}") else { return nil }
        let inner = dropFirst(2).dropLast(2)
        return inner.isEmpty || inner.contains(where: { "{} ".contains($0) }) ? nil : String(inner)
    }
}
