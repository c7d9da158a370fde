import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A Track API that takes everything and only counts: each event of the benchmark has one mark, a character that stands nowhere
/// else.
final class CountingDestination: Sendable {
    static let mark = "~"

    let url: String
    private let channel: any Channel
    private let counted: Counted

    private final class Counted: Sendable {
        let events = Atomic(0)
    }

    init() async throws {
        let counted = Counted()
        self.counted = counted
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Connection(counted))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    /// Events that have arrived.
    var events: Int { counted.events.load(ordering: .relaxed) }

    func close() { channel.close(promise: nil) }

    private final class Connection: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private static let answer = ByteBuffer(string: "{}")
        private let counted: Counted
        private var marks = 0

        init(_ counted: Counted) {
            self.counted = counted
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: marks = 0
            case .body(let part):
                let mark = UInt8(ascii: "~")
                marks += part.withUnsafeReadableBytes { bytes in bytes.count { $0 == mark } }
            case .end:
                counted.events.add(marks, ordering: .relaxed)
                let headers: HTTPHeaders = ["content-length": "\(Self.answer.readableBytes)"]
                let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(Self.answer))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
