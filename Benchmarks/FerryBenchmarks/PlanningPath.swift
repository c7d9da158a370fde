import Events
import Integrations
import LosslessJSON
import Mappings
import TrackAPI
import Triggers

/// What becomes of a message on one thread, step by step and as a whole: parse, normalise, match, map, plan, encode.
///
/// The integration is a new one: the fifteen actions with their defaults.
struct PlanningPath {
    private let messages: [[UInt8]]
    private let parsed: [JSON]
    private let events: [Event]
    private let plans: [Plan]
    private let integration: Integration
    private let triggers: [Trigger]
    private let mapping: Mapping

    /// As the server receives them: by its own clock, and from an address.
    private static let receipt = Event.Receipt(
        source: "website",
        receivedAt: Timestamp(milliseconds: 1_714_521_601_000),
        peerAddress: "198.51.100.7"
    )

    /// - Throws: `JSONError` or `Rejection` for a message that the server would refuse.
    init(_ messages: Messages) throws {
        self.messages = messages.all
        let actions = try Action.defaults()
        let integration = Integration(name: "default", settings: Integration.Settings(), actions: actions)
        let parsed = try messages.all.map { try JSON(parsing: $0) }
        let events = try parsed.map { try Event(normalising: $0, receipt: Self.receipt) }
        self.integration = integration
        self.parsed = parsed
        self.events = events
        plans = events.map { integration.plan($0) }
        triggers = actions.map(\.trigger)
        mapping = try Mapping(Self.mappingDefinition)
    }

    /// Of the kind that people write for an event: values by path, with a stand-in, and a text.
    private static let mappingDefinition: JSON = [
        "person": [
            "@if": ["exists": ["@path": "$.userId"], "then": ["@path": "$.userId"], "else": ["@path": "$.anonymousId"]]
        ],
        "title": ["@template": "{{type}} {{context.locale}}"],
        "page": ["@path": "$.context.page.url"],
        "product": ["@path": "$.properties.product_id"],
        "price": ["@path": "$.properties.price"],
        "currency": ["@case": ["operator": "lower", "value": ["@path": "$.properties.currency"]]],
        "email": ["@path": "$.traits.email"],
        "source": "website",
    ]

    var benchmarks: [Benchmark] {
        [
            Benchmark(name: "parse", events: messages.count) {
                count(messages) { (try? JSON(parsing: $0))?.objectValue?.count }
            },
            Benchmark(name: "normalise", events: messages.count) {
                count(parsed) { (try? Event(normalising: $0, receipt: Self.receipt))?.message.count }
            },
            Benchmark(name: "match (15 triggers)", events: messages.count) {
                count(events) { event in
                    let subject = Trigger.Subject(event.message)
                    return triggers.count { $0.matches(subject) }
                }
            },
            Benchmark(name: "map (a mapping of 8 fields)", events: messages.count) {
                count(events) { (try? mapping.apply(to: $0.message))?.objectValue?.count }
            },
            Benchmark(name: "plan (match, build operations)", events: messages.count) {
                count(events) { integration.plan($0).operations.count }
            },
            Benchmark(name: "encode", events: messages.count) {
                count(plans) { $0.operations.reduce(0) { $0 &+ $1.operation.encoded().count } }
            },
            Benchmark(name: Benchmark.Name.planningPath.rawValue, events: messages.count) {
                count(messages) { message in
                    guard let json = try? JSON(parsing: message),
                        let event = try? Event(normalising: json, receipt: Self.receipt)
                    else { return nil }
                    return integration.plan(event).operations.reduce(0) { $0 &+ $1.operation.encoded().count }
                }
            },
        ]
    }

    private func count<Input>(_ inputs: [Input], _ handle: (Input) -> Int?) -> Int {
        inputs.reduce(0) { $0 &+ (handle($1) ?? 0) }
    }
}
