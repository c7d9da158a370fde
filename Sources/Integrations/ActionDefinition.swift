package import TrackAPI

/// An action of the catalog: everything that is known of it before anybody configures it.
package struct ActionDefinition: Sendable {
    /// The order in which the operations of one event go out (actions.md §3).
    package enum Rank: Int, Sendable, Comparable {
        case identifyPerson, identifyObject, addDevice, event, content, metric, deleteDevice, deleteRelationships, merge
        case unsuppress, deleteObject, deletePerson, suppress

        package static func < (left: Rank, right: Rank) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// Builds the operation of an event, or says why there is none.
    typealias Build = @Sendable (inout FieldValues) throws(IgnoreReason) -> Operation

    /// In files, output and addresses: the title in kebab case.
    package let name: String
    package let title: String
    package let description: String
    /// The default trigger (source-api.md §4).
    package let trigger: String
    package let fields: [Field]
    let rank: Rank
    /// A name that orders something (delete, suppress, report), so that the message is no ordinary event.
    let isCommand: Bool
    /// Sends no event that an enabled command takes.
    let yieldsToCommands: Bool
    /// Why its configuration is locked, if it is.
    package let lockedBecause: String?
    let build: Build

    init(
        title: String,
        description: String,
        trigger: String,
        rank: Rank,
        isCommand: Bool = false,
        yieldsToCommands: Bool = false,
        lockedBecause: String? = nil,
        fields: [Field],
        build: @escaping Build
    ) {
        name = title.lowercased().replacing(" ", with: "-")
        self.title = title
        self.description = description
        self.trigger = trigger
        self.rank = rank
        self.isCommand = isCommand
        self.yieldsToCommands = yieldsToCommands
        self.lockedBecause = lockedBecause
        self.fields = fields
        self.build = build
    }

    /// Which of the two APIs takes its operations.
    package var kind: Operation.Kind { rank == .metric ? .metric : .entity }

    /// The fifteen actions in the order of actions.md §3.
    package static let catalog: [ActionDefinition] = [
        .createOrUpdatePerson, .trackEvent, .trackPageView, .trackScreenView, .createOrUpdateDevice, .deleteDevice,
        .createOrUpdateObject, .deleteObject, .deleteRelationship, .deletePerson, .mergePeople, .suppressPerson,
        .unsuppressPerson, .reportDeliveryEvent, .reportContentEvent,
    ]

    package static func named(_ name: String) -> ActionDefinition? {
        catalog.first { $0.name == name }
    }
}
