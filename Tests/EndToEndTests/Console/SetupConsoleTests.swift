import LosslessJSON
import Testing

/// Setting Ferry up in the console: the first call, an integration, an action that is changed.
@Suite(.enabled(if: Chromedriver.isInstalled, "needs scripts/setup tests"), .serialized, .timeLimit(.minutes(5)))
struct `Setting up in the console` {
    @Test func `from an empty Ferry to the first delivered event nobody loads a page again`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/")
            try await browser.arrive(at: "/console")
            try await browser.see("Nothing has arrived yet")
            try await browser.click(.link("Connect a source"))
            try await browser.arrive(at: "/console/connect")
            _ = try await browser.text(.css("main"))
            #expect(try await browser.count(.css("main .dot.busy")) == 1)
            try await browser.run("window.isTheSamePage = true")
            try await trial.send("track", ["userId": "u1", "event": "Ordered", "properties": ["total": 12]])
            _ = try await browser.waiting(for: "the green dot") {
                try await browser.count(.css("main .dot.good")) == 1 ? true : nil
            }
            #expect(try await browser.run("return window.isTheSamePage === true") == true)
            try await browser.click(.css("#waiting a"))
            try await browser.arrive(at: "/console/events/1")
            try await browser.see("delivered", in: .css("#deliveries"))
            #expect(try await trial.landed("u1") == ["Ordered"])
            #expect(try await browser.errors() == [])
        }
    }

    @Test func `a source that is made lets its key in, until it is switched off`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/connect")
            try await browser.fill(.field("name"), with: "shop & more")
            try await browser.click(.button("Make it"))
            try await browser.see("The write key of shop & more is")
            let key = try await browser.text(.css(".said code"))
            try await browser.see("curl -u \(key):")
            try await browser.see("Waiting for the first call of shop & more.", in: .css("#waiting"))
            let call: JSON = ["userId": "u1", "event": "Ordered"]
            #expect(try await trial.ferry.post("/v1/track", call, key: key).status == 200)
            try await trial.open("/console/connect?source=shop%20%26%20more")
            try await browser.see("shop & more has sent: track Ordered", in: .css("#waiting"))
            let source = try await browser.run("return document.documentElement.outerHTML").stringValue
            #expect(source?.contains(key) == false)
            try await browser.fill(.field("name"), with: "shop & more")
            try await browser.click(.button("Make it"))
            try await browser.see("there is a source shop & more already", in: .css("[role=alert]"))

            try await browser.click(.css("[aria-label='Switch shop & more off']"))
            try await browser.see("What shop & more sends is rejected")
            #expect(try await trial.ferry.post("/v1/track", call, key: key).status == 200)
            let rejected = try await trial.ferry.get("/admin/v1/rejected").body?["items"]?.arrayValue ?? []
            #expect(rejected.map { $0["source"] } == ["shop & more"])
            try await browser.click(.css("[aria-label='Remove shop & more']"))
            try await browser.answerDialog(true)
            try await browser.see("shop & more is removed")
            #expect(try await browser.count(.css("[aria-label^='Remove']")) == 0)
            #expect(try await browser.errors() == [])
        }
    }

    @Test func `an integration takes the events of the sources that are chosen`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            let made = try await trial.ferry.ask("/admin/v1/sources", ["name": "app"])
            let key = try #require(made.body?["writeKey"]?.stringValue)
            try await trial.open("/console/integrations/default/sources")
            #expect(try await browser.count(.css("input:checked")) == 1)
            try await browser.click(.field("source.default"))
            try await browser.click(.field("source.app"))
            try await browser.click(.button("Save"))
            try await browser.see("Saved as revision 2")
            try await trial.send("track", ["userId": "u1", "event": "Of default"])
            #expect(
                try await trial.ferry.post("/v1/track", ["userId": "u1", "event": "Of app"], key: key).status == 200
            )
            try await trial.settle()
            #expect(try await trial.landed("u1") == ["Of app"])
            try await trial.open("/console/events/1")
            try await browser.see("not for this integration")
        }
    }

    @Test func `an integration from the directory is made, tested, enabled, and delivers`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/directory")
            try await browser.click(.link("Customer.io"))
            try await browser.fill(.field("name"), with: "shop")
            try await browser.click(.css("[name=destination][value=workspace]"))
            try await browser.click(.button("Make it"))
            try await browser.arrive(at: "/console/integrations/shop/settings")
            try await browser.see("shop is made")
            try await browser.click(.button("Test connection"))
            try await browser.see("The destination knows these credentials.", in: .css("main [role=status]"))
            try await browser.click(.button("Enable Destination"))
            try await browser.see("Saved as revision 2")
            #expect(try await browser.count(.button("Disable Destination")) == 1)
            try await trial.send("track", ["userId": "u1", "event": "First"])
            try await trial.settle("shop")
            try await trial.open("/console/integrations/shop/deliveries")
            try await browser.click(.css("#rows tbody a"))
            try await browser.see("delivered", in: .css("#deliveries section[aria-label=shop]"))
            #expect(try await trial.landed("u1", in: "shop") == ["First"])
            #expect(try await browser.errors() == [])
        }
    }

    @Test func `a connection that leads nowhere is told, and keys that were entered never come back`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/directory/customerio")
            try await browser.fill(.field("name"), with: "away")
            try await browser.click(.css("[name=destination][value=endpoint]"))
            try await browser.fill(.field("endpoint"), with: "http://127.0.0.1:9")
            try await browser.type("site-of-mine", into: .field("siteId"))
            try await browser.type("key-of-mine", into: .field("apiKey"))
            try await browser.click(.button("Make it"))
            try await browser.arrive(at: "/console/integrations/away/settings")
            try await browser.click(.button("Test connection"))
            let words = try await browser.text(.css("main .error[role=status]"))
            #expect(words.contains("127.0.0.1:9"))
            #expect(try await browser.value(.field("endpoint")) == "http://127.0.0.1:9")
            for page in ["", "/settings", "/actions", "/history", "/history/1"] {
                try await trial.open("/console/integrations/away\(page)")
                let source = try #require(
                    try await browser.run("return document.documentElement.outerHTML").stringValue
                )
                #expect(!source.contains("of-mine"), "\(page)")
            }
            // An empty field keeps the key.
            try await trial.open("/console/integrations/away/settings")
            try await browser.fill(.field("endpoint"), with: "http://127.0.0.1:19")
            try await browser.click(.css("button[value=save]"))
            try await browser.see("Saved as revision 2")
            let yaml = try await trial.ferry.get("/admin/v1/integrations/away/revisions/2").body?["yaml"]?.stringValue
            #expect(yaml?.contains("api_key") == true && yaml?.contains("127.0.0.1:19") == true)
        }
    }

    @Test func `a mistake in a new integration is told beside what was typed`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/directory/customerio")
            try await browser.fill(.field("name"), with: "default")
            try await browser.click(.css("[name=destination][value=EU]"))
            try await browser.click(.button("Make it"))
            try await browser.see("There is an integration default already.", in: .css("[role=alert]"))
            try await browser.fill(.field("name"), with: "shop")
            try await browser.click(.button("Make it"))
            // Customer.io itself asks for keys.
            try await browser.see("site_id", in: .css("[role=alert]"))
            #expect(try await browser.value(.field("name")) == "shop")
            #expect(try await browser.count(.css("[name=destination][value=EU]:checked")) == 1)
            try await browser.fill(.field("name"), with: "default")
            try await browser.type("key-of-mine", into: .field("apiKey"))
            try await browser.click(.button("Make it"))
            try await browser.see("There is an integration default already.", in: .css("[role=alert]"))
            let source = try await browser.run("return document.documentElement.outerHTML").stringValue
            #expect(source?.contains("key-of-mine") == false)
            #expect(try await trial.ferry.get("/admin/v1/integrations").body?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `an action that is changed holds from the next event on, and can be put back`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.send("track", ["userId": "u1", "event": "Ordered", "properties": ["plan": "pro"]])
            try await trial.settle()
            try await trial.open("/console/integrations/default/actions")
            try await browser.click(.css("main a[href$='/actions/track-event']"))
            try await browser.see("Ordered", in: .css("section[aria-label=Example]"))
            try await browser.fill(.field("trigger"), with: "type = \"track\"\nand properties.plan = \"pro\"")
            try await browser.fill(.field("mapping.name"), with: "bought by {{userId}}")
            // It is shown while it is typed.
            try await browser.see("bought by u1", in: .css("#example"))
            try await browser.see("not saved yet", in: .css("#example"))
            try await browser.click(.button("What would change?"))
            try await browser.see("Of the last 1 events 1 would become something else", in: .css("#comparison"))
            try await browser.see("bought by u1", in: .css("#comparison .added"))
            try await browser.see("Not saved yet.")
            #expect(try await trial.ferry.get("/admin/v1/integrations/default").body?["revision"] == 1)
            // What was typed is still there.
            #expect(try await browser.value(.field("trigger")) == "type = \"track\"\nand properties.plan = \"pro\"")
            try await browser.click(.css("button[value=save]"))
            try await browser.see("Saved as revision 2")
            #expect(try await browser.value(.field("trigger")) == "type = \"track\"\nand properties.plan = \"pro\"")
            #expect(try await browser.value(.field("mapping.name")) == "bought by {{userId}}")
            let plans = ["pro", "free"]
            for plan in plans {
                try await trial.send(
                    "track",
                    ["userId": "u1", "event": "Ordered", "properties": ["plan": .string(plan)]]
                )
            }
            try await trial.settle()
            #expect(try await trial.landed("u1") == ["Ordered", "bought by u1"])
            try await browser.click(.link("History"))
            try await browser.see("console", in: .css("tbody tr:first-child"))
            try await browser.click(.css("tbody tr:first-child a"))
            try await browser.see("+", in: .css(".difference .added"))
            try await browser.see("bought by {{userId}}", in: .css(".difference"))
            try await trial.open("/console/integrations/default/history/1")
            try await browser.click(.button("Put back"))
            #expect(try await browser.dialog().contains("revision 1"))
            try await browser.answerDialog(true)
            try await browser.see("Revision 1 holds again")
            try await trial.send("track", ["userId": "u1", "event": "Last", "properties": ["plan": "free"]])
            try await trial.settle()
            #expect(try await trial.landed("u1").last == "Last")
            #expect(try await browser.errors() == [])
        }
    }

    @Test func `a wrong trigger is shown where it is wrong, at once and afterwards, and nothing typed is lost`()
        async throws
    {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/integrations/default/actions/track-event")
            try await browser.fill(.field("trigger"), with: "type = \"track\" und event = 1")
            try await browser.see("^", in: .css("#trigger-words"))
            #expect(try await browser.attribute("aria-invalid", of: .field("trigger")) == "true")
            try await browser.fill(.field("trigger"), with: "type = \"track\"")
            _ = try await browser.waiting(for: "no complaint") {
                try await browser.text(.css("#trigger-words")).isEmpty ? true : nil
            }
            #expect(try await browser.attribute("aria-invalid", of: .field("trigger")) == "false")
            try await browser.fill(.field("trigger"), with: "type = \"track\" und event = 1")
            try await browser.fill(.field("mapping.name"), with: "$.properties.\"name\"")
            try await browser.fill(.field("batchSize"), with: "7")
            try await browser.click(.css("[name=convertTimestamps]"))
            try await browser.click(.css("button[value=save]"))
            try await browser.see("^", in: .css("[role=alert]"))
            #expect(try await browser.value(.field("trigger")) == "type = \"track\" und event = 1")
            #expect(try await browser.value(.field("mapping.name")) == "$.properties.\"name\"")
            #expect(try await browser.value(.field("batchSize")) == "7")
            #expect(try await browser.count(.css("[name=convertTimestamps]:checked")) == 0)
            #expect(try await trial.ferry.get("/admin/v1/integrations/default").body?["revision"] == 1)
        }
    }

    @Test func `a condition is added without typing its language`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/integrations/default/actions/track-event")
            try await browser.fill(.field("trigger"), with: "type = \"track\"")
            try await browser.click(.css("details:has(.builder) summary"))
            try await browser.type("properties.plan", into: .field("subject"))
            try await browser.type("pro \"and\" more", into: .field("value"))
            try await browser.click(.css("button[value=add]"))
            try await browser.see("Not saved yet.")
            let trigger = try await browser.value(.field("trigger"))
            #expect(trigger == #"(type = "track") and properties.plan = "pro \"and\" more""#)
        }
    }

    @Test func `an action is switched off and on again`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/integrations/default/actions")
            let button = WebBrowser.Locator.css("form[action$='/track-event/switch'] button")
            try await browser.click(button)
            try await browser.see("Saved as revision 2")
            try await trial.send("track", ["userId": "u1", "event": "Unheard"])
            try await browser.click(button)
            try await browser.see("Saved as revision 3")
            try await trial.send("track", ["userId": "u1", "event": "Heard"])
            try await trial.settle()
            #expect(try await trial.landed("u1") == ["Heard"])
        }
    }

    @Test func `Report Content Event is locked, and what a file manages can only be read`() async throws {
        let folder = try ScratchFolder()
        let config = """
            sources: { web: { write_key: ferry-local } }
            integrations:
              filed: { type: customerio, sources: [web], settings: { endpoint: workspace } }
            """
        let ferry = try await RunningFerry(data: "memory", config: try folder.file("ferry.yaml", config))
        try await WebBrowser.with { browser in
            try await browser.open(ferry.privateURL + "/console/integrations/filed/actions")
            try await browser.see("Managed by ferry.yaml")
            #expect(try await browser.count(.css("main form")) == 0)
            try await browser.click(.css("main a[href$='/actions/report-content-event']"))
            try await browser.see("It can only be switched on and off")
            #expect(try await browser.count(.css("button[value=save]")) == 0)
            #expect(
                try await browser.run("return document.querySelector('[name=trigger]').matches(':disabled')") == true
            )
            try await browser.open(ferry.privateURL + "/console/integrations/filed/settings")
            try await browser.see("Test connection")
            #expect(try await browser.count(.button("Disable Destination")) == 0)
            #expect(try await browser.count(.css("[name=siteId]")) == 0)
        }
    }

    @Test func `a source is given another key, and its former one is retired`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/connect")
            try await browser.type("web", into: .field("name"))
            try await browser.click(.button("Make it"))
            let first = try await browser.text(.css("p.said code"))
            try await browser.click(.css("button[aria-label='New key for web']"))
            #expect(try await browser.dialog().contains("goes on letting clients in"))
            try await browser.answerDialog(true)
            try await browser.see("The former one goes on letting clients in")
            let second = try await browser.text(.css("p.said code"))
            #expect(first != second)
            for key in [first, second] {
                let body: JSON = ["userId": "u1", "event": "Ordered"]
                #expect(try await trial.ferry.post("/v1/track", body, key: key).status == 200)
            }
            try await browser.click(.css("button[aria-label='Retire the former key of web']"))
            #expect(try await browser.dialog().contains("not let in any more"))
            try await browser.answerDialog(true)
            try await browser.see("The former key of web lets nobody in any more.")
            try await trial.open("/console/events?source=web")
            #expect(try await browser.count(.css("#rows tbody tr")) == 2)
            _ = try await trial.ferry.post("/v1/track", ["userId": "u1", "event": "Late"], key: first)
            _ = try await trial.ferry.post("/v1/track", ["userId": "u1", "event": "In time"], key: second)
            try await browser.see("In time", in: .css("#rows"))
            #expect(try await browser.count(.css("#rows tbody tr")) == 3)
        }
    }
}
