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

    /// Sends for so long: as fast as answers come, or so many requests a second, whether answers come or not.
    func run(seconds: Double, requestsPerSecond: Double? = nil) async throws -> Result {
        let start = NIODeadline.now()
        let interval = requestsPerSecond.map { Int64(Double(connections) / $0 * 1e9) }
        let group = MultiThreadedEventLoopGroup.singleton
        let outcomes = try await withThrowingTaskGroup(of: Connection.Outcome.self) { tasks in
            for number in 0..<connections {
                tasks.addTask {
                    let outcome = group.any().makePromise(of: Connection.Outcome.self)
                    let connection = Connection.Plan(
                        requests: requests,
                        first: sendsEachOnce ? number : number * 31 % requests.count,
                        step: sendsEachOnce ? connections : 1,
                        isEndless: !sendsEachOnce,
                        start: start + .nanoseconds((interval ?? 0) * Int64(number) / Int64(connections)),
                        end: start + .nanoseconds(Int64(seconds * 1e9)),
                        interval: interval.map { .nanoseconds($0) },
                        outcome: outcome
                    )
                    _ = try await ClientBootstrap(group: group)
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                                try channel.pipeline.syncOperations.addHandler(Connection(connection))
                            }
                        }
                        .connect(host: "127.0.0.1", port: ports[number % ports.count]).get()
                    return try await outcome.futureResult.get()
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        let took = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        return Result(
            seconds: took,
            latencies: outcomes.flatMap(\.latencies).sorted(),
            refused: outcomes.reduce(0) { $0 + $1.refused }
        )
    }
}

/// One connection: a request, its answer, the next request.
private final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    struct Plan: Sendable {
        let requests: [LoadGenerator.Request]
        let first: Int
        let step: Int
        let isEndless: Bool
        let start: NIODeadline
        let end: NIODeadline
        let interval: TimeAmount?
        let outcome: EventLoopPromise<Outcome>
    }

    struct Outcome: Sendable {
        var latencies: [Int64] = []
        var refused = 0
    }

    private let plan: Plan
    private var next: Int
    private var due: NIODeadline
    private var outcome = Outcome()

    init(_ plan: Plan) {
        self.plan = plan
        next = plan.first
        due = plan.start
    }

    func channelActive(context: ChannelHandlerContext) {
        sendWhenDue(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): if head.status != .ok { outcome.refused += 1 }
        case .body: break
        case .end:
            let now = NIODeadline.now()
            outcome.latencies.append((now - due).nanoseconds)
            // Behind time, the wait for this request began when it was due: a slow server can't hide it.
            due = plan.interval.map { due + $0 } ?? now
            guard now < plan.end, next < plan.requests.count else { return context.close(promise: nil) }
            sendWhenDue(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        plan.outcome.succeed(outcome)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        plan.outcome.fail(error)
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
        let request = plan.requests[next]
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        next += plan.step
        if plan.isEndless { next %= plan.requests.count }
    }
}
