import Foundation
import LosslessJSON
import Testing

@Suite(.timeLimit(.minutes(3))) struct `The log of a server` {
    private static let secrets = ["web-key-4711", "site-4712", "api-key-4713", "admin-4714", "wrong-key-4715"]

    private static let configuration = """
        admin_token: env:LOG_TEST_ADMIN
        log: { format: json }
        sources: { web: { write_key: env:LOG_TEST_WRITE_KEY } }
        integrations:
          main:
            type: customerio
            settings: { endpoint: "http://127.0.0.1:1", site_id: env:LOG_TEST_SITE, api_key: env:LOG_TEST_API_KEY }
        """

    private static let environment = [
        "LOG_TEST_WRITE_KEY": secrets[0], "LOG_TEST_SITE": secrets[1], "LOG_TEST_API_KEY": secrets[2],
        "LOG_TEST_ADMIN": secrets[3],
    ]

    private static func read(_ log: String, until isThere: (String) -> Bool) async throws -> String {
        while true {
            let text = try String(contentsOfFile: log, encoding: .utf8)
            if isThere(text) { return text }
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    @Test func `is a JSON object a line from the first to the last, where the file asks for it, without a secret`()
        async throws
    {
        let folder = try ScratchFolder()
        let log = try folder.file("ferry.log")
        let ferry = try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: try folder.file("ferry.yaml", Self.configuration),
            adminToken: Self.secrets[3],
            log: log,
            environment: Self.environment
        )
        let call: JSON = ["userId": "u1", "event": "Ordered\nERROR it is no line of its own"]
        #expect(try await ferry.post("/v1/track", call, key: Self.secrets[0]).status == 200)
        #expect(try await ferry.post("/v1/track", ["event": 5], key: Self.secrets[0]).status == 200)
        #expect(try await ferry.post("/v1/track", call, key: Self.secrets[4]).status == 200)
        ferry.hangUp()
        _ = try await Self.read(log) { $0.contains("delivery waits") && $0.contains("was read again") }
        #expect(ferry.stop() == 0)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        let lines = try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        let times = lines.compactMap { $0["time"]?.stringValue }
        #expect(times.count == lines.count && times.allSatisfy { $0.count == 24 && $0.hasSuffix("Z") })
        let said = lines.map { "\($0["level"]?.stringValue ?? "") \($0["message"]?.stringValue ?? "")" }
        for line in [
            "notice Ferry is ready", "warning the destination can't be reached", "warning delivery waits",
            "warning Messages were refused", "notice the configuration file was read again", "notice stopped",
        ] {
            #expect(said.contains(line), "\(line) is not among \(said)")
        }
        let ready = try #require(lines.first { $0["message"] == "Ferry is ready" })
        #expect(ready["public"] == .string(ferry.publicURL) && ready["private"] == .string(ferry.privateURL))
        #expect(lines.first { $0["message"] == "delivery waits" }?["integration"] == "main")
        for secret in Self.secrets { #expect(!text.contains(secret)) }
    }

    @Test func `tells in JSON, too, what ends it before it listens`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let first = try await RunningFerry(data: data)
        let arguments = ["serve", "--listen-public", "127.0.0.1:0", "--listen-private", "127.0.0.1:0", "--data", data]
        let second = try await FerryProcess.run(arguments + ["--log-format", "json"])
        #expect(first.stop() == 0)
        #expect(second.status == 1)
        let line = try JSON(parsing: Array(second.errors.utf8))
        #expect(line["level"] == "critical")
        #expect(line["message"]?.stringValue?.contains("in use by another Ferry") == true)
    }

    @Test func `goes on at the beginning of a file that was copied and truncated`() async throws {
        let folder = try ScratchFolder()
        let log = try folder.file("ferry.log")
        let ferry = try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: try folder.file("ferry.yaml", "sources: { web: { write_key: k } }"),
            log: log
        )
        ferry.hangUp()
        let before = try await Self.read(log) { $0.contains("was read again") }
        #expect(before.hasPrefix("Ferry is ready\n"))
        #expect(truncate(log, 0) == 0)
        ferry.hangUp()
        let after = try await Self.read(log) { $0.hasSuffix("\n") }
        let line =
            #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z notice the configuration file was read again changes=none notes=""\n/#
        #expect(after.wholeMatch(of: line) != nil, "\(after)")
        #expect(ferry.stop() == 0)
    }
}
