import AsyncHTTPClient
import Server
import Testing

@Suite(.timeLimit(.minutes(1))) struct `The browser client` {
    @Test func `is served to pages of any origin, and only once while it stays the same`() async throws {
        try await SourceServer.with { source async throws in
            let answer = try await source.server.send("GET", "/ferry.js", headers: [("Origin", "https://shop.example")])
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "text/javascript; charset=utf-8")
            #expect(answer["cross-origin-resource-policy"] == "cross-origin")
            #expect(answer["access-control-allow-origin"] == "https://shop.example")
            #expect(answer.text.contains("window.ferry = ferry"))
            #expect(answer.bytes.count < 20_000)
            let tag = try #require(answer["etag"])
            for known in [tag, "W/\(tag)", "\"other\", \(tag)"] {
                let again = try await source.server.send("GET", "/ferry.js", headers: [("If-None-Match", known)])
                #expect(again.status == 304)
                #expect(again.bytes.isEmpty)
            }
            let changed = try await source.server.send("GET", "/ferry.js", headers: [("If-None-Match", "\"other\"")])
            #expect(changed.status == 200)
        }
    }
}
