import Foundation
import GRDB
import LosslessJSON
import Testing

@testable import Storage

/// Data folders as older versions left them, with events that wait, and as newer ones will.
@Suite(.timeLimit(.minutes(3))) struct `Another version's data folder` {
    private static let count = 30

    private static let configuration = """
        sources: { web: { write_key: k } }
        integrations:
          main: { type: customerio, settings: { endpoint: workspace } }
        """

    /// The bytes of an event's body: those of the first version are those of today.
    private static func body(_ number: Int) -> Data {
        let message: JSON = [
            "type": "track", "event": .string("E\(number)"), "userId": "u1", "messageId": .string("m\(number)"),
            "timestamp": "2026-11-23T10:00:00.000Z", "receivedAt": "2026-11-23T10:00:00.000Z",
            "properties": ["price": .number(JSON.Number(validText: "1.10"))],
        ]
        return Data(message.encoded())
    }

    /// Makes a folder as the version left it whose last migrations these were: all events wait but the first ten.
    private static func makeFolder(_ path: String, log: String, workspace: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let database = try DatabaseQueue(path: path + "/ferry.db")
        try LogSchema.migrator.migrate(database, upTo: log)
        try database.write { connection in
            let now = Int64(Date().timeIntervalSince1970 * 1_000)
            for number in 1...count {
                try connection.execute(
                    sql: """
                        INSERT INTO events (source, message_id, type, name, user_id, received_at, body)
                        VALUES ('web', ?, 'track', ?, 'u1', ?, ?)
                        """,
                    arguments: ["m\(number)", "E\(number)", now, body(number)]
                )
            }
            let columns = try connection.columns(in: "cursors").map(\.name)
            try connection.execute(
                sql: columns.contains("kind")
                    ? """
                    INSERT INTO cursors (integration, kind, start, position)
                    VALUES ('main', 'live', 0, 10), ('main', 'metrics', 0, 10)
                    """
                    : "INSERT INTO cursors (integration, seq, operation) VALUES ('main', 10, NULL)"
            )
        }
        try database.close()
        let people = try DatabaseQueue(path: path + "/workspace.db")
        try WorkspaceSchema.migrator.migrate(people, upTo: workspace)
        try people.close()
    }

    /// Every row of every table, as text.
    private static func contents(of path: String) throws -> [String] {
        let database = try DatabaseQueue(path: path)
        let contents = try database.read { connection in
            let tables = try String.fetchAll(
                connection,
                sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
            )
            return try tables.flatMap { table in
                [table] + (try Row.fetchAll(connection, sql: "SELECT * FROM \(table)").map(\.description))
            }
        }
        try database.close()
        return contents
    }

    @Test(arguments: [
        ("2026-11-23 refused messages", "2026-11-23 activity"),
        ("2026-11-25 refused messages again", "2026-11-25 suppressed together"),
        ("2026-11-26 delivery graph", "2026-11-26 suppressed by marks"),
        ("2026-11-26 revisions", "2026-11-26 people by phone"),
        ("2026-11-26 changed secrets", "2026-11-26 ids of events by time"),
    ])
    func `is taken over with what waits in it, which is delivered in order`(log: String, workspace: String) async throws
    {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        try Self.makeFolder(data, log: log, workspace: workspace)
        let config = try folder.file("ferry.yaml", Self.configuration)
        let ferry = try await RunningFerry(data: data, config: config)
        let call: JSON = ["userId": "u1", "event": "new", "messageId": "new"]
        #expect(try await ferry.post("/v1/track", call, key: "k").status == 200)
        let page = try await ferry.get("/admin/v1/workspace/people/u1/activity?limit=1000") { page in
            page["items"]?.arrayValue?.contains { $0["name"] == "new" } ?? false
        }
        let items = (page["items"]?.arrayValue ?? []).filter { $0["type"] == "event" }
        #expect(items.reversed().map { $0["name"]?.stringValue } == (11...Self.count).map { "E\($0)" } + ["new"])
        #expect(items.last?["data"]?.description == #"{"price":1.10}"#)
        #expect(ferry.stop() == 0)
    }

    /// Of this version a newer one's folder looks like that: with a migration that it doesn't know.
    @Test(arguments: ["ferry.db", "workspace.db"])
    func `is refused where it is newer, in words that say the way back, and stays as it is`(name: String) async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let backup = folder.url.appending(path: "backup").path
        let before = try await RunningFerry(data: data)
        #expect(try await before.post("/v1/track", ["userId": "u1", "event": "E"]).status == 200)
        #expect(try await FerryProcess.run(["backup", backup, "--data", data]).status == 0)
        #expect(before.stop() == 0)
        let database = try DatabaseQueue(path: data + "/" + name)
        try await database.write { connection in
            try connection.execute(
                sql: """
                    CREATE TABLE later (one INTEGER);
                    INSERT INTO grdb_migrations (identifier) VALUES ('2099-01-01 later')
                    """
            )
        }
        try database.close()
        let contents = try Self.contents(of: data + "/" + name)
        let arguments = ["serve", "--listen-public", "127.0.0.1:0", "--listen-private", "127.0.0.1:0", "--data", data]
        let refused = try await FerryProcess.run(arguments)
        #expect(refused.status == 1)
        #expect(refused.errors.contains("\(name) was written by a newer version of Ferry"), "\(refused.errors)")
        #expect(refused.errors.contains("restore a backup that was made before it came"))
        #expect(try Self.contents(of: data + "/" + name) == contents)
        let doctor = try await FerryProcess.run(["doctor", "--data", data])
        #expect(doctor.status == 1 && doctor.output.contains("\(name) was written by a newer version"))
        // The way back.
        let kept = folder.url.appending(path: "newer").path
        try FileManager.default.moveItem(atPath: data, toPath: kept)
        #expect(try await FerryProcess.run(["restore", backup, "--data", data]).status == 0)
        let after = try await RunningFerry(data: data)
        _ = try await after.get("/admin/v1/events/1") { $0["integrations"]?.arrayValue?.first?["state"] == "delivered" }
        #expect(after.stop() == 0)
    }
}
