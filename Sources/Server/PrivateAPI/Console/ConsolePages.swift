import Console
import Events
import HTTPTypes
import LosslessJSON
import NIOCore

/// The console on the private listener: who may see it, whether a form is ours, and what browsers are told to be careful of.
/// The pages themselves are the room `Console`'s.
struct ConsolePages: Sendable {
    private static let cookie = "ferry_console"
    private static let formBytes = 1 << 20
    /// Between two signs to an open page.
    private static let pause = Duration.milliseconds(500)

    private let console: Console
    private let door: AdminDoor
    private let sessions: ConsoleSessions
    /// A signal whenever something happened that pages show.
    private let changes: @Sendable () -> AsyncStream<Void>
    private let now: @Sendable () -> Timestamp
    /// Whether the listener speaks TLS, and cookies go nowhere else.
    private let isSecure: Bool

    /// - Parameters:
    ///   - routes: the admin API, which every page asks.
    ///   - door: whether a token is asked for.
    ///   - sessions: who has signed in.
    ///   - changes: signals for the pages that are open.
    ///   - isSecure: whether the listener speaks TLS.
    ///   - now: the server's clock.
    init(
        over routes: Routes,
        behind door: AdminDoor,
        sessions: ConsoleSessions,
        changes: @escaping @Sendable () -> AsyncStream<Void>,
        isSecure: Bool,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.door = door
        self.sessions = sessions
        self.changes = changes
        self.isSecure = isSecure
        self.now = now
        console = Console(
            ask: { call in try await routes.answer(call, behind: door) },
            now: { now().milliseconds }
        )
    }

    /// Where a request for the console goes to; `nil` for one that is not for it.
    static func path(of request: IncomingRequest) -> RequestPath? {
        // What can't be decoded is a page that is not there.
        let unknown = request.target.hasPrefix("/console/") ? RequestPath(target: "/console/-") : nil
        guard let path = RequestPath(target: request.target) ?? unknown else { return nil }
        return path.segments.isEmpty || path.segments[0] == "console" ? path : nil
    }

    func answer(_ request: IncomingRequest, _ path: RequestPath) async throws -> Answer {
        guard let method = ConsoleRequest.Method(request.method) else {
            return page(.wrongMethod, "GET and POST are understood here", [.allow: "GET, HEAD, POST"])
        }
        guard !path.segments.isEmpty else { return redirect(to: "/console") }
        var asked = ConsoleRequest(method, path: Array(path.segments.dropFirst()), query: request.query.all)
        let time = now().milliseconds
        let known = await sessions.session(cookie(of: request), at: time)
        if method == .post { return try await act(request, asked, known) }
        if case .asset(let asset) = await asset(asked) { return answer(asset) }
        guard known?.isSignedIn == true || !door.asksForToken else {
            let session = known ?? sessions.begin(isSignedIn: false, at: time)
            asked.formToken = session.formToken
            asked.query["next"] = request.target
            return answer(console.login(asked, words: nil), session)
        }
        let session = known ?? sessions.begin(isSignedIn: false, at: time)
        if asked.path == ["changes"] { return stream(for: session) }
        asked.formToken = session.formToken
        asked.isSignedIn = session.isSignedIn
        // A page that renews its parts does not take what the next one is to tell.
        if request.headers[.live] == nil { asked.said = sessions.takeSaid(of: session) }
        return answer(await console.answer(asked), session)
    }

    private func asset(_ request: ConsoleRequest) async -> ConsoleAnswer? {
        guard request.path.count == 1, Asset(rawValue: request.path[0]) != nil else { return nil }
        return await console.answer(request)
    }

    // MARK: Forms

