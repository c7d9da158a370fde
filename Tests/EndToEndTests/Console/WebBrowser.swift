import Foundation
import LosslessJSON
import NIOHTTP1
import Testing

/// A window of headless Chromium with a profile of its own, driven as a person would: what it is to use is waited for.
final class WebBrowser: Sendable {
    private let driver: Chromedriver
    private let path: String
    private let processID: Int64

    /// Opens a browser for as long as `body` takes.
    static func with(_ body: (WebBrowser) async throws -> Void) async throws {
        let browser = try await WebBrowser()
        do {
            try await body(browser)
        } catch {
            await browser.close()
            throw error
        }
        await browser.close()
    }

    private init() async throws {
        driver = try await Chromedriver()
        let options: JSON = [
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-background-timer-throttling",
                "--disable-renderer-backgrounding", "--hide-scrollbars", "--force-color-profile=srgb",
            ]
        ]
        let capabilities: JSON = [
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": ["browser": "ALL"],
            // A dialog that nobody has asked for makes the next command fail.
            "unhandledPromptBehavior": "ignore", "acceptInsecureCerts": true,
        ]
        let session = try await driver.command(
            .POST,
            "/session",
            ["capabilities": ["alwaysMatch": capabilities]]
        )
        path = "/session/\(try #require(session["sessionId"]?.stringValue))"
        processID = session["capabilities"]?["goog:processID"]?.numberValue?.int64 ?? 0
        try await resize(1280, 900)
    }

    private func close() async {
        _ = try? await driver.command(.DELETE, path)
        // It has ended by itself, unless the driver could not tell it to.
        if processID > 0 { kill(pid_t(processID), SIGKILL) }
    }

    private func post(_ command: String, _ body: JSON = [:]) async throws -> JSON {
        try await driver.command(.POST, path + command, body)
    }

    private func get(_ command: String) async throws -> JSON {
        try await driver.command(.GET, path + command)
    }

    // MARK: Pages

    func open(_ url: String) async throws {
        _ = try await post("/url", ["url": .string(url)])
    }

    func reload() async throws {
        _ = try await post("/refresh")
    }

    func back() async throws {
        _ = try await post("/back")
    }

    var url: String {
        get async throws { try await get("/url").stringValue ?? "" }
    }

    /// The path and the query of the page.
    var location: String {
        get async throws {
            let components = URLComponents(string: try await url)
            return (components?.percentEncodedPath ?? "") + (components?.percentEncodedQuery.map { "?" + $0 } ?? "")
        }
    }

    /// What is read on the page.
    var words: String {
        get async throws { try await text(.css("body")) }
    }

    // MARK: Elements

    /// How an element is found.
    enum Locator: CustomStringConvertible {
        case css(String)
        /// By the words on it.
        case link(String)
        case button(String)
        /// An input by its name.
        case field(String)

        fileprivate var query: JSON {
            switch self {
            case .css(let selector): ["using": "css selector", "value": .string(selector)]
            case .link(let words): ["using": "xpath", "value": .string("//a[normalize-space()=\"\(words)\"]")]
            case .button(let words): ["using": "xpath", "value": .string("//button[normalize-space()=\"\(words)\"]")]
            case .field(let name): ["using": "css selector", "value": .string("[name=\"\(name)\"]:not([type=hidden])")]
            }
        }

        var description: String {
            switch self {
            case .css(let text): "an element \(text)"
            case .link(let text): "a link `\(text)`"
            case .button(let text): "a button `\(text)`"
            case .field(let text): "a field `\(text)`"
            }
        }
    }

    /// What a page did not come to show.
    struct NeverSeen: Error, CustomStringConvertible {
        let description: String
    }

    /// The first element of this kind; `nil` when there is none now.
    private func element(_ locator: Locator) async throws -> String? {
        let found = try await post("/elements", locator.query).arrayValue?.first?.objectValue
        return found.flatMap { $0.members.first?.value.stringValue }
    }

    /// Does something with an element as soon as it is there. Live parts are replaced under one's hands, and what is not
    /// there yet may come: so it is tried again.
    private func withElement(_ locator: Locator, _ body: (String) async throws -> JSON) async throws -> JSON {
        var last = "it is not there"
        return try await waiting(for: "\(locator)", because: { last }) {
            do {
                guard let element = try await element(locator) else { return nil }
                return try await body("/element/\(element)")
            } catch let refusal as Chromedriver.Refusal where Self.passing.contains(refusal.kind) {
                last = refusal.description
                return nil
            }
        }
    }

    private static let passing: Set = [
        "stale element reference", "element not interactable", "element click intercepted", "no such element",
    ]

    /// Asks until there is an answer. It gives up after a minute only so that it can say what was waited for.
    func waiting<Value>(
        for what: String,
        because: () -> String = { "" },
        _ look: () async throws -> Value?
    ) async throws -> Value {
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while ContinuousClock.now < end {
            if let found = try await look() { return found }
            try await Task.sleep(for: .milliseconds(50))
        }
        let page = (try? await words) ?? ""
        throw NeverSeen(
            description: "waited for \(what) (\(because())) on \((try? await url) ?? "no page"), which shows:\n\(page)"
        )
    }

    func click(_ locator: Locator) async throws {
        _ = try await withElement(locator) { try await post("\($0)/click") }
    }

    /// Types into a field, behind what is in it.
    func type(_ text: String, into locator: Locator) async throws {
        _ = try await withElement(locator) { try await post("\($0)/value", ["text": .string(text)]) }
    }

    /// Types into a field instead of what is in it.
    func fill(_ locator: Locator, with text: String) async throws {
        _ = try await withElement(locator) { try await post("\($0)/clear") }
        if !text.isEmpty { try await type(text, into: locator) }
    }

    /// Keys without a character, as WebDriver writes them.
    enum Key: String {
        case tab = "\u{E004}"
        case enter = "\u{E007}"
    }

    /// Presses a key wherever the focus is, once or several times.
    func press(_ key: Key, times: Int = 1) async throws {
        let key = JSON.string(key.rawValue)
        let press: [JSON] = [["type": "keyDown", "value": key], ["type": "keyUp", "value": key]]
        let actions = JSON.array((0..<times).flatMap { _ in press })
        _ = try await post("/actions", ["actions": [["type": "key", "id": "keyboard", "actions": actions]]])
    }

    func text(_ locator: Locator) async throws -> String {
        try await withElement(locator) { try await get("\($0)/text") }.stringValue ?? ""
    }

    /// What is in a field at the moment.
    func value(_ locator: Locator) async throws -> String {
        try await withElement(locator) { try await get("\($0)/property/value") }.stringValue ?? ""
    }

    func attribute(_ name: String, of locator: Locator) async throws -> String? {
        try await withElement(locator) { try await get("\($0)/attribute/\(name)") }.stringValue
    }

    func count(_ locator: Locator) async throws -> Int {
        try await post("/elements", locator.query).arrayValue?.count ?? 0
    }

    /// Waits until words are read on the page.
    func see(_ words: String, in locator: Locator = .css("body")) async throws {
        _ = try await waiting(for: "`\(words)` in \(locator)") { () -> Bool? in
            guard try await element(locator) != nil else { return nil }
            return try await text(locator).contains(words) ? true : nil
        }
    }

    /// Waits until the page is another one, whose path begins so.
    func arrive(at path: String) async throws {
        _ = try await waiting(for: "the page \(path)") { try await location.hasPrefix(path) ? true : nil }
    }

    // MARK: The browser

    /// Runs a script in the page; `arguments` stand in it.
    @discardableResult
    func run(_ script: String, _ arguments: [JSON] = []) async throws -> JSON {
        try await post("/execute/sync", ["script": .string(script), "args": .array(arguments)])
    }

    /// Tells Chromium's developer tools something.
    @discardableResult
    func tools(_ command: String, _ parameters: JSON = [:]) async throws -> JSON {
        try await post("/goog/cdp/execute", ["cmd": .string(command), "params": parameters])
    }

    /// The inner size of the window; Chromium's own windows don't get as narrow as telephones.
    func resize(_ width: Int64, _ height: Int64) async throws {
        let size: JSON = [
            "width": .number(JSON.Number(width)), "height": .number(JSON.Number(height)), "deviceScaleFactor": 1,
            "mobile": false,
        ]
        try await tools("Emulation.setDeviceMetricsOverride", size)
    }

    enum Theme: String, CaseIterable { case light, dark }

    func prefer(_ theme: Theme) async throws {
        let features: JSON = [
            ["name": "prefers-color-scheme", "value": .string(theme.rawValue)],
            ["name": "prefers-reduced-motion", "value": "reduce"],
        ]
        try await tools("Emulation.setEmulatedMedia", ["features": features])
    }

    /// Whether pages may run scripts; those of the test always may.
    func allowScripts(_ isAllowed: Bool) async throws {
        try await tools("Emulation.setScriptExecutionDisabled", ["value": .bool(!isAllowed)])
    }

    func cookies() async throws -> [JSON] {
        try await get("/cookie").arrayValue ?? []
    }

    /// The errors of the browser's console since it was asked before.
    func errors() async throws -> [String] {
        let entries = try await post("/se/log", ["type": "browser"]).arrayValue ?? []
        return entries.filter { $0["level"] == "SEVERE" }.compactMap { $0["message"]?.stringValue }
    }

    /// The words of the dialog that is open.
    func dialog() async throws -> String {
        try await waiting(for: "a dialog") { try? await get("/alert/text").stringValue }
    }

    func answerDialog(_ isYes: Bool) async throws {
        _ = try await post(isYes ? "/alert/accept" : "/alert/dismiss")
    }

    /// A picture of what is in the window, as PNG.
    func picture() async throws -> Data {
        try #require(Data(base64Encoded: try await get("/screenshot").stringValue ?? ""))
    }
}
