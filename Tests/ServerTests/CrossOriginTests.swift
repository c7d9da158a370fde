import AsyncHTTPClient
import Server
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Cross-origin calls` {
    private static let origin = ("Origin", "https://shop.example")

    @Test(arguments: [
        ("POST", "/v1/track", #"{"event":"E","userId":"u1","writeKey":"key-web"}"#, 200),
        ("POST", "/v1/track", "{", 400),
        ("GET", "/v1/track", "", 405), ("POST", "/nothing", "{}", 404),
    ])
    func `every answer can be read by a page of any origin`(method: String, path: String, body: String, status: Int)
        async throws
    {
        try await SourceServer.with { source async throws in
            for headers in [[], [Self.origin]] {
                let bytes = method == "POST" ? Array(body.utf8) : nil
                let answer = try await source.server.send(
                    method,
                    path,
                    headers: headers,
                    body: bytes.map { .bytes($0) }
                )
                #expect(answer.status == status)
                #expect(answer["access-control-allow-origin"] == (headers.isEmpty ? "*" : Self.origin.1))
                #expect(answer["vary"] == "Origin")
                #expect(answer["access-control-allow-credentials"] == "true")
                #expect(answer["access-control-expose-headers"] == "Retry-After, X-RateLimit-Reset")
            }
        }
    }

    @Test(arguments: ["/v1/track", "/v1/batch", "/v1/t", "/v1/import/", "//v1/identify"])
    func `a preflight needs no key`(path: String) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.send(
                "OPTIONS",
                path,
                headers: [
                    Self.origin, ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "authorization,x-mine"),
                ]
            )
            #expect(answer.status == 204)
            #expect(answer.bytes.isEmpty)
            #expect(answer["access-control-allow-origin"] == Self.origin.1)
            #expect(answer["access-control-allow-methods"] == "GET, POST, OPTIONS")
            let allowed = try #require(answer["access-control-allow-headers"])
            #expect(allowed.hasPrefix("authorization,x-mine, "))
            for name in ["authorization", "content-type", "content-encoding", "x-retry-count", "x-strict-mode"] {
                #expect(allowed.contains(name))
            }
            #expect(answer["access-control-max-age"].flatMap(Int.init) ?? 0 >= 900)
            #expect(try await source.events.isEmpty)
        }
    }

    @Test func `a preflight of an unknown path is a readable 404`() async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.send("OPTIONS", "/v2/track", headers: [Self.origin])
            #expect(answer.status == 404)
            #expect(answer["access-control-allow-origin"] == Self.origin.1)
        }
    }

    @Test(arguments: ["GET", "HEAD", "PUT", "DELETE", "PATCH", "PROPFIND"])
    func `other methods are answered 405 with the methods that are taken`(method: String) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.send(method, "/v1/batch")
            #expect(answer.status == 405)
            #expect(answer["allow"] == "POST, OPTIONS")
            #expect(answer.bytes.isEmpty == (method == "HEAD"))
            #expect(answer["content-length"].flatMap(Int.init) ?? 0 > 100)
        }
    }

    @Test(arguments: [
        "/", "/v1", "/v1/", "/v1/nothing", "/v1/track/more", "/admin/v1/workspace/people", "/%FF", "/livez",
    ])
    func `nothing else is on the public listener`(path: String) async throws {
        try await SourceServer.with { source async throws in
            for method in ["GET", "POST", "HEAD"] {
                #expect(try await source.server.send(method, path).status == 404)
            }
        }
    }
}
