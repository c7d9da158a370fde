package import LosslessJSON
package import Storage

/// A part of a list.
package struct Page: Sendable {
    /// Members of one page at most.
    package static let maximum = 1000

    let limit: Int
    let cursor: Int64?

    /// A page of at most `limit` members (1…1000; what lies outside is brought inside) behind a `next` that a page
    /// before had; `nil` when `after` is none.
    package init?(limit: Int = 100, after: String? = nil) {
        self.limit = min(max(limit, 1), Self.maximum)
        guard let after else {
            cursor = nil
            return
        }
        guard let number = Int64(after), number > 0 else { return nil }
        cursor = number
    }
}

/// Reading back, as JSON (design.md, "Two listeners").
extension Workspace {
    /// `{"items":[person,…],"next":…}`, in the order in which people were made.
    package func people(_ page: Page) async throws(StorageError) -> JSON {
        try await read { [settings] workspace in
            try list(workspace.people(after: page.cursor, limit: page.limit + 1), page, { $0.key.number }) { person in
                try json(person, workspace, settings)
            }
        }
    }

    /// One person by id, by e-mail address (without case), or by `cio_` and a cio_id; `nil` when there is none.
    package func person(_ identifier: String) async throws(StorageError) -> JSON? {
        try await read { [settings] workspace in
            try find(identifier, workspace).map { try json($0, workspace, settings) }
        }
    }

    /// The activity of a person, the newest first; `nil` when there is no such person.
    package func activity(of identifier: String, _ page: Page) async throws(StorageError) -> JSON? {
        try await read { workspace in
            try find(identifier, workspace).map { person in
                let entries = try workspace.activity(of: person.key, before: page.cursor, limit: page.limit + 1)
                return list(entries, page, { $0.number }, entry)
            }
        }
    }

    /// `{"items":[object,…],"next":…}`, in the order in which objects were made.
    package func objects(_ page: Page) async throws(StorageError) -> JSON {
        try await read { workspace in
            try list(workspace.objects(after: page.cursor, limit: page.limit + 1), page, { $0.key.number }) { object in
                try json(object, workspace)
            }
        }
    }

    /// One object; `nil` when there is none, or `type` is no number.
    package func object(type: String, id: String) async throws(StorageError) -> JSON? {
        guard let type = Int64(type) else { return nil }
        return try await read { workspace in
            try workspace.object(type: type, id: id).map { try json($0, workspace) }
        }
    }

    /// The whole activity log, the newest first.
    package func activity(_ page: Page) async throws(StorageError) -> JSON {
        try await read { workspace in
            list(try workspace.activity(before: page.cursor, limit: page.limit + 1), page, { $0.number }, entry)
        }
    }

    /// The reported delivery metrics, in the order of receipt.
    package func metrics(_ page: Page) async throws(StorageError) -> JSON {
        try await read { workspace in
            list(try workspace.metrics(after: page.cursor, limit: page.limit + 1), page, { $0.number }) { item in
                let metric: JSON.Object = [
                    "delivery_id": .string(item.metric.deliveryId), "metric": .string(item.metric.name),
                    "timestamp": .number(JSON.Number(item.metric.timestamp)),
                ]
                return .object(metric.overlaid(with: item.metric.data))
            }
        }
    }

    /// The manual segments that have members, by number.
    package func segments(_ page: Page) async throws(StorageError) -> JSON {
        try await read { workspace in
            list(try workspace.segments(after: page.cursor, limit: page.limit + 1), page, { $0.segment }) { segment in
                [
                    "segment_id": .number(JSON.Number(segment.segment)),
                    "members": .number(JSON.Number(segment.members)),
                ]
            }
        }
    }

    /// The members of a segment, in the order in which people were made; `nil` when `segment` is no number.
    package func people(inSegment segment: String, _ page: Page) async throws(StorageError) -> JSON? {
        guard let segment = Int64(segment) else { return nil }
        return try await read { [settings] workspace in
            let people = try workspace.people(inSegment: segment, after: page.cursor, limit: page.limit + 1)
            return try list(people, page, { $0.key.number }) { try json($0, workspace, settings) }
        }
    }

