import LosslessJSON
import Storage

/// People and objects as JSON, a list of them with as many statements as one.
struct PeopleReader {
    let workspace: WorkspaceTransaction
    let settings: WorkspaceSettings

    // MARK: People

    func json(_ people: [StoredPerson]) throws -> [JSON] {
        let keys = people.map(\.key)
        let attributes = try workspace.attributes(of: keys)
        let devices = try workspace.devices(of: keys)
        let relationships = try workspace.relationships(of: keys)
        let segments = try workspace.segments(of: keys)
        return people.map { person in
            let own = attributes[person.key] ?? AttributeSet()
            var values = own.values
            values[SubscriptionTopics.computedAttribute] = settings.computedPreferences(of: own)
            let cut = [
                ("devices", devices[person.key]?.isCut), ("relationships", relationships[person.key]?.isCut),
                ("segments", segments[person.key]?.isCut),
            ]
            return with(
                cut,
                [
                    "identifiers": .object(person.identifiers),
                    "attributes": .object(values),
                    "devices": .array((devices[person.key]?.values ?? []).map(json)),
                    "relationships": .array(
                        (relationships[person.key]?.values ?? []).map { object, attributes in
                            let identifiers: JSON = [
                                "object_type_id": .string(String(object.type)), "object_id": .string(object.id),
                            ]
                            return ["identifiers": identifiers, "relationship_attributes": .object(attributes.values)]
                        }
                    ),
                    "segments": .array((segments[person.key]?.values ?? []).map { .number(JSON.Number($0)) }),
                    "unsubscribed": .bool(own["unsubscribed"]?.value?.meansUnsubscribed ?? false),
                ]
            )
        }
    }

    func json(_ person: StoredPerson) throws -> JSON {
        try json([person]).first ?? .null
    }

    private func json(_ device: StoredDevice) -> JSON {
        [
            "token": .string(device.token), "platform": .string(device.platform),
            "last_used": .number(JSON.Number(device.lastUsed)), "attributes": .object(device.attributes),
        ]
    }

    /// Names the lists of which only the beginning is shown, where there are any.
    private func with(_ lists: [(name: String, isCut: Bool?)], _ members: JSON.Object) -> JSON {
        let cut = lists.filter { $0.isCut == true }.map { JSON.string($0.name) }
        guard !cut.isEmpty else { return .object(members) }
        return .object(members.overlaid(with: ["cut": .array(cut)]))
    }

    // MARK: Objects

    func json(_ objects: [StoredObject]) throws -> [JSON] {
        let keys = objects.map(\.key)
        let attributes = try workspace.attributes(of: keys)
        let relationships = try workspace.relationships(of: keys)
        return objects.map { object in
            with(
                [("relationships", relationships[object.key]?.isCut)],
                [
                    "identifiers": .object(object.identifiers),
                    "attributes": .object(attributes[object.key]?.values ?? JSON.Object()),
                    "relationships": .array((relationships[object.key]?.values ?? []).map(json)),
                ]
            )
        }
    }

    /// A relationship of an object.
    func json(_ person: StoredPerson, _ attributes: AttributeSet) -> JSON {
        ["identifiers": .object(person.identifiers), "relationship_attributes": .object(attributes.values)]
    }
}

extension JSON {
    /// Which values of `unsubscribed` count (track-api.md §19).
    fileprivate var meansUnsubscribed: Bool {
        switch self {
        case .bool(let value): value
        case .number(let number): number == JSON.Number(1)
        case .string(let text): text == "1" || text.lowercased() == "true"
        case .null, .array, .object: false
        }
    }
}
