/// Console: the pages on which people set Ferry up, see what it does, understand it and mend it.
///
/// A page asks the admin API, as any client of it does, and shows what it says: this room knows no database, no HTTP and no
/// clock of its own. What a page shows is data for a template; templates escape everything. Who may see it, and whether a form
/// is ours, is decided by `Server` before a request gets here.
package struct Console: Sendable {
    let api: AdminAPIClient
    let now: @Sendable () -> Int64
    private let templates: Templates

    /// A console over an admin API.
    ///
    /// - Parameters:
    ///   - ask: Calls the admin API.
    ///   - now: Milliseconds since 1970, for relative times.
    package init(ask: @escaping AdminCall.Ask, now: @escaping @Sendable () -> Int64) {
        api = AdminAPIClient(ask: ask)
        self.now = now
        templates = .shared
    }

    /// Answers one request, whatever it is.
    package func answer(_ request: ConsoleRequest) async -> ConsoleAnswer {
        if let asset = Asset(request.path) { return .asset(asset) }
        guard let (handler, path) = Self.route(request) else {
            return show(
                Page(title: "Not found", template: "error", view: ["words": "There is no such page."]),
                404,
                request
            )
        }
        do {
            switch try await handler(self, ConsoleVisit(request, path)) {
            case .page(let page): return show(page, 200, request)
            case .goTo(let path, let words): return .redirect(to: path, words: words)
            case .file(let file): return .file(file)
            case .text(let text): return .text(text)
            }
        } catch let refusal as AdminAPIClient.Refusal {
            let page = Page(title: "That did not work", template: "error", view: ["words": refusal.words])
            return show(page, refusal.status, request)
        } catch {
            let page = Page(
                title: "Something went wrong",
                template: "error",
                view: ["words": "The server's log says more."]
            )
            return show(page, 500, request)
        }
    }

    /// The page on which somebody says the admin token.
    package func login(_ request: ConsoleRequest, words: String?) -> ConsoleAnswer {
        let view: View = ["words": words as Any, "next": request.query["next"] ?? "/console"]
        return show(Page(title: "Sign in", template: "login", view: view), words == nil ? 200 : 403, request)
    }

    /// A page that says why a form was not taken.
    package func refuse(_ request: ConsoleRequest, _ words: String, status: Int) -> ConsoleAnswer {
        show(Page(title: "That did not work", template: "error", view: ["words": words]), status, request)
    }

    private func show(_ page: Page, _ status: Int, _ request: ConsoleRequest) -> ConsoleAnswer {
        var view = page.view
        view["title"] = page.title
        view["csrf"] = request.formToken
        view["said"] = request.said ?? ""
        view["isSignedIn"] = request.isSignedIn
        view["sections"] = Section.allCases.map { section -> View in
            ["title": section.title, "path": section.path, "isHere": section == page.section]
        }
        return .html(templates.render(page.template, view), status: status)
    }
}

/// What a browser asks for, once it was let in.
package struct ConsoleRequest: Sendable {
    package enum Method: Sendable { case get, post }

    package var method: Method
    /// The decoded segments behind `/console`.
    package var path: [String]
    package var query: [String: String]
    /// The fields of a form.
    package var form: [String: String]
    /// What each form has to carry, so that it is known for ours.
    package var formToken: String
    /// What the act before came to; shown once.
    package var said: String?
    /// Whether a token was asked for, so that somebody can sign out.
    package var isSignedIn: Bool

    package init(
        _ method: Method,
        path: [String],
        query: [String: String] = [:],
        form: [String: String] = [:],
        formToken: String = "",
        said: String? = nil,
        isSignedIn: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.form = form
        self.formToken = formToken
        self.said = said
        self.isSignedIn = isSignedIn
    }
}

/// What a browser gets.
package enum ConsoleAnswer: Sendable {
    case html(String, status: Int)
    /// To a path under `/console`, where `words` are shown.
    case redirect(to: String, words: String?)
    case file(DownloadedFile)
    case text(String)
    case asset(Asset)
}

/// Something that a browser saves.
package struct DownloadedFile: Sendable {
    package let name: String
    package let type: String
    package let bytes: [UInt8]
}

/// The script and the style sheet, which are in the program.
package enum Asset: String, Sendable, CaseIterable {
    case style = "console.css"
    case script = "console.js"

    init?(_ path: [String]) {
        guard path.count == 1, let asset = Asset(rawValue: path[0]) else { return nil }
        self = asset
    }

    package var type: String { self == .style ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8" }
    package var bytes: [UInt8] { self == .style ? PackageResources.console_css : PackageResources.console_js }
}
