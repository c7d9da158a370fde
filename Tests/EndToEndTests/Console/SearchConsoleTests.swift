import LosslessJSON
import Testing

/// Finding things in the console: events of the log, people and what else is in a workspace.
@Suite(.enabled(if: Chromedriver.isInstalled, "needs scripts/setup tests"), .serialized, .timeLimit(.minutes(5)))
struct `Looking around in the console` {
    @Test func `events are found by who, e-mail, name and state`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.refuse("u2", "is wrong")
            try await trial.send("identify", ["userId": "u1", "traits": ["email": "u1@example.com"]])
            try await trial.send(
                "track",
                ["userId": "u2", "event": "Ordered"],
                ["userId": "u3", "event": "Looked & left"]
            )
            _ = try await trial.ferry.get("/admin/v1/failed") { $0["items"]?.arrayValue?.count == 1 }
            let searches = [
                ("user_id", "u3", "Looked & left"), ("email", "u1@example.com", "identify"),
                ("name", "Looked & left", "u3"), ("state", "failed", "Ordered"), ("type", "identify", "u1"),
            ]
            for (field, value, found) in searches {
                try await trial.open("/console/events")
                #expect(try await browser.count(.css("#rows tbody tr")) == 3)
                if ["state", "type"].contains(field) {
                    try await browser.click(.css("[name=\(field)] option[value='\(value)']"))
                } else {
                    try await browser.type(value, into: .field(field))
                }
                try await browser.click(.button("Search"))
                try await browser.see("Show all")
                #expect(try await browser.count(.css("#rows tbody tr")) == 1, "\(field)")
                try await browser.see(found, in: .css("#rows"))
                #expect(try await browser.value(.field(field)) == value)
            }
            try await browser.click(.link("Show all"))
            #expect(try await browser.count(.css("#rows tbody tr")) == 3)
            try await browser.type("nobody", into: .field("user_id"))
            try await browser.click(.button("Search"))
            try await browser.see("Nothing here fits.")
            #expect(try await browser.errors() == [])
        }
    }

    @Test func `lists go on behind their fiftieth row, and only what is newest is live`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            let batch = (1...120).map { number -> JSON in
                ["type": "track", "userId": "u1", "event": .string("Event \(number)")]
            }
            try await trial.send("batch", ["batch": .array(batch)])
            try await trial.open("/console/events?user_id=u1")
            var seen: [String] = []
            while true {
                let numbers = try await browser.run(
                    "return [...document.querySelectorAll('#rows tbody a')].map((link) => link.textContent)"
                )
                seen += numbers.arrayValue?.compactMap(\.stringValue) ?? []
                guard try await browser.count(.link("Further")) == 1 else { break }
                try await browser.click(.link("Further"))
            }
            #expect(seen == (1...120).reversed().map(String.init))
            // Back where it is old, nothing moves: the page does not even ask.
            let isAsking = """
                return performance.getEntriesByType('resource').some((entry) => entry.name.endsWith('/changes'))
                """
            try await trial.send("track", ["userId": "u1", "event": "Newest"])
            #expect(try await browser.run(isAsking) == false)
            #expect(try await browser.count(.css("#live:not([hidden])")) == 0)
            try await browser.click(.link("Newest"))
            try await browser.see("Newest", in: .css("#rows tbody"))
            #expect(try await browser.location == "/console/events?user_id=u1")
        }
    }

    @Test func `an event that arrives appears by itself, and takes nothing out of one's hands`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.send("track", ["userId": "u1", "event": "Before"])
            try await trial.open("/console/events")
            try await browser.see("live", in: .css("#live"))
            try await browser.type("half a na", into: .field("name"))
            try await browser.run("window.isTheSamePage = true")
            try await trial.send("track", ["userId": "u1", "event": "Right now"])
            try await browser.see("Right now", in: .css("#rows"))
            #expect(try await browser.run("return window.isTheSamePage === true") == true)
            #expect(try await browser.value(.field("name")) == "half a na")
            // A link that has the focus keeps it, until it is left.
            try await browser.run("document.querySelector('#rows a').focus()")
            let focused = "return document.activeElement.getAttribute('href')"
            let link = try await browser.run(focused)
            try await trial.send("track", ["userId": "u1", "event": "Afterwards"])
            try await browser.run(Self.countRenewals)
            try await browser.renewTwice()
            #expect(try await browser.run(focused) == link)
            try await browser.run("document.activeElement.blur()")
            try await browser.see("Afterwards", in: .css("#rows"))
        }
    }

    @Test func `what is half filled in stays, in a part that is live`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            _ = try await trial.ferry.post("/v1/track", ["event": "Nameless"])
            try await trial.open("/console/rejected")
            try await browser.type("half a na", into: .field("as"))
            try await browser.run(Self.countRenewals)
            try await browser.run("document.activeElement.blur()")
            try await browser.renewTwice()
            #expect(try await browser.value(.field("as")) == "half a na")
        }
    }

    private static let countRenewals = """
        window.asked = 0;
        const fetch = window.fetch;
        window.fetch = async (...all) => { const answer = await fetch(...all); window.asked += 1; return answer; };
        """

    @Test func `a workspace shows its people, objects, activity and requests, and is emptied by its name`() async throws
    {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            let device: JSON = ["device": ["token": "token-of-mira", "type": "ios"]]
            try await trial.send(
                "identify",
                ["userId": "u1", "traits": ["email": "mira@example.com", "plan": "pro"]]
            )
            try await trial.send(
                "track",
                ["userId": "u1", "event": "Application Installed", "context": device],
                ["userId": "u1", "event": "Ordered", "properties": ["total": 12]]
            )
            try await trial.send("group", ["userId": "u1", "groupId": "club", "traits": ["name": "Plant Club"]])
            try await trial.settle()
            try await trial.open("/console/workspaces")
            try await browser.click(.css("main li a"))
            try await browser.see("mira@example.com", in: .css("#rows"))
            try await browser.click(.css("#rows tbody a"))
            for words in ["mira@example.com", "plan", "pro", "token-of-mira", "club", "Ordered"] {
                try await browser.see(words, in: .css("main"))
            }
            try await browser.click(.css("main a[href*='/objects/']"))
            try await browser.see("Plant Club")
            try await browser.click(.css("main a[href*='/people/']"))
            try await browser.see("token-of-mira")
            try await browser.click(.link("Their events in the log"))
            #expect(try await browser.count(.css("#rows tbody tr")) == 4)
            try await trial.open("/console/workspaces/default")
            try await browser.type("mira@example.com", into: .field("who"))
            try await browser.click(.button("Find"))
            try await browser.arrive(at: "/console/workspaces/default/people/")
            try await browser.see("token-of-mira")
            // A part of an address or of an attribute finds all who have it.
            for (part, count) in [("IRA@exam", 1), ("PRO", 1), ("nobody", 0)] {
                try await trial.open("/console/workspaces/default")
                try await browser.type(part, into: .field("who"))
                try await browser.click(.button("Find"))
                try await browser.see(count == 0 ? "Nobody here fits." : "Show all")
                #expect(try await browser.count(.css("#rows tbody tr")) == count)
                #expect(try await browser.value(.field("who")) == part)
            }
            for (tab, words) in [("Objects", "club"), ("Activity", "Ordered"), ("Requests", "POST /api/v2/")] {
                try await browser.click(.link(tab))
                try await browser.see(words, in: .css("main table"))
            }
            try await browser.click(.css("#rows tbody a"))
            try await browser.see("Answer")
            let source = try await browser.run("return document.documentElement.outerHTML").stringValue ?? ""
            #expect(!source.contains("Basic "))
            // The name has to be typed, and rightly.
            try await trial.open("/console/workspaces/default")
            for name in ["defaul", "default"] {
                try await browser.click(.css("details.dangerous summary"))
                try await browser.type(name, into: .field("confirm"))
                try await browser.click(.button("Empty it"))
                try await browser.see(name == "default" ? "The workspace is empty." : "Nothing was changed")
                let people = try await trial.ferry.get("/admin/v1/workspace/people").body?["items"]?.arrayValue
                #expect(people?.isEmpty == (name == "default"))
                if name != "default" { try await browser.back() }
            }
            // The browser tells of the refused form, and of nothing else.
            #expect(try await browser.errors().allSatisfy { $0.contains("400") })
        }
    }

    @Test func `without scripts actions are changed, failures sent again and events found`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await browser.allowScripts(false)
            try await trial.refuse("u1", "is wrong")
            try await trial.send("track", ["userId": "u1", "event": "Refused"], ["userId": "u2", "event": "Taken"])
            _ = try await trial.ferry.get("/admin/v1/failed") { $0["items"]?.arrayValue?.count == 1 }
            try await trial.forgive()
            try await trial.open("/console/events")
            try await browser.type("u2", into: .field("user_id"))
            try await browser.click(.button("Search"))
            try await browser.see("Show all")
            #expect(try await browser.count(.css("#rows tbody tr")) == 1)
            try await trial.open("/console/failed")
            try await browser.click(.button("Retry all 1"))
            try await browser.arrive(at: "/console/jobs/1")
            _ = try await trial.ferry.get("/admin/v1/jobs/1") { $0["state"] == "done" }
            #expect(try await trial.landed("u1") == ["Refused"])
            try await trial.open("/console/integrations/default/actions/track-event")
            try await browser.fill(.field("mapping.name"), with: "renamed")
            try await browser.click(.button("What would change?"))
            try await browser.see("2 would become something else", in: .css("#comparison"))
            try await browser.click(.css("button[value=save]"))
            try await browser.see("Saved as revision 2")
            try await trial.send("track", ["userId": "u1", "event": "Ordered"])
            try await trial.settle()
            #expect(try await trial.landed("u1") == ["Refused", "renamed"])
            #expect(try await browser.run("return document.querySelector('#live').hidden") == true)
        }
    }
}

extension WebBrowser {
    /// Waits until the page has asked for itself twice, and so has certainly shown what it was told the first time.
    fileprivate func renewTwice() async throws {
        _ = try await waiting(for: "the page to have renewed itself twice") {
            try await run("return window.asked >= 2") == true ? true : nil
        }
    }
}
