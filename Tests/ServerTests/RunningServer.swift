import AsyncHTTPClient
import Events
import Foundation
import Logging
import LosslessJSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Server
import Storage
import Synchronization
import Testing

/// A listener on a free port of this machine, and a client that talks to it.
struct RunningServer {
    let address: ListenAddress
    let logs: CapturedLogs

    /// One for all tests, which lives as long as they do. It waits long for a connection, since the tests run all at
    /// once.
    private static let client: HTTPClient = {
        var patient = HTTPClient.Configuration()
        patient.timeout.connect = .seconds(60)
        // An answer is what it is, and not what stands elsewhere.
        patient.redirectConfiguration = .disallow
        patient.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 100
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: patient)
    }()

    /// Runs a service for as long as `body` takes.
    static func with(
        _ service: (Logger) throws -> any HTTPService,
        limits: Listener.Limits = Listener.Limits(),
        _ body: (RunningServer) async throws -> Void
    ) async throws {
        let logs = CapturedLogs()
        let logger = logs.logger
        let (bound, report) = AsyncStream.makeStream(of: ListenAddress.self)
        let listener = Listener(
            address: ListenAddress(host: "127.0.0.1", port: 0),
            option: "--listen-public",
            service: try service(logger),
            limits: limits,
            logger: logger,
            onBound: { report.yield($0) }
        )
        let running = Task { try await listener.run() }
        do {
            let address = try #require(await bound.first { _ in true })
            try await body(RunningServer(address: address, logs: logs))
            running.cancel()
            try? await running.value
        } catch {
            running.cancel()
            try? await running.value
            throw error
        }
    }
}

/// An answer, read to its end.
struct Answered {
    let status: Int
    private let headers: HTTPHeaders
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSON? { try? JSON(parsing: bytes) }

    init(status: Int, headers: HTTPHeaders, bytes: [UInt8]) {
        self.status = status
        self.headers = headers
        self.bytes = bytes
    }

    /// The first header of this name.
    subscript(header: String) -> String? { headers.first(name: header) }
}

extension RunningServer {
    /// Sends a request; a body that is a stream goes out in chunks without a length.
    func send(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        body: HTTPClientRequest.Body? = nil
    ) async throws -> Answered {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(address.port)\(path)")
        request.method = HTTPMethod(rawValue: method)
        request.headers = HTTPHeaders(headers)
        request.body = body
        let response = try await Self.client.execute(request, timeout: .seconds(60))
        let buffer = try await response.body.collect(upTo: 64 << 20)
        return Answered(
            status: Int(response.status.code),
            headers: response.headers,
            bytes: Array(buffer.readableBytesView)
        )
    }

    func post(_ path: String, _ text: String, _ headers: [(String, String)] = []) async throws -> Answered {
        try await send("POST", path, headers: headers, body: .bytes(Array(text.utf8)))
    }

    /// Posts with the write key `key-web`, as most SDKs do.
    func call(_ path: String, _ text: String, strict: Bool = false) async throws -> Answered {
        var headers = [basic("key-web:")]
        if strict { headers.append(("X-Strict-Mode", "1")) }
        return try await send("POST", path, headers: headers, body: .bytes(Array(text.utf8)))
    }
}

extension RunningServer {
    /// Sends bytes as they are, then nothing more, and returns what comes until the connection is closed.
    func wire(_ text: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            outbound.finish()
            var answer = ""
            for try await bytes in inbound { answer += String(buffer: bytes) }
            return answer
        }
    }
}

func basic(_ credentials: String) -> (String, String) {
    ("Authorization", "Basic \(Data(credentials.utf8).base64EncodedString())")
}

/// Everything that was logged, at every level, as text.
final class CapturedLogs: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(logs: self) }
    }

    private struct Handler: LogHandler {
        let logs: CapturedLogs
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            logs.lines.withLock { $0.append("\(event.level) \(event.message) \(all)") }
        }
    }
}
