import AsyncHTTPClient
import Console
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

/// What failed, in the console: seen by reason, sent again, let go of, taken along.
@Suite(.enabled(if: Chromedriver.isInstalled, "needs scripts/setup tests"), .serialized, .timeLimit(.minutes(5)))
struct `Mending in the console` {
    /// Three events that fail for one reason and one for another, with characters that addresses have to escape.
    private func with(_ body: (ConsoleTrial) async throws -> Void) async throws {
        try await ConsoleTrial.with { trial in
            for (person, words) in [("u1", "is a & b"), ("u2", "is a & b"), ("u3", "is a & b"), ("u4", "=1+1")] {
                try await trial.refuse(person, words)
                try await trial.send("track", ["userId": .string(person), "event": "Ordered"])
                // Together with others it would fail in another way.
                try await trial.settle()
            }
            _ = try await trial.ferry.get("/admin/v1/failed") { $0["items"]?.arrayValue?.count == 4 }
            try await body(trial)
        }
    }

    @Test func `what failed is grouped by reason, and one or all of a reason are sent again`() async throws {
        try await with { trial in
            let browser = trial.browser
            try await trial.open("/console")
            #expect(try await browser.text(.css("#figures dd.bad")) == "4")
            try await browser.click(.css("#figures dd.bad a"))
            try await browser.arrive(at: "/console/failed")
            try await browser.see("3 × track-event in default")
            #expect(try await browser.count(.css("section.reason")) == 2)
            #expect(try await browser.count(.css("#rows tbody tr")) == 4)
            try await browser.click(.link("400: name: is a & b (invalid)"))
            try await browser.see("Of this reason")
            #expect(try await browser.count(.css("#rows tbody tr")) == 3)
            try await trial.forgive()
            // One of them.
            try await browser.click(.css("#rows tbody tr:first-child button"))
            try await browser.arrive(at: "/console/jobs/1")
            try await browser.see("done", in: .css("#job .state"))
            #expect(try await browser.attribute("value", of: .css("#job progress")) == "100")
            try await trial.open("/console/failed")
            try await browser.see("2 × track-event in default")
            // All of the reason.
            try await browser.click(.button("Retry all 2"))
            try await browser.arrive(at: "/console/jobs/2")
            try await browser.see("done", in: .css("#job .state"))
            for person in ["u1", "u2", "u3"] { #expect(try await trial.landed(person) == ["Ordered"]) }
            #expect(try await trial.landed("u4") == [])
            try await trial.open("/console/failed")
            #expect(try await browser.count(.css("section.reason")) == 1)
            #expect(try await browser.errors() == [])
        }
    }

    @Test(arguments: ["/console/failed", "/console/integrations/default/failed"])
    func `everything is sent again, whatever the reason`(page: String) async throws {
        try await with { trial in
            let browser = trial.browser
            try await trial.forgive()
            try await trial.open(page)
            try await browser.click(.button("Retry everything"))
            #expect(try await browser.dialog() == "Send all 4 failed operations again?")
            try await browser.answerDialog(true)
            try await browser.arrive(at: "/console/jobs/1")
            try await browser.see("done", in: .css("#job .state"))
            for person in ["u1", "u2", "u3", "u4"] { #expect(try await trial.landed(person) == ["Ordered"]) }
            try await trial.open(page)
            try await browser.see("Nothing has failed.")
        }
    }

    @Test func `one that failed is shown with what would be sent, and sent again from its event`() async throws {
        try await with { trial in
            let browser = trial.browser
            try await trial.open("/console/failed")
            try await browser.click(.css("#rows tbody tr:last-child a"))
            try await browser.see("What would be sent today")
            try await browser.see("\"Ordered\"", in: .css("main pre"))
            try await browser.click(.css("dl.facts a[href^='/console/events/']"))
            try await browser.see("failed", in: .css("#deliveries .operation .state"))
            try await trial.forgive()
            try await browser.click(.css("#deliveries .operation form[action$=retry] button"))
            try await browser.arrive(at: "/console/jobs/1")
            try await browser.see("done", in: .css("#job .state"))
            try await browser.back()
            try await browser.see("delivered", in: .css("#deliveries .operation .state"))
        }
    }

    @Test func `what takes something away is sent again when that is confirmed`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.send("identify", ["userId": "u1"], ["userId": "u2"])
            try await trial.settle()
            for person in ["u1", "u2"] {
                try await trial.refuse(person, "is locked")
                try await trial.send("track", ["userId": .string(person), "event": "User Deleted"])
                try await trial.settle()
            }
            try await trial.forgive()
            let people = { () async throws -> Int? in
                try await trial.ferry.get("/admin/v1/workspace/people").body?["items"]?.arrayValue?.count
            }
            // One of them, by way of its own page.
            try await trial.open("/console/failed")
            try await browser.click(.link("Retry…"))
            for isConfirmed in [false, true] {
                if isConfirmed { try await browser.click(.field("includeTakingAway")) }
                try await browser.click(.button("Retry"))
                // The browser itself asks for the tick.
                if !isConfirmed { #expect(try await browser.location.hasPrefix("/console/failed/operations/")) }
            }
            try await browser.arrive(at: "/console/jobs/1")
            try await browser.see("done", in: .css("#job .state"))
            #expect(try await people() == 1)
            // All of the reason.
            try await trial.open("/console/failed")
            try await browser.click(.field("includeTakingAway"))
            try await browser.click(.button("Retry all 1"))
            try await browser.arrive(at: "/console/jobs/2")
            try await browser.see("done", in: .css("#job .state"))
            #expect(try await people() == 0)
        }
    }

    @Test func `letting go is asked about once more`() async throws {
        try await with { trial in
            let browser = trial.browser
            try await trial.open("/console/failed")
            try await browser.click(.button("Discard all 3"))
            #expect(try await browser.dialog().contains("3 operations"))
            try await browser.answerDialog(false)
            #expect(try await browser.count(.css("section.reason")) == 2)
            #expect(try await trial.ferry.get("/admin/v1/failed").body?["items"]?.arrayValue?.count == 4)
            try await browser.click(.button("Discard all 3"))
            _ = try await browser.dialog()
            try await browser.answerDialog(true)
            try await browser.see("3 operations are let go of")
            #expect(try await trial.ferry.get("/admin/v1/failed").body?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `the table to take along is of the reason that was chosen`() async throws {
        try await with { trial in
            let browser = trial.browser
            for page in ["/console/failed", "/console/integrations/default/failed"] {
                try await trial.open(page)
                try await browser.click(.link("400: name: is a & b (invalid)"))
                try await browser.see("Of this reason")
                let link = try #require(try await browser.attribute("href", of: .link("Save as CSV")))
                let address = link.hasPrefix("http") ? link : trial.ferry.privateURL + link
                let response = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: address),
                    timeout: .seconds(20)
                )
                let table = String(buffer: try await response.body.collect(upTo: 1 << 20))
                let lines = table.split(separator: "\r\n")
                #expect(lines.count == 4, "\(page): \(table)")
                #expect(lines.dropFirst().allSatisfy { $0.contains(#""400: name: is a & b (invalid)""#) })
                #expect(response.headers.first(name: "content-disposition")?.contains("failed.csv") == true)
            }
        }
    }

