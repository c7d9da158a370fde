import Synchronization
import Testing
import TrackAPI

/// Which redirects are followed, and what goes along (track-api.md §1).
@Suite(.timeLimit(.minutes(1))) struct `A redirect` {
    private static let path = "/api/v2/batch"
    private static let us = "https://track.customer.io"
    private static let eu = "https://track-eu.customer.io"

    @Test(arguments: [301, 302, 307, 308])
    func `from one region to the same path of the other is followed`(status: Int) {
        for (from, to) in [(Region.US, Region.EU), (.EU, .US)] {
            for location in [
                "https://\(to.host)\(Self.path)", "https://\(to.host):443\(Self.path)",
                "HTTPS://\(to.host.uppercased())\(Self.path)",
            ] {
                let target = RegionHosts.official.target(
                    status: status,
                    location: location,
                    path: Self.path,
                    from: Endpoint(region: from)
                )
                #expect(target == Endpoint(region: to), "\(location)")
            }
        }
    }

    @Test(
        arguments: [
            (301, us + path), (301, "https://track.customer.io.evil.example" + path),
            (301, "https://evil.example" + path),
            (301, "https://xtrack-eu.customer.io" + path), (301, "https://track-eu.customer.io." + path),
            (301, "https://track-sdk-eu.customer.io" + path), (301, "https://customer.io" + path),
            (301, "http://track-eu.customer.io" + path), (301, "http://track-eu.customer.io:443" + path),
            (301, "https://track-eu.customer.io:8443" + path), (301, "https://track-eu.customer.io:" + path),
            (301, "ftp://track-eu.customer.io" + path), (301, "//track-eu.customer.io" + path), (301, path),
            (301, "https://site:key@track-eu.customer.io" + path), (301, "https://@track-eu.customer.io" + path),
            (301, "https://track-eu.customer.io@evil.example" + path), (301, "https://evil.example/" + eu + path),
            (301, eu), (301, eu + "/"), (301, eu + path + "/"), (301, eu + "/api/v2/entity"),
            (301, eu + "/api/v2/Batch"),
            (301, eu + "//api/v2/batch"), (301, eu + "/api/v2/batch?a=b"), (301, eu + "/api/v2/batch#a"),
            (301, eu + "?" + path), (301, eu + "\\" + path), (301, eu + "\\@evil.example" + path),
            (301, eu + "/api/v2/../v2/batch"), (301, eu + "/api/v2/b%61tch"),
            (301, " " + eu + path), (301, eu + path + " "), (301, eu + " " + path), (301, eu + "\t" + path),
            (301, ""), (301, nil), (301, "https://"), (301, "https://" + path), (301, "://"),
            (303, eu + path), (300, eu + path), (304, eu + path), (305, eu + path), (200, eu + path), (401, eu + path),
        ] as [(Int, String?)]
    )
    func `from a region to anywhere else is not`(status: Int, location: String?) {
        let target = RegionHosts.official.target(
            status: status,
            location: location,
            path: Self.path,
            from: Endpoint(region: .US)
        )
        #expect(target == nil)
    }

    @Test(arguments: [
        "http://track.customer.io", "https://track.customer.io:8443", "https://track.customer.io/sub",
        "https://track.customer.io.", "https://cio.example.com", "http://127.0.0.1:8081",
    ])
    func `from an address of one's own is not, wherever it leads`(endpoint: String) throws {
        for region in Region.allCases {
            let target = RegionHosts.official.target(
                status: 301,
                location: "https://\(region.host)\(Self.path)",
                path: Self.path,
                from: try Endpoint(endpoint)
            )
            #expect(target == nil)
        }
    }

    // MARK: - Over the wire

    /// Two servers that take each other for the other region; a request goes to the first.
    private func twoRegions(
        first: @escaping @Sendable (_ other: String, StubServer.Request) -> StubServer.Reply,
        second: @escaping @Sendable (_ other: String, StubServer.Request) -> StubServer.Reply,
        _ body: (TrackClient, StubServer, StubServer) async throws -> Void
    ) async throws {
        let back = Address()
        let there = Address()
        try await StubServer.run({ first(there.text, $0) }) { one, http in
            try await StubServer.run({ second(back.text, $0) }) { two, _ in
                (back.text, there.text) = ("http://\(one.address)", "http://\(two.address)")
                var network = TrackClient.Network()
                network.regions = RegionHosts(try Endpoint(back.text), try Endpoint(there.text))
                try await body(try one.client(http, network: network), one, two)
            }
        }
    }

    @Test(arguments: [301, 302, 307, 308])
    func `takes the request along as it was, with body and credentials`(status: Int) async throws {
        try await twoRegions(
            first: { .status(status, "", headers: ["location": $0 + $1.path]) },
            second: { _, _ in .status(200, #"{"region":"eu"}"#, headers: ["x-ferry-workspace": "two"]) }
        ) { client, one, two in
            for operations in [[TrackAPI.Operation.event("a")], [.event("a"), .event("b")], [.metric]] {
                let exchange = await client.exchange(operations)
                let answer = Answer.delivered(operations.count)
                #expect(exchange == Exchange(status: 200, answer: answer, workspace: "two", trace: exchange.trace))
            }
            #expect(await client.checkCredentials() == .valid(region: "EU", environment: nil, note: nil))
            #expect(two.requests.map(\.method) == ["POST", "POST", "POST", "GET"])
            #expect(two.requests.map(\.path) == one.requests.map(\.path))
            #expect(two.requests.map(\.body) == one.requests.map(\.body))
            for request in two.requests {
                #expect(request.headers["authorization"] == ["Basic \(Credentials.token)"])
                #expect(request.headers["host"] == [two.address])
            }
        }
    }

    @Test(arguments: [
        (200, Answer.Kind.delivered), (400, .refused), (401, .settings), (429, .unavailable), (500, .suspicious),
    ])
    func `gives the other region the last word`(status: Int, kind: Answer.Kind) async throws {
        try await twoRegions(
            first: { .status(301, "", headers: ["location": $0 + $1.path]) },
            second: { _, _ in .status(status) }
        ) { client, _, two in
            let answer = await client.send([.event("a")])
            #expect(answer.kind == kind)
            if kind != .delivered, kind != .refused {
                #expect(answer.words.hasPrefix("\(two.address) answered \(status)"), "\(answer.words)")
            }
        }
    }

    @Test func `is followed once`() async throws {
        try await twoRegions(
            first: { .status(301, "", headers: ["location": $0 + $1.path]) },
            second: { .status(301, "", headers: ["location": $0 + $1.path]) }
        ) { client, one, two in
            let answer = await client.send([.event("a")])
            #expect(answer.kind == .settings)
            #expect(answer.words.contains("\(one.address) had redirected there already"), "\(answer.words)")
            #expect(one.requests.count == 1 && two.requests.count == 1)
        }
    }

    @Test(arguments: ["/api/v2/entity/", "/api/v2/batch", "", "/api/v2/entity?x"])
    func `to another path brings nothing there`(path: String) async throws {
        try await twoRegions(
            first: { other, _ in .status(301, "", headers: ["location": other + path]) },
            second: { _, _ in .status(200) }
        ) { client, _, two in
            #expect(await client.send([.event("a")]).kind == .settings)
            #expect(two.connections == 0)
        }
    }

    @Test func `with two targets has none`() async throws {
        try await twoRegions(
            first: { other, request in
                .bytes(
                    "HTTP/1.1 301 Scripted\r\nlocation: \(other)\(request.path)\r\nlocation: http://[::1]/\r\n"
                        + "content-length: 0\r\n\r\n"
                )
            },
            second: { _, _ in .status(200) }
        ) { client, _, two in
            #expect(await client.send([.event("a")]).kind == .settings)
            #expect(two.connections == 0)
        }
    }

    @Test func `leaves no more time than there was`() async throws {
        let other = Address()
        try await StubServer.run({ .status(301, "", headers: ["location": other.text + $0.path]) }) { one, http in
            try await StubServer.run({ _ in .stall }) { two, _ in
                other.text = "http://\(two.address)"
                var network = TrackClient.Network()
                network.regions = RegionHosts(try Endpoint("http://\(one.address)"), try Endpoint(other.text))
                let clock = ContinuousClock()
                let start = clock.now
                let client = try one.client(http, timeout: .seconds(15), network: network)
                #expect(await client.send([.event("a")]).kind == .timeout)
                #expect(clock.now - start < .seconds(28))
            }
        }
    }
}

/// An address that is known after the script which names it.
private final class Address: Sendable {
    private let value = Mutex("")

    var text: String {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

extension Answer {
    fileprivate static func delivered(_ count: Int) -> Answer {
        .settled([ItemOutcome](repeating: .delivered, count: count))
    }
}
