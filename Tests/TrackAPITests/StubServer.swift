import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TrackAPI

/// A server on a free loopback port that answers with exactly the bytes that a test dictates, so that it can also
/// answer nonsense, half of something, or nothing. It keeps every request that it got.
final class StubServer: Sendable {
    struct Request: Sendable, Equatable {
        let method: String
        let path: String
        let headers: [String: [String]]
        let body: String
    }

    enum Reply: Sendable {
        /// These bytes; the connection stays open.
        case bytes(String)
        /// These bytes, then the end of the connection.
        case bytesThenClose(String)
        /// The opening, then as many times the block as are asked for.
        case flood(opening: String, block: String, times: Int)
        case stall

        /// A whole answer.
        static func status(_ status: Int, _ body: String = "{}", headers: [String: String] = [:]) -> Reply {
            var head = "HTTP/1.1 \(status) Scripted\r\n"
            if status != 204 { head += "content-length: \(body.utf8.count)\r\n" }
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            return .bytes(head + "\r\n" + (status == 204 ? "" : body))
        }
    }

    typealias Script = @Sendable (Request) -> Reply

    let host: String
    let port: Int
    private let channel: any Channel
    private let received: Recorder

    var requests: [Request] { received.requests.withLock { $0 } }
    /// How many connections were made to it, and the bytes that arrived in all of them.
    var connections: Int { received.connections.withLock { $0 } }
    var bytes: Int { received.bytes.withLock { $0 } }
    var address: String { "\(host):\(port)" }

    private final class Recorder: Sendable {
        let requests = Mutex<[Request]>([])
        let connections = Mutex(0)
        let bytes = Mutex(0)
    }

    private init(host: String, channel: any Channel, received: Recorder) {
        self.host = host
        self.channel = channel
        self.received = received
        port = channel.localAddress?.port ?? 0
    }

    /// Runs a test against a server with this script and a client for it, and ends both.
    static func run<Result: Sendable>(
        _ script: @escaping Script,
        host: String = "127.0.0.1",
        configuration: HTTPClient.Configuration = TrackClient.httpConfiguration,
        _ body: (StubServer, HTTPClient) async throws -> Result
    ) async throws -> Result {
        try await run(.scripted(script), host: host, configuration: configuration, body)
    }

    /// As `run`, with a server that accepts connections and says nothing, in no protocol.
    static func runSilent<Result: Sendable>(
        _ body: (StubServer, HTTPClient) async throws -> Result
    ) async throws -> Result {
        var configuration = TrackClient.httpConfiguration
        // The client waits for its connections when it is shut down.
        configuration.timeout.connect = .milliseconds(500)
        return try await run(.silent, host: "127.0.0.1", configuration: configuration, body)
    }

    private enum Manner: Sendable {
        case scripted(Script)
        case silent
    }

    private static func run<Result: Sendable>(
        _ manner: Manner,
        host: String,
        configuration: HTTPClient.Configuration,
        _ body: (StubServer, HTTPClient) async throws -> Result
    ) async throws -> Result {
        let recorder = Recorder()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteCounter(recorder: recorder))
                    guard case .scripted(let script) = manner else { return }
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try channel.pipeline.syncOperations.addHandler(Answerer(script: script, recorder: recorder))
                }
            }
            .bind(host: host, port: 0)
            .get()
        let server = StubServer(host: host, channel: channel, received: recorder)
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(server, client)
            try await client.shutdown()
            try await channel.close()
            return result
        } catch {
            try? await client.shutdown()
            try? await channel.close()
            throw error
        }
    }

    private final class ByteCounter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let recorder: Recorder

        init(recorder: Recorder) {
            self.recorder = recorder
        }

        func channelActive(context: ChannelHandlerContext) {
            recorder.connections.withLock { $0 += 1 }
            context.fireChannelActive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let count = unwrapInboundIn(data).readableBytes
            recorder.bytes.withLock { $0 += count }
            context.fireChannelRead(data)
        }
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = ByteBuffer

        private let script: Script
        private let recorder: Recorder
        private var head: HTTPRequestHead?
        private var body = ""

        init(script: @escaping Script, recorder: Recorder) {
            self.script = script
            self.recorder = recorder
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = ""
            case .body(let buffer):
                body += String(buffer: buffer)
            case .end:
                guard let head else { return }
                var headers: [String: [String]] = [:]
                for (name, value) in head.headers { headers[name.lowercased(), default: []].append(value) }
                let request = Request(method: head.method.rawValue, path: head.uri, headers: headers, body: body)
                recorder.requests.withLock { $0.append(request) }
                answer(script(request), context: context)
            }
        }

        private func answer(_ reply: Reply, context: ChannelHandlerContext) {
            switch reply {
            case .stall: break
            case .bytes(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .bytesThenClose(let text):
                context.write(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                context.flush()
                context.close(promise: nil)
            case .flood(let opening, let block, let times):
                context.write(wrapOutboundOut(ByteBuffer(string: opening)), promise: nil)
                let buffer = ByteBuffer(string: block)
                for _ in 0..<times { context.write(wrapOutboundOut(buffer), promise: nil) }
                context.flush()
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

extension StubServer {
    /// A client of the server, under its address or under a name that leads to it.
    func client(
        _ http: HTTPClient,
        name: String? = nil,
        path: String = "",
        credentials: Credentials = .sample,
        timeout: Duration = .seconds(30),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        network: TrackClient.Network = TrackClient.Network()
    ) throws -> TrackClient {
        TrackClient(
            httpClient: http,
            endpoint: try Endpoint("http://\(name ?? host):\(port)\(path)"),
            credentials: credentials,
            timeout: timeout,
            logger: logger,
            network: network,
            now: { 1_700_000_000 }
        )
    }

    /// Runs one request against one scripted reply.
    static func answer(
        to operations: [TrackAPI.Operation],
        timeout: Duration = .seconds(30),
        from script: @escaping Script
    ) async throws -> Answer {
        try await run(script) { server, http in
            try await server.client(http, timeout: timeout).send(operations)
        }
    }
}
