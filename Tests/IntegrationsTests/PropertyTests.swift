import Events
import Integrations
import LosslessJSON
import Mappings
import Seeding
import Testing
import TrackAPI

/// Whatever is sent and however it is configured: a plan comes out, its operations are JSON, in order, and the same
/// when planned again.
@Suite struct `Any valid event in any integration` {
    /// The order of actions.md §3, told from the bodies alone.
    private static func rank(_ operation: Operation) -> Int {
        guard operation.kind == .entity else { return 5 }
        let name = "\(operation.body["type"]?.stringValue ?? "") \(operation.body["action"]?.stringValue ?? "")"
        switch name {
        case "person identify": return 0
        case "object identify", "object identify_anonymous": return 1
        case "person add_device": return 2
        case "person event", "person page", "person screen": return 3
        case "person viewed_content", "person clicked_content": return 4
        case "person delete_device": return 6
        case "object delete_relationships": return 7
        case "person merge": return 8
        case "person unsuppress": return 9
        case "object delete": return 10
        case "person delete": return 11
        case "person suppress": return 12
        default: return .max
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `plans without a crash, as JSON, in order, and twice the same`() throws {
        var chance = RandomEvents()
        var operations = 0
        var kinds: Set<Int> = []
        for round in 0..<50 {
            let integration = try chance.integration()
            for _ in 0..<40 {
                let message = chance.message()
                let receipt = Event.Receipt(
                    source: chance.generator.pick(["web", "", "é"]),
                    receivedAt: chance.generator.chance(70) ? Timestamp(milliseconds: 1_709_251_200_000) : nil,
                    strictness: chance.generator.chance(50) ? .strict : .permissive
                )
                guard let event = try? Event(normalising: message, receipt: receipt) else { continue }
                let context = "seed \(chance.generator.seed), round \(round): \(message)"
                let plan = integration.plan(event)
                #expect(Outcome(plan) == Outcome(integration.plan(event)), "\(context)")
                for planned in plan.operations {
                    operations += 1
                    kinds.insert(Self.rank(planned.operation))
                    let text = String(decoding: planned.operation.encoded(), as: UTF8.self)
                    #expect(try json(text).description == text, "\(context)")
                    check(planned, context)
                }
                let ranks = plan.operations.map { Self.rank($0.operation) }
                #expect(ranks == ranks.sorted(), "\(context)")
                let spoken = plan.operations.map(\.action) + plan.ignored.compactMap(\.action)
                #expect(Set(spoken).count == spoken.count, "\(context)")
                for trace in integration.explain(event) where spoken.contains(trace.action) {
                    #expect(trace.matches && trace.isEnabled, "\(context)")
                }
            }
        }
        #expect(operations > 1_000, "seed \(chance.generator.seed)")
        #expect(kinds == Set(0...12), "seed \(chance.generator.seed): \(kinds.sorted())")
    }

    private func check(_ planned: Plan.Planned, _ context: String) {
        let body = planned.body
        #expect(Action.Options.batchSizes.contains(planned.batchSize))
        if let timestamp = body["timestamp"] { #expect(timestamp.numberValue?.int64 != nil, "\(context)") }
        for person in [body["identifiers"], body["primary"], body["secondary"]].compactMap(\.self) {
            #expect(person.objectValue?.allSatisfy { $0.value.stringValue?.isBlank == false } == true, "\(context)")
        }
        let needsAttributes: Set = ["identify", "identify_anonymous", "event", "page", "screen", "viewed_content"]
        if needsAttributes.contains(body["action"]?.stringValue ?? "") {
            #expect(body["attributes"]?.objectValue != nil, "\(context)")
        }
        for word in ["cio_id", "_update", "_timestamp", "cio_relationships"] where body["action"] == "identify" {
            #expect(body["attributes"]?[word] == nil, "\(context)")
        }
        for name in ["cio_relationships", "device"] {
            if let value = body[name] { #expect(value != [] && value != [:], "\(context)") }
        }
    }
}

/// Messages and integrations grown from the words of actions.md.
struct RandomEvents {
    var generator = SeededGenerator(for: "Integrations")

    private static let names = [
        "Signed Up", "User Deleted", "User Suppressed", "User Unsuppressed", "Relationship Deleted", "Object Deleted",
        "Report Delivery Event", "Report Content Event", "Device Created or Updated", "Device Deleted",
        "Application Installed", "Application Opened", "Application Uninstalled", " ",
    ]
    private static let keys = [
        "email", "objectId", "object_id", "objectTypeId", "object_type_id", "relationshipAttributes",
        "objectAttributes", "created_at", "createdAt", "id", "cio_id", "_update", "cio_relationships", "token",
        "device_id", "platform", "deliveryId", "metric", "recipient", "actionType", "actionName", "anonymousId", "url",
        "name", "category", "plan",
    ]
    private static let paths = [
        "$.userId", "$.anonymousId", "$.event", "$.properties", "$.traits", "$.context", "$.properties.plan",
        "$.traits.email", "$.missing", "$.timestamp", "$.properties.metric",
    ]

    mutating func message() -> JSON {
        var message = JSON.Object()
        let type = generator.pick(["identify", "track", "track", "track", "track", "page", "screen", "group", "alias"])
        message["type"] = .string(type)
        if type == "track" || generator.chance(5) { message["event"] = .string(generator.pick(Self.names)) }
        for key in ["userId", "anonymousId", "previousId", "groupId", "messageId", "id"] where generator.chance(65) {
            message[key] = identifier()
        }
        for key in ["timestamp", "originalTimestamp", "sentAt", "receivedAt"] where generator.chance(40) {
            message[key] = time()
        }
        for key in ["name", "category", "email"] where generator.chance(40) { message[key] = leaf() }
        for key in ["properties", "traits"] where generator.chance(85) { message[key] = object(depth: 2) }
        if generator.chance(60) {
            message["context"] = [
                "traits": object(depth: 1), "device": ["token": leaf(), "type": leaf()], "os": ["name": leaf()],
                "app": ["version": leaf()], "objectId": leaf(), "page": ["url": leaf()],
                "relationshipAttributes": object(depth: 1),
            ]
        }
        if generator.chance(4) { message["integrations"] = ["All": .bool(generator.chance(50))] }
        return .object(message)
    }

    private mutating func identifier() -> JSON {
        generator.pick(["u1", "u2", "a@b.co", "A@B.CO", "cio_1a", " ", "", 7, "caf\u{E9}", "cafe\u{301}", "\u{0}"])
    }

    private mutating func time() -> JSON {
        generator.pick([
            "2024-02-29T12:34:56.789Z", "2024-02-30T00:00:00Z", "2024-02-29", "1709210096", 1_709_210_096_789, "soon",
            "", .null, true, -1, .number(.init(Int64.max)), .number(.init(Int64.min)), "0000-01-01T00:00:00+23:59",
        ])
    }

    private mutating func leaf() -> JSON {
        generator.pick([
            "x", "", " ", .null, true, 0, 5, "2024-02-29T12:34:56Z", "clicked", "viewed_content", "iPadOS", "acme", [],
            ["2024-02-29T12:34:56Z", .null], "a@b.co", "\u{1F469}\u{200D}\u{1F4BB}", "\u{2028}",
        ])
    }

    private mutating func object(depth: Int) -> JSON {
        var object = JSON.Object()
        for _ in 0..<Int.random(in: 0...9, using: &generator) {
            let nests = depth > 0 && generator.chance(25)
            object[generator.pick(Self.keys)] = nests ? self.object(depth: depth - 1) : leaf()
        }
        // Enough for each command to have what it requires now and then.
        if generator.chance(50) { object["objectId"] = "acme" }
        if generator.chance(50) { object["token"] = "tok" }
        if generator.chance(40) { object["metric"] = "Opened" }
        if generator.chance(40) { object["deliveryId"] = "dl" }
        if generator.chance(40) { object["actionType"] = "clicked_content" }
        return .object(object)
    }

    mutating func integration() throws -> Integration {
        var settings: [Setting] = []
        for definition in ActionDefinition.catalog where generator.chance(50) {
            settings.append(setting(definition.name, uses: nil))
        }
        for number in 0..<Int.random(in: 0...3, using: &generator) {
            settings.append(setting("own\(number)", uses: generator.pick(ActionDefinition.catalog).name))
        }
        return try IntegrationsTests.integration(settings)
    }

    private mutating func setting(_ name: String, uses: String?) -> Setting {
        var setting = Setting(name: name, uses: uses)
        if generator.chance(50) {
            setting.trigger = generator.pick([
                #"type = "track""#, #"event = "Signed Up""#, "userId != null", #"type != "identify""#,
                #"contains(event, "Deleted")"#, #"length(properties) = 0"#, "true",
            ])
        }
        setting.options.isEnabled = generator.chance(85)
        setting.options.convertTimestamps = generator.chance(70)
        setting.options.enableBatching = generator.chance(70)
        setting.options.batchSize = Int.random(in: Action.Options.batchSizes, using: &generator)
        guard generator.chance(60), let definition = ActionDefinition.named(uses ?? name) else { return setting }
        var mapping = JSON.Object()
        for field in definition.fields where generator.chance(25) { mapping[field.key.rawValue] = source() }
        setting.mapping = JSON.object(mapping).description
        return setting
    }

    private mutating func source() -> JSON {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: .string(generator.pick(Self.paths))
        case 1: leaf()
        case 2: ["@path": ["@path": .string(generator.pick(Self.paths))]]
        case 3: ["a": .string(generator.pick(Self.paths)), "_update": true, "id": 5]
        default: .string("{{event}} {{properties.plan}}")
        }
    }
}
