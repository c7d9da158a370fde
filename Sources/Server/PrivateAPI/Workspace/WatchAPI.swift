import Diagnostics
import HTTPTypes
import LosslessJSON
import Storage
import Workspaces

/// What a test waits for: a person, an attribute, an entry of the activity log.
struct WatchAPI: Sendable {
    private let workspaces: EmbeddedWorkspaces
    private let waits = Waits()

    init(workspaces: EmbeddedWorkspaces) {
        self.workspaces = workspaces
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1/workspace"
        routes.on(.get, "\(root)/people/{identifier}", behind: door) { request, path in
            try await workspaces.answering(request) { try await person(path["identifier"], request, $0) }
        }
        routes.on(.get, "\(root)/people/{identifier}/activity", behind: door) { request, path in
            try await workspaces.answering(request) { try await activity(of: path["identifier"], request, $0) }
        }
        routes.on(.get, "\(root)/activity", behind: door) { request, _ in
            try await workspaces.answering(request) { try await activity(of: nil, request, $0) }
        }
    }

    private static let badWait = Answer.admin(.invalid, "wait must be a number of seconds from 0 to 30")

    private func answer<Value>(
        _ seconds: Double,
        in embedded: EmbeddedWorkspace,
        _ look: () async throws -> Value?,
        found: (Value) -> JSON,
        otherwise: () async throws -> String
    ) async throws -> Answer {
        switch try await waits.outcome(within: seconds, in: embedded.workspace, look) {
        case .found(let value): return .admin(.done, json: found(value))
        case .notThere:
            let waited = seconds > 0 ? "after \(seconds.formatted) s " : ""
            return .admin(.unknownPath, waited + (try await otherwise()))
        case .noRoom:
            var answer = Answer.admin(.overloaded, "\(Waits.most) requests wait already: try again in 1 s")
            answer.headers[.retryAfter] = "1"
            return answer
        }
    }

    // MARK: People

    private func person(
        _ identifier: String,
        _ request: IncomingRequest,
        _ embedded: EmbeddedWorkspace
    ) async throws -> Answer {
        guard let seconds = request.query.waitSeconds else { return Self.badWait }
        let wanted = request.query.beginning(with: "attributes.")
        return try await answer(seconds, in: embedded) { () -> JSON? in
            let person = try await stored { () async throws(StorageError) in
                try await embedded.workspace.person(identifier)
            }
            guard let person, wanted.allSatisfy({ isThere($0, in: person["attributes"]) }) else { return nil }
            return person
        } found: {
            $0
        } otherwise: {
            try await missing(identifier, wanted, in: embedded)
        }
    }

    /// Whether an attribute has a value as text: `pro`, `42`, `true`.
    private func isThere(_ wanted: (name: String, value: String), in attributes: JSON?) -> Bool {
        guard let value = attribute(wanted.name, in: attributes) else { return false }
        return (value.stringValue ?? value.description).hasSameBytes(as: wanted.value)
    }

    /// By its name, or by a way into it with dots.
    private func attribute(_ name: String, in attributes: JSON?) -> JSON? {
        attributes?.objectValue?[name] ?? attributes?.value(at: JSON.Path(name))
    }

    private func missing(
        _ identifier: String,
        _ wanted: [(name: String, value: String)],
        in embedded: EmbeddedWorkspace
    ) async throws -> String {
        let (person, people) = try await stored { () async throws(StorageError) in
            (try await embedded.workspace.person(identifier), try await embedded.workspace.knownPeople(limit: 200))
        }
        guard let person else {
            return "there is no person \"\(identifier)\"" + Self.instead(of: identifier, among: people, "nobody yet")
        }
        let misses = wanted.filter { !isThere($0, in: person["attributes"]) }.map { name, value in
            if let other = attribute(name, in: person["attributes"]) {
                return "has \(name) \(other), not \"\(value)\""
            }
            let names = (person["attributes"]?.objectValue ?? [:]).map(\.key)
            return "has no attribute \"\(name)\"" + Self.instead(of: name, among: names, "none at all")
        }
        return "\"\(identifier)\" \(misses.joined(separator: ", and "))"
    }

    // MARK: Activity

