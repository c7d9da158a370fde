import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
package import NIOCore
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Server: Ferry's two HTTP listeners.
///
/// The public one takes source calls (`SourceAPI`), the private one plays Customer.io's Track API for the embedded
/// workspaces and shows what Ferry knows (`PrivateAPI`). This room turns requests into calls on other rooms and what
/// they say into answers: paths, keys, limits, statuses, headers. It does not know what a valid message is (`Events`),
/// how one is kept (`Storage`), what an operation does to a person (`Workspaces`), or that a destination exists. It
/// reads no configuration and no environment: addresses, keys and limits come from the caller.
///
/// A `Listener` is one of the two: it binds an address, reports where it ended up, and answers until it is shut down.
package struct Listener: Sendable {
    /// Bounds on connections.
    package struct Limits: Sendable {
        /// Seconds that a connection may be silent, which is also how long its request's head may take.
        package var idleSeconds: Int64 = 60
        /// Connections at a time; further ones wait in the kernel's queue.
        package var connections = 10_000
        /// Seconds that requests under way get to finish at the end.
        package var shutdownSeconds: Int64 = 10

        /// The bounds that the properties start with.
        package init() {}
    }

    private let address: ListenAddress
    private let option: String
    private let service: any HTTPService
    private let tls: ListenerTLS?
    private let limits: Limits
    private let logger: Logger
    private let onBound: @Sendable (ListenAddress) -> Void

    /// A listener that does not listen before `run()`.
    ///
    /// - Parameters:
    ///   - address: Where to listen; port 0 takes any free one.
    ///   - option: The command-line option that sets the address; the error for a taken port names it.
    ///   - service: What answers the requests.
    ///   - tls: The certificate; without one it speaks plain HTTP.
    ///   - limits: Bounds on connections.
    ///   - logger: Takes faults of requests; never bodies, keys or header values.
    ///   - onBound: Called once connections are accepted, with the port that was really bound.
    package init(
        address: ListenAddress,
        option: String,
        service: any HTTPService,
        tls: ListenerTLS? = nil,
        limits: Limits = Limits(),
        logger: Logger,
        onBound: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.address = address
        self.option = option
        self.service = service
        self.tls = tls
        self.limits = limits
        self.logger = logger
        self.onBound = onBound
    }

    /// Listens until a graceful shutdown or until it is cancelled. Either way it stops accepting, finishes the requests
    /// under way, and cuts off what takes longer than `Limits.shutdownSeconds`.
    ///
    /// - Throws: `ListenerError` when the address cannot be bound.
    package func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let group = ServiceGroup(configuration: try configuration(logger: quiet))
        // NIO traps when a task that serves is cancelled while accepted connections wait to be served
        // (apple/swift-nio#2637, #2813): cancellation goes no further than here and is a graceful shutdown below.
        let serving = Task { try await group.run() }
        do {
            try await withTaskCancellationHandler {
                try await serving.value
            } onCancel: {
                Task { await group.triggerGracefulShutdown() }
            }
        } catch let fault as IOError {
            throw ListenerError(binding: address, option: option, fault: fault)
        } catch is SocketAddressError.UnknownHost {
            throw ListenerError(unknownHost: address, option: option)
        }
    }

    private func configuration(logger: Logger) throws -> ServiceGroupConfiguration {
        let bound = onBound
        let host = address.host
        let http1 = HTTPServerBuilder { [service, limits] responder in
            let configuration = HTTP1Channel.Configuration(idleTimeout: .seconds(limits.idleSeconds))
            return WholeRequestChannel(
                base: HTTP1Channel(responder: responder, configuration: configuration),
                service: service
            )
        }
        let application = Application(
            responder: Responder(service: service),
            server: try tls.map { try .tls(http1, tlsConfiguration: $0.configuration) } ?? http1,
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)
            ),
            onServerRunning: { channel in
                bound(ListenAddress(host: host, port: channel.localAddress?.port ?? 0))
            },
            logger: logger
        )
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(limits.shutdownSeconds)
        return configuration
    }
}

