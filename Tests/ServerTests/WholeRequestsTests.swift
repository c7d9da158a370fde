import Events
import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Seeding
import Synchronization
import Testing

@testable import Server

/// Requests that a service takes on the event loop beside those that go through Hummingbird.
@Suite struct WholeRequestsTests {
    /// Says which of its two roads a request came on, with its body. It takes what goes to `/take…`, and answers that to
    /// `/take/later` when it is told to.
    private final class TwoRoads: HTTPService {
        private let later = Mutex<[@Sendable () -> Void]>([])
        private let arrived = Mutex(0)

        /// How many wait for an answer.
        var waiting: Int { later.withLock(\.count) }
        /// How many were taken.
        var taken: Int { arrived.withLock { $0 } }

        func answerOne() {
            let answer = later.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            answer?()
        }

        func answer(_ request: IncomingRequest) async throws(BrokenRequest) -> Answer {
            let budget = ByteBudget(limit: 1 << 20)
            let body = try await request.readBody(upTo: 1 << 20, seconds: 60, budget: budget)
            return Answer(.done, body: Array("answered ".utf8) + body.bytes)
        }

        func take(
            _ request: IncomingRequest,
            _ body: ByteBuffer,
            reply: @escaping @Sendable (Answer) -> Void
        ) -> Bool {
            guard request.target.hasPrefix("/take") else { return false }
            arrived.withLock { $0 += 1 }
            let answer = Answer(.done, body: Array("taken ".utf8) + Array(body.readableBytesView))
            if request.target.hasSuffix("later") {
                later.withLock { $0.append { reply(answer) } }
            } else {
                reply(answer)
            }
            return true
        }
    }

    private static func with(
        limits: Listener.Limits = Listener.Limits(),
        _ body: (TwoRoads, RunningServer) async throws -> Void
    ) async throws {
        let service = TwoRoads()
        try await RunningServer.with({ _ in service }, limits: limits) { try await body(service, $0) }
    }

