import Events
import Integrations
import LosslessJSON
import Testing
import Triggers

/// actions.md §3: the fifteen actions, their names, fields, triggers and options.
@Suite struct `The catalog` {
    private static let titles = [
        "Create or Update Person", "Track Event", "Track Page View", "Track Screen View", "Create or Update Device",
        "Delete Device", "Create or Update Object", "Delete Object", "Delete Relationship", "Delete Person",
        "Merge People", "Suppress Person", "Unsuppress Person", "Report Delivery Event", "Report Content Event",
    ]

    @Test func `holds the fifteen actions in the order of the page`() {
        #expect(ActionDefinition.catalog.map(\.title) == Self.titles)
    }

    @Test func `names each action by its title in kebab case`() {
        #expect(
            ActionDefinition.catalog.map(\.name) == [
                "create-or-update-person", "track-event", "track-page-view", "track-screen-view",
                "create-or-update-device", "delete-device", "create-or-update-object", "delete-object",
                "delete-relationship", "delete-person", "merge-people", "suppress-person", "unsuppress-person",
                "report-delivery-event", "report-content-event",
            ]
        )
        for definition in ActionDefinition.catalog {
            #expect(ActionDefinition.named(definition.name)?.title == definition.title)
        }
        #expect(ActionDefinition.named("Track Event") == nil)
        #expect(ActionDefinition.named("") == nil)
    }

    @Test func `has a compiling default trigger for each`() throws {
        for definition in ActionDefinition.catalog {
            #expect(throws: Never.self, "\(definition.name)") { try Trigger(definition.trigger) }
        }
        #expect(throws: Never.self) { try Action.defaults() }
    }

    @Test func `says of each action and each field what it is`() {
        for definition in ActionDefinition.catalog {
            #expect(definition.description.hasSuffix("."), "\(definition.name)")
            #expect(!definition.fields.isEmpty, "\(definition.name)")
            for field in definition.fields {
                #expect(!field.label.isEmpty, "\(definition.name) \(field.key)")
                #expect(field.help.hasSuffix("."), "\(definition.name) \(field.key)")
                #expect(!field.source.description.isEmpty, "\(definition.name) \(field.key)")
            }
        }
    }

    @Test func `has each field of an action once`() {
        for definition in ActionDefinition.catalog {
            let keys = definition.fields.map(\.key.rawValue)
            #expect(Set(keys).count == keys.count, "\(definition.name): \(keys)")
        }
    }

    @Test func `knows the field keys of the page, and uses each of them`() {
        let keys = [
            "person_id", "email", "anonymous_id", "created_at", "timestamp", "attributes", "name", "event_id",
            "object_id", "object_type_id", "relationship_attributes", "token", "platform", "last_used", "app_version",
            "primary_id", "secondary_id", "delivery_id", "metric", "recipient", "reason", "href", "action_name",
            "action_value", "content_action",
        ]
        #expect(Field.Key.allCases.map(\.rawValue) == keys)
        #expect(Set(ActionDefinition.catalog.flatMap { $0.fields.map(\.key.rawValue) }) == Set(keys))
    }

    @Test(arguments: [
        (
            "create-or-update-person",
            "person_id email anonymous_id created_at timestamp attributes object_id "
                + "object_type_id relationship_attributes"
        ),
        ("track-event", "person_id email anonymous_id name event_id timestamp attributes"),
        ("track-page-view", "person_id email anonymous_id name event_id timestamp attributes"),
        ("track-screen-view", "person_id email anonymous_id name event_id timestamp attributes"),
        ("create-or-update-device", "person_id email token platform last_used attributes app_version"),
        ("delete-device", "person_id email token"),
        (
            "create-or-update-object",
            "person_id email anonymous_id object_id object_type_id attributes created_at "
                + "relationship_attributes"
        ),
        ("delete-object", "object_id object_type_id"),
        ("delete-relationship", "person_id email object_id object_type_id"),
        ("delete-person", "person_id email"), ("merge-people", "primary_id secondary_id"),
        ("suppress-person", "person_id email"), ("unsuppress-person", "person_id email"),
        ("report-delivery-event", "delivery_id metric recipient reason href action_name action_value timestamp"),
        ("report-content-event", "content_action anonymous_id attributes timestamp"),
    ])
    func `gives each action the fields of its paragraph`(name: String, fields: String) throws {
        let definition = try #require(ActionDefinition.named(name))
        #expect(definition.fields.map(\.key.rawValue).joined(separator: " ") == fields)
    }

    @Test(arguments: [
        ("create-or-update-person", ""), ("track-event", "name"), ("track-page-view", "name"),
        ("track-screen-view", "name"), ("create-or-update-device", "token"), ("delete-device", "token"),
        ("create-or-update-object", "object_id"), ("delete-object", "object_id"),
        ("delete-relationship", "object_id"), ("delete-person", ""), ("merge-people", "primary_id secondary_id"),
        ("suppress-person", ""), ("unsuppress-person", ""), ("report-delivery-event", "delivery_id metric"),
        ("report-content-event", "content_action anonymous_id"),
    ])
    func `marks the required fields`(name: String, fields: String) throws {
        let definition = try #require(ActionDefinition.named(name))
        let required = definition.fields.filter(\.isRequired).map(\.key.rawValue)
        #expect(required.joined(separator: " ") == fields)
    }

    @Test func `sets every option as the page does`() {
        let options = Action.Options()
        #expect(options.isEnabled)
        #expect(options.convertTimestamps)
        #expect(options.enableBatching)
        #expect(options.batchSize == 50)
        #expect(Action.Options.batchSizes == 2...100)
    }

    /// Which default triggers are true for which calls.
    @Test func `has triggers that are true for the calls of the page and no others`() throws {
        let special = [
            "Relationship Deleted": "delete-relationship", "User Deleted": "delete-person",
            "User Suppressed": "suppress-person", "User Unsuppressed": "unsuppress-person",
            "Object Deleted": "delete-object", "Report Delivery Event": "report-delivery-event",
            "Report Content Event": "report-content-event", "Device Created or Updated": "create-or-update-device",
            "Device Deleted": "delete-device",
        ]
        let also = [
            "Application Installed": "create-or-update-device", "Application Opened": "create-or-update-device",
            "Application Uninstalled": "delete-device",
        ]
        let calls = [
            "identify": "create-or-update-person", "page": "track-page-view", "screen": "track-screen-view",
            "group": "create-or-update-object", "alias": "merge-people",
        ]
        for name in Array(special.keys) + Array(also.keys) + ["X", "Order Completed"] {
            var expected: Set<String> = special[name].map { [$0] } ?? ["track-event"]
            if let device = also[name] { expected.insert(device) }
            #expect(try matching(#"{"type":"track","event":"\#(name)","userId":"u1"}"#) == expected, "\(name)")
            // For a trigger, `event` exists on track calls only.
            for (type, action) in calls {
                let message = #"""
                    {"type":"\#(type)","event":"\#(name)","userId":"u1","groupId":"g","previousId":"p"}
                    """#
                #expect(try matching(message) == [action], "\(type) \(name)")
            }
        }
    }

    private func matching(_ message: String) throws -> Set<String> {
        let event = try event(message)
        return Set(try Action.defaults().filter { $0.trigger.matches(event.message) }.map(\.name))
    }
}
