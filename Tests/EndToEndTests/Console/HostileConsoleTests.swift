import Foundation
import LosslessJSON
import Testing

/// What a client sends is shown, and is nothing but a text on the page.
@Suite(.enabled(if: Chromedriver.isInstalled, "needs scripts/setup tests"), .serialized, .timeLimit(.minutes(5)))
struct `Hostile data in the console` {
    private static let texts = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>",
        "\"\u{301} onfocus=alert(1) autofocus x=\"\u{301}",
        "'\u{301} onfocus=alert(1) autofocus x='\u{301}", "</textarea></code></pre><script>alert(1)</script>",
        "invoice\u{202E}gpj.exe", "\u{1}\u{1B}[31m\u{85}", "javascript:alert(1)", "{{name}}{{{name}}}{{>layout}}",
        "../x", "a/b", "%2F", "..", ".", "~", "~x", "a?b=c&d=e#f", "+ %20", "😀🚲e\u{301}", "\u{2028}\u{FEFF}",
        String(repeating: "x", count: 1_000), String(repeating: "<", count: 1_000),
    ]

    /// A Ferry into which all of it was sent, as ids, names, keys and values.
    private static func with(_ body: (ConsoleTrial) async throws -> Void) async throws {
        try await ConsoleTrial.with { trial in
            for (number, text) in texts.enumerated() {
                let id = JSON.string(String(String.UnicodeScalarView(text.unicodeScalars.prefix(140))))
                let name = JSON.string(text)
                let value: JSON = .object(["\(text.prefix(100))": name, "list": [name]])
                try await trial.send(
                    "identify",
                    ["userId": id, "traits": ["email": .string("a\(number)@example.com"), "own": value]]
                )
                try await trial.send("track", ["userId": id, "event": name, "properties": value])
                try await trial.send("page", ["userId": id, "name": name, "properties": ["url": name]])
                try await trial.send("group", ["userId": id, "groupId": id, "traits": ["own": value]])
                _ = try await trial.ferry.post("/v1/track", ["event": name, "properties": value])
            }
            // The largest that the source API takes; no integration delivers it.
            for character in ["<", "\"", "\u{1}", "😀", "'\u{301}"] {
                let room = 60_000 / JSON.string(character).description.utf8.count
                let blob = JSON.string(String(repeating: character, count: room))
                try await trial.send("track", ["userId": "huge", "event": "Huge", "properties": ["blob": blob]])
                _ = try await trial.ferry.post("/v1/track", ["event": "Huge", "properties": ["blob": blob]])
            }
            let last = try #require(try await trial.ferry.get("/admin/v1/log").body?["last"]?.numberValue?.int64)
            _ = try await trial.ferry.get("/admin/v1/integrations/default") { status in
                status["lanes"]?.arrayValue?.allSatisfy { $0["position"]?.numberValue?.int64 == last } == true
            }
            try await body(trial)
        }
    }

    private static let lists = [
        "/console", "/console/events", "/console/failed", "/console/rejected",
        "/console/integrations/default/deliveries",
        "/console/integrations/default/failed", "/console/integrations/default/actions/track-event",
        "/console/workspaces/default", "/console/workspaces/default/objects", "/console/workspaces/default/activity",
        "/console/workspaces/default/requests",
    ]

    @Test func `runs nothing, breaks out of nothing, widens no page, and every link made of it leads somewhere`()
        async throws
    {
        try await Self.with { trial in
            let browser = trial.browser
            try await browser.resize(390, 844)
            var open = Self.lists
            var seen = Set(open)
            while let path = open.popLast() {
                try await trial.open(path)
                // An alert would have failed the command already.
                let found = try await browser.run(Self.look)
                #expect(found["faults"] == [], "\(path)")
                #expect(try await browser.errors() == [], "\(path)")
                for link in found["links"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
                    // One step from a list is far enough; lists lead to each other.
                    if Self.lists.contains(path), seen.insert(link).inserted { open.append(link) }
                }
            }
            // It was all there; as attributes the two long ones are too long for Customer.io.
            #expect(seen.count { $0.contains("/people/") } >= Self.texts.count - 2)
            #expect(seen.count { $0.contains("/objects/") } >= Self.texts.count - 2)
        }
    }

    /// What a page must not have, and where it leads within the console, without what is saved as a file.
    private static let look = """
        const faults = [];
        const say = (words, element) => faults.push(`${words}: ${element.outerHTML.slice(0, 200)}`);
        for (const element of document.querySelectorAll("*")) {
          for (const { name } of element.attributes) if (/^on|^style$|^autofocus$/.test(name)) say(name, element);
          if (element.matches("script:not([src='/console/console.js']), style, img, iframe, object, base")) say("made", element);
          if (element.matches("a") && !/^[/#]/.test(element.getAttribute("href") ?? "")) say("leads out", element);
        }
        if (document.documentElement.scrollWidth > innerWidth) faults.push(`scrolls to ${document.documentElement.scrollWidth}`);
        const size = performance.getEntriesByType("navigation")[0].decodedBodySize;
        if (size >= 100000) faults.push(`${size} bytes`);
        if (/[\\u202A-\\u202E\\u2066-\\u2069\\u0001\\u001B]/.test(document.body.innerText)) faults.push("turns or controls text");
        const links = [...document.querySelectorAll("main a[href^='/']:not([download])")].map((link) => link.getAttribute("href"));
        return { faults, links };
        """

    @Test func `a search for it comes back as it was typed`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            for text in Self.texts where !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value > 0xFFFF }) {
                try await trial.open("/console/events")
                try await browser.run("document.querySelector('[name=name]').value = arguments[0]", [.string(text)])
                try await browser.click(.button("Search"))
                try await browser.see("Show all")
                let value = try await browser.value(.field("name"))
                #expect(value.unicodeScalars.elementsEqual(text.unicodeScalars), "\(text)")
            }
            #expect(try await browser.errors() == [])
        }
    }

    /// What a mapping holds is saved as it was, whatever else is changed on the page.
    @Test func `a mapping is not changed by being looked at and saved`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            let mark = "a \u{200F}\u{202E}\"\u{301}<b>\u{A0}c"
            let mapping = JSON.string(mark).description
            let yaml = """
                {"integrations": {"default": {"type": "customerio", "sources": ["default"], "revision": 1,
                "settings": {"endpoint": "workspace"}, "actions": {"track-event": {"mapping": {"name": \(mapping)}}}}}}
                """
            #expect(try await trial.ferry.ask("/admin/v1/configuration", ["yaml": .string(yaml)]).status == 200)
            try await trial.open("/console/integrations/default/actions/track-event")
            try await browser.click(.css("[name=convertTimestamps]"))
            try await browser.click(.css("button[value=save]"))
            try await browser.see("Saved as revision 3")
            try await trial.send("track", ["userId": "u1", "event": "Ordered"])
            try await trial.settle()
            let name = try #require(try await trial.landed("u1").first)
            #expect(name.unicodeScalars.elementsEqual(mark.unicodeScalars))
        }
    }

    /// Browsers take two dots for a step upwards.
    @Test(arguments: ["..", ".", "~", "a/b", "ü ?#%&"])
    func `an integration is reached whatever its name is`(name: String) async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            let quoted = JSON.string(name).description
            let yaml = """
                {"integrations": {\(quoted): {"type": "customerio", "settings": {"endpoint": "workspace"}}}}
                """
            #expect(try await trial.ferry.ask("/admin/v1/configuration", ["yaml": .string(yaml)]).status == 200)
            try await trial.open("/console")
            try await browser.click(.link(name))
            for tab in ["Sources", "Settings", "Actions", "Deliveries", "Failed", "History"] {
                try await browser.click(.css("nav.tabs a[href$='/\(tab.lowercased())']"))
                try await browser.see(tab, in: .css("nav.tabs [aria-current=page]"))
                #expect(try await browser.text(.css("h1")).contains(name), "\(tab)")
            }
            #expect(try await browser.errors() == [])
        }
    }

    /// With an accent over it a quote is another character for Swift, and the same one for a shell.
    @Test func `what is copied as curl stays within its quotes`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            let folder = try ScratchFolder()
            let mark = folder.url.appending(path: "mark").path
            let evil = "x'\u{301}; touch \(mark); '\u{301}\u{9B}\u{202E}\u{1F600}\u{E0041}"
            try await trial.send("track", ["userId": "u1", "event": .string(evil)])
            try await trial.open("/console/events/1")
            let text = try await browser.run(
                "return [...document.querySelectorAll('pre.copy')].map((text) => text.textContent)"
                    + ".find((text) => text.startsWith('curl'))"
            )
            let isObeyed = { (scalar: Unicode.Scalar) in
                [.control, .format].contains(scalar.properties.generalCategory)
            }
            #expect(text.stringValue?.unicodeScalars.contains(where: isObeyed) == false)
            let command = try #require(text.stringValue).replacing("curl ", with: "printf '%s\\n' ")
            let result = try await FerryProcess.run(["-c", command], program: URL(filePath: "/bin/sh"))
            #expect(result.status == 0)
            #expect(!FileManager.default.fileExists(atPath: mark))
            let sent = try JSON(parsing: try #require(result.lines.last))
            #expect(sent["event"]?.stringValue?.unicodeScalars.elementsEqual(evil.unicodeScalars) == true)
        }
    }
}
