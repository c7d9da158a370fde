import AsyncHTTPClient
import Foundation
import Launching
import LosslessJSON
import NIOCore
import Storage
import Testing

/// `ferry.js` in real headless Chromium, on pages of another origin, against the running server that serves it. The pages
/// stand in `Browser`; each says what it does.
@Suite(.enabled(if: Chromium.isInstalled, "needs scripts/setup tests"), .serialized, .timeLimit(.minutes(5)))
struct `ferry.js` {
    @Test func `each call arrives with what a page knows`() async throws {
        let trial = try await BrowserTrial()
        let outcome = try await trial.visit("calls", ["user": "c1", "utm_source": "news", "utm_campaign": "spring"])
        #expect(outcome["warnings"] == [] && outcome["errors"] == [])
        #expect(outcome["result"]?["delivered"] == true)
        #expect(outcome["result"]?["stored"] == [])
        let messages = try trial.logged()
        #expect(messages.map { $0["type"] } == ["identify", "track", "page", "page", "page", "group", "alias"])
        let track = messages[1]
        #expect(track["messageId"]?.stringValue?.wholeMatch(of: /ferry-[0-9a-f-]{36}/) != nil)
        #expect(track["userId"] == "c1")
        #expect(track["integrations"] == ["Other": false])
        let context = try #require(track["context"])
        #expect(context["library"]?["name"] == "ferry.js")
        #expect(context["campaign"] == ["source": "news", "name": "spring"])
        #expect(context["page"]?["path"] == "/calls.html")
        #expect(context["app"] == ["name": "shop"])
        // A customer's own address, which the server fills in for browsers.
        #expect(context["ip"] == "127.0.0.1")
        #expect(messages[4]["properties"]?["category"] == "Shop")
        #expect(messages[6]["previousId"] == "old-c1")
        let person = try await trial.ferry.get("/admin/v1/workspace/people/c1") { $0["attributes"]?["plan"] == "pro" }
        #expect(person["identifiers"]?["email"] == "c1@example.com")
    }

    @Test func `traits given while anonymous ride along with the first identify`() async throws {
        let trial = try await BrowserTrial()
        let outcome = try await trial.visit("anonymous", ["user": "a1"])
        #expect(outcome["result"]?["before"]?["userId"] == .null)
        let traits = try trial.logged().map { $0["traits"] }
        #expect(traits == [["plan": "pro", "colour": "blue"], ["size": 3]])
    }