    private func activity(
        of identifier: String?,
        _ request: IncomingRequest,
        _ embedded: EmbeddedWorkspace
    ) async throws -> Answer {
        let query = request.query
        guard let page = Page(query) else { return .admin(.invalid, Page.mistake(in: query)) }
        guard let seconds = query.waitSeconds else { return Self.badWait }
        let filter = ActivityFilter(type: query["type"], name: query["name"])
        guard !filter.isEmpty || seconds > 0 else {
            let list = try await stored { () async throws(StorageError) -> JSON? in
                guard let identifier else { return try await embedded.workspace.activity(page) }
                return try await embedded.workspace.activity(of: identifier, page)
            }
            if let list { return .admin(.done, json: list) }
            return .admin(.unknownPath, try await missing(identifier ?? "", [], in: embedded))
        }
        var floor: Int64 = 0
        return try await answer(seconds, in: embedded) { () -> JSON? in
            let found = try await stored { [floor] () async throws(StorageError) in
                try await embedded.workspace.activity(of: identifier, filter, above: floor, page)
            }
            if seconds > 0, found?.isEmpty ?? true {
                floor = found?.newest ?? 0
                return nil
            }
            return found?.list
        } found: {
            $0
        } otherwise: {
            try await missing(filter, of: identifier, in: embedded)
        }
    }

    private func missing(
        _ filter: ActivityFilter,
        of identifier: String?,
        in embedded: EmbeddedWorkspace
    ) async throws -> String {
        if let identifier {
            let person = try await stored { () async throws(StorageError) in
                try await embedded.workspace.person(identifier)
            }
            guard person != nil else { return try await missing(identifier, [], in: embedded) }
        }
        let recent = try await stored { () async throws(StorageError) in
            try await embedded.workspace.recentActivity(limit: 200)
        }
        let type = filter.type.map { "\($0) " } ?? ""
        let whose = identifier.map { " of \"\($0)\"" } ?? ""
        guard let name = filter.name else {
            var types: [String] = []
            for entry in recent where !types.contains(entry.type) { types.append(entry.type) }
            return "there is no \(type)entry\(whose)" + Self.instead(of: filter.type ?? "", among: types, "none at all")
        }
        let names = recent.filter { filter.type?.hasSameBytes(as: $0.type) ?? true }.compactMap(\.name)
        return "there is no \(type.isEmpty ? "entry " : type)named \"\(name)\"\(whose)"
            + Self.instead(of: name, among: names, "none with a name")
    }

    private static func instead(of name: String, among names: [String], _ none: String) -> String {
        if names.isEmpty { return "; there is \(none)" }
        if let nearest = name.nearest(among: names) { return "; closest is \"\(nearest)\"" }
        let some = names.prefix(5).map { "\"\($0)\"" }.joined(separator: ", ")
        return "; there \(names.count > 1 ? "are" : "is") \(some)\(names.count > 5 ? ", …" : "")"
    }
}

extension Double {
    fileprivate var formatted: String { self == rounded() ? String(Int(self)) : String(self) }
}

extension Page {
    /// The part of a list that a query asks for: `limit` and `cursor`.
    init?(_ query: RequestQuery) {
        let limit = query["limit"].map { Int($0) ?? 0 } ?? 100
        guard limit > 0 else { return nil }
        self.init(limit: limit, after: query["cursor"])
    }

    static func mistake(in query: RequestQuery) -> String {
        let limit = query["limit"].map { Int($0) ?? 0 } ?? 100
        return limit > 0
            ? "cursor must be the next of a page before" : "limit must be a whole number from 1 to \(Page.maximum)"
    }
}

extension EmbeddedWorkspaces {
    /// Answers from the workspace that `?workspace=` names.
    func answering(
        _ request: IncomingRequest,
        _ answer: (EmbeddedWorkspace) async throws -> Answer
    ) async throws -> Answer {
        try await stored { () async throws(StorageError) in try await learn() }
        guard let embedded = named(request.query["workspace"]) else {
            let names = all.map(\.name)
            guard !names.isEmpty else { return .admin(.unknownPath, "there is no workspace yet") }
            let list = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
            return .admin(.unknownPath, "there is no such workspace: workspace=NAME may be one of \(list)")
        }
        return try await answer(embedded)
    }
}
