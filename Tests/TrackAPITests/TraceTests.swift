import Testing

@testable import TrackAPI

@Suite(.timeLimit(.minutes(1))) struct `A trace` {
    private static let example = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test(arguments: [
        "00-\(example)-00f067aa0ba902b7-01", "00-\(example)-00f067aa0ba902b7-00", "01-\(example)-00f067aa0ba902b7-03",
        "cc-\(example)-00f067aa0ba902b7-01-what-will-be",
    ])
    func `is read from a header of this version and of later ones`(header: String) {
        #expect(TraceID(traceparent: header)?.description == Self.example)
    }

    @Test(arguments: [
        "", "00", example, "00-\(example)-00f067aa0ba902b7", "00-\(example)-00f067aa0ba902b7-1",
        "00-\(example)-00f067aa0ba902b7-01-more", "cc-\(example)-00f067aa0ba902b7-01.more",
        "ff-\(example)-00f067aa0ba902b7-01", "0g-\(example)-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-\(example)-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-\(example)-00f067aa0ba902b7-0G",
        "00_\(example)-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
    ])
    func `is not read from what is no such header`(header: String) {
        #expect(TraceID(traceparent: header) == nil)
    }

    @Test func `is written as it is read, zeros in front and all`() throws {
        let trace = try #require(TraceID(traceparent: "00-0000000000000000000000000000002a-0000000000000007-01"))
        #expect(trace.traceparent(span: 7) == "00-0000000000000000000000000000002a-0000000000000007-01")
        for _ in 0..<100 {
            let trace = TraceID.random()
            #expect(TraceID(traceparent: trace.traceparent(span: .random(in: 1 ... .max))) == trace)
        }
    }

    @Test func `of a request is on the wire and in its exchange, and another one for the next`() async throws {
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let client = try server.client(http)
            let exchanges = [await client.exchange([.event("a")]), await client.exchange([.event("a")])]
            let sent = server.requests.map { $0.headers["traceparent"] ?? [] }
            #expect(sent.map(\.count) == [1, 1])
            #expect(sent.map { $0.first.flatMap(TraceID.init(traceparent:)) } == exchanges.map(\.trace))
            #expect(exchanges[0].trace != nil && exchanges[0].trace != exchanges[1].trace)
        }
    }

    @Test func `is there where no answer came, and not where no request was made`() async throws {
        try await StubServer.run({ _ in .bytesThenClose("") }) { server, http in
            let client = try server.client(http)
            let lost = await client.exchange([.event("a")])
            #expect(lost.status == nil)
            let sent = server.requests.compactMap { $0.headers["traceparent"]?.first }
            #expect(!sent.isEmpty && Set(sent.map { TraceID(traceparent: $0) }) == [lost.trace])
            #expect(Set(sent).count == sent.count, "a second attempt is a span of its own")
            #expect(await client.exchange([]).trace == nil)
            #expect(await client.exchange([.metric, .metric]).trace == nil)
        }
    }
}
