import AsyncHTTPClient
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TrackAPI

/// What happens when there is no whole answer.
@Suite(.timeLimit(.minutes(1))) struct `A missing answer` {
    @Test(arguments: [
        ("", "closed the connection"),
        ("HTTP/1.1 200 OK\r\ncontent-le", "closed the connection"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "closed the connection"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}", "not HTTP"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
        ("\u{0}\u{1}\u{2}\u{3}\r\n\r\n", "not HTTP"),
        ("HTTP/1.1 abc OK\r\n\r\n", "not HTTP"),
    ])
    func `of a connection that closes early or talks nonsense is suspicious`(bytes: String, words: String) async throws
    {
        try await StubServer.run({ _ in .bytesThenClose(bytes) }) { server, http in
            let answer = try await server.client(http).send([.event("a"), .event("b")])
            #expect(answer.kind == .suspicious, "\(answer)")
            #expect(answer.words.contains(words) && answer.words.contains(server.address), "\(answer.words)")
            #expect(answer.retryAfter == nil)
        }
    }

    @Test func `of a refused connection blames no operation and names the address`() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await channel.close()
        try await StubServer.run({ _ in .stall }) { _, http in
            let client = TrackClient(
                httpClient: http,
                endpoint: try Endpoint("http://127.0.0.1:\(port)"),
                credentials: .sample,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let words = "connection refused by 127.0.0.1:\(port)"
            let exchange = await client.exchange([.event("a")])
            let answer = Answer.unavailable(words: words, retryAfter: nil)
            #expect(exchange == Exchange(status: nil, answer: answer, workspace: nil, trace: exchange.trace))
            #expect(exchange.words == words)
            #expect(await client.checkCredentials() == .unreachable(words: words))
        }
    }

    @Test func `of one that may not leave any more when its connection is there blames nothing, and nothing has left`()
        async throws
    {
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let client = try server.client(http)
            let isOpen = Mutex(true)
            let send = { (name: String) in
                await client.exchange([.event(name)]) { isOpen.withLock(\.self) }.answer
            }
            #expect(await send("a").kind == .delivered)
            isOpen.withLock { $0 = false }
            // On a connection that is there, and on one that has to be made.
            for _ in 0..<2 {
                let answer = await send("b")
                #expect(answer.kind == .unavailable, "\(answer)")
                #expect(answer.words.contains("held back"), "\(answer.words)")
            }
            #expect(await client.send([.event("c")]).kind == .delivered)
            #expect(server.requests.count == 2)
        }
    }

    @Test(arguments: [
        StubServer.Reply.stall,
        .bytes("HTTP/1.1 200 OK\r\n"),
        .bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"),
        .bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{"),
    ])
    func `within the time-out may still come to something, however much of it came`(_ reply: StubServer.Reply)
        async throws
    {
        try await StubServer.run({ _ in reply }) { server, http in
            let clock = ContinuousClock()
            let start = clock.now
            let answer = try await server.client(http, timeout: .seconds(1)).send([.event("a")])
            let words = "no answer from \(server.address) within 1 s"
            #expect(answer == .suspicious(words: words, retryAfter: nil, isTimeout: true))
            #expect(clock.now - start >= .milliseconds(990))
        }
    }

    @Test func `of a TLS endpoint that speaks no TLS blames no operation`() async throws {
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let client = TrackClient(
                httpClient: http,
                endpoint: try Endpoint("https://\(server.address)"),
                credentials: .sample,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let answer = await client.send([.event("a")])
            #expect(answer.kind == .unavailable)
            #expect(answer.words.hasPrefix("no TLS connection to \(server.address)"), "\(answer.words)")
        }
    }

    @Test func `of a task that was cancelled at once says so`() async throws {
        try await StubServer.run({ _ in .stall }) { server, http in
            let client = try server.client(http)
            let answer = await withTaskGroup(of: Answer.self) { group in
                group.addTask { await client.send([.event("a")]) }
                group.cancelAll()
                return await group.next()
            }
            #expect(answer?.words.contains("cancelled") == true, "\(answer?.words ?? "")")
            // It may have begun all the same.
            #expect(answer?.kind == .unavailable || answer?.kind == .suspicious)
        }
    }

    @Test func `of a task that was cancelled on the way is suspicious`() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        try await StubServer.run({ _ in
            arrived.yield()
            return .stall
        }) { server, http in
            let client = try server.client(http)
            let answer = await withTaskGroup(of: Answer.self) { group in
                group.addTask { await client.send([.event("a")]) }
                for await _ in arrivals { break }
                group.cancelAll()
                return await group.next()
            }
            #expect(answer?.kind == .suspicious, "\(answer?.words ?? "")")
        }
    }

    @Test func `of a server that accepts no connection blames no operation, however long it took`() async throws {
        // Nobody answers the handshake: the connection is made, and no request begun.
        try await StubServer.runSilent { server, http in
            let client = TrackClient(
                httpClient: http,
                endpoint: try Endpoint("https://\(server.address)"),
                credentials: .sample,
                timeout: .milliseconds(200),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let answer = await client.send([.event("a")])
            // On a busy machine the time for making a connection may be over first: "in time".
            #expect(answer.kind == .unavailable && answer.words.hasPrefix("no connection to \(server.address) "))
        }
    }

    @Test func `of a client that is shut down blames no operation`() async throws {
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: TrackClient.httpConfiguration)
        try await http.shutdown()
        let client = TrackClient(
            httpClient: http,
            endpoint: Endpoint(region: .US),
            credentials: .sample,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        #expect(await client.send([.event("a")]).kind == .unavailable)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A huge answer` {
    /// 64 MiB, which the client must not read.
    private static func flood(_ status: Int, head: String) -> StubServer.Reply {
        .flood(
            opening: "HTTP/1.1 \(status) Scripted\r\n\(head)\r\n\r\n",
            block: String(repeating: "x", count: 1 << 20),
            times: 64
        )
    }

    @Test(arguments: [
        (200, Answer.Kind.settings), (400, .refused), (429, .unavailable), (500, .suspicious), (401, .settings),
    ])
    func `is not read to its end; its status says what it can`(status: Int, kind: Answer.Kind) async throws {
        for head in ["content-length: 67108864", "connection: close"] {
            let answer = try await StubServer.answer(to: [.event("a")]) { _ in Self.flood(status, head: head) }
            #expect(answer.kind == kind, "\(answer)")
        }
    }

    @Test(arguments: [(1 << 20, Answer.Kind.delivered), (1 << 20 + 1, .settings)])
    func `is one of more than a mebibyte`(bytes: Int, kind: Answer.Kind) async throws {
        let body = #"{"a":"\#(String(repeating: "x", count: bytes - 8))"}"#
        #expect(body.utf8.count == bytes)
        #expect(try await StubServer.answer(to: [.event("a")]) { _ in .status(200, body) }.kind == kind)
    }

    @Test func `leaves words of at most a thousand bytes, cut between letters`() async throws {
        let message = String(repeating: "ü😀", count: 50_000)
        let answer = try await StubServer.answer(to: [.event("a")]) { _ in
            .status(400, #"{"errors":[{"message":"\#(message)"}]}"#)
        }
        #expect(950...1_000 ~= answer.words.utf8.count)
        #expect(answer.words.hasPrefix("400: ü😀ü😀") && answer.words.hasSuffix("…"))
        #expect(!answer.words.contains("\u{FFFD}"))
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Words from outside` {
    private static let secrets = [
        Credentials.siteId, Credentials.apiKey, Credentials.token,
        Credentials.token.replacing("+", with: "-").replacing("/", with: "_"),
    ]

    @Test(arguments: [200, 207, 301, 400, 401, 403, 404, 413, 429, 500, 503])
    func `never hold the credentials, even when the server echoes them`(status: Int) async throws {
        let echo = Self.secrets.joined(separator: " ")
        let bodies = [
            echo, #"{"meta":{"error":"\#(echo)"}}"#, #"{"meta":{"errors":["\#(echo)"]}}"#,
            #"{"errors":[{"batch_index":0,"field":"\#(echo)","message":"\#(echo)","reason":"\#(echo)"}]}"#,
            #"{"region":"\#(echo)","environment_id":"\#(echo)"}"#,
        ]
        let headers = [
            "location": "https://\(Credentials.siteId):\(Credentials.apiKey)@example.com/\(Credentials.apiKey)",
            "retry-after": Credentials.apiKey,
        ]
        for body in bodies {
            let log = LogCollector()
            try await StubServer.run({ _ in .status(status, body, headers: headers) }) { server, http in
                let client = try server.client(http, logger: log.logger)
                var said = "\(await client.send([.event("a")])) \(await client.send([.event("a"), .event("b")]))"
                said += " \(await client.checkCredentials())" + log.text
                for secret in Self.secrets { #expect(!said.contains(secret), "\(said)") }
            }
        }
    }

    @Test func `neither request nor answer bodies are logged`() async throws {
        let log = LogCollector()
        try await StubServer.run({ _ in .status(400, #"{"meta":{"error":"ada@example.com is bad"}}"#) }) {
            server,
            http in
            _ = try await server.client(http, logger: log.logger).send([.event("very private", person: "ada")])
        }
        #expect(log.text.contains("400"))
        #expect(!log.text.contains("ada") && !log.text.contains("private"))
    }

    @Test func `have no control or direction characters`() async throws {
        let answer = try await StubServer.answer(to: [.event("a")]) { _ in
            .status(400, #"{"meta":{"error":"a\u0000b\n\r\u001b[31m c\u2028d\u202ee\u0085 "}}"#)
        }
        #expect(answer.words == "400: a b [31m c d e")
    }
}

/// Keeps every line at every level.
final class LogCollector: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(collector: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let collector: LogCollector
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = "\(event.message) \(event.metadata ?? [:]) \(metadata)"
            collector.lines.withLock { $0.append(line) }
        }
    }
}
