import Events
import Integrations
import LosslessJSON
import Mappings
import Testing
import TrackAPI

/// A value written as JSON text.
func json(_ text: String) throws -> JSON {
    try JSON(parsing: text)
}

/// An action that a test sets otherwise than its default, or adds.
struct Setting {
    var name: String
    var uses: String?
    var trigger: String?
    /// The fields' mappings as one JSON object, in the short dialect of configuration files.
    var mapping = "{}"
    var options = Action.Options()

    /// One of the fifteen actions with another trigger, mapping or option.
    static func change(
        _ name: String,
        trigger: String? = nil,
        mapping: String = "{}",
        convertTimestamps: Bool = true
    ) -> Setting {
        var setting = Setting(name: name, trigger: trigger, mapping: mapping)
        setting.options.convertTimestamps = convertTimestamps
        return setting
    }

    /// One of the fifteen actions, switched off.
    static func off(_ name: String, trigger: String? = nil) -> Setting {
        var setting = Setting(name: name, trigger: trigger)
        setting.options.isEnabled = false
        return setting
    }

    /// An action of one's own.
    static func own(_ name: String, uses: String, trigger: String? = nil, mapping: String = "{}") -> Setting {
        Setting(name: name, uses: uses, trigger: trigger, mapping: mapping)
    }

    func action() throws -> Action {
        let definition = try #require(ActionDefinition.named(uses ?? name))
        var mappings: [Field.Key: Mapping] = [:]
        for member in try #require(try json(mapping).objectValue) {
            let key = try #require(Field.Key(rawValue: member.key))
            mappings[key] = try Mapping(member.value, dialect: .short)
        }
        return try Action(definition, name: name, trigger: trigger, mapping: mappings, options: options)
    }
}

/// An integration with the fifteen actions and what a test changes of them.
func integration(_ settings: [Setting] = [], named name: String = "production") throws -> Integration {
    let changed = try settings.map { try $0.action() }
    let catalog = try Action.defaults().map { action in changed.first { $0.name == action.name } ?? action }
    let own = changed.filter { ActionDefinition.named($0.name) == nil }
    return Integration(name: name, sources: .only(["web"]), settings: .init(), actions: catalog + own)
}

/// A message, normalised as the server does it in strict mode.
func event(
    _ message: String,
    source: String = "web",
    receivedAt: String? = nil,
    strictness: Event.Strictness = .strict
) throws -> Event {
    let receipt = Event.Receipt(
        source: source,
        receivedAt: try receivedAt.map { try #require(Timestamp(callTime: .string($0))) },
        strictness: strictness
    )
    return try Event(normalising: try json(message), receipt: receipt)
}

/// What an integration makes of a message, as texts that can be compared whole: `ACTION BODY`, `ACTION: REASON`,
/// `ACTION: MESSAGE`; the event itself is the action `-`.
struct Outcome: Equatable {
    var operations: [String] = []
    var ignored: [String] = []
    var warnings: [String] = []
}

extension Outcome {
    init(_ plan: Plan) {
        operations = plan.operations.map { "\($0.action) \($0.body)" }
        ignored = plan.ignored.map { "\($0.action ?? "-"): \($0.reason)" }
        warnings = plan.warnings.map { "\($0.action ?? "-"): \($0.message)" }
    }
}

/// What the fifteen actions, with some changes, make of a message. Without a time of receipt nothing is made up.
func plan(_ message: String, _ settings: Setting..., receivedAt: String? = nil) throws -> Outcome {
    Outcome(try integration(settings).plan(try event(message, receivedAt: receivedAt)))
}

/// An operation that an action is expected to send: its body, written as JSON text with any white space.
func sends(_ action: String, _ body: String) throws -> String {
    "\(action) \(try json(body))"
}

/// The body of the only operation that a message becomes.
func body(_ message: String, _ settings: Setting..., receivedAt: String? = nil) throws -> JSON {
    let plan = try integration(settings).plan(try event(message, receivedAt: receivedAt))
    try #require(plan.operations.count == 1, "\(Outcome(plan))")
    return plan.operations[0].body
}

extension JSON {
    /// The value at a dotted path.
    subscript(at path: String) -> JSON? {
        value(at: JSON.Path(path))
    }
}

extension Plan.Planned {
    /// What goes over the wire.
    var body: JSON { .object(operation.body) }
}