    @Test func `a visitor stays the same from page to page, until reset`() async throws {
        let trial = try await BrowserTrial()
        var visits: [JSON] = []
        for query in [[:], ["do": "identify", "user": "v1"], ["do": "identify", "user": "v2"], ["do": "reset"], [:]] {
            visits.append(try #require(try await trial.visit("visitor", query)["result"]))
        }
        let ids = visits.map { $0["after"]?["anonymousId"]?.stringValue }
        #expect(ids[0] != nil && ids[0] == ids[1] && ids[1] == ids[2])
        #expect(ids[2] != ids[3] && ids[3] == ids[4])
        #expect(visits[2]["before"]?["userId"] == "v1")
        // Traits of somebody else are not taken over.
        #expect(visits[2]["after"]?["traits"] == ["from": "v2"])
        #expect(visits[4]["before"]?["userId"] == .null && visits[4]["before"]?["traits"] == [:])
        let tracks = try trial.logged().filter { $0["type"] == "track" }
        #expect(tracks.map { $0["userId"]?.stringValue } == [nil, "v1", "v2", nil, nil])
    }

    @Test func `many calls go out in batches and in order`() async throws {
        let trial = try await BrowserTrial()
        let outcome = try await trial.visit("batch", ["user": "b1", "count": "250", "pad": "1000"])
        #expect(outcome["result"] == ["stored": [], "dropped": 0])
        let numbers = try trial.logged().compactMap { $0["properties"]?["n"]?.numberValue?.int64 }
        #expect(numbers == Array(1...250))
        let log = try await trial.ferry.get("/admin/v1/log").body
        let calls = try #require(log?["commits"]?["calls"]?.numberValue?.int64)
        #expect(calls <= 6)
    }

    @Test func `what is not taken is sent again, with the same ids and in order`() async throws {
        let trial = try await BrowserTrial()
        let road = try await FaultyRoad(to: trial.ferry.publicURL, plan: "500,lost,drop,429")
        defer { road.close() }
        let outcome = try await trial.visit("retry", ["user": "r1", "host": road.url], budget: 60_000)
        #expect(outcome["result"]?["stored"] == [])
        #expect(outcome["warnings"]?.arrayValue?.isEmpty == false)
        let messages = try trial.logged()
        #expect(messages.map { $0["type"] } == ["identify", "track", "track", "track"])
        #expect(messages.compactMap { $0["properties"]?["n"]?.numberValue?.int64 } == [1, 2, 3])
    }

    @Test func `what waits survives a server that is away, and arrives once`() async throws {
        let trial = try await BrowserTrial()
        let address = String(trial.ferry.publicURL.dropFirst("http://".count))
        trial.ferry.kill()
        let away = try await trial.visit("queue", ["user": "q1", "event": "Down", "script": trial.copiedScript])
        #expect(away["result"] == ["delivered": false, "stored": [2]])
        let back = try await RunningFerry(data: trial.data, address: address)
        for _ in 1...2 {
            let visit = try await trial.visit("queue", ["pause": "1500", "script": trial.copiedScript])
            #expect(visit["result"] == ["delivered": true, "stored": []])
        }
        #expect(try trial.logged().map { $0["type"] } == ["identify", "track"])
        #expect(back.stop() == 0)
    }

    @Test func `a page that is left sends a beacon, also of what is called while it goes`() async throws {
        let trial = try await BrowserTrial()
        let browser = try trial.open("leave", ["user": "l1"])
        defer { browser.close() }
        let left = try await trial.logged { messages in messages.count { $0["event"] == "Left" } >= 2 }
        // Each goes by a request of its own, and the browser says nothing of their order.
        #expect(left.compactMap { $0["properties"]?["at"]?.stringValue }.sorted() == ["once", "pagehide"])
    }

    @Test func `tabs that share their storage lose nothing and send nothing twice`() async throws {
        let trial = try await BrowserTrial()
        let browser = try trial.open("tabs", ["user": "t1", "tabs": "3", "count": "40"])
        defer { browser.close() }
        let messages = try await trial.logged { $0.count >= 121 }
        #expect(messages.count == 121)
        let calls = messages.compactMap { $0["properties"].map { "\($0["tab"] ?? .null) \($0["n"] ?? .null)" } }
        #expect(Set(calls).count == 120)
        #expect(Set(messages.map { $0["anonymousId"]?.stringValue }).count == 1)
        // What came twice would be in the log once, and has been sent twice all the same.
        try await Task.sleep(for: .seconds(1))
        let sent = try await trial.ferry.get("/admin/v1/log").body?["commits"]?["events"]?.numberValue?.int64
        #expect(sent == 121)
    }

    @Test func `works from memory where storage is blocked`() async throws {
        let trial = try await BrowserTrial()
        let outcome = try await trial.visit("blocked", ["user": "m1"])
        #expect(outcome["result"]?["delivered"] == true)
        #expect(outcome["result"]?["first"] == outcome["result"]?["second"])
        #expect(try trial.logged().map { $0["type"] } == ["identify", "track"])
    }

    @Test func `wrong calls give one warning each, and never break the page`() async throws {
        let trial = try await BrowserTrial()
        let outcome = try await trial.visit("misuse")
        #expect(outcome["errors"] == [])
        #expect(outcome["result"]?["silent"] == [])
        let warnings = try #require(outcome["warnings"]?.arrayValue)
        #expect(outcome["result"]?["calls"] == .number(JSON.Number(warnings.count)))
        #expect(try trial.logged().isEmpty)
    }

    @Test func `calls before the script are replayed in order`() async throws {
        let trial = try await BrowserTrial()
        let query = ["user": "s1", "late": "ferry-local", "host": trial.ferry.publicURL]
        let outcome = try await trial.visit("stub", query, key: nil)
        #expect(outcome["result"]?["delivered"] == true)
        #expect(try trial.logged().map { $0["event"]?.stringValue } == [nil, "Early", "Early", "Late"])
    }

    @Test func `a strict content security policy has nothing against it`() async throws {
        let trial = try await BrowserTrial()
        let outcome = try await trial.visit("csp", ["user": "p1"])
        #expect(outcome["result"] == ["delivered": true, "violations": []])
        #expect(try trial.logged().count == 2)
    }
}

/// A server, a profile of a browser, and pages of another origin that load the client from that server.
private final class BrowserTrial {
    let ferry: RunningFerry
    let data: String
    private let folder: ScratchFolder
    private let pages: PageServer

