import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Posts prepared requests over many connections and takes the time of each.
///
/// It makes heads and bodies beforehand, so that it takes as little of the machine as it can; what it takes is part of
/// every figure all the same, for it runs beside the server.
struct LoadGenerator {
    /// What a run came to.
    struct Result {
        let seconds: Double
        /// Nanoseconds from when a request was due until its answer was there, in ascending order.
        let latencies: [Int64]
        /// Answers other than 200.
        let refused: Int

        var requestsPerSecond: Double { Double(latencies.count) / seconds }

        /// Milliseconds that so many of a hundred requests took at most.
        func percentile(_ percent: Double) -> Double {
            guard !latencies.isEmpty else { return 0 }
            return Double(latencies[min(latencies.count - 1, Int(Double(latencies.count) * percent / 100))]) / 1e6
        }
    }

    /// Of the servers; the connections go to each in turn.
    let ports: [Int]
    let connections: Int
    /// Whole requests, sent in turn; each connection begins at another one.
    let requests: [Request]
    /// Whether it is over when each request has been sent.
    var sendsEachOnce = false

    struct Request: Sendable {
        let head: HTTPRequestHead
        let body: ByteBuffer
    }

    /// A request with a JSON body.
    static func request(_ path: String, key: String, body: [UInt8]) -> Request {
        request(path, user: key, password: "", body: body)
    }

    static func request(_ path: String, user: String, password: String, body: [UInt8]) -> Request {
        let headers: HTTPHeaders = [
            "Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": "\(body.count)",
            "Authorization": "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())",
        ]
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: path, headers: headers)
        return Request(head: head, body: ByteBuffer(bytes: body))
    }

    /// Sends for so long: as fast as answers come, or so many requests a second, whether answers come or
    /// not. It begins when all connections are open.
    func run(seconds: Double, requestsPerSecond: Double? = nil) async throws -> Result {
        let interval = requestsPerSecond.map { Int64(Double(connections) / $0 * 1e9) }
        let group = MultiThreadedEventLoopGroup.singleton
        let outcomes = (0..<connections).map { _ in group.any().makePromise(of: Connection.Outcome.self) }
        let channels = try await withThrowingTaskGroup(of: (Int, any Channel).self) { tasks in
            for (number, outcome) in outcomes.enumerated() {
                tasks.addTask { (number, try await connect(number, outcome)) }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        let start = NIODeadline.now()
        for (number, channel) in channels {
            let plan = Connection.Plan(
                first: sendsEachOnce ? number : number * 31 % requests.count,
                step: sendsEachOnce ? connections : 1,
                isEndless: !sendsEachOnce,
                start: start + .nanoseconds((interval ?? 0) * Int64(number) / Int64(connections)),
                end: start + .nanoseconds(Int64(seconds * 1e9)),
                interval: interval.map { .nanoseconds($0) }
            )
            channel.pipeline.fireUserInboundEventTriggered(plan)
        }
        var result = Connection.Outcome()
        for outcome in outcomes {
            let outcome = try await outcome.futureResult.get()
            result.latencies += outcome.latencies
            result.refused += outcome.refused
        }
        let took = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        return Result(seconds: took, latencies: result.latencies.sorted(), refused: result.refused)
    }

    private func connect(_ number: Int, _ outcome: EventLoopPromise<Connection.Outcome>) async throws -> any Channel {
        do {
            return try await ClientBootstrap(group: outcome.futureResult.eventLoop)
                .channelInitializer { [requests] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(Connection(requests, outcome))
                    }
                }
                .connect(host: "127.0.0.1", port: ports[number % ports.count]).get()
        } catch {
            outcome.fail(error)
            throw error
        }
    }
}

/// One connection: a request, its answer, the next request.
private final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// With it the connection begins.
    struct Plan: Sendable {
        let first: Int
        let step: Int
        let isEndless: Bool
        let start: NIODeadline
        let end: NIODeadline
        let interval: TimeAmount?
    }

    struct Outcome: Sendable {
        var latencies: [Int64] = []
        var refused = 0
    }

    private let requests: [LoadGenerator.Request]
    private let promise: EventLoopPromise<Outcome>
    private var plan: Plan?
    private var next = 0
    private var due = NIODeadline.now()
    private var outcome = Outcome()

    init(_ requests: [LoadGenerator.Request], _ promise: EventLoopPromise<Outcome>) {
        self.requests = requests
        self.promise = promise
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let plan = event as? Plan else { return context.fireUserInboundEventTriggered(event) }
        self.plan = plan
        next = plan.first
        due = plan.start
        sendWhenDue(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): if head.status != .ok { outcome.refused += 1 }
        case .body: break
        case .end:
            guard let plan else { return }
            let now = NIODeadline.now()
            outcome.latencies.append((now - due).nanoseconds)
            // Behind time, the wait for this request began when it was due: a slow server can't hide it.
            due = plan.interval.map { due + $0 } ?? now
            guard now < plan.end, next < requests.count else { return context.close(promise: nil) }
            sendWhenDue(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.succeed(outcome)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    private func sendWhenDue(_ context: ChannelHandlerContext) {
        guard due > NIODeadline.now() else { return send(context) }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(deadline: due) {
            let (connection, context) = bound.value
            connection.send(context)
        }
    }

    private func send(_ context: ChannelHandlerContext) {
        guard let plan else { return }
        let request = requests[next]
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        next += plan.step
        if plan.isEndless { next %= requests.count }
    }
}
