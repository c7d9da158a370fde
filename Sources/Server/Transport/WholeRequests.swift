import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// An HTTP/1 channel that offers the service each request that arrives whole, before Hummingbird sees it.
///
/// Hummingbird serves a connection in a task. A request goes there in pieces, and each piece, the call of the service, what
/// it waits for and the answer go from one thread to another: for a body of a kilobyte that is more work than all that is
/// done with it. A service that can take a request on the event loop, and answer later, does without.
struct WholeRequestChannel: ServerChildChannel {
    let base: HTTP1Channel
    let service: any HTTPService

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            // Behind what watches for idle connections and for the end of the server: it is to see all requests and answers.
            let watch = try pipeline.handler(type: HTTPConnectionStateHandler.self)
            try pipeline.addHandler(WholeRequests(service), position: .after(watch))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

/// Offers requests that arrive whole, their body in one piece, to a service, and passes on all others.
///
/// Answers leave in the order of their requests: while the service has one, everything behind it is held back; while
/// Hummingbird has some, the next ones go there too.
private final class WholeRequests: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// Every request has its answer.
        case idle
        /// What has come of a request.
        case arriving(HTTPRequest, ByteBuffer?)
        /// The service has one.
        case taken
        /// Hummingbird has so many.
        case passedOn(Int)
        /// The connection is no more.
        case gone
    }

    /// What came behind a request that the service has.
    private enum Held {
        case part(HTTPRequestPart)
        case event(Any)
        case error(any Error)
    }

    /// So much is held back before nothing more is read.
    private static let mostHeld = 64

    private let service: any HTTPService
    private var state = State.idle
    private var held = CircularBuffer<Held>()
    private var isReadHeld = false
    private var peerAddress: String?

    init(_ service: any HTTPService) {
        self.service = service
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(.part(unwrapInboundIn(data)), context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        receive(.event(event), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        receive(.error(error), context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // A head alone may wait for its body, as watched as any connection. Of a body the service's own bounds hold.
        if case .arriving(_, _?) = state { passOnWhatHasArrived(context) }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .gone
        held.removeAll()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        if held.count < Self.mostHeld { context.read() } else { isReadHeld = true }
    }

    private func receive(_ arrival: Held, _ context: ChannelHandlerContext) {
        if case .taken = state { return held.append(arrival) }
        switch arrival {
        case .part(let part):
            receive(part, context)
        case .event(let event):
            passOnWhatHasArrived(context)
            context.fireUserInboundEventTriggered(event)
        case .error(let error):
            passOnWhatHasArrived(context)
            context.fireErrorCaught(error)
        }
    }

    private func receive(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch (state, part) {
        case (.idle, .head(let head)) where head.keepsConnection:
            return state = .arriving(head, nil)
        case (.arriving(let head, nil), .body(let body)):
            return state = .arriving(head, body)
        case (.arriving(let head, let body), .end(nil)):
            if offer(head, body ?? ByteBuffer(), context) { return }
        default: break
        }
        passOnWhatHasArrived(context)
        if case .head = part {
            if case .passedOn(let count) = state { state = .passedOn(count + 1) } else { state = .passedOn(1) }
        }
        context.fireChannelRead(wrapInboundOut(part))
    }

    private func passOnWhatHasArrived(_ context: ChannelHandlerContext) {
        guard case .arriving(let head, let body) = state else { return }
        state = .passedOn(1)
        context.fireChannelRead(wrapInboundOut(.head(head)))
        if let body { context.fireChannelRead(wrapInboundOut(.body(body))) }
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .passedOn(let count) = state, case .end = unwrapOutboundIn(data) {
            state = count > 1 ? .passedOn(count - 1) : .idle
        }
        context.write(data, promise: promise)
    }

    /// Whether the service takes a request.
    private func offer(_ head: HTTPRequest, _ body: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        if peerAddress == nil { peerAddress = context.remoteAddress?.ipAddress }
        let request = IncomingRequest(head, body: RequestBody(buffer: body), peerAddress: peerAddress)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let isTaken = service.take(request, body) { [loop = context.eventLoop] answer in
            // Not at once, even from the loop itself: the service has not returned yet.
            loop.execute {
                let (handler, context) = bound.value
                handler.send(answer, context)
            }
        }
        if isTaken { state = .taken }
        return isTaken
    }

    private func send(_ answer: Answer, _ context: ChannelHandlerContext) {
        guard case .taken = state else { return }
        state = .idle
        var head = HTTPResponse(status: answer.status, headerFields: answer.headersWithLength)
        head.headerFields.append(HTTPField(name: .date, value: DateHeader.now))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        goOn(context)
    }

    /// Sees to what was held back, up to the next request that the service takes.
    private func goOn(_ context: ChannelHandlerContext) {
        guard !held.isEmpty else { return }
        while let arrival = held.first {
            if case .taken = state { break }
            held.removeFirst()
            receive(arrival, context)
        }
        channelReadComplete(context: context)
        if isReadHeld, held.count < Self.mostHeld {
            isReadHeld = false
            context.read()
        }
    }
}

extension HTTPRequest {
    /// Whether its sender waits for nothing before the body, and for no end of the connection behind the answer.
    fileprivate var keepsConnection: Bool {
        if headerFields.contains(.expect) { return false }
        guard let connection = headerFields[.connection] else { return true }
        return connection.lowercased() == "keep-alive"
    }
}
