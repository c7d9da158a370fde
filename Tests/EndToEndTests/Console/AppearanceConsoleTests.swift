import Foundation
import LosslessJSON
import Testing

/// How the console's pages look and are used, light and dark, wide and narrow. `Browser/audit.js` says what is looked at.
@Suite(.enabled(if: Chromedriver.isInstalled, "needs scripts/setup tests"), .serialized, .timeLimit(.minutes(5)))
struct `The console's pages` {
    private static let pages = [
        "", "/connect", "/events", "/events?name=none", "/events/1", "/events/2", "/events/3", "/failed", "/rejected",
        "/jobs", "/jobs/1", "/nodes", "/directory", "/directory/customerio", "/integrations/default",
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
            for page in Self.pages {
                try await trial.open("/console" + page)
                let count = try await browser.run(
                    """
                    // What is live would be replaced meanwhile.
                    window.fetch = () => new Promise(() => {});
                    const selector = "a[href], button, input, select, textarea, summary, [tabindex]";
                    const all = [...document.querySelectorAll(selector)];
                    // Of several to choose from one is come by, and the arrows lead to the others.
                    const isOther = (one) => one.type === "radio" && !one.checked;
                    const isOut = (one) => one.type === "hidden" || one.matches(":disabled") || isOther(one);
                    const stops = all.filter((one) => one.checkVisibility() && !isOut(one));
                    window.order = [];
                    document.addEventListener("focusin", (event) => window.order.push(stops.indexOf(event.target)));
                    return stops.length;
                    """
                )
                let stops = count.numberValue?.int64 ?? 0
                #expect(stops > 8, "\(page)")
                try await browser.press(.tab, times: Int(stops))
                let order = try await browser.run("return window.order").arrayValue?.map { $0.numberValue?.int64 }
                #expect(order == Array(0..<stops), "\(page)")
            }
        }
    }

    /// What the browser hands to a screen reader.
    @Test func `tell a screen reader what each landmark, heading, control and table is`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await Self.furnish(trial)
            try await browser.tools("Accessibility.enable")
            for page in Self.pages {
                try await trial.open("/console" + page)
                let nodes = try await browser.tools("Accessibility.getFullAXTree")["nodes"]?.arrayValue ?? []
                let told = nodes.filter { $0["ignored"] != true }.map { node in
                    (
                        role: node["role"]?["value"]?.stringValue ?? "",
                        name: node["name"]?["value"]?.stringValue ?? "",
                        properties: node["properties"]?.arrayValue ?? []
                    )
                }
                for (role, name, _) in told where Self.named.contains(role) {
                    #expect(!name.isEmpty, "a \(role) without a name on \(page)")
                }
                #expect(told.count { $0.role == "main" } == 1, "\(page)")
                #expect(told.contains { $0.role == "navigation" } && told.contains { $0.role == "banner" }, "\(page)")
                // Two landmarks of a kind are told apart.
                for role in ["navigation", "region", "search"] {
                    let names = told.filter { $0.role == role }.map(\.name)
                    #expect(Set(names).count == names.count, "\(role) \(names) on \(page)")
                }
                let levels = told.filter { $0.role == "heading" }.map { heading in
                    heading.properties.first { $0["name"] == "level" }?["value"]?["value"]?.numberValue?.int64 ?? 0
                }
                #expect(levels.first == 1 && levels.count { $0 == 1 } == 1, "\(levels) on \(page)")
                #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 }, "\(levels) on \(page)")
            }
        }
    }

    private static let named: Set = [
        "link", "button", "textbox", "searchbox", "checkbox", "radio", "combobox", "heading", "navigation", "region",
        "search", "progressbar", "image", "img", "spinbutton", "columnheader", "rowheader", "DisclosureTriangle",
    ]

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
