import Delivery
import LosslessJSON
import Server
import Storage
import Telemetry
import Testing
import Yams

/// What the document says and what the table of routes holds; `EndToEndTests` compares it with what a server answers.
@Suite(.timeLimit(.minutes(2))) struct `OpenAPI document` {
    /// The private API with everything that it can have; what is left out here is not compared.
    private func withAPI(_ body: (PrivateAPI, RunningServer) async throws -> Void) async throws {
        let data = try DataStore(opening: .memory)
        let (live, control) = (LiveIntegrations(), DeliveryControl())
        let cluster = ClusterControl(control, nodes: data.nodes, erasures: data.erasures, now: { 0 })
        let delivery = DeliveryAPI(data, live: live, control: cluster, now: { 0 })
        let configurator = Configurator(
            live,
            revisions: data.revisions,
            control: control,
            nodes: data.nodes,
            connect: { _, _ in throw CancellationError() },
            now: { Moment(steady: 0, wall: 0) }
        )
        let configuration = ConfigurationAPI(
            live,
            log: data.log,
            configurator: configurator,
            knownSources: { [] },
            reload: { _ in throw CancellationError() }
        )
        let (made, report) = AsyncStream.makeStream(of: PrivateAPI.self)
        try await RunningServer.with { logger in
            let source = SourceAPI(
                writeKeys: SourceServer.keys,
                intake: Intake(data),
                logger: logger,
                now: { SourceServer.now }
            )
            let api = try PrivateAPI(
                address: ListenAddress(host: "127.0.0.1", port: 0),
                workspaces: EmbeddedWorkspaces(),
                rejected: RejectedAPI(data, acceptedBy: source),
                log: LogAPI(data),
                delivery: delivery,
                configuration: configuration,
                sources: SourcesAPI(keys: WriteKeys([]), kept: data.sources, publicURL: { nil }),
                metrics: MetricsAPI(MetricsRegistry(), delivery: delivery),
                adminToken: "token-123",
                logger: logger,
                now: { SourceServer.now }
            )
            report.yield(api)
            return api
        } _: { server in
            try await body(try #require(await made.first { _ in true }), server)
        }
        try data.close()
    }

    /// The names that Customer.io has given to the first segment of a path.
    private static let track = ["api", "auth", "push", "unsubscribe"]

    @Test(arguments: ["openapi.yaml", "track-openapi.yaml"])
    func `has each path and method that the server has, and no other`(name: String) async throws {
        try await withAPI { api, server async throws in
            let token = ("Authorization", "Bearer token-123")
            let answer = try await server.send("GET", "/admin/v1/\(name)", headers: [token])
            #expect(answer.status == 200 && answer["content-type"] == "application/yaml")
            let paths = try #require(try Yams.compose(yaml: answer.text)?["paths"]?.mapping)
            let described = paths.flatMap { path, item in
                (item.mapping?.keys.compactMap(\.string) ?? []).map { "\($0.uppercased()) \(path.string ?? "")" }
            }
            let served = api.operations.filter { operation in
                let isTrack = Self.track.contains { operation.split(separator: "/").dropFirst().first == $0[...] }
                return isTrack == (name == "track-openapi.yaml")
            }
            #expect(Set(described).subtracting(served).sorted() == [], "they are described and not served")
            #expect(served.subtracting(described).sorted() == [], "they are served and not described")
            #expect(!served.isEmpty)
        }
    }

    @Test func `names the methods of a path to those who come with another one`() async throws {
        try await withAPI { api, server async throws in
            let methods = Dictionary(grouping: api.operations.map { $0.split(separator: " ") }) { String($0[1]) }
            let ours = methods.filter { $0.key.hasPrefix("/admin/") }
            #expect(ours.count > 40)
            for (path, operations) in ours {
                let taken = operations.map { String($0[0]) }.sorted()
                let concrete = path.replacing(/\{\w+\}/, with: "7")
                for method in ["GET", "POST", "PUT", "DELETE"] where !taken.contains(method) {
                    let headers = [("Authorization", "Bearer token-123"), ("Content-Type", "application/json")]
                    let answer = try await server.send(method, concrete, headers: headers)
                    #expect(answer.status == 405, "\(method) \(concrete)")
                    #expect(answer["allow"] == taken.joined(separator: ", "), "\(method) \(concrete)")
                }
            }
        }
    }

    @Test(arguments: ["openapi.yaml", "track-openapi.yaml"])
    func `is behind the admin door`(name: String) async throws {
        try await withAPI { _, server async throws in
            #expect(try await server.send("GET", "/admin/v1/\(name)").status == 401)
        }
    }
}
