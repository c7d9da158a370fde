import Foundation
import LosslessJSON
import Storage
import Testing
import Workspaces

/// The time at which the tests' calls are received, where they do not say another.
let noon: Int64 = 1_700_000_000

/// A new workspace with a short way to send items and to look at what became of them.
struct Playground: Sendable {
    let workspace: Workspace

    init(_ change: (inout WorkspaceSettings) -> Void = { _ in }) throws {
        var settings = WorkspaceSettings()
        change(&settings)
        let store = try OnBothEngines.store ?? DataStore(opening: .memory).workspaces
        workspace = Workspace(name: "test \(UUID())", in: store, settings: settings)
    }

    /// Sends items one by one; each must be accepted.
    func send(_ items: String..., at now: Int64 = noon, _ location: SourceLocation = #_sourceLocation) async throws {
        for item in items {
            let refusals = try await refusals(item, at: now)
            #expect(refusals.isEmpty, "\(item)", sourceLocation: location)
        }
    }

    func refusals(_ item: String, at now: Int64 = noon) async throws -> [Refusal] {
        try await workspace.carryOut(entity: JSON(parsing: item), now: now)
    }

    /// A person's identifiers as `id|email`, `-` standing for none; `nil` when there is no such person.
    func person(_ identifier: String) async throws -> String? {
        guard let identifiers = try await workspace.person(identifier)?["identifiers"] else { return nil }
        return "\(identifiers["id"]?.stringValue ?? "-")|\(identifiers["email"]?.stringValue ?? "-")"
    }

    /// A person's attributes as JSON text.
    func attributes(_ identifier: String) async throws -> String? {
        try await workspace.person(identifier)?["attributes"]?.description
    }

    func cioId(_ identifier: String) async throws -> String {
        let person = try await workspace.person(identifier)
        return try #require(person?["identifiers"]?["cio_id"]?.stringValue)
    }

    /// The types of a person's activity, the oldest first.
    func activity(_ identifier: String) async throws -> [String] {
        let page = try #require(Page())
        let items = try await workspace.activity(of: identifier, page)?["items"]?.arrayValue ?? []
        return items.reversed().compactMap { $0["type"]?.stringValue }
    }

    /// The names of the events, pages and screens of a person, the oldest first.
    func events(_ identifier: String) async throws -> [String] {
        let page = try #require(Page(limit: 1000))
        let items = try await workspace.activity(of: identifier, page)?["items"]?.arrayValue ?? []
        return items.reversed().compactMap { $0["name"]?.stringValue ?? $0["url"]?.stringValue }
    }

    /// Entries of the whole log of one type, the oldest first.
    func log(_ type: String) async throws -> [JSON] {
        let page = try #require(Page(limit: 1000))
        let items = try await workspace.activity(page)["items"]?.arrayValue ?? []
        return items.reversed().filter { $0["type"] == .string(type) }
    }

    /// What was dropped and why, as `action: reason`, the oldest first.
    func drops() async throws -> [String] {
        try await log("ferry_dropped").map { entry in
            "\(entry["data"]?["action"]?.stringValue ?? ""): \(entry["data"]?["reason"]?.stringValue ?? "")"
        }
    }

    /// How many of each kind there are, but for the entries of the log.
    func counts() async throws -> WorkspaceCounts {
        var counts = try await workspace.counts()
        counts.activity = 0
        return counts
    }

    func people() async throws -> Int64 {
        try await workspace.counts().people
    }
}

/// `{"type":"person","action":"identify",…}` with attributes as JSON text.
func identify(_ identifiers: String, _ attributes: String = "{}", more: String = "") -> String {
    #"{"type":"person","action":"identify","identifiers":\#(identifiers),"attributes":\#(attributes)\#(more)}"#
}

func event(_ identifiers: String, _ name: String, more: String = "") -> String {
    #"{"type":"person","action":"event","identifiers":\#(identifiers),"name":"\#(name)"\#(more)}"#
}

/// A person's item of an action that has only identifiers.
func person(_ action: String, _ identifiers: String, more: String = "") -> String {
    #"{"type":"person","action":"\#(action)","identifiers":\#(identifiers)\#(more)}"#
}

func merge(_ primary: String, _ secondary: String) -> String {
    #"{"type":"person","action":"merge","primary":\#(primary),"secondary":\#(secondary)}"#
}

func object(_ action: String, _ id: String, more: String = "") -> String {
    #"{"type":"object","action":"\#(action)","identifiers":{"object_type_id":"1","object_id":"\#(id)"}\#(more)}"#
}

/// `,"cio_relationships":[…]` with one entry of these identifiers.
func relationship(_ identifiers: String, _ attributes: String = "{}") -> String {
    #","cio_relationships":[{"identifiers":\#(identifiers),"relationship_attributes":\#(attributes)}]"#
}

/// The identifiers of an object of type 1.
func acme(_ id: String = "acme") -> String {
    #"{"object_type_id":"1","object_id":"\#(id)"}"#
}
