import LosslessJSON
import Testing
import TrackAPI

/// What goes over the wire, read by a server that takes the bytes apart.
@Suite(.timeLimit(.minutes(1))) struct `A request` {
    @Test(arguments: [
        ([TrackAPI.Operation.event("a")], "/api/v2/entity"),
        ([.event("a"), .event("b")], "/api/v2/batch"),
        ([.metric], "/api/v1/metrics"),
    ])
    func `has method, path, headers and body of the Track API`(operations: [TrackAPI.Operation], path: String)
        async throws
    {
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let answer = try await server.client(http).send(operations)
            #expect(answer.kind == .delivered)
            let request = try #require(server.requests.first)
            #expect(server.requests.count == 1)
            #expect(request.method == "POST")
            #expect(request.path == path)
            #expect(request.headers["authorization"] == ["Basic \(Credentials.token)"])
            #expect(request.headers["content-type"] == ["application/json"])
            #expect(request.headers["user-agent"]?.first?.hasPrefix("Ferry/") == true)
            #expect(request.headers["host"] == [server.address])
            #expect(request.headers["content-length"] == ["\(request.body.utf8.count)"])
            #expect(Array(request.body.utf8) == Batch(operations).encoded())
        }
    }

    @Test func `goes below the endpoint's sub-path`() async throws {
        try await StubServer.run({ _ in .status(200) }) { server, http in
            _ = try await server.client(http, path: "/cio/api/v2/").send([.event("a")])
            #expect(server.requests.first?.path == "/cio/api/v2/entity")
        }
    }

    @Test func `number text, key order and letters beyond ASCII reach the other side as they are`() async throws {
        let text = #"{"z":12345678901234567890,"a":1.10,"name":"Zoë \" \\ \u0007 😀"}"#
        let body = try #require(try JSON(parsing: text).objectValue)
        try await StubServer.run({ _ in .status(200) }) { server, http in
            _ = try await server.client(http).send([TrackAPI.Operation(kind: .entity, body: body)])
            #expect(server.requests.first?.body == text)
        }
    }

    @Test func `is not made for no operation`() async throws {
        try await StubServer.run({ _ in .status(500) }) { server, http in
            let answer = try await server.client(http).send([])
            #expect(answer == .settled([]))
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `is not made for a metric among others, which halving separates`() async throws {
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let client = try server.client(http)
            #expect(await client.send([.event("a"), .metric]).kind == .unclear)
            #expect(await client.send([.metric, .metric]).kind == .unclear)
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `reuses its connection, and may be one of many at once`() async throws {
        try await StubServer.run({ _ in .status(200) }) { server, http in
            let client = try server.client(http)
            await withTaskGroup(of: Answer.self) { group in
                for number in 0..<100 { group.addTask { await client.send([.event("\(number)")]) } }
                for await answer in group { #expect(answer.kind == .delivered) }
            }
            #expect(server.requests.count == 100)
        }
    }

    @Test func `tells the status and the embedded workspace's name`() async throws {
        let exchange = try await StubServer.run({ _ in .status(200, headers: ["x-ferry-workspace": "demo"]) }) {
            try await $0.client($1).exchange([.event("a")])
        }
        #expect(exchange.status == 200)
        #expect(exchange.workspace == "demo")
        #expect(exchange.answer == .settled([.delivered]))
    }
}
