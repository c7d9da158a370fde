import AsyncHTTPClient
import Events
import LosslessJSON
import Server
import Storage
import Workspaces

/// The private API on a data store in memory.
struct PrivateServer {
    let server: RunningServer
    let data: DataStore

    /// Runs it with workspaces of these names; each has its name and `-site` and `-key` as credentials.
    static func with(
        _ names: [String] = ["one"],
        adminToken: String? = nil,
        writeKeys: WriteKeys = SourceServer.keys,
        on data: DataStore? = nil,
        additionalHosts: [String] = [],
        settings: WorkspaceSettings = WorkspaceSettings(),
        requestsPerSecond: Int? = nil,
        createsOnFirstUse: Bool = false,
        change: (inout EmbeddedWorkspace.Traits) -> Void = { _ in },
        isReady: @escaping @Sendable () async -> Bool = { true },
        _ body: (PrivateServer) async throws -> Void
    ) async throws {
        let data = try data ?? DataStore(opening: .memory)
        let workspaces = names.enumerated().map { number, name in
            var traits = EmbeddedWorkspace.Traits()
            traits.region = number == 0 ? .us : .eu
            traits.requestsPerSecond = requestsPerSecond
            traits.settings = settings
            change(&traits)
            return EmbeddedWorkspace(
                name: name,
                siteID: "\(name)-site",
                apiKey: "\(name)-key",
                environmentID: Int64(number + 3),
                traits: traits,
                in: data.workspaces
            )
        }
        try await RunningServer.with { logger in
            let source = SourceAPI(
                writeKeys: writeKeys,
                intake: Intake(data),
                logger: logger,
                now: { SourceServer.now }
            )
            return try PrivateAPI(
                address: ListenAddress(host: "127.0.0.1", port: 0),
                workspaces: EmbeddedWorkspaces(
                    workspaces,
                    in: data.workspaces,
                    createsOnFirstUse: createsOnFirstUse
                ),
                rejected: RejectedAPI(data, acceptedBy: source),
                log: LogAPI(data),
                adminToken: adminToken,
                additionalHosts: additionalHosts,
                isReady: isReady,
                logger: logger,
                now: { SourceServer.now }
            )
        } _: { server in
            try await body(PrivateServer(server: server, data: data))
        }
        try? data.close()
    }

    /// Posts with the credentials of a workspace.
    func track(_ path: String, _ text: String, to workspace: String = "one") async throws -> Answered {
        try await server.post(path, text, [basic("\(workspace)-site:\(workspace)-key")])
    }

    /// Sends with the credentials of a workspace, and a body where there is one.
    func send(
        _ method: String,
        _ path: String,
        _ text: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> Answered {
        try await server.send(
            method,
            path,
            headers: [basic("one-site:one-key")] + headers,
            body: text.map { .bytes(Array($0.utf8)) }
        )
    }

    /// The person with this id as JSON; `nil` when there is none.
    func person(_ identifier: String) async throws -> JSON? {
        let answer = try await read("people/\(identifier)")
        return answer.status == 200 ? answer.json : nil
    }

    /// The names of a person's events, pages and screens, the oldest first.
    func events(_ identifier: String) async throws -> [String] {
        let items = try await read("people/\(identifier)/activity?limit=1000").json?["items"]?.arrayValue ?? []
        return items.reversed().compactMap { $0["name"]?.stringValue ?? $0["url"]?.stringValue }
    }

    /// Asks the admin API for something about the workspaces.
    func ask(_ path: String, _ text: String = "{}") async throws -> Answered {
        try await server.post("/admin/v1/workspace/\(path)", text, [("Content-Type", "application/json")])
    }

    func delete(_ path: String) async throws -> Answered {
        try await server.send("DELETE", "/admin/v1/workspace/\(path)")
    }

    func read(_ path: String, _ headers: [(String, String)] = []) async throws -> Answered {
        try await server.send("GET", "/admin/v1/workspace/\(path)", headers: headers)
    }
}