    @Test(arguments: ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\"=1", "plain, \"quoted\""])
    func `no cell of a table is one that a spreadsheet calculates`(words: String) async throws {
        let failed: JSON = [
            "items": [["id": "1-2-0", "integration": "a", "event": 1, "action": "x", "words": .string(words)]]
        ]
        let console = Console(ask: { _ in AdminReply(status: 200, body: failed.encoded()) }, now: { 0 })
        let answer = await console.answer(ConsoleRequest(.get, path: ["failed", "export"]))
        guard case .file(let file) = answer else {
            Issue.record("no file: \(answer)")
            return
        }
        let row = try #require(String(decoding: file.bytes, as: UTF8.self).split(separator: "\r\n").last)
        let isCalculated = words.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        let quoted = words.replacing("\"", with: "\"\"")
        #expect(row.contains("\"\(isCalculated ? "'" : "")\(quoted)\""), "\(row)")
    }

    @Test func `a rejected message is accepted as another source`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            _ = try await trial.ferry.post("/v1/track", ["userId": "u1", "event": "Late"], key: "nobody")
            _ = try await trial.ferry.post("/v1/track", ["event": "Nameless"])
            try await trial.open("/console/rejected")
            #expect(try await browser.count(.css("section.reason")) == 2)
            try await browser.click(.link("invalid_write_key"))
            #expect(try await browser.count(.css("section.reason")) == 1)
            try await browser.type("default", into: .field("as"))
            try await browser.click(.button("Accept"))
            try await browser.see("Accepted: 1.")
            try await trial.settle()
            #expect(try await trial.landed("u1") == ["Late"])
        }
    }

    @Test func `what waits is given up, fails, and lets those behind it go on`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            let fault: JSON = ["match": ["identifier": "u1"], "respond": ["status": 500]]
            #expect(try await trial.ferry.ask("/admin/v1/workspace/faults", fault).status == 200)
            try await trial.send("track", ["userId": "u1", "event": "Stuck"], ["userId": "u1", "event": "Behind"])
            try await trial.open("/console/events/1")
            try await browser.see("retrying", in: .css("#deliveries"))
            try await browser.click(.button("Give up"))
            #expect(try await browser.dialog().contains("Give up what waits"))
            try await browser.answerDialog(true)
            try await browser.see("What waited of it for default is given up.")
            try await browser.see("failed", in: .css("#deliveries .operation .state"))
            try await browser.see("given up by", in: .css("#deliveries .operation"))
            try await trial.forgive()
            try await trial.settle()
            #expect(try await trial.landed("u1") == ["Behind"])
        }
    }

    @Test func `a replay takes what its filters let through`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.send("track", ["userId": "u1", "event": "Ordered"], ["userId": "u1", "event": "Looked"])
            try await trial.send("track", ["userId": "u2", "event": "Ordered"])
            try await trial.settle()
            try await trial.open("/console/jobs")
            try await browser.click(.css("details summary"))
            try await browser.type("Ordered", into: .field("name"))
            try await browser.type("u1", into: .field("userId"))
            try await browser.click(.field("asNew"))
            try await browser.click(.button("Replay"))
            try await browser.arrive(at: "/console/jobs/1")
            try await browser.see("done", in: .css("#job .state"))
            try await browser.see("u1", in: .css("#job dl.facts"))
            #expect(try await trial.landed("u1") == ["Ordered", "Looked", "Ordered"])
            #expect(try await trial.landed("u2") == ["Ordered"])
            // What can't be understood is said, and nothing is begun.
            try await trial.open("/console/jobs")
            try await browser.click(.css("details summary"))
            try await browser.type("yesterday", into: .field("from"))
            try await browser.click(.button("Replay"))
            try await browser.see("That did not work")
            #expect(try await trial.ferry.get("/admin/v1/jobs").body?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `a job is paused, resumed and stopped`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.send("track", ["userId": "u1", "event": "Ordered"])
            try await trial.settle()
            // So that it does not come to its end.
            let fault: JSON = ["match": ["identifier": "u1"], "respond": ["status": 500]]
            #expect(try await trial.ferry.ask("/admin/v1/workspace/faults", fault).status == 200)
            try await trial.open("/console/jobs")
            try await browser.click(.css("details summary"))
            try await browser.type("1", into: .field("rate"))
            try await browser.click(.button("Replay"))
            try await browser.arrive(at: "/console/jobs/1")
            try await browser.click(.button("Pause"))
            try await browser.see("paused", in: .css("#job .state"))
            #expect(try await trial.ferry.get("/admin/v1/jobs/1").body?["state"] == "paused")
            try await browser.click(.button("Resume"))
            try await browser.see("running", in: .css("#job .state"))
            try await browser.click(.button("Stop"))
            #expect(try await browser.dialog().contains("stays unsent"))
            try await browser.answerDialog(true)
            try await browser.see("stopped", in: .css("#job .state"))
            #expect(try await browser.count(.css("#job form")) == 0)
            #expect(try await browser.errors() == [])
        }
    }

    @Test func `an integration is paused and goes on`() async throws {
        try await ConsoleTrial.with { trial in
            let browser = trial.browser
            try await trial.open("/console/integrations/default")
            try await browser.click(.button("Pause"))
            _ = try await browser.dialog()
            try await browser.answerDialog(true)
            try await browser.see("Nothing is sent to default until it is resumed.")
            try await trial.send("track", ["userId": "u1", "event": "Held"])
            try await browser.see("paused", in: .css("#headline .state"))
            #expect(try await trial.landed("u1") == [])
            try await browser.click(.button("Resume"))
            try await browser.see("default goes on.")
            try await trial.settle()
            #expect(try await trial.landed("u1") == ["Held"])
        }
    }
}
