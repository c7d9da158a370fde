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
            let reader = PeopleReader(workspace: workspace, settings: settings)
            let people = try workspace.people(after: page.cursor, limit: page.limit + 1)
            return try list(people, page, { $0.key.number }, whole: reader.json)
        }
    }

    /// The people of a list who have a text in an identifier or an attribute; the case of letters does not matter. A page
    /// with `next` may have less members than it could, or none: one call looks at so many people.
    package func people(containing text: String, _ page: Page) async throws(StorageError) -> JSON {
        try await read { [settings] workspace in
            let found = try workspace.searchPeople(containing: text, after: page.cursor, limit: page.limit)
            return [
                "items": .array(try PeopleReader(workspace: workspace, settings: settings).json(found.people)),
                "next": found.next.map { .string(String($0)) } ?? .null,
            ]
        }
    }

    /// One person by id, by e-mail address (without case), or by `cio_` and a cio_id; `nil` when there is none.
    package func person(_ identifier: String) async throws(StorageError) -> JSON? {
        try await read { [settings] workspace in
            try find(identifier, workspace).map { try PeopleReader(workspace: workspace, settings: settings).json($0) }
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
        try await read { [settings] workspace in
            let reader = PeopleReader(workspace: workspace, settings: settings)
            let objects = try workspace.objects(after: page.cursor, limit: page.limit + 1)
            return try list(objects, page, { $0.key.number }, whole: reader.json)
        }
    }

    /// One object; `nil` when there is none, or `type` is no number.
    package func object(type: String, id: String) async throws(StorageError) -> JSON? {
        guard let type = Int64(type) else { return nil }
        return try await read { [settings] workspace in
            let reader = PeopleReader(workspace: workspace, settings: settings)
            return try workspace.object(type: type, id: id).flatMap { try reader.json([$0]).first }
        }
    }

    /// The relationships of an object, in the order in which the people were made; `nil` when there is no such object.
    package func relationships(ofObject id: String, type: String, _ page: Page) async throws(StorageError) -> JSON? {
        guard let type = Int64(type) else { return nil }
        return try await read { [settings] workspace in
            guard let object = try workspace.object(type: type, id: id) else { return nil }
            let reader = PeopleReader(workspace: workspace, settings: settings)
            let found = try workspace.relationships(of: object.key, after: page.cursor, limit: page.limit + 1)
            return list(found, page, { $0.person.key.number }, reader.json)
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
            let reader = PeopleReader(workspace: workspace, settings: settings)
            let people = try workspace.people(inSegment: segment, after: page.cursor, limit: page.limit + 1)
            return try list(people, page, { $0.key.number }, whole: reader.json)
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
    whole json: ([Member]) throws -> [JSON]
) rethrows -> JSON {
    let items = try json(Array(members.prefix(page.limit)))
    let hasMore = members.count > page.limit
    let next = hasMore ? JSON.string(String(number(members[page.limit - 1]))) : .null
    return ["items": .array(items), "next": next]
}

private func list<Member>(
    _ members: [Member],
    _ page: Page,
    _ number: (Member) -> Int64,
    _ json: (Member) throws -> JSON
) rethrows -> JSON {
    try list(members, page, number, whole: { try $0.map(json) })
}

func find(_ text: String, _ workspace: WorkspaceTransaction) throws -> StoredPerson? {
    let prefix = "cio_".utf8
    if text.utf8.starts(with: prefix) {
        let cioId = String(decoding: text.utf8.dropFirst(prefix.count), as: UTF8.self)
        if let person = try workspace.person(.cioId(cioId)) { return person }
    }
    return try workspace.person(.id(text)) ?? workspace.person(.email(text))
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
