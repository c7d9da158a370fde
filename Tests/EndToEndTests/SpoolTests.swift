import Foundation
import LosslessJSON
import PostgresServer
import Testing

/// The real program with `spool: true`, and a database that goes away.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `A server with a spool` {
    @Test func `takes events while the database is away, says so everywhere, and delivers them afterwards`()
        async throws
    {
        let scratch = try ScratchFolder()
        let server = try PostgresServer()
        let (folder, log) = (scratch.url.appending(path: "folder").path, scratch.url.appending(path: "log").path)
        let config = try scratch.file(
            "ferry.yaml",
            """
            listen: { public: "127.0.0.1:0", private: "127.0.0.1:0" }
            data: env:FERRY_TEST_DATABASE
            folder: \(folder)
            spool: true
            spool_size: 50MB
            sources: { web: { write_key: ferry-local } }
            integrations: { main: { type: customerio, settings: { endpoint: workspace } } }
            """
        )
        let environment = ["FERRY_TEST_DATABASE": server.url()]
        func start() async throws -> RunningFerry {
            try await RunningFerry(
                data: "env:FERRY_TEST_DATABASE",
                config: config,
                log: log,
                environment: environment
            )
        }
        var ferry = try await start()
        func send(_ name: String) async throws {
            let call: JSON = ["userId": "u1", "event": .string(name), "messageId": .string(name)]
            #expect(try await ferry.post("/v1/track", call).status == 200)
        }
        func said(_ words: String) throws -> Bool { try String(contentsOfFile: log, encoding: .utf8).contains(words) }
        try await send("before")
        #expect(try await ferry.text("/metrics").contains("\nferry_log_readable 1\n"))
        server.stop(.immediate)
        for name in ["a", "b", "a"] { try await send(name) }
        let spool = try await ferry.get("/admin/v1/spool")
        #expect(spool.status == 200 && spool.body?["events"] == 2 && spool.body?["oldestReceivedAt"] != .null)
        #expect(try await ferry.get("/readyz").status == 200)
        let page = try await ferry.text("/metrics")
        #expect(page.contains("\nferry_spool_events 2\n") && page.contains("\nferry_log_readable 0\n"))
        let status = try await FerryProcess.run(["status", "--url", ferry.privateURL])
        #expect(status.output.contains("2 accepted events wait on this machine") && status.status != 0)
        #expect(try said("the database takes no events: they wait in the spool"))
        ferry.kill()
        let doctor = try await FerryProcess.run(["doctor", "--config", config], environment: environment)
        #expect(doctor.output.contains("2 accepted events wait in \(folder)"), "\(doctor.output)")
        try server.start()
        ferry = try await start()
        #expect(try said("events of before wait in the spool events=2"))
        try await send("after")
        let activity = try await ferry.get("/admin/v1/workspace/people/u1/activity") {
            $0["items"]?.arrayValue?.contains { $0["name"] == "after" } ?? false
        }
        let names = activity["items"]?.arrayValue?.compactMap { $0["type"] == "event" ? $0["name"]?.stringValue : nil }
        #expect(names == ["after", "b", "a", "before"])
        #expect(try await ferry.get("/admin/v1/spool").body?["events"] == 0)
        #expect(try said("all events of the spool are in the log"))
        #expect(ferry.stop() == 0)
    }
}
