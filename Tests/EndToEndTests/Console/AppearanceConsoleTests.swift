import Foundation
import LosslessJSON
import Testing

/// How the console's pages look and are used, light and dark, wide and narrow. `Browser/audit.js` says what is looked at.
@Suite(.enabled(if: Chromedriver.isInstalled, "needs scripts/setup tests"), .serialized, .timeLimit(.minutes(5)))
struct `The console's pages` {
    private static let pages = [
        "", "/connect", "/events", "/events?name=none", "/events/1", "/events/2", "/events/3", "/failed", "/rejected",
        "/jobs", "/jobs/1", "/directory", "/directory/customerio", "/integrations/default",
        "/integrations/default/sources", "/integrations/default/settings", "/integrations/default/actions",
        "/integrations/default/actions/track-event", "/integrations/default/actions/report-content-event",
        "/integrations/default/deliveries", "/integrations/default/failed", "/integrations/default/history",
        "/integrations/default/history/2", "/workspaces", "/workspaces/default", "/workspaces/default/people/u1",
        "/workspaces/default/objects", "/workspaces/default/objects/1/club", "/workspaces/default/activity",
        "/workspaces/default/metrics", "/workspaces/default/requests", "/workspaces/default/requests/1",
    ]

    private static func audit(_ browser: WebBrowser) async throws -> [String] {
        let file = try #require(Bundle.module.resourceURL).appending(path: "Browser/audit.js")
        let script = try String(contentsOf: file, encoding: .utf8)
        let faults = try await browser.run("return (async () => {\(script)\n})()")
        return faults.arrayValue?.compactMap(\.stringValue) ?? ["no answer"]
    }

    /// Something of everything.
    private static func furnish(_ trial: ConsoleTrial) async throws {
        try await trial.refuse("u2", "is wrong")
        let device: JSON = ["device": ["token": "t1", "type": "ios"]]
        try await trial.send("identify", ["userId": "u1", "traits": ["email": "mira@example.com", "plan": "pro"]])
        try await trial.send("track", ["userId": "u1", "event": "Application Installed", "context": device])
        try await trial.send("track", ["userId": "u2", "event": "Ordered"], ["anonymousId": "a1", "event": "Looked"])
        try await trial.send("group", ["userId": "u1", "groupId": "club", "traits": ["name": "Plant Club"]])
        let metric: JSON = ["deliveryId": "d1", "metric": "opened", "recipient": "mira@example.com"]
        try await trial.send("track", ["event": "Report Delivery Event", "properties": metric])
        _ = try await trial.ferry.post("/v1/track", ["event": "Nameless"])
        try await trial.settle()
        #expect(try await trial.ferry.ask("/admin/v1/replay", ["integration": "default", "asNew": true]).status == 200)
        _ = try await trial.ferry.get("/admin/v1/jobs/1") { $0["state"] == "done" }
        let yaml = """
            {"integrations": {"default": {"type": "customerio", "sources": ["default"], "revision": 1,
            "settings": {"endpoint": "workspace"}, "actions": {"track-event": {"mapping": {"name": "renamed"}}}}}}
            """
        #expect(try await trial.ferry.ask("/admin/v1/configuration", ["yaml": .string(yaml)]).status == 200)
    }

    @Test func `are named, contrasted, framed and within the window, in both themes, wide and narrow`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await Self.furnish(trial)
            for theme in WebBrowser.Theme.allCases {
                try await browser.prefer(theme)
                for width in [1280, 390] as [Int64] {
                    try await browser.resize(width, 844)
                    for page in Self.pages {
                        try await trial.open("/console" + page)
                        let faults = try await Self.audit(browser) + browser.errors()
                        #expect(faults == [], "\(theme) \(width) \(page)")
                    }
                }
            }
        }
    }

    @Test func `are as good where something went wrong or is asked`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await Self.furnish(trial)
            for theme in WebBrowser.Theme.allCases {
                try await browser.prefer(theme)
                try await trial.open("/console/nothing")
                try await browser.see("There is no such page.")
                #expect(try await Self.audit(browser) == [])
                try await trial.open("/console/events/4711")
                try await browser.see("That did not work")
                #expect(try await Self.audit(browser) == [])
                try await trial.open("/console/integrations/default/actions/track-event")
                try await browser.fill(.field("trigger"), with: "type = \"track\" und")
                try await browser.click(.css("button[value=save]"))
                try await browser.see("Not saved yet.")
                #expect(try await Self.audit(browser) == [])
                try await browser.fill(.field("trigger"), with: "type = \"track\"")
                try await browser.fill(.field("mapping.name"), with: "another")
                try await browser.click(.css("button[value=preview]"))
                try await browser.see("What would change", in: .css("#comparison"))
                #expect(try await Self.audit(browser) == [])
                try await trial.open("/console/integrations/default/settings")
                try await browser.click(.button("Test connection"))
                try await browser.see("knows these credentials")
                #expect(try await Self.audit(browser) == [])
            }
        }
    }

    @Test func `are gone through with the keyboard, past the navigation at will`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await Self.furnish(trial)
            try await trial.open("/console")
            try await browser.press(.tab)
            let focus = """
                const at = document.activeElement;
                const box = at.getBoundingClientRect();
                return { words: at.textContent.trim(), isSeen: box.right > 0 && box.width > 1 && box.left < innerWidth };
                """
            let skip = try await browser.run(focus)
            #expect(skip["words"] == "Skip to the content" && skip["isSeen"] == true)
            try await browser.press(.enter)
            #expect(try await browser.run("return location.hash") == "#main")
            try await browser.press(.tab)
            #expect(try await browser.run("return document.activeElement.closest('main') !== null") == true)
            // Everything that can be used is come by, in the order in which it stands.
            try await trial.open("/console")
            // What is live would be replaced meanwhile.
            try await browser.run("window.fetch = () => new Promise(() => {})")
            let count = try await browser.run(
                """
                const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
                window.stops = all.filter((element) => element.checkVisibility());
                return window.stops.length;
                """
            )
            let stops = Int(count.numberValue?.int64 ?? 0)
            #expect(stops > 20)
            var order: [Int64] = []
            for _ in 0..<stops {
                try await browser.press(.tab)
                let place = try await browser.run("return window.stops.indexOf(document.activeElement)")
                order.append(place.numberValue?.int64 ?? -1)
            }
            #expect(order == Array(0..<Int64(stops)))
        }
    }

    @Test func `move for nobody who asked for less of it`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            for (theme, isMoving) in [(WebBrowser.Theme?.none, true), (.light, false)] {
                if let theme { try await browser.prefer(theme) }
                try await trial.open("/console/connect")
                try await browser.see("Waiting for the first call")
                let count = try await browser.run("return document.getAnimations().length")
                #expect((count.numberValue?.int64 ?? 0 > 0) == isMoving)
            }
        }
    }
}