    init() async throws {
        folder = try ScratchFolder()
        data = folder.url.appending(path: "data").path
        ferry = try await RunningFerry(data: data)
        // Beside the pages, for those who need the script while the server is away.
        let site = folder.url.appending(path: "site")
        let bundled = try #require(Bundle.module.resourceURL).appending(path: "Browser")
        try FileManager.default.copyItem(at: bundled, to: site)
        let request = HTTPClientRequest(url: ferry.publicURL + "/ferry.js")
        let script = try await HTTPClient.shared.execute(request, timeout: .seconds(20)).body.collect(upTo: 1 << 20)
        try Data(script.readableBytesView).write(to: site.appending(path: "ferry.js"))
        pages = try await PageServer(folder: site.path)
    }

    var copiedScript: String { pages.url + "/ferry.js" }

    private func url(_ page: String, _ query: [String: String], key: String?) throws -> String {
        var components = try #require(URLComponents(string: "\(pages.url)/\(page).html"))
        var parameters = ["script": ferry.publicURL + "/ferry.js"].merging(query) { $1 }
        parameters["key"] = key
        // Without a host the client sends to where its script came from.
        if parameters["script"] == copiedScript, parameters["host"] == nil { parameters["host"] = ferry.publicURL }
        components.queryItems = parameters.map { URLQueryItem(name: $0, value: $1) }
        return try #require(components.url).absoluteString
    }

    /// Visits a page and gives what its steps returned, with the warnings and errors on the way.
    func visit(
        _ page: String,
        _ query: [String: String] = [:],
        key: String? = "ferry-local",
        budget: Int = 20_000
    ) async throws -> JSON {
        let result = try await FerryProcess.run(
            Chromium.flags(profile: folder.url.appending(path: "profile").path)
                + ["--dump-dom", "--virtual-time-budget=\(budget)", url(page, query, key: key)],
            program: Chromium.program
        )
        let found = try #require(result.output.firstMatch(of: /<pre id="result">(.*)<\/pre>/), "\(result.output)")
        let text = found.1.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        return try JSON(parsing: String(text))
    }

    /// Opens a page and leaves it open.
    func open(_ page: String, _ query: [String: String]) throws -> Chromium {
        try Chromium(
            url(page, query, key: "ferry-local"),
            profile: folder.url.appending(path: "profile").path
        )
    }

    func logged() throws -> [JSON] {
        var messages: [JSON] = []
        try LogReader(folder: data).forLast(.max) { messages.append(try JSON(parsing: $0.body)) }
        return messages
    }

    /// What is in the log once a condition holds.
    func logged(until isThere: ([JSON]) -> Bool) async throws -> [JSON] {
        while true {
            let messages = try logged()
            if isThere(messages) { return messages }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// Headless Chromium that stays open until it is closed.
private final class Chromium {
    static let program = URL(filePath: "/usr/bin/chromium")
    static var isInstalled: Bool {
        FileManager.default.isExecutableFile(atPath: program.path) && PythonSDK.isInstalled
    }

    static func flags(profile: String) -> [String] {
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-popup-blocking", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
            "--user-data-dir=\(profile)",
        ]
    }

    private let process = Process()

    init(_ url: String, profile: String) throws {
        process.executableURL = Self.program
        process.arguments = Self.flags(profile: profile) + [url]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.launchAlone()
    }

    /// Its helper processes end when it does.
    func close() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// Serves a folder of pages on a port of its own, and so from another origin than Ferry.
private final class PageServer {
    let url: String
    private let process = Process()

    init(folder: String) async throws {
        let output = Pipe()
        process.executableURL = PythonSDK.python
        process.arguments = ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.launchAlone()
        // Serving HTTP on 127.0.0.1 port 41234 (http://127.0.0.1:41234/) ...
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let address = try #require(line.firstMatch(of: /\((http:[^)]*)\/\)/), "\(line)")
        url = String(address.1)
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
    }
}
