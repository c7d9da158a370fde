import Foundation
import LosslessJSON
import PostgresServer
import Testing

/// The console of several servers behind one address: who has signed in at one of them is known at the others.
@Suite(.timeLimit(.minutes(3))) struct `Consoles behind one address` {
    private let folder: ScratchFolder
    private static let key = Data((0..<32).map { UInt8($0) })

    init() throws {
        folder = try ScratchFolder()
    }

    /// A server with this key and this admin token, with data of its own or those of a database.
    private func node(
        _ name: String,
        key: Data = key,
        token: String = "admin-token-1",
        over url: String? = nil
    ) async throws -> RunningFerry {
        let data = folder.url.appending(path: name)
        try FileManager.default.createDirectory(
            at: data,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        try key.write(to: data.appending(path: "seal.key"))
        let config = try folder.file(
            "\(name).yaml",
            """
            admin_token: env:FERRY_TEST_TOKEN
            sources: { web: { write_key: ferry-local } }
            integrations:
              main: { type: customerio, sources: [web], settings: { endpoint: workspace } }
            """
        )
        return try await RunningFerry(
            data: url == nil ? data.path : "env:FERRY_TEST_DATABASE",
            config: config,
            adminToken: token,
            arguments: url == nil ? [] : ["--folder", data.path],
            environment: ["FERRY_TEST_TOKEN": token, "FERRY_TEST_DATABASE": url ?? ""]
        )
    }

    @Test func `who has signed in at one is known at the others, with their forms, also after a restart`() async throws
    {
        let (one, other) = (try await node("one"), try await node("other"))
        let visitor = ConsoleVisitor(one)
        // The page is one server's, and the form goes to the other.
        let first = try #require(try await visitor.get("/console").formToken)
        visitor.url = other.privateURL
        let signedIn = try await visitor.post("/console/login", ["token": "admin-token-1"], token: first)
        #expect(signedIn.status == 303)
        visitor.url = one.privateURL
        let page = try await visitor.get("/console/integrations/main")
        #expect(!page.asksToSignIn)
        visitor.url = other.privateURL
        let act = "/console/integrations/main/act/pause"
        #expect(try await visitor.post(act, token: page.formToken).status == 303)
        _ = try await other.get("/admin/v1/integrations/main") { $0["health"]?["state"] == "paused" }
        #expect(other.stop() == 0)
        let again = try await node("other")
        visitor.url = again.privateURL
        #expect(try await !visitor.get("/console/events").asksToSignIn)
        #expect(try await visitor.post("/console/integrations/main/act/resume", token: page.formToken).status == 303)
        #expect(one.stop() == 0 && again.stop() == 0)
    }

    @Test func `another key, another admin token, and what was changed are known nowhere`() async throws {
        let one = try await node("one")
        let visitor = ConsoleVisitor(one)
        #expect(try await visitor.signIn("admin-token-1").status == 303)
        let cookie = try #require(visitor.cookie)
        let others = [
            try await node("key", key: Data(repeating: 7, count: 32)), try await node("token", token: "admin-token-2"),
        ]
        for other in others {
            let stranger = ConsoleVisitor(other)
            stranger.cookie = cookie
            #expect(try await stranger.get("/console/events").asksToSignIn)
            #expect(other.stop() == 0)
        }
        // Whoever changes the admin token ends all sessions.
        #expect(one.stop() == 0)
        let changed = try await node("one", token: "admin-token-3")
        visitor.url = changed.privateURL
        visitor.cookie = cookie
        #expect(try await visitor.get("/console/events").asksToSignIn)
        #expect(changed.stop() == 0)
    }

    @Test func `a session that has ended is over at that server for good, and its cookie is taken away`() async throws {
        let one = try await node("one")
        let visitor = ConsoleVisitor(one)
        #expect(try await visitor.signIn("admin-token-1").status == 303)
        let cookie = try #require(visitor.cookie)
        let token = try await visitor.get("/console").formToken
        let answer = try await visitor.post("/console/logout", token: token)
        #expect(answer["set-cookie"] == "ferry_console=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
        let thief = ConsoleVisitor(one)
        thief.cookie = cookie
        #expect(try await thief.get("/console/events").asksToSignIn)
        #expect(one.stop() == 0)
        let again = try await node("one")
        thief.url = again.privateURL
        #expect(try await thief.get("/console/events").asksToSignIn)
        #expect(again.stop() == 0)
    }

    @Test(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"))
    func `a session that has ended at one node is over at all, also when the database was away then`() async throws {
        let server = try PostgresServer()
        let url = try await server.database()
        let (one, other) = (try await node("one", over: url), try await node("other", over: url))
        let visitors = [ConsoleVisitor(one), ConsoleVisitor(one)]
        for visitor in visitors { #expect(try await visitor.signIn("admin-token-1").status == 303) }
        let thieves = visitors.map { visitor in
            let thief = ConsoleVisitor(other)
            thief.cookie = visitor.cookie
            return thief
        }
        for thief in thieves { #expect(try await !thief.get("/console/nodes").asksToSignIn) }
        let tokens = [try await visitors[0].get("/console").formToken, try await visitors[1].get("/console").formToken]
        #expect(try await visitors[0].post("/console/logout", token: tokens[0]).status == 303)
        #expect(try await thieves[0].get("/console/nodes").asksToSignIn)
        #expect(try await !thieves[1].get("/console/nodes").asksToSignIn)

        server.freeze(true)
        let cookie = visitors[1].cookie
        let answer = try await visitors[1].post("/console/logout", token: tokens[1])
        #expect(answer.status == 503 && answer.text.contains("You are signed out at this server"), "\(answer.text)")
        visitors[1].cookie = cookie
        #expect(try await visitors[1].get("/console/nodes").asksToSignIn)
        // What is known stays so.
        #expect(try await thieves[0].get("/console/nodes").asksToSignIn)
        server.freeze(false)
        var isOver = false
        for _ in 0..<200 where !isOver {
            isOver = try await thieves[1].get("/console/nodes").asksToSignIn
            if !isOver { try await Task.sleep(for: .milliseconds(100)) }
        }
        #expect(isOver)
        #expect(one.stop() == 0 && other.stop() == 0)
    }
}
