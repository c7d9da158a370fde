import AsyncHTTPClient
import LosslessJSON
import Server
import Testing

/// source-api.md §1.9 and §1.10.
@Suite(.timeLimit(.minutes(1))) struct `What SDKs ask for when they start` {
    private static func path(_ key: String) -> String { "/v1/projects/\(key)/settings" }

    @Test func `settings tell both families of SDKs the key and the host without a scheme`() async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.send("GET", Self.path("key-web"), headers: [("Origin", "https://a.b")])
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "application/json")
            #expect(answer["access-control-allow-origin"] == "https://a.b")
            #expect(answer["cache-control"] == "private, max-age=60")
            for name in ["Customer.io Data Pipelines", "Segment.io"] {
                let sdk = answer.json?["integrations"]?[name]
                #expect(sdk?["apiKey"] == "key-web")
                #expect(sdk?["apiHost"] == .string("127.0.0.1:\(source.server.address.port)/v1"))
                #expect(sdk?["protocol"] == "http")
            }
            #expect(answer.json?["metrics"]?["sampleRate"] == 0)
            // Kotlin throws the whole answer away when one of these is null or of another type.
            for name in ["plan", "edgeFunction", "middlewareSettings"] {
                #expect(answer.json?[name]?.objectValue != nil)
            }
        }
    }

    @Test(arguments: [("https", "https"), ("HTTPS, http", "https"), ("http", "http"), ("gopher", "http")])
    func `settings name the protocol that a proxy was asked by`(forwarded: String, expected: String) async throws {
        try await SourceServer.with { source async throws in
            let headers = [("X-Forwarded-Proto", forwarded), ("Host", "events.example.com")]
            let answer = try await source.server.send("GET", Self.path("key-web"), headers: headers)
            let sdk = answer.json?["integrations"]?["Segment.io"]
            #expect(sdk?["protocol"] == .string(expected))
            #expect(sdk?["apiHost"] == "events.example.com/v1")
        }
    }

    @Test(arguments: ["nobody", "key-old", "%20"])
    func `settings of an unknown key, or of a source that is switched off, are 404 in the usual shape`(key: String)
        async throws
    {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.send("GET", Self.path(key))
            #expect(answer.status == 404)
            #expect(answer.json?["code"] == "invalid_write_key")
            #expect(answer["access-control-allow-origin"] == "*")
        }
    }

    @Test func `settings take GET alone, and a preflight`() async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.post(Self.path("key-web"), "{}")
            #expect(answer.status == 405)
            #expect(answer["allow"] == "GET, OPTIONS")
            #expect(try await source.server.send("OPTIONS", Self.path("key-web")).status == 204)
            #expect(try await source.server.send("HEAD", Self.path("key-web")).status == 200)
        }
    }

    @Test(arguments: [#"{"series":[{"type":"Counter","metric":"analytics_js.x","value":1,"tags":{}}]}"#, "", "no JSON"])
    func `an SDK's metrics about itself are taken without a key and thrown away`(body: String) async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.post("/v1/m", body, [("Content-Type", "text/plain")])
            #expect(answer.status == 200)
            #expect(answer.text == #"{"success":true}"#)
            #expect(try await source.events.isEmpty)
            #expect(try await source.refused.isEmpty)
        }
    }
}
