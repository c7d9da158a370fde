import Foundation
import LosslessJSON
import Testing

/// A running `ferry serve` with a configuration file that can be written anew.
struct ConfiguredFerry {
    let folder: ScratchFolder
    let config: String
    let ferry: RunningFerry

    init(_ text: String, environment: [String: String] = [:]) async throws {
        folder = try ScratchFolder()
        config = try folder.file("ferry.yaml", text)
        ferry = try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: config,
            environment: environment
        )
    }

    func command(_ arguments: String..., input: String = "") async throws -> FerryProcess.Result {
        try await FerryProcess.run(arguments + ["--url", ferry.privateURL], input: input)
    }

    /// Sends a track call and waits for the mark with which it arrives.
    func mark(of event: String, in integration: String = "main") async throws -> String? {
        let call: JSON = ["userId": "u1", "event": .string(event), "messageId": .string(event)]
        #expect(try await ferry.post("/v1/track", call, key: "web-key").status == 200)
        return try await landed(event, in: integration)
    }

    func landed(_ event: String, in workspace: String = "main") async throws -> String? {
        let path = "/admin/v1/workspace/people/u1/activity?workspace=\(workspace)"
        let activity = try await ferry.get(path) {
            $0["items"]?.arrayValue?.contains { $0["name"] == .string(event) } ?? false
        }
        let item = activity["items"]?.arrayValue?.first { $0["name"] == .string(event) }
        return item?["data"]?["mark"]?.stringValue
    }
}