    private func act(
        _ request: IncomingRequest,
        _ asked: ConsoleRequest,
        _ session: ConsoleSessions.Session?
    ) async throws -> Answer {
        let empty = asked
        func refuse(_ words: String, _ status: Int) -> Answer {
            answer(console.refuse(empty, words, status: status), session ?? sessions.begin(at: now().milliseconds))
        }
        var asked = asked
        guard request.isFromNoOtherOrigin,
            request.headers[.contentType]?.hasPrefix("application/x-www-form-urlencoded") == true
        else {
            return page(.foreignOrigin, "Send the form from the page that it is on.")
        }
        let budget = ByteBudget(limit: Self.formBytes)
        let body = try await request.readBody(upTo: Self.formBytes, seconds: 30, budget: budget)
        guard case .whole(let buffer) = body else {
            var answer = refuse("The form is larger than 1 MB, or did not arrive in time.", 413)
            if case .tooLarge(isDrained: true, _) = body { return answer }
            answer.closesConnection = true
            return answer
        }
        // Browsers send a line's end as two characters, whatever it was.
        asked.form = RequestQuery("?" + String(buffer: buffer)).all.mapValues { $0.replacing("\r\n", with: "\n") }
        guard let session, isSameSecret(Array((asked.form["csrf"] ?? "").utf8), as: Array(session.formToken.utf8))
        else {
            return refuse("The page was open for too long: load it again, and send the form once more.", 403)
        }
        asked.formToken = session.formToken
        if asked.path == ["login"] { return await signIn(request, asked, session) }
        guard session.isSignedIn || !door.asksForToken else { return redirect(to: "/console") }
        if asked.path == ["logout"] {
            guard await sessions.end(session, at: now().milliseconds) else {
                return answer(
                    console.refuse(
                        empty,
                        """
                        You are signed out at this server. The database does not answer: other servers that share it hear of it \
                        when it does, unless this one is stopped before.
                        """,
                        status: 503
                    ),
                    sessions.begin(at: now().milliseconds)
                )
            }
            var answer = redirect(to: "/console")
            answer.headers[.setCookie] = cookie("", "; Max-Age=0")
            return answer
        }
        asked.isSignedIn = session.isSignedIn
        return answer(await console.answer(asked), session)
    }

