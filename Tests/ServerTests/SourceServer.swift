import Events
import LosslessJSON
import Server
import Storage

/// The source API on a data store in memory, with three sources: `web` and `backend` are on, `old` is off.
struct SourceServer {
    let server: RunningServer
    let data: DataStore

    static let keys = WriteKeys([
        WriteKeys.Entry(key: "key-web", source: "web"),
        WriteKeys.Entry(key: "key-backend", source: "backend"),
        WriteKeys.Entry(key: "key-old", source: "old", isEnabled: false),
    ])

    /// The server's clock stands still at 2023-11-14T22:13:20Z.
    static let now = Timestamp(milliseconds: 1_700_000_000_000)

    static func with(
        _ location: DataStore.Location = .memory,
        limits: SourceLimits = SourceLimits(),
        _ body: (SourceServer) async throws -> Void
    ) async throws {
        let data = try DataStore(opening: location)
        try await RunningServer.with { logger in
            SourceAPI(writeKeys: keys, intake: Intake(data), limits: limits, logger: logger, now: { now })
        } _: { server in
            try await body(SourceServer(server: server, data: data))
        }
        try? data.close()
    }

    /// Everything in the log.
    var events: [(source: String, message: JSON)] {
        get async throws {
            try await data.log.read(after: 0, limit: 100_000).map { ($0.source, try JSON(parsing: $0.body)) }
        }
    }

    /// Everything that was refused.
    var refused: [RefusedMessage] {
        get async throws { try await data.refusedMessages.list(limit: 100_000).map(\.message) }
    }
}

/// A batch of these messages.
func batch(_ messages: [String], _ more: String = "") -> String {
    #"{"batch":[\#(messages.joined(separator: ","))]\#(more)}"#
}

/// A track call of exactly so many bytes as compact JSON.
func message(bytes: Int, type: String = #""type":"track","#) -> String {
    let frame = #"{\#(type)"event":"E","userId":"u1","properties":{"p":""}}"#
    return frame.replacing(#""p":"""#, with: #""p":"\#(String(repeating: "x", count: bytes - frame.utf8.count))""#)
}
