import AsyncHTTPClient
import Logging
import Testing
import TrackAPI

/// What differs when there is TLS between the two sides.
@Suite(.timeLimit(.minutes(1))) struct `A TLS connection` {
    private static let both = ["h2", "http/1.1"]

    private func client(
        _ server: TLSServer,
        _ http: HTTPClient,
        name: String = TLSServer.name,
        timeout: Duration = .seconds(30)
    ) throws -> TrackClient {
        TrackClient(
            httpClient: http,
            endpoint: try Endpoint("https://\(name):\(server.port)"),
            credentials: .sample,
            timeout: timeout,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            network: .ofThisMachine
        )
    }

    @Test(arguments: [(both, 2), (["h2"], 2), (["http/1.1"], 1), ([], 1)])
    func `speaks HTTP 2 where it is offered, and is kept`(offers: [String], version: Int) async throws {
        try await TLSServer.run(offering: offers) { server, http in
            let client = try client(server, http)
            for number in 0..<20 { #expect(await client.send([.event("\(number)")]).kind == .delivered) }
            #expect(server.versions == [Int](repeating: version, count: 20))
            // One, unless a request comes while the one before it is being put away.
            #expect(server.connections < 10)
        }
    }

    @Test(arguments: [both, ["http/1.1"]])
    func `may carry many requests at once`(offers: [String]) async throws {
        try await TLSServer.run(offering: offers) { server, http in
            let client = try client(server, http)
            await withTaskGroup(of: Answer.self) { group in
                for number in 0..<100 { group.addTask { await client.send([.event("\(number)")]) } }
                for await answer in group { #expect(answer.kind == .delivered) }
            }
            #expect(server.versions.count == 100)
        }
    }

    @Test(arguments: [both, ["http/1.1"]])
    func `to a name of which there is no certificate blames no operation`(offers: [String]) async throws {
        try await TLSServer.run(offering: offers, aliases: ["other.example.com"]) { server, http in
            let answer = await (try client(server, http, name: "other.example.com")).send([.event("a")])
            #expect(answer.kind == .unavailable)
            #expect(answer.words.hasPrefix("no TLS connection to other.example.com"), "\(answer.words)")
            #expect(server.versions.isEmpty)
        }
    }

    @Test(arguments: [both, ["http/1.1"]])
    func `to a refused address carries no request`(offers: [String]) async throws {
        let rules = AddressRules(alsoRefusing: ["127.0.0.1"])
        try await TLSServer.run(offering: offers, addresses: rules) { server, http in
            let client = try client(server, http)
            await withTaskGroup(of: Answer.self) { group in
                for number in 0..<10 { group.addTask { await client.send([.event("\(number)")]) } }
                for await answer in group {
                    #expect(answer.kind == .settings)
                    #expect(answer.words.hasPrefix("cio.example.com resolves to 127.0.0.1, "), "\(answer.words)")
                }
            }
            #expect(server.versions.isEmpty)
        }
    }

    @Test(arguments: [both, ["http/1.1"]])
    func `on which an answer does not come, or that is closed instead, is followed by a good one`(offers: [String])
        async throws
    {
        try await TLSServer.run(offering: offers) { server, http in
            let hasty = try client(server, http, timeout: .seconds(1))
            let patient = try client(server, http)
            #expect(await hasty.send([.event("a", person: TLSServer.stall)]).kind == .timeout)
            #expect(await patient.send([.event("a")]).kind == .delivered)
            let answer = await patient.send([.event("a", person: TLSServer.hangUp)])
            #expect(answer.kind == .suspicious)
            #expect(answer.words.contains("closed the connection"), "\(answer.words)")
            #expect(await patient.send([.event("a")]).kind == .delivered)
        }
    }
}
