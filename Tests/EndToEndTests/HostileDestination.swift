import LosslessJSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Seeding
import Synchronization

/// A Track API that answers with everything but patience: some requests it takes, some it takes and says it didn't, some
/// it loses. It keeps what it has taken, in its order.
final class HostileDestination: Sendable {
    struct Taken: Sendable {
        /// The number that the test gave the operation.
        let number: Int64
        let text: String
    }

    fileprivate struct State {
        var generator: SeededGenerator
        var isCalm = false
        var taken: [Taken] = []
        var requests = 0
    }

    /// What a request gets.
    fileprivate struct Reply {
        var status = 200
        var body = "{}"
        var headers: [(String, String)] = []
        /// No answer but the end of the connection.
        var hangsUp = false
        var milliseconds: Int64 = 0
    }

    let url: String
    private let channel: any Channel
    private let state: Mutex<State>

    /// Takes everything but what is named `bad`.
    var isCalm: Bool {
        get { state.withLock(\.isCalm) }
        set { state.withLock { $0.isCalm = newValue } }
    }
    var taken: [Taken] { state.withLock(\.taken) }
    var requests: Int { state.withLock(\.requests) }

    init(_ generator: SeededGenerator) async throws {
        let box = Box()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Answerer(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
        state = Mutex(State(generator: generator))
        box.destination.withLock { $0 = self }
    }

    deinit {
        channel.close(promise: nil)
    }

    private final class Box: Sendable {
        let destination = Mutex<HostileDestination?>(nil)
    }

    /// Ends the cycle between the server and its connections.
    func close() async {
        try? await channel.close()
    }

    // MARK: Deciding

    private func reply(to path: String, _ body: [UInt8]) -> Reply {
        guard path.hasPrefix("/api/v2/") else { return Reply(status: 401) }
        let json = (try? JSON(parsing: body)) ?? .null
        let items = json["batch"]?.arrayValue ?? [json]
        return state.withLock { state in
            state.requests += 1
            let bad = items.indices.filter { items[$0]["name"]?.stringValue?.hasPrefix("bad") ?? false }
            guard !state.isCalm else { return state.take(items, bad, isBatch: json["batch"] != nil) }
            var reply = Reply(milliseconds: Int64.random(in: 0...30, using: &state.generator))
            switch Int.random(in: 0..<100, using: &state.generator) {
            case 0..<70:
                let delay = reply.milliseconds
                reply = state.take(items, bad, isBatch: json["batch"] != nil)
                reply.milliseconds = delay
            case 70..<76:
                // Taken, and nobody hears of it.
                _ = state.take(items, bad, isBatch: true)
                reply.hangsUp = true
            case 76..<80: reply.hangsUp = true
            case 80..<84: reply.status = 500
            case 84..<87:
                _ = state.take(items, bad, isBatch: true)
                reply.status = 500
            case 87..<89:
                reply.status = 429
                reply.headers = [("retry-after", "1")]
            case 89..<91: reply.status = 503
            case 91..<93: reply.status = 401
            case 93..<95: reply.body = "<html>sorry</html>"
            // Alone, it would be the operation's own fault.
            case 95..<97 where items.count > 1: reply.status = 400
            case 97..<99 where items.count > 1: reply.status = 413
            default: reply.hangsUp = true
            }
            return reply
        }
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let box: Box
        private var path = ""
        private var body: [UInt8] = []

        init(_ box: Box) {
            self.box = box
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (path, body) = (head.uri, [])
            case .body(let buffer): body += buffer.readableBytesView
            case .end:
                guard let destination = box.destination.withLock(\.self) else { return context.close(promise: nil) }
                let reply = destination.reply(to: path, body)
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: .milliseconds(reply.milliseconds)) {
                    let (handler, context) = bound.value
                    handler.answer(reply, context)
                }
            }
        }

        private func answer(_ reply: Reply, _ context: ChannelHandlerContext) {
            guard !reply.hangsUp else { return context.close(promise: nil) }
            var headers = HTTPHeaders(reply.headers)
            headers.add(name: "content-length", value: String(reply.body.utf8.count))
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: reply.status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: reply.body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}

extension HostileDestination.State {
    /// Takes all items but the bad ones, which it names.
    fileprivate mutating func take(_ items: [JSON], _ bad: [Int], isBatch: Bool) -> HostileDestination.Reply {
        for (index, item) in items.enumerated() where !bad.contains(index) {
            let number = item["attributes"]?["n"]?.numberValue?.int64 ?? -1
            taken.append(.init(number: number, text: item.description))
        }
        guard !bad.isEmpty else { return .init() }
        let errors = bad.map { index -> JSON in
            var error: JSON.Object = ["reason": "invalid", "field": "name", "message": "is bad"]
            if isBatch { error["batch_index"] = .number(JSON.Number(index)) }
            return .object(error)
        }
        let status = isBatch && bad.count < items.count ? 207 : 400
        return .init(status: status, body: JSON.object(["errors": .array(errors)]).description)
    }
}
