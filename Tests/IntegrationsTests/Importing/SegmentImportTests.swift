import Events
import Foundation
import Integrations
import LosslessJSON
import Mappings
import Testing
import TrackAPI
import Triggers

/// Exports as Segment's Public API gives them, and what they become.
@Suite struct `An export from Segment` {
    private static func vector(_ name: String) throws -> JSON {
        let file = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: nil))
        return try JSON(parsing: Array(try Data(contentsOf: file)))
    }

    /// The integration that the configuration of an import holds.
    private static func integration(of imported: SegmentImport) throws -> Integration {
        let configuration = try Configuration(parsing: imported.yaml, file: "imported")
        return try #require(configuration.integrations.first)
    }

    /// One subscription, imported.
    private func imported(
        _ slug: String = "trackEvent",
        name: String = "One",
        trigger: String = #"type = "track""#,
        settings: JSON? = ["name": ["@path": "$.event"]],
        more: JSON.Object = [:]
    ) throws -> SegmentImport {
        var subscription: JSON.Object = [
            "name": .string(name), "actionSlug": .string(slug), "enabled": true, "trigger": .string(trigger),
        ]
        if let settings { subscription.append("settings", settings) }
        for member in more { subscription[member.key] = member.value }
        return try SegmentImport([.object(subscription)])
    }

    private func words(_ imported: SegmentImport, _ kind: ImportNote.Kind) -> [String] {
        imported.notes.filter { $0.kind == kind }.map { "\($0.place): \($0.words)" }
    }

    // MARK: What is the same

    @Test func `with Segment's defaults becomes an integration with Ferry's, each difference told`() throws {
        let imported = try SegmentImport(Self.vector("segment-defaults.json"))
        #expect(
            imported.yaml == """
                integrations:
                  customerio:
                    type: customerio
                    settings:
                      site_id: env:CIO_SITE_ID
                      api_key: env:CIO_API_KEY

                """
        )
        #expect(imported.outcomes.map(\.name).sorted() == ActionDefinition.catalog.map(\.name).sorted())
        #expect(imported.outcomes.allSatisfy(\.isEnabled) && imported.switchedOff.isEmpty)
        #expect(words(imported, .lost).isEmpty)
        let track = try #require(imported.outcomes.first { $0.name == "track-event" })
        #expect(
            track.unchanged == [
                "id", "anonymous_id", "name", "timestamp", "data", "convert_timestamp", "enable_batching", "batch_size",
            ]
        )
        let differences = words(imported, .differs).filter { $0.contains(#""Track Event""#) }
        #expect(differences.count == 2)
        #expect(differences[0].contains("also leaves out Device Created or Updated, Device Deleted"))
        #expect(differences[1].contains("settings.event_id: Segment's default; Ferry's is a ULID"))
    }

    @Test(arguments: [
        #"type = "track" and event != "User Deleted""#, #"(type="track" and (event != 'User Deleted'))"#,
        "\n  type = \"track\"\n  and event != \"Group Deleted\"\n  and event != \"User Deleted\"\n",
    ])
    func `has Ferry's trigger for each version of Segment's own`(trigger: String) throws {
        let action = try Self.integration(of: imported(trigger: trigger)).action(named: "track-event")
        #expect(action?.hasDefaultTrigger == true)
    }

    @Test(arguments: [
        #"type = "track""#, #"type = "track" and event != "User Deleted" and event != "Other""#,
        #"type = "track" or event != "User Deleted""#,
    ])
    func `keeps a trigger that says something else`(trigger: String) throws {
        let action = try Self.integration(of: imported(trigger: trigger)).action(named: "track-event")
        #expect(action?.condition == trigger)
    }

    // MARK: What is carried over

    @Test func `of a shop means the same in Ferry, condition by condition and field by field`() throws {
        let export = try Self.vector("segment-shop.json")
        let imported = try SegmentImport(export)
        let integration = try Self.integration(of: imported)
        #expect(integration.name == "blue-shop")
        #expect(integration.settings.destination == .region(.EU))
        #expect(!imported.yaml.contains("••••"))
        #expect(
            imported.outcomes.map(\.name) == [
                "create-or-update-person", "track-event", "order-completed", "order-completed-2", "delete-person",
            ]
        )
        let events =
            try vectorLines("preview-events.ndjson").map { try json($0).objectValue ?? [:] }
            + [try shopEvent("Order Completed").message, try shopEvent("Account Closed").message]
        let subscriptions = try #require(export["data"]?["subscriptions"]?.arrayValue)
        for (subscription, outcome) in zip(subscriptions, imported.outcomes) {
            let action = try #require(integration.action(named: outcome.name))
            #expect(action.isEnabled == (subscription["enabled"] == true))
            let trigger = try Trigger(try #require(subscription["trigger"]?.stringValue))
            for event in events { #expect(trigger.matches(event) == action.trigger.matches(event), "\(outcome)") }
            let settings = try #require(subscription["settings"]?.objectValue)
            for (field, definition) in action.mappings {
                guard let definition, !definition.isNull else { continue }
                let names = ["custom_attributes": Field.Key.attributes, "data": .attributes]
                let name = settings.first { $0.key == field.key.rawValue || names[$0.key] == field.key }
                let original = try Mapping(try #require(name?.value, "\(field.key)"))
                let mapping = try Mapping(definition, dialect: .short)
                for event in events { #expect((try? original.apply(to: event)) == (try? mapping.apply(to: event))) }
            }
        }
    }

    private func shopEvent(_ name: String) throws -> Event {
        try event(
            """
            {"type":"track","event":"\(name)","userId":"u1","properties":{"total":12.50,"coupon":"A-B-C","products":
            [{"sku":"s1","name":"Sock","quantity":2},{"sku":"s2","name":"Hat","quantity":1}]}}
            """
        )
    }

    @Test func `of a shop sends what the shop sent`() throws {
        let integration = try Self.integration(of: SegmentImport(Self.vector("segment-shop.json")))
        let plan = Outcome(integration.plan(try shopEvent("Order Completed")))
        let sent = try #require(plan.operations.first { $0.hasPrefix("order-completed ") })
        let body = try json(String(sent.dropFirst("order-completed ".count)))
        #expect(body["name"] == "order")
        #expect(
            body["attributes"]
                == (try json(
                    """
                    {"total":12.50,"currency":"EUR","items":[{"sku":"s1","label":"Sock (2)"},{"sku":"s2","label":"Hat (1)"}],
                    "coupon":"ABC","note":"$.not a path"}
                    """
                ))
        )
        // In Segment an event that deletes somebody is an ordinary event, too.
        let closed = Outcome(integration.plan(try shopEvent("Account Closed")))
        let senders = closed.operations.map { $0.split(separator: " ").first }
        #expect(senders == ["track-event", "delete-person"])
        #expect(integration.plan(try event(#"{"type":"page","userId":"u1"}"#)).operations.isEmpty)
    }

    @Test func `sends nothing for what it has no value for`() throws {
        let action = try Self.integration(of: imported()).action(named: "track-event")
        let nothing = action?.mappings.filter { $0.mapping?.isNull == true }.map(\.field.key)
        #expect(nothing == [.personId, .anonymousId, .timestamp, .attributes])
    }

    @Test func `may call fields as Ferry does`() throws {
        let settings: JSON = ["person_id": ["@path": "$.properties.owner"], "email": ["@path": "$.properties.mail"]]
        let action = try Self.integration(of: imported(settings: settings)).action(named: "track-event")
        let mappings = action?.mappings.filter { $0.field.key == .personId || $0.field.key == .email }.map(\.mapping)
        #expect(mappings == ["$.properties.owner", "$.properties.mail"])
    }

    @Test func `without fields has Ferry's, and says so`() throws {
        for settings in [nil, JSON.null, [:], "{}"] {
            let imported = try imported(settings: settings)
            let told = words(imported, .differs)
            #expect(told.contains(#"subscriptions[0] "One", settings: the export has no fields of it"#))
            let action = try Self.integration(of: imported).action(named: "track-event")
            #expect(action?.mappings.allSatisfy { $0.mapping == nil } == true)
        }
    }

    @Test(arguments: [
        #"{"data":{"subscriptions":[SUB]}}"#, #"{"subscriptions":[SUB]}"#, "[SUB]", #"{"data":{"subscription":SUB}}"#,
        #"{"destination":{"subscriptions":[SUB]}}"#,
    ])
    func `is read in each form that Segment gives it`(form: String) throws {
        let subscription = #"""
            {"name":"S","actionSlug":"deletePerson","trigger":"event = \"Gone\"","settings":{"person_id":"x"}}
            """#
        let export = try json(form.replacing("SUB", with: subscription))
        let integration = try Self.integration(of: SegmentImport(export))
        #expect(integration.action(named: "delete-person")?.condition == #"event = "Gone""#)
    }

    @Test func `may be a list of presets`() throws {
        let imported = try SegmentImport(
            try json(
                #"""
                [{"name":"Signed Up","partnerAction":"trackEvent","subscribe":"event = \"Signed Up\"",
                  "type":"automatic","mapping":{"name":{"@template":"{{event}}!"},"id":{"@path":"$.userId"}}},
                 {"name":"Audience Entered","partnerAction":"trackEvent","type":"specificEvent","eventSlug":"x",
                  "mapping":{}}]
                """#
            )
        )
        #expect(try Self.integration(of: imported).action(named: "track-event")?.condition == #"event = "Signed Up""#)
        #expect(
            words(imported, .lost) == [
                #"presets[1] "Audience Entered": it has no trigger: Segment itself starts it"#
            ]
        )
    }

    @Test func `has settings as JSON text where Terraform wrote it`() throws {
        let imported = try imported(settings: #"{"name":{"@path":"$.properties.title"}}"#)
        let action = try Self.integration(of: imported).action(named: "track-event")
        #expect(action?.mappings.first { $0.field.key == .name }?.mapping == "$.properties.title")
    }

    // MARK: What is not

    @Test func `switches an action off of which something is lost`() throws {
        let settings: JSON = [
            "name": ["@liquid": "{{ event }}"], "data": ["@case": ["operator": "title", "value": "x"]],
        ]
        let imported = try imported(settings: settings)
        #expect(
            words(imported, .lost) == [
                """
                subscriptions[0] "One", settings.name/@liquid: @liquid is not supported; use @template, @case, \
                @replace and @if instead
                """,
                #"subscriptions[0] "One", settings.data/@case/operator: must be "lower" or "upper""#,
            ]
        )
        let action = try Self.integration(of: imported).action(named: "track-event")
        #expect(action?.isEnabled == false)
        #expect(imported.outcomes.first?.isEnabled == false)
    }

    @Test func `switches an action off whose trigger can't be read, and says where it is wrong`() throws {
        let imported = try imported(trigger: #"type = "track" && event = "A""#)
        #expect(words(imported, .lost).count == 1)
        #expect(words(imported, .lost)[0].contains("line 1, column 16: `&&` is not part of the trigger language"))
        let action = try Self.integration(of: imported).action(named: "track-event")
        #expect(action?.isEnabled == false && action?.hasDefaultTrigger == true)
    }

    @Test(arguments: [
        ("upsertContact", #"Ferry has no action for "upsertContact""#),
        ("trackEvnt", #"Ferry has no action for "trackEvnt"; did you mean "trackEvent"?"#),
    ])
    func `leaves out an action that is not Customer.io's`(slug: String, words expected: String) throws {
        let imported = try imported(slug)
        #expect(words(imported, .lost) == [#"subscriptions[0] "One": \#(expected)"#])
        #expect(try Self.integration(of: imported).actions.allSatisfy { !$0.isEnabled })
    }

    @Test func `leaves out what rows of a warehouse start`() throws {
        let imported = try imported(more: ["modelId": "m1"])
        #expect(words(imported, .lost) == [#"subscriptions[0] "One": rows of a warehouse start it, not events"#])
    }

    @Test func `changes nothing of the protected action`() throws {
        let imported = try imported(
            "reportContentEvent",
            trigger: #"event = "Shown""#,
            settings: ["actionType": "viewed_content"]
        )
        #expect(words(imported, .lost).count == 1)
        let action = try Self.integration(of: imported).action(named: "report-content-event")
        #expect(action?.isEnabled == false && action?.hasDefaultTrigger == true)
    }

    @Test func `tells of options and fields that mean nothing here`() throws {
        let settings: JSON = [
            "name": ["@path": "$.event"], "batch_size": 500, "convert_timestamp": "maybe", "nmae": 1,
            "__segment_internal_sync_mode": "upsert",
        ]
        let places = try imported(settings: settings).notes.filter { $0.kind == .differs }.map(\.place)
        for setting in ["batch_size", "convert_timestamp", "nmae", "__segment_internal_sync_mode"] {
            #expect(places.contains(#"subscriptions[0] "One", settings.\#(setting)"#))
        }
    }

    @Test func `says that it goes on`() throws {
        let export: JSON = ["data": ["subscriptions": [], "pagination": ["next": "MTA="]]]
        let told = try words(SegmentImport(export), .lost)
        #expect(told == ["pagination: the export goes on: these are not all subscriptions"])
    }

    @Test(arguments: [
        (#"{"a":1}"#, "it has neither subscriptions nor presets"), ("5", "it has neither subscriptions nor presets"),
        (#"{"subscriptions":[3]}"#, "subscriptions[0] must be an object, not a number"),
        (#"[{"settings":5}]"#, "the settings of subscriptions[0] must be an object of fields"),
    ])
    func `is refused where it is none`(text: String, words: String) throws {
        let problem = #expect(throws: SegmentExport.Problem.self) { try SegmentImport(try json(text)) }
        #expect(problem?.description.hasPrefix(words) == true)
    }

    @Test func `has names that the file takes, whatever they were called`() throws {
        let subscriptions: [JSON] = ["Über: uns?", "—", "track-event", "", "Über uns"].map { name in
            ["name": .string(name), "actionSlug": "trackEvent", "trigger": #"event = "A""#, "settings": ["name": "n"]]
        }
        let imported = try SegmentImport(.array(subscriptions), integration: "production")
        #expect(
            imported.outcomes.map(\.name) == [
                "track-event", "track-event-2", "track-event-3", "track-event-4", "über-uns",
            ]
        )
        let integration = try Self.integration(of: imported)
        #expect(integration.name == "production")
        #expect(integration.actions.count { $0.condition == #"event = "A""# } == 5)
    }
}

extension Integration {
    fileprivate func action(named name: String) -> Action? {
        actions.first { $0.name == name }
    }
}