/// What a `Listener` serves: the source API or the private API.
package protocol HTTPService: Sendable {
    /// Answers one request.
    ///
    /// - Throws: `BrokenRequest` alone, when the sender went away or stopped speaking HTTP. Everything else that goes
    ///   wrong is an answer.
    func answer(_ request: IncomingRequest) async throws(BrokenRequest) -> Answer

    /// Takes a request that has arrived whole, and calls `reply` once, from any thread: with an answer that is whole and
    /// leaves the connection open. `false` leaves the request to `answer`, as if it had not been asked.
    ///
    /// It is called on the event loop, where other connections wait for it.
    func take(_ request: IncomingRequest, _ body: ByteBuffer, reply: @escaping @Sendable (Answer) -> Void) -> Bool
}

extension HTTPService {
    package func take(
        _ request: IncomingRequest,
        _ body: ByteBuffer,
        reply: @escaping @Sendable (Answer) -> Void
    ) -> Bool { false }
}

/// Joins Hummingbird to a service: what is Hummingbird's own goes no further than this file and `IncomingRequest`.
private struct Responder: HTTPResponder {
    /// What a request brings along that is not in it.
    struct Context: InitializableFromSource {
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            channel = source.channel
        }
    }

    let service: any HTTPService

    func respond(to request: Request, context: Context) async throws -> Response {
        let peer = context.channel.remoteAddress?.ipAddress
        let answer: Answer
        do {
            answer = try await service.answer(IncomingRequest(request, peerAddress: peer))
        } catch {
            // Hummingbird answers a broken head or chunk itself, if anybody is left to read it.
            throw error.cause
        }
        if answer.ending == .reset { throw await reset(context.channel) }
        return response(answer, to: request, on: context.channel)
    }

    /// Ends a connection without a word, as a load balancer does that loses its server.
    private func reset(_ channel: any Channel) async -> any Error {
        if let options = channel as? any SocketOptionProvider {
            try? await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try? await channel.close()
        return ChannelError.ioOnClosedChannel
    }

    private func response(_ answer: Answer, to request: Request, on channel: any Channel) -> Response {
        if let stream = answer.stream, request.method != .head {
            let body = ResponseBody { writer in
                let writing = StreamWriter(writer)
                // A page that stays open does not hold up the end, and is told that it is one.
                do {
                    try await cancelWhenGracefulShutdown {
                        try await stream { try await writing.write($0) }
                    }
                } catch is CancellationError {}
                try await writing.finish()
            }
            return Response(status: answer.status, headers: answer.headers, body: body)
        }
        var headers = answer.headersWithLength
        if answer.closesConnection { headers[.connection] = "close" }
        let bytes = request.method == .head ? ByteBuffer() : ByteBuffer(bytes: answer.body)
        if case .cut(let count) = answer.ending {
            let body = ResponseBody(contentLength: bytes.readableBytes) { writer in
                var bytes = bytes
                if let part = bytes.readSlice(length: min(count, bytes.readableBytes)) { try await writer.write(part) }
                try await channel.close()
                // Not `finish`: the answer has no end.
            }
            return Response(status: answer.status, headers: headers, body: body)
        }
        guard answer.closesConnection else {
            return Response(status: answer.status, headers: headers, body: ResponseBody(byteBuffer: bytes))
        }
        // The rest of an endless body is not worth reading.
        let body = ResponseBody(contentLength: bytes.readableBytes) { writer in
            try await writer.write(bytes)
            try await writer.finish(nil)
            try await channel.close()
        }
        return Response(status: answer.status, headers: headers, body: body)
    }
}

/// Writes a body piece by piece, each as soon as it is there.
private final class StreamWriter: @unchecked Sendable {
    // Nobody uses it at a time with anybody: `Answer.stream` awaits each write before the next one, and `finish` is called when
    // it has returned. Hummingbird's writer is not Sendable, because its end is mutating.
    private var writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    func write(_ text: String) async throws {
        try await writer.write(ByteBuffer(string: text))
    }

    func finish() async throws {
        try await writer.finish(nil)
    }
}
