import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOHTTP1
import Testing

/// A running Ferry with a browser in front of its console.
struct ConsoleTrial {
    let ferry: RunningFerry
    let browser: WebBrowser

    /// Without a configuration file there is the source `default`, and the integration `default` into the embedded
    /// workspace of that name, which the console may change.
    static func with(_ body: (ConsoleTrial) async throws -> Void) async throws {
        let ferry = try await RunningFerry(data: "memory")
        try await WebBrowser.with { try await body(ConsoleTrial(ferry: ferry, browser: $0)) }
    }

    func open(_ path: String) async throws {
        try await browser.open(ferry.privateURL + path)
    }

    /// Posts calls to the source API.
    func send(_ path: String, _ bodies: JSON...) async throws {
        for body in bodies { #expect(try await ferry.post("/v1/\(path)", body).status == 200) }
    }

    /// Waits until an integration has nothing to do.
    func settle(_ integration: String = "default") async throws {
        let last = try await ferry.get("/admin/v1/log").body?["last"]?.numberValue?.int64 ?? 0
        _ = try await ferry.get("/admin/v1/integrations/\(integration)") { status in
            let waits = (status["operations"]?.objectValue ?? [:]).contains { member in
                ["waiting", "retrying"].contains { member.value[$0]?.numberValue?.int64 ?? 0 > 0 }
            }
            let positions = status["lanes"]?.arrayValue?.map { $0["position"]?.numberValue?.int64 ?? 0 } ?? []
            return !waits && !positions.isEmpty && positions.allSatisfy { $0 >= last }
        }
    }

    /// Has the embedded workspace refuse what is about a person, in these words.
    func refuse(_ person: String, _ words: String) async throws {
        let fault: JSON = [
            "match": ["identifier": .string(person)],
            "respond": ["fail_items": ["field": "name", "message": .string(words)]],
        ]
        #expect(try await ferry.ask("/admin/v1/workspace/faults", fault).status == 200)
    }

    func forgive() async throws {
        #expect(try await ferry.delete("/admin/v1/workspace/faults").status == 200)
    }

    /// The names of the events that a person of the embedded workspace has, the oldest first.
    func landed(_ person: String, in workspace: String = "default") async throws -> [String] {
        let path = "/admin/v1/workspace/people/\(person)/activity?limit=1000&workspace=\(workspace)"
        let items = try await ferry.get(path).body?["items"]?.arrayValue ?? []
        return items.reversed().compactMap { $0["name"]?.stringValue }
    }
}

extension RunningFerry {
    func delete(_ path: String) async throws -> (status: UInt, body: JSON?) {
        var request = adminRequest(path)
        request.method = .DELETE
        return try await answer(to: request)
    }
}
