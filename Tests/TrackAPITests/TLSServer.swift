import AsyncHTTPClient
import Foundation
import Launching
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import TrackAPI

/// A server on a free loopback port that speaks TLS under the name of its certificate, and within it whichever
/// version of HTTP it offers and the client takes. It answers 200, unless the body of a request names something else
/// to do.
final class TLSServer: Sendable {
    static let name = "cio.example.com"
    /// Does not answer a request whose body holds this.
    static let stall = "please stall"
    /// Closes the whole connection on a request whose body holds this.
    static let hangUp = "please hang up"

    let port: Int
    private let received: Recorder

    /// The major version of HTTP of each request, in the order of their ends.
    var versions: [Int] { received.versions.withLock { $0 } }
    /// How many connections were made to it.
    var connections: Int { received.connections.withLock { $0 } }

    private final class Recorder: Sendable {
        let versions = Mutex<[Int]>([])
        let connections = Mutex(0)
    }

    private init(port: Int, received: Recorder) {
        self.port = port
        self.received = received
    }

    /// Runs a test against a server and a client that trusts it and finds it under `name`, and ends both.
    ///
    /// - Parameters:
    ///   - offers: the protocols in the server's half of the TLS handshake.
    ///   - aliases: further names that lead to it, for which it has no certificate.
    ///   - addresses: the rules for the client's connections.
    ///   - body: the test.
    /// - Throws: what the test throws, or what kept it from beginning.
    static func run(
        offering offers: [String],
        aliases: [String] = [],
        addresses: AddressRules = .standard,
        _ body: (TLSServer, HTTPClient) async throws -> Void
    ) async throws {
        let identity = try Identity.shared.get()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(identity.certificate)],
            privateKey: .privateKey(identity.key)
        )
        tls.applicationProtocols = offers
        let context = try NIOSSLContext(configuration: tls)
        let recorder = Recorder()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                recorder.connections.withLock { $0 += 1 }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                }.flatMap {
                    channel.configureCommonHTTPServerPipeline { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(
                                Answerer(recorder: recorder, connection: channel)
                            )
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        var configuration = TrackClient.httpConfiguration(addresses: addresses)
        for name in [name] + aliases { configuration.dnsOverride[name] = "127.0.0.1" }
        var trust = TLSConfiguration.makeClientConfiguration()
        trust.trustRoots = .certificates([identity.certificate])
        // A server that stalls takes no leave either.
        trust.shutdownTimeout = .milliseconds(100)
        configuration.tlsConfiguration = trust
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let outcome: Result<Void, any Error>
        do {
            try await body(TLSServer(port: channel.localAddress?.port ?? 0, received: recorder), client)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        try? await client.shutdown()
        try? await channel.close()
        try outcome.get()
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let recorder: Recorder
        private let connection: any Channel
        private var version = 0
        private var body = ""

        init(recorder: Recorder, connection: any Channel) {
            self.recorder = recorder
            self.connection = connection
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                version = head.version.major
                body = ""
            case .body(let buffer): body += String(buffer: buffer)
            case .end:
                recorder.versions.withLock { $0.append(version) }
                if body.contains(TLSServer.stall) { return }
                if body.contains(TLSServer.hangUp) { return connection.close(promise: nil) }
                let head = HTTPResponseHead(
                    version: .http1_1,
                    status: .ok,
                    headers: ["content-length": "2"]
                )
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "{}")))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

/// A key and a certificate that it has signed itself, made anew for each run of the tests.
private struct Identity: Sendable {
    let certificate: NIOSSLCertificate
    let key: NIOSSLPrivateKey

    static let shared = Result { try make() }

    struct Failed: Error {
        let status: Int32
    }

    private static func make() throws -> Identity {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (key, certificate) = (folder.appending(path: "key.pem").path, folder.appending(path: "cert.pem").path)
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=\(TLSServer.name)",
            "-addext", "subjectAltName=DNS:\(TLSServer.name)",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.launchAlone()
        openssl.waitUntilExit()
        guard openssl.terminationStatus == 0 else { throw Failed(status: openssl.terminationStatus) }
        let found = try NIOSSLCertificate.fromPEMFile(certificate)
        guard let first = found.first else { throw Failed(status: 0) }
        return Identity(certificate: first, key: try NIOSSLPrivateKey(file: key, format: .pem))
    }
}
