import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

/// Who may see the console, and what it takes for its own, asked without a browser.
@Suite(.timeLimit(.minutes(5))) struct `The console's door` {
    private static let token = "admin-token-7f3a"
    private static let configuration = """
        admin_token: env:FERRY_TEST_TOKEN
        sources: { web: { write_key: ferry-local } }
        integrations:
          main: { type: customerio, sources: [web], settings: { endpoint: workspace } }
        """
    private static let pages = [
        "/console", "/console/connect", "/console/events", "/console/events/1", "/console/failed",
        "/console/failed/export", "/console/rejected", "/console/jobs", "/console/nodes",
        "/console/directory",
        "/console/directory/customerio", "/console/integrations/main", "/console/integrations/main/settings",
        "/console/integrations/main/actions", "/console/integrations/main/actions/track-event",
        "/console/integrations/main/deliveries", "/console/integrations/main/failed",
        "/console/integrations/main/history", "/console/integrations/main/history/1", "/console/workspaces",
        "/console/workspaces/main", "/console/workspaces/main/people/u1", "/console/workspaces/main/objects",
        "/console/workspaces/main/activity", "/console/workspaces/main/metrics", "/console/workspaces/main/requests",
        "/console/workspaces/main/requests/1", "/console/changes", "/console/nothing",
    ]

    /// A Ferry that asks for an admin token, or one that does not, with an event of `u1`.
    private static func ferry(asksForToken: Bool) async throws -> (RunningFerry, ScratchFolder) {
        let folder = try ScratchFolder()
        let text = asksForToken ? configuration : configuration.replacing(/admin_token.*\n/, with: "")
        let ferry = try await RunningFerry(
            data: "memory",
            config: try folder.file("ferry.yaml", text),
            adminToken: asksForToken ? token : nil,
            environment: ["FERRY_TEST_TOKEN": token]
        )
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "Secret Order"]).status == 200)
        _ = try await ferry.get("/admin/v1/workspace/people/u1") { $0["identifiers"] != nil }
        return (ferry, folder)
    }

    private static func health(_ ferry: RunningFerry) async throws -> String? {
        try await ferry.get("/admin/v1/integrations/main").body?["health"]?["state"]?.stringValue
    }

    @Test func `every answer forbids what is inline, from elsewhere, and other people's frames`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: false)
        let visitor = ConsoleVisitor(ferry)
        var answers: [(String, ConsoleVisitor.Page)] = []
        for path in Self.pages + [
            "/", "/console/console.css", "/console/console.js", "/console/a/b/c/d/e", "/console/%FF",
        ]
        where path != "/console/changes" {
            answers.append((path, try await visitor.get(path)))
        }
        answers.append(("no token", try await visitor.post("/console/jobs/1/stop", token: nil)))
        answers.append(("PUT", try await visitor.send("PUT", "/console/events")))
        answers.append(("unknown act", try await visitor.post("/console/nothing", token: answers[0].1.formToken)))
        answers.append(
            (
                "large",
                try await visitor.post("/console/nothing", ["a": String(repeating: "x", count: 1 << 20)], token: nil)
            )
        )
        for (name, answer) in answers {
            let policy = try #require(answer["content-security-policy"], "\(name)")
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "\(name)")
            #expect(policy.contains("script-src 'self'") && policy.contains("form-action 'self'"), "\(name)")
            #expect(!policy.contains("unsafe") && !policy.contains("*"), "\(name)")
            #expect(answer["x-content-type-options"] == "nosniff", "\(name)")
            #expect(answer["access-control-allow-origin"] == nil, "\(name)")
            if answer["content-type"]?.hasPrefix("text/html") == true {
                #expect(answer["cache-control"] == "no-store", "\(name)")
            }
        }
    }

    @Test func `no page has a script, style or handler in it`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: false)
        let visitor = ConsoleVisitor(ferry)
        for path in Self.pages where !path.hasSuffix("/changes") && !path.hasSuffix("/export") {
            let text = try await visitor.get(path).text
            let tags = text.matches(of: /<[a-zA-Z][^>]*>/).map { String($0.0) }
            #expect(tags.count > 20, "\(path)")
            let scripts = tags.filter { $0.hasPrefix("<script") }
            #expect(scripts == [#"<script src="/console/console.js" defer>"#], "\(path)")
            #expect(text.contains(#"console.js" defer></script>"#))
            for tag in tags {
                #expect(
                    tag.firstMatch(of: /^<(style|iframe|object|embed|base)\b|\s(on\w+|style)=|javascript:/) == nil,
                    "\(tag)"
                )
            }
        }
    }

    @Test func `a form that is not ours changes nothing`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: false)
        let (visitor, other) = (ConsoleVisitor(ferry), ConsoleVisitor(ferry))
        let own = try #require(try await visitor.get("/console/integrations/main").formToken)
        let foreign = try #require(try await other.get("/console/integrations/main").formToken)
        #expect(own != foreign)
        let act = "/console/integrations/main/act/pause"
        let host = ferry.privateURL.dropFirst("http://".count)
        let form = "application/x-www-form-urlencoded"
        let tries: [(String, token: String?, type: String?, headers: [(String, String)])] = [
            ("no token", nil, form, []), ("an empty token", "", form, []),
            ("another session's token", foreign, form, []),
            ("another origin", own, form, [("origin", "http://evil.example")]),
            ("another port", own, form, [("origin", "http://127.0.0.1:1")]),
            ("no origin to tell", own, form, [("origin", "null")]),
            ("plain text", own, "text/plain", []), ("JSON", own, "application/json", []),
            ("parts", own, "multipart/form-data; boundary=x", []), ("no type", own, nil, []),
        ]
        for (name, token, type, headers) in tries {
            let answer = try await visitor.post(act, token: token, type: type, headers)
            #expect(answer.status == 403, "\(name)")
            #expect(try await Self.health(ferry) == "healthy", "\(name)")
        }
        let nobody = ConsoleVisitor(ferry)
        #expect(try await nobody.post(act, token: own).status == 403)
        #expect(try await Self.health(ferry) == "healthy")
        // GET changes nothing, whatever its address says.
        #expect(try await visitor.get("\(act)?csrf=\(own)").status == 404)
        #expect(try await Self.health(ferry) == "healthy")
        #expect(try await visitor.post(act, token: own, [("origin", "http://\(host)")]).status == 303)
        _ = try await ferry.get("/admin/v1/integrations/main") { $0["health"]?["state"] == "paused" }
    }

    @Test func `cookies are for this server's pages alone`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: false)
        let visitor = ConsoleVisitor(ferry)
        let cookie = try #require(try await visitor.get("/console")["set-cookie"])
        let parts = cookie.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(parts.dropFirst() == ["Path=/", "HttpOnly", "SameSite=Strict"])
        // One that nobody was given begins nothing.
        visitor.cookie = "ferry_console=chosen-by-somebody"
        let answer = try await visitor.get("/console")
        #expect(answer["set-cookie"]?.contains("chosen") == false)
    }

    @Test(.enabled(if: Chromedriver.isInstalled, "needs scripts/setup tests"))
    func `where the listener speaks TLS cookies do, too`() async throws {
        let folder = try ScratchFolder()
        let text = Self.configuration.replacing(/admin_token.*\n/, with: "listen: { private_tls: self-signed }\n")
        let ferry = try await RunningFerry(data: "memory", config: try folder.file("ferry.yaml", text))
        try await WebBrowser.with { browser in
            try await browser.open(ferry.privateURL + "/console/integrations/main")
            let cookies = try await browser.cookies()
            #expect(cookies.count == 1 && cookies[0]["secure"] == true && cookies[0]["httpOnly"] == true)
            #expect(cookies[0]["sameSite"] == "Strict")
            try await browser.click(.button("Try now"))
            try await browser.see("main is tried at once.")
        }
    }

    @Test func `nothing is seen before the admin token is said, and nothing after signing out`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: true)
        let visitor = ConsoleVisitor(ferry)
        for path in Self.pages {
            let page = try await visitor.get(path)
            #expect(page.asksToSignIn && !page.text.contains("Secret Order"), "\(path)")
        }
        let first = try #require(visitor.cookie)
        let firstToken = try #require(try await visitor.get("/console").formToken)
        #expect(
            try await visitor.post("/console/integrations/main/act/pause", token: firstToken)["location"] == "/console"
        )
        #expect(try await Self.health(ferry) == "healthy")
        let wrong = try await visitor.signIn("admin-token")
        #expect(wrong.status == 403 && wrong.text.contains("That is not the admin token."))
        #expect(try await visitor.get("/console").asksToSignIn)
        let right = try await visitor.signIn(Self.token, next: "/console/events?user_id=u1")
        #expect(right.status == 303 && right["location"] == "/console/events?user_id=u1")
        let second = try #require(visitor.cookie)
        #expect(first != second)
        for path in Self.pages where path != "/console/changes" {
            let page = try await visitor.get(path)
            #expect(!page.asksToSignIn && !page.text.contains(Self.token), "\(path)")
        }
        #expect(try await visitor.get("/console/events").text.contains("Secret Order"))
        // Who knew the session before knows nothing.
        let early = ConsoleVisitor(ferry)
        early.cookie = first
        #expect(try await early.get("/console/events").asksToSignIn)
        let token = try #require(try await visitor.get("/console").formToken)
        #expect(token != firstToken)
        #expect(try await visitor.post("/console/logout", token: token).status == 303)
        visitor.cookie = second
        #expect(try await visitor.get("/console/events").asksToSignIn)
        #expect(try await Self.health(ferry) == "healthy")
    }

    @Test func `signs of changes end when whoever asked for them signs out`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: true)
        let visitor = ConsoleVisitor(ferry)
        _ = try await visitor.signIn(Self.token)
        let stream = try await visitor.answer(to: "GET", "/console/changes").body
        let token = try #require(try await visitor.get("/console").formToken)
        var told: [String] = []
        for try await part in stream {
            told.append(String(buffer: part))
            // A page that is open sees to it that there is always a next one.
            if told.count == 2 { #expect(try await visitor.post("/console/logout", token: token).status == 303) }
            guard told.count < 20 else { break }
        }
        #expect(told.count >= 2 && told.count < 20, "\(told)")
    }

    @Test func `who guesses waits, also with the right token`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: true)
        let visitor = ConsoleVisitor(ferry)
        // Five in a minute; a new one may begin in between.
        var isThrottled = false
        for _ in 1...11 where !isThrottled {
            isThrottled = try await visitor.signIn("guess").text.contains("Too many wrong tokens")
        }
        #expect(isThrottled)
        let answers = [try await visitor.signIn(Self.token), try await visitor.signIn(Self.token)]
        #expect(answers.contains { $0.status == 403 && $0.text.contains("Too many wrong tokens") })
    }

    @Test(arguments: [
        "https://evil.example/", "//evil.example/console", "/\\evil.example", "/console\\@evil.example/",
        "javascript:alert(1)",
        "console", "", " /console", "/events", "/console\r\nSet-Cookie: a=b", "/console/../../\\evil.example",
    ])
    func `signing in leads nowhere else`(next: String) async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: true)
        let answer = try await ConsoleVisitor(ferry).signIn(Self.token, next: next)
        let location = try #require(answer["location"])
        #expect(answer.status == 303 && answer.headers["set-cookie"].count == 1)
        let address = URL(string: location, relativeTo: URL(string: ferry.privateURL))
        #expect(location == "/console" || (location.hasPrefix("/console") && !location.contains("\\")))
        #expect(address?.host() == "127.0.0.1")
    }

    @Test func `another name in the Host header is not answered`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: false)
        for host in ["evil.example", "127.0.0.1.evil.example:8081"] {
            let answer = try await ConsoleVisitor(ferry).get("/console/events", [("host", host)])
            #expect(answer.status == 421 && !answer.text.contains("Secret Order"))
        }
    }

    @Test func `HEAD is answered as GET without a body, unknown paths and large forms are refused`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: false)
        let visitor = ConsoleVisitor(ferry)
        for path in ["/console", "/console/events/1", "/console/console.js", "/console/nothing"] {
            let (head, page) = (try await visitor.send("HEAD", path), try await visitor.get(path))
            #expect(head.status == page.status && head["content-type"] == page["content-type"], "\(path)")
            #expect(head.text.isEmpty)
        }
        #expect(try await visitor.send("HEAD", "/console/changes").status == 200)
        let unknown = ["/console/nothing", "/console/events/1/2/3", "/console/integrations/none", "/console/events/99"]
        for path in unknown {
            let page = try await visitor.get(path)
            #expect(page.status == 404 && page.text.contains("<h1>"), "\(path)")
        }
        #expect(try await visitor.send("PUT", "/console/events").status == 405)
        let token = try await visitor.get("/console/integrations/main").formToken
        let large = ["pad": String(repeating: "x", count: 1 << 20)]
        let answer = try await visitor.post("/console/integrations/main/act/pause", large, token: token)
        #expect(answer.status == 413)
        #expect(try await Self.health(ferry) == "healthy")
    }

    @Test func `a thousand visitors push nobody out`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: true)
        let (signedIn, first) = (ConsoleVisitor(ferry), ConsoleVisitor(ferry))
        #expect(try await signedIn.signIn(Self.token).status == 303)
        let token = try #require(try await first.get("/console").formToken)
        for _ in 1...1_000 { _ = try await ConsoleVisitor(ferry).send("HEAD", "/console") }
        #expect(try await !signedIn.get("/console/events").asksToSignIn)
        #expect(try await first.post("/console/login", ["token": Self.token], token: token).status == 303)
    }

    @Test func `the live stream is for who has signed in, and ends with the server`() async throws {
        let (ferry, _) = try await Self.ferry(asksForToken: true)
        let visitor = ConsoleVisitor(ferry)
        #expect(try await visitor.get("/console/changes").asksToSignIn)
        #expect(try await visitor.signIn(Self.token).status == 303)
        let answer = try await visitor.answer(to: "GET", "/console/changes")
        #expect(answer.headers.first(name: "content-type") == "text/event-stream")
        var parts = answer.body.makeAsyncIterator()
        #expect(try await parts.next().map { String(buffer: $0) } == ": hello\n\n")
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "Another"]).status == 200)
        #expect(try await parts.next().map { String(buffer: $0) } == "data: change\n\n")
        #expect(ferry.stop() == 0)
        // To its end, and not cut off by it: that would throw.
        while let part = try await parts.next() { #expect(String(buffer: part) == "data: change\n\n") }
    }
}
