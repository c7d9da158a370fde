import AsyncHTTPClient
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TrackAPI

/// Where nothing is sent, whatever name stands for it.
@Suite(.timeLimit(.minutes(1))) struct `A name that leads astray` {
    private static let name = "cio.example.com"

    /// A resolver that knows one answer to everything, and counts the questions.
    private final class Resolver: Sendable {
        let questions = Mutex<[String]>([])
        let addresses: [String]

        init(_ addresses: [String]) {
            self.addresses = addresses
        }

        var network: TrackClient.Network {
            var network = TrackClient.Network()
            network.resolver = NameResolver { host, port in
                self.questions.withLock { $0.append(host) }
                return MultiThreadedEventLoopGroup.singleton.any().makeCompletedFuture {
                    try self.addresses.map { try SocketAddress(ipAddress: $0, port: port) }
                }
            }
            return network
        }
    }

    /// A configuration under which the name leads to the test's server, whatever a resolver says.
    private static func configuration(_ rules: AddressRules = .standard) -> HTTPClient.Configuration {
        var configuration = TrackClient.httpConfiguration(addresses: rules)
        configuration.dnsOverride = [name: "127.0.0.1"]
        return configuration
    }

    @Test(arguments: [
        "169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf:ffff::1", "::ffff:169.254.169.254",
        "::169.254.169.254", "64:ff9b::169.254.169.254", "100.100.100.200", "::ffff:100.100.100.200",
        "64:ff9b::100.100.100.200", "fd00:ec2::254", "fd20:ce::254",
    ])
    func `has an address to which nothing is sent`(text: String) throws {
        let address = try SocketAddress(ipAddress: text, port: 80)
        #expect(AddressRules.standard.refusal(of: address)?.address == address.ipAddress)
    }

    @Test(arguments: [
        "127.0.0.1", "127.1.2.3", "::1", "::", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.253.255.255",
        "169.255.0.0", "100.64.0.1", "100.100.100.201", "fc00::1", "fd00:ec2::253", "fec0::1", "fe7f::1",
        "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::a9fe:a9fe", "2001:db8::a9fe:a9fe", "34.120.1.1",
    ])
    func `is not one with an address of this machine, of a private network, or of the world`(text: String) throws {
        let address = try SocketAddress(ipAddress: text, port: 80)
        #expect(AddressRules.standard.refusal(of: address) == nil)
    }

    @Test(arguments: [
        ["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["169.254.169.254", "127.0.0.1"],
        ["::1", "127.0.0.1", "169.254.169.254"],
    ])
    func `makes no connection at all, also when it leads elsewhere too`(addresses: [String]) async throws {
        try await StubServer.run({ _ in .status(200) }, configuration: Self.configuration()) { server, http in
            let client = try server.client(http, name: Self.name, network: Resolver(addresses).network)
            let answer = await client.send([.event("a")])
            #expect(answer.kind == .settings)
            #expect(
                answer.words.hasPrefix("cio.example.com resolves to 169.254.169.254, a link-local address: "),
                "\(answer.words)"
            )
            #expect(await client.checkCredentials() == .unexpected(words: answer.words))
            #expect(server.connections == 0)
        }
    }

    @Test func `and says one thing first and another to the connection gets no byte`() async throws {
        let rules = AddressRules(alsoRefusing: ["127.0.0.1"])
        try await StubServer.run({ _ in .status(200) }, configuration: Self.configuration(rules)) { server, http in
            let client = try server.client(http, name: Self.name, network: Resolver(["192.0.2.1"]).network)
            await withTaskGroup(of: Answer.self) { group in
                for number in 0..<20 { group.addTask { await client.send([.event("\(number)")]) } }
                for await answer in group {
                    #expect(answer.kind == .settings)
                    #expect(answer.words.hasPrefix("cio.example.com resolves to 127.0.0.1, "), "\(answer.words)")
                }
            }
            // The server may learn of a connection after its end.
            for _ in 0..<50 where server.connections == 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(server.bytes == 0)
        }
    }

    @Test func `and comes to its senses is used again at once`() async throws {
        let isAstray = Atomic(true)
        var network = TrackClient.Network()
        network.resolver = NameResolver { _, port in
            MultiThreadedEventLoopGroup.singleton.any().makeCompletedFuture {
                let address = isAstray.load(ordering: .relaxed) ? "169.254.1.1" : "127.0.0.1"
                return [try SocketAddress(ipAddress: address, port: port)]
            }
        }
        try await StubServer.run({ _ in .status(200) }, configuration: Self.configuration()) { server, http in
            let client = try server.client(http, name: Self.name, network: network)
            #expect(await client.send([.event("a")]).kind == .settings)
            isAstray.store(false, ordering: .relaxed)
            #expect(await client.send([.event("a")]).kind == .delivered)
        }
    }

    @Test func `is asked for once in a while, and connections are kept`() async throws {
        let resolver = Resolver(["127.0.0.1"])
        try await StubServer.run({ _ in .status(200) }, configuration: Self.configuration()) { server, http in
            let client = try server.client(http, name: Self.name, network: resolver.network)
            for number in 0..<20 { #expect(await client.send([.event("\(number)")]).kind == .delivered) }
            #expect(resolver.questions.withLock { $0 } == [Self.name])
            // One, unless a request comes while the one before it is being put away.
            #expect(server.connections < 10)
            #expect(server.requests.last?.headers["host"] == ["\(Self.name):\(server.port)"])
        }
    }

    @Test func `is not what an address is`() async throws {
        let resolver = Resolver(["169.254.169.254"])
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let client = try server.client(http, network: resolver.network)
            #expect(await client.send([.event("a")]).kind == .delivered)
        }
        #expect(resolver.questions.withLock { $0.isEmpty })
    }

    @Test func `and leads nowhere is left to the connection`() async throws {
        let resolver = Resolver(["nowhere"])
        try await StubServer.run({ _ in .status(200) }, configuration: Self.configuration()) { server, http in
            let client = try server.client(http, name: Self.name, network: resolver.network)
            #expect(await client.send([.event("a")]).kind == .delivered)
        }
        #expect(resolver.questions.withLock { $0.count } == 1)
    }

    @Test func `and is never resolved takes no longer than the time-out`() async throws {
        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: [SocketAddress].self)
        var network = TrackClient.Network()
        network.resolver = NameResolver { _, _ in promise.futureResult }
        try await StubServer.run({ _ in .status(200) }, configuration: Self.configuration()) { server, http in
            let client = try server.client(http, name: Self.name, timeout: .milliseconds(100), network: network)
            #expect(await client.send([.event("a")]).kind == .unavailable)
            #expect(server.requests.isEmpty)
        }
        promise.succeed([])
    }

    @Test func `is none when the system knows several ways to it, one of which is open`() async throws {
        // Often ::1 before 127.0.0.1.
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let client = try server.client(http, name: "localhost")
            #expect(await client.send([.event("a")]).kind == .delivered)
        }
    }
}