    private static func request(_ path: String, _ body: String, _ headers: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// The bodies of the answers that came over a connection.
    private static func bodies(_ answers: String) -> [String] {
        answers.components(separatedBy: "HTTP/1.1 ").dropFirst().map { answer in
            answer.components(separatedBy: "\r\n\r\n").dropFirst().joined()
        }
    }

    @Test func `a request that arrives whole is taken, and its answer is as whole as any other`() async throws {
        try await Self.with { _, server async throws in
            let taken = try await server.post("/take", "one")
            let answered = try await server.post("/pass", "one")
            #expect(taken.text == "taken one")
            #expect(answered.text == "answered one")
            for header in ["content-length", "content-type", "date"] {
                #expect(taken[header] != nil, "\(header)")
            }
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
            format.timeZone = TimeZone(secondsFromGMT: 0)
            let date = try #require(taken["date"].flatMap(format.date(from:)))
            #expect(abs(date.timeIntervalSinceNow) < 60)
        }
    }

    @Test(arguments: [
        // What it waits for before its body, and what an old client waits for at the end.
        request("/take", "one", "Expect: 100-continue\r\n"), request("/take", "one", "Connection: close\r\n"),
        "POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\non\r\n1\r\ne\r\n0\r\n\r\n",
        "POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\nX-Sum: 1\r\n\r\n",
        request("/pass", "one"),
    ])
    func `whatever is out of the ordinary goes the long road`(request: String) async throws {
        try await Self.with { service, server async throws in
            #expect(try await Self.bodies(server.wire(request)) == ["answered one"])
            #expect(service.taken == 0)
        }
    }

    @Test(arguments: [
        // The head in pieces, and a body behind it, are still whole; a body in pieces is not.
        (["POST /take HTTP/1.1\r\nHo", "st: a\r\nContent-Length: 3\r\n\r\n", "one"], "taken one"),
        (["POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\no", "n", "e"], "answered one"),
        (["POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "on", "e"], "answered one"),
        (["POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"], "taken "),
    ])
    func `requests that come in pieces`(pieces: [String], answer: String) async throws {
        try await Self.with { _, server async throws in
            let connection = try await Connection.open(to: server)
            for piece in pieces {
                try await connection.send(piece)
                try await Task.sleep(for: .milliseconds(100))
            }
            try await connection.finish()
            #expect(try await Self.bodies(connection.rest()) == [answer])
        }
    }

    @Test func `answers keep the order of their requests, whichever road each goes`() async throws {
        var random = SeededGenerator(for: "answers keep their order")
        let roads = (0..<300).map { _ in random.pick(["/take", "/pass", "/take/later"]) }
        let pauses = roads.map { _ in random.pick([0, 0, 0, 0, 1, 5, 20]) }
        try await Self.with { service, server async throws in
            let answering = Task {
                while !Task.isCancelled {
                    service.answerOne()
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
            let connection = try await Connection.open(to: server)
            for (number, road) in roads.enumerated() {
                try await connection.send(Self.request(road, "\(number)"))
                try await Task.sleep(for: .milliseconds(pauses[number]))
            }
            try await connection.finish()
            let answers = Self.bodies(try await connection.rest()).map { $0.components(separatedBy: " ") }
            answering.cancel()
            #expect(answers.map(\.last) == roads.indices.map { "\($0)" })
            // Behind a request that Hummingbird has, others go there too; nothing that is not to be taken is.
            #expect(answers.indices.allSatisfy { answers[$0].first == "answered" || roads[$0] != "/pass" })
            #expect(answers.count { $0.first == "taken" } == service.taken)
            #expect(service.taken > 30)
        }
    }

    @Test func `behind a request that has no answer yet not everything is read`() async throws {
        try await Self.with { service, server async throws in
            let connection = try await Connection.open(to: server)
            let body = String(repeating: "x", count: 60_000)
            let count = 300
            let sending = Task {
                try await connection.send(Self.request("/take/later", "first"))
                for _ in 1..<count { try await connection.send(Self.request("/take", body)) }
                try await connection.finish()
            }
            while service.waiting == 0 { try await Task.sleep(for: .milliseconds(5)) }
            // The sender stands still: what the kernels hold is far less than these eighteen megabytes.
            try await Task.sleep(for: .milliseconds(500))
            #expect(service.taken == 1)
            #expect(connection.sent < count * 40_000)
            service.answerOne()
            let answers = try await connection.rest()
            try await sending.value
            #expect(Self.bodies(answers).count == count)
            #expect(service.taken + Self.bodies(answers).count { $0.hasPrefix("answered") } == count)
        }
    }

    @Test func `who has sent everything and closes that side has its answer`() async throws {
        try await Self.with { service, server async throws in
            let answer = Task { try await server.wire(Self.request("/take/later", "one")) }
            while service.waiting == 0 { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(50))
            service.answerOne()
            #expect(try await Self.bodies(answer.value) == ["taken one"])
        }
    }

    @Test func `who is gone before the answer disturbs nobody`() async throws {
        try await Self.with { service, server async throws in
            for _ in 1...20 {
                let connection = try await Connection.open(to: server)
                let before = service.waiting
                try await connection.send(Self.request("/take/later", "one") + Self.request("/take", "two"))
                while service.waiting == before { try await Task.sleep(for: .milliseconds(1)) }
                try await connection.close()
            }
            for _ in 1...20 { service.answerOne() }
            let answer = try await server.post("/take", "three")
            #expect(answer.text == "taken three")
        }
    }

    @Test func `what is no HTTP behind a taken request is refused after that has its answer`() async throws {
        try await Self.with { service, server async throws in
            let answers = Task { try await server.wire(Self.request("/take/later", "one") + "\u{1}\r\n\r\n") }
            while service.waiting == 0 { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(50))
            service.answerOne()
            let text = try await answers.value
            #expect(text.hasPrefix("HTTP/1.1 200"))
            #expect(text.contains("HTTP/1.1 400"))
        }
    }

    @Test func `a connection is idle when its taken request has an answer, and not before`() async throws {
        var limits = Listener.Limits()
        limits.idleSeconds = 1
        try await Self.with(limits: limits) { service, server async throws in
            let connection = try await Connection.open(to: server)
            try await connection.send(Self.request("/take/later", "one"))
            try await Task.sleep(for: .seconds(2))
            #expect(service.waiting == 1)
            service.answerOne()
            // Not finished by this side: the server closes it, in a second.
            #expect(try await Self.bodies(connection.rest()) == ["taken one"])
        }
    }

    @Test func `a head that is followed by nothing is cut off`() async throws {
        var limits = Listener.Limits()
        limits.idleSeconds = 1
        try await Self.with(limits: limits) { service, server async throws in
            let connection = try await Connection.open(to: server)
            try await connection.send("POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
            let rest = try await connection.rest()
            #expect(rest.isEmpty)
            #expect(service.taken == 0)
        }
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
    ])
    func `dates in headers are written as RFC 9110 has them`(second: Int, text: String) {
        #expect(DateHeader.text(of: second) == text)
    }
}

/// A connection on which bytes go out as they are.
private final class Connection: Sendable {
    private let channel: any Channel
    private let received: Mutex<ByteBuffer>
    private let bytesSent = Mutex(0)

    /// Bytes that have left for the kernel.
    var sent: Int { bytesSent.withLock { $0 } }

    private init(_ channel: any Channel, _ received: ByteBuffer = ByteBuffer()) {
        self.channel = channel
        self.received = Mutex(received)
    }

    static func open(to server: RunningServer) async throws -> Connection {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: server.address.port)
            .get()
        let connection = Connection(channel)
        try await channel.pipeline.addHandler(Collector(connection)).get()
        return connection
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
        bytesSent.withLock { $0 += text.utf8.count }
    }

    func finish() async throws { try await channel.close(mode: .output).get() }
    func close() async throws { try await channel.close().get() }

    /// What comes until the server closes the connection.
    func rest() async throws -> String {
        try await channel.closeFuture.get()
        return received.withLock { String(buffer: $0) }
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let connection: Connection

        init(_ connection: Connection) { self.connection = connection }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            connection.received.withLock { _ = $0.writeBuffer(&bytes) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            // The server has said everything.
            if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        }
    }
}