    private func signIn(
        _ request: IncomingRequest,
        _ asked: ConsoleRequest,
        _ session: ConsoleSessions.Session
    ) async -> Answer {
        let time = now().milliseconds
        let address = request.peerAddress ?? ""
        guard sessions.mayTry(address, at: time) else {
            return answer(console.login(asked, words: "Too many wrong tokens: wait a minute."), session)
        }
        guard door.opens(with: asked.form["token"] ?? "") else {
            sessions.failed(address, at: time)
            return answer(console.login(asked, words: "That is not the admin token."), session)
        }
        // A new one: what was known of the session before may be known to others.
        _ = await sessions.end(session, at: time)
        let next = asked.form["next"] ?? ""
        let isWithin =
            next.hasPrefix("/console") && next.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "\\") }
        var answer = redirect(to: isWithin ? next : "/console")
        set(sessions.begin(isSignedIn: true, at: time), in: &answer)
        return answer
    }

    // MARK: Answers

    private func answer(_ said: ConsoleAnswer, _ session: ConsoleSessions.Session) -> Answer {
        var answer: Answer
        switch said {
        case .html(let text, let status): answer = page(.onPage(status: status), html: text)
        case .redirect(let path, let words):
            sessions.say(words, to: session)
            answer = redirect(to: path)
        case .file(let file):
            answer = Answer(.done, headers: Self.careful, body: file.bytes)
            answer.headers[.contentType] = file.type
            answer.headers[.contentDisposition] = "attachment; filename=\"\(file.name)\""
        case .text(let text): answer = page(.done, text)
        case .asset(let asset): return self.answer(asset)
        }
        set(session, in: &answer)
        return answer
    }

    private func answer(_ asset: Asset) -> Answer {
        var headers = Self.careful
        headers[.contentType] = asset.type
        headers[.cacheControl] = "no-cache"
        return Answer(.done, headers: headers, body: asset.bytes)
    }

    private func page(_ situation: Situation, _ words: String, _ more: HTTPFields = [:]) -> Answer {
        var answer = Answer(situation, headers: Self.careful, body: Array(words.utf8))
        answer.headers[.contentType] = "text/plain; charset=utf-8"
        for field in more { answer.headers[field.name] = field.value }
        return answer
    }

    private func page(_ situation: Situation, html: String) -> Answer {
        var answer = Answer(situation, headers: Self.careful, body: Array(html.utf8))
        answer.headers[.contentType] = "text/html; charset=utf-8"
        return answer
    }

    private func redirect(to path: String) -> Answer {
        var answer = Answer(.seeOther, headers: Self.careful, body: [])
        answer.headers[.location] = path
        return answer
    }

    /// Signs for an open page, as server-sent events: two a second at most, until whoever opened it signs out.
    private func stream(for session: ConsoleSessions.Session) -> Answer {
        var answer = Answer(.done, headers: Self.careful, body: [])
        answer.headers[.contentType] = "text/event-stream"
        let changes = changes
        answer.stream = { write in
            let (signs, sign) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in changes() { sign.yield() } }
                group.addTask {
                    // What is delivered or tried again makes no event, and times grow older.
                    while true {
                        try await Task.sleep(for: .seconds(3))
                        sign.yield()
                    }
                }
                defer { group.cancelAll() }
                try await write(": hello\n\n")
                for await _ in signs {
                    let isOpen = await sessions.isOpen(session, at: now().milliseconds)
                    guard isOpen || !door.asksForToken else { return }
                    try await write("data: change\n\n")
                    try await Task.sleep(for: Self.pause)
                }
            }
        }
        return answer
    }

    /// Nothing inline, nothing from elsewhere, and in nobody's frame.
    private static let careful: HTTPFields = [
        .contentSecurityPolicy: """
        default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
        form-action 'self'; base-uri 'none'; frame-ancestors 'none'
        """,
        .xContentTypeOptions: "nosniff", .cacheControl: "no-store", .referrerPolicy: "same-origin",
        .crossOriginResourcePolicy: "same-origin",
    ]

    // MARK: The cookie

    private func set(_ session: ConsoleSessions.Session, in answer: inout Answer) {
        if let value = session.cookie { answer.headers[.setCookie] = cookie(value) }
    }

    private func cookie(_ value: String, _ more: String = "") -> String {
        "\(Self.cookie)=\(value); Path=/; HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "") + more
    }

    private func cookie(of request: IncomingRequest) -> String? {
        for field in request.headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let text = part.drop { $0 == " " }
                if text.hasPrefix(Self.cookie + "=") { return String(text.dropFirst(Self.cookie.count + 1)) }
            }
        }
        return nil
    }
}

extension ConsoleRequest.Method {
    fileprivate init?(_ method: HTTPRequest.Method) {
        switch method {
        case .get, .head: self = .get
        case .post: self = .post
        default: return nil
        }
    }
}

extension Routes {
    /// A call of the admin API from within: whoever sees the console was let in before.
    fileprivate func answer(_ call: AdminCall, behind door: AdminDoor) async throws -> AdminReply {
        let request = IncomingRequest(call, as: door)
        guard case .handler(let handler, let parameters) = match(request) else {
            return AdminReply(status: 404, body: [])
        }
        let answer: Answer
        do {
            answer = try await handler(request, parameters)
        } catch Intake.Failure.busy(let words) {
            answer = .admin(.storageUnavailable, words)
        } catch is Intake.Failure {
            answer = .admin(.storageUnavailable, "the database fails: try again later")
        }
        return AdminReply(status: answer.status.code, body: answer.body)
    }
}

extension IncomingRequest {
    fileprivate init(_ call: AdminCall, as door: AdminDoor) {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[.authorization] = door.key
        headers[.author] = "console"
        self.init(
            method: HTTPRequest.Method(rawValue: call.method) ?? .get,
            target: call.target,
            headers: headers,
            body: ByteBuffer(bytes: call.body?.encoded() ?? [])
        )
    }
}
