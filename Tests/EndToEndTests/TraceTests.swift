import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct `Traces` {
    @Test func `join what the destination has got, the story of an event, and the line of its failure`() async throws {
        let destination = try await RefusingDestination()
        defer { destination.close() }
        let folder = try ScratchFolder()
        let log = try folder.file("ferry.log")
        let ferry = try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: try folder.file(
                "ferry.yaml",
                """
                log: { format: json }
                sources: { web: { write_key: k } }
                integrations:
                  main: { type: customerio, settings: { endpoint: "\(destination.url)", site_id: s, api_key: k } }
                """
            ),
            log: log
        )
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"], key: "k").status == 200)
        let attemptsOf = { (story: JSON) in
            let operation = story["integrations"]?.arrayValue?.first?["operations"]?.arrayValue?.first
            return operation?["attempts"]?.arrayValue ?? []
        }
        // They are written down together with what follows.
        let story = try await ferry.get("/admin/v1/events/1") { !attemptsOf($0).isEmpty }
        let attempts = attemptsOf(story)
        let trace = try #require(attempts.first?["trace"]?.stringValue, "\(story)")
        let sent = try #require(destination.traceparents.first)
        #expect(sent.hasPrefix("00-\(trace)-") && sent.hasSuffix("-01"))
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            .map { try JSON(parsing: Array($0.utf8)) }
        let failure = lines.first { $0["message"] == "an operation failed" }
        #expect(failure?["trace"] == .string(trace) && failure?["seq"] == "1", "\(lines)")
        let shown = try await FerryProcess.run(["events", "show", "1", "--url", ferry.privateURL])
        #expect(shown.output.contains("(trace \(trace)): 400"), "\(shown.output)")
        #expect(ferry.stop() == 0)
    }

    @Test func `of a sender stand in what is logged of its request, where they are any`() async throws {
        let folder = try ScratchFolder()
        let log = try folder.file("ferry.log")
        let ferry = try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: try folder.file("ferry.yaml", "{ log: { format: json }, sources: { web: { write_key: k } } }"),
            log: log
        )
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        for (key, header) in [("k", "00-\(trace)-00f067aa0ba902b7-01"), ("unknown", "no trace")] {
            var request = HTTPClientRequest(url: ferry.publicURL + "/v1/track")
            request.method = .POST
            request.setBasicAuth(username: key, password: "")
            request.headers.add(name: "traceparent", value: header)
            request.body = .bytes(Array(#"{"event":5}"#.utf8))
            #expect(try await ferry.answer(to: request).status == 200)
        }
        #expect(ferry.stop() == 0)
        let refusals = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            .map { try JSON(parsing: Array($0.utf8)) }.filter { $0["message"] == "Messages were refused" }
        #expect(refusals.count == 2)
        #expect(refusals.first { $0["kind"] == "invalid_write_key" }.map { $0["trace"] } == .some(nil))
        #expect(refusals.first { $0["kind"] != "invalid_write_key" }?["trace"] == .string(trace), "\(refusals)")
    }
}

/// A Track API that knows every credential and takes no operation.
final class RefusingDestination: Sendable {
    let url: String
    private let channel: any Channel
    private let received: Received

    fileprivate final class Received: Sendable {
        let traceparents = Mutex<[String]>([])
    }

    /// Those of the operations' requests.
    var traceparents: [String] { received.traceparents.withLock(\.self) }

    init() async throws {
        let received = Received()
        self.received = received
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Answerer(received))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    func close() {
        channel.close(promise: nil)
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let received: Received
        private var isRegion = false

        init(_ received: Received) {
            self.received = received
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                isRegion = head.method == .GET
                if !isRegion { received.traceparents.withLock { $0 += head.headers["traceparent"] } }
            case .body: break
            case .end:
                let body =
                    isRegion
                    ? #"{"region":"us"}"# : #"{"errors":[{"reason":"invalid","field":"name","message":"bad"}]}"#
                let headers: HTTPHeaders = ["content-length": String(body.utf8.count)]
                let status = isRegion ? HTTPResponseStatus.ok : .badRequest
                context.write(
                    wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))),
                    promise: nil
                )
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
