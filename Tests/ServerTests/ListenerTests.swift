import Logging
import NIOCore
import NIOPosix
import Server
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(1))) struct `A listener` {
    @Test func `a taken port is told with its address and the way out`() async throws {
        try await SourceServer.with { source async throws in
            let taken = source.server.address
            let second = Listener(
                address: taken,
                option: "--listen-public",
                service: SourceAPI(
                    writeKeys: SourceServer.keys,
                    intake: Intake(source.data),
                    logger: Logger(label: "test"),
                    now: { SourceServer.now }
                ),
                logger: source.server.logs.logger,
                onBound: { _ in Issue.record("the port was bound twice") }
            )
            let error = await #expect(throws: ListenerError.self) { try await second.run() }
            #expect(error?.code == .addressTaken)
            #expect(
                error?.description == """
                    127.0.0.1:\(taken.port) is taken by another program: stop it, or choose another address with \
                    --listen-public HOST:PORT (port 0: any free one)
                    """
            )
        }
    }

    @Test(arguments: [
        ("192.0.2.1", ListenerError.Code.foreignAddress), ("no-such-host.invalid", ListenerError.Code.unknownHost),
    ])
    func `an address that is not this machine's is told`(host: String, code: ListenerError.Code) async throws {
        let data = CapturedLogs()
        let listener = Listener(
            address: ListenAddress(host: host, port: 0),
            option: "--listen-private",
            service: SourceAPI(
                writeKeys: SourceServer.keys,
                intake: Intake(
                    store: { _, stored in stored(.success(())) },
                    refuse: { (_, _) async throws(Intake.Failure) in 0 }
                ),
                logger: data.logger,
                now: { SourceServer.now }
            ),
            logger: data.logger,
            onBound: { _ in }
        )
        let error = await #expect(throws: ListenerError.self) { try await listener.run() }
        #expect(error?.code == code)
        #expect(error?.description.contains(host) == true)
        #expect(error?.description.contains("--listen-private HOST:PORT") == true)
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080, true), ("localhost:0", "localhost", 0, true),
        ("[::1]:65535", "::1", 65535, true), ("0.0.0.0:80", "0.0.0.0", 80, false), ("[::]:1", "::", 1, false),
        ("127.8.9.10:1", "127.8.9.10", 1, true), ("10.0.0.1:1", "10.0.0.1", 1, false),
        ("LOCALHOST:1", "LOCALHOST", 1, true),
        ("127.0.0.1.evil.example:1", "127.0.0.1.evil.example", 1, false),
        ("localhost.evil:1", "localhost.evil", 1, false),
    ])
    func `an address is read from its text`(text: String, host: String, port: Int, isLoopback: Bool) throws {
        let address = try ListenAddress(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isLoopback == isLoopback)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "8080", ":8080", "localhost", "localhost:", "localhost:x", "localhost:-1", "h:65536", "h:+1", "[::1]",
    ])
    func `a text that is no address is refused`(text: String) {
        let error = #expect(throws: ListenerError.self) { try ListenAddress(text) }
        #expect(error?.code == .badAddress)
    }

    @Test(arguments: [
        "\r\n\r\n", "GARBAGE\r\n\r\n", "POST /v1/track HTTP/9.9\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST /v1/track HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{",
        "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ?%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a://b:c?d HTTP/1.1\r\nHost: [\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{e9}%C3 HTTP/1.1\r\nHost: \u{e9}\r\n\r\n",
    ])
    func `nonsense on the wire ends its connection and nothing else`(wire: String) async throws {
        try await SourceServer.with { source async throws in
            // A connection that is reset is a fair answer, too.
            let answer = (try? await source.server.wire(wire)) ?? ""
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer)")
            #expect(try await source.events.isEmpty)
            #expect(try await source.server.call("/v1/track", #"{"event":"E","userId":"u1"}"#).status == 200)
        }
    }

    @Test func `a burst of connections at the end does no harm`() async throws {
        for _ in 1...10 {
            try await SourceServer.with { source async throws in
                let port = source.server.address.port
                try await withThrowingTaskGroup { group in
                    for _ in 1...64 {
                        group.addTask {
                            _ = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                                .connect(host: "127.0.0.1", port: port)
                                .get()
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    struct Service: ServiceLifecycle.Service {
        let listener: Listener

        func run() async throws { try await listener.run() }
    }

    @Test(arguments: [true, false])
    func `requests under way are finished when it is stopped`(isCancelled: Bool) async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        let (releases, release) = AsyncStream.makeStream(of: Void.self)
        let slow = Intake(
            store: { _, stored in
                arrived.yield()
                Task {
                    _ = await releases.first { _ in true }
                    stored(.success(()))
                }
            },
            refuse: { (_, _) async throws(Intake.Failure) in 0 }
        )
        let logger = CapturedLogs().logger
        let api = SourceAPI(writeKeys: SourceServer.keys, intake: slow, logger: logger, now: { SourceServer.now })
        let (bound, report) = AsyncStream.makeStream(of: ListenAddress.self)
        var limits = Listener.Limits()
        limits.shutdownSeconds = 60
        let listener = Listener(
            address: try ListenAddress("127.0.0.1:0"),
            option: "--listen-public",
            service: api,
            limits: limits,
            logger: logger,
            onBound: { report.yield($0) }
        )
        let services = ServiceGroup(services: [Service(listener: listener)], logger: logger)
        let running = Task { try await services.run() }
        let address = try #require(await bound.first { _ in true })
        let server = RunningServer(address: address, logs: CapturedLogs())
        let answer = Task { try await server.call("/v1/track", #"{"event":"E","userId":"u1"}"#) }
        _ = await arrivals.first { _ in true }
        if isCancelled { running.cancel() } else { await services.triggerGracefulShutdown() }
        // It has stopped accepting once a new connection fails.
        while (try? await server.wire("GET / HTTP/1.1\r\n\r\n")) != nil { await Task.yield() }
        release.yield()
        #expect(try await answer.value.status == 200)
        // A service group that is cancelled throws that it was.
        _ = await running.result
    }

    @Test func `a connection that sends nothing is closed`() async throws {
        var limits = Listener.Limits()
        limits.idleSeconds = 1
        try await RunningServer.with(
            { logger in
                SourceAPI(
                    writeKeys: SourceServer.keys,
                    intake: Intake(
                        store: { _, stored in stored(.success(())) },
                        refuse: { (_, _) async throws(Intake.Failure) in 0 }
                    ),
                    logger: logger,
                    now: { SourceServer.now }
                )
            },
            limits: limits
        ) { server async throws in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: server.address.port)
                .get()
            try? await channel.writeAndFlush(ByteBuffer(string: "POST /v1/track HTTP/1.1\r\nHost: a"))
            try await channel.closeFuture.get()
        }
    }
}