    /// Forms, in the order in which they were first seen.
    package func forms(_ page: Page) async throws(StorageError) -> JSON {
        try await read { workspace in
            list(try workspace.forms(after: page.cursor, limit: page.limit + 1), page, { $0.number }) { form in
                [
                    "form_id": .string(form.id),
                    "created_at": .number(JSON.Number(form.madeAt)),
                    "submissions": .number(JSON.Number(form.submissions)),
                    "last_submitted_at": form.submittedAt.map { .number(JSON.Number($0)) } ?? .null,
                ]
            }
        }
    }
}

/// A list as JSON; `members` are one more than the page holds if there are more.
private func list<Member>(
    _ members: [Member],
    _ page: Page,
    _ number: (Member) -> Int64,
    _ json: (Member) throws -> JSON
) rethrows -> JSON {
    let items = try members.prefix(page.limit).map(json)
    let hasMore = members.count > page.limit
    let next = hasMore ? JSON.string(String(number(members[page.limit - 1]))) : .null
    return ["items": .array(items), "next": next]
}

func find(_ text: String, _ workspace: WorkspaceTransaction) throws -> StoredPerson? {
    let prefix = "cio_".utf8
    if text.utf8.starts(with: prefix) {
        let cioId = String(decoding: text.utf8.dropFirst(prefix.count), as: UTF8.self)
        if let person = try workspace.person(.cioId(cioId)) { return person }
    }
    return try workspace.person(.id(text)) ?? workspace.person(.email(text))
}

private func json(
    _ person: StoredPerson,
    _ workspace: WorkspaceTransaction,
    _ settings: WorkspaceSettings
) throws -> JSON {
    let devices = try workspace.devices(of: person.key).map { device -> JSON in
        [
            "token": .string(device.token), "platform": .string(device.platform),
            "last_used": .number(JSON.Number(device.lastUsed)), "attributes": .object(device.attributes),
        ]
    }
    let relationships = try workspace.relationships(of: person.key).map { object, attributes -> JSON in
        let identifiers: JSON = ["object_type_id": .string(String(object.type)), "object_id": .string(object.id)]
        return ["identifiers": identifiers, "relationship_attributes": .object(attributes.values)]
    }
    let attributes = try workspace.attributes(of: person.key)
    var values = attributes.values
    values[SubscriptionTopics.computedAttribute] = settings.computedPreferences(of: attributes)
    let segments = try workspace.segments(of: person.key).map { JSON.number(JSON.Number($0)) }
    return [
        "identifiers": .object(person.identifiers),
        "attributes": .object(values),
        "devices": .array(devices),
        "relationships": .array(relationships),
        "segments": .array(segments),
        "unsubscribed": .bool(attributes["unsubscribed"]?.value?.meansUnsubscribed ?? false),
    ]
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

private func json(_ object: StoredObject, _ workspace: WorkspaceTransaction) throws -> JSON {
    let relationships = try workspace.relationships(of: object.key).map { person, attributes -> JSON in
        ["identifiers": .object(person.identifiers), "relationship_attributes": .object(attributes.values)]
    }
    return [
        "identifiers": .object(object.identifiers),
        "attributes": .object(try workspace.attributes(of: object.key).values),
        "relationships": .array(relationships),
    ]
}

/// An entry of the activity log (track-api.md §20).
func entry(_ activity: ListedActivity) -> JSON {
    let unknown: JSON.Object = ["id": .null, "email": .null, "cio_id": .null]
    let identifiers = activity.person?.identifiers ?? unknown.overlaid(with: activity.identifiers ?? JSON.Object())
    var object: JSON.Object = [
        "id": .string(ULID.of(seconds: activity.loggedAt, number: activity.number)),
        "type": .string(activity.type),
        "timestamp": .number(JSON.Number(activity.timestamp)),
        "customer_id": identifiers["id"] ?? .null,
        "customer_identifiers": .object(identifiers),
    ]
    if let anonymousId = activity.anonymousId { object["anonymous_id"] = .string(anonymousId) }
    if let name = activity.name { object[activity.type == "page" ? "url" : "name"] = .string(name) }
    object["data"] = activity.data ?? .object(JSON.Object())
    return .object(object)
}
