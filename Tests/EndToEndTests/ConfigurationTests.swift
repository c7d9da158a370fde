import Foundation
import LosslessJSON
import Testing

/// The configuration of a running server: taken again, applied, exported, put back.
@Suite(.timeLimit(.minutes(3))) struct `A running configuration` {
    private static func file(_ mark: String, _ more: String = "") -> String {
        """
        sources: { web: { write_key: web-key } }
        integrations:
          main:
            type: customerio
            sources: [web]
            settings: { endpoint: workspace }
            actions:
              track-event: { mapping: { attributes: { mark: "\(mark)" } } }
        \(more)
        """
    }

    private typealias Trial = ConfiguredFerry

    @Test(arguments: [false, true])
    func `takes its file again without a restart`(bySignal: Bool) async throws {
        let trial = try await Trial(Self.file("one"))
        #expect(try await trial.mark(of: "first") == "one")
        _ = try trial.folder.file("ferry.yaml", Self.file("two"))
        if bySignal {
            trial.ferry.hangUp()
            _ = try await trial.ferry.get("/admin/v1/integrations/main") { $0["revision"] == 2 }
        } else {
            let reload = try await trial.command("reload")
            #expect(reload.status == 0, "\(reload.errors)")
            #expect(reload.output.contains("main  changed: revision 2, from event 2 on"))
            #expect(reload.output.contains("-       attributes:") || reload.output.contains("-         mark: one"))
            #expect(reload.output.contains("+         mark: two"))
        }
        #expect(try await trial.mark(of: "second") == "two")
        // Each event is told by the revision of its time.
        for (number, mark) in [(1, "one"), (2, "two")] {
            let story = try await trial.ferry.get("/admin/v1/events/\(number)").body?["integrations"]?.arrayValue?.first
            #expect(story?["revision"] == .number(JSON.Number(Int64(number))))
            let body = story?["operations"]?.arrayValue?.first?["body"]
            #expect(body?["attributes"]?["mark"]?.stringValue == mark)
        }
        // A file with a mistake changes nothing, and says where it is.
        _ = try trial.folder.file("ferry.yaml", Self.file("three").replacing("actions:", with: "actons:"))
        let mistaken = try await trial.command("reload")
        #expect(mistaken.status == 1)
        #expect(mistaken.errors.contains(":7:5: unknown key `actons`; did you mean `actions`?"))
        #expect(mistaken.errors.contains("Nothing was changed"))
        #expect(try await trial.mark(of: "third") == "two")
    }

    @Test func `takes and lets go of sources and integrations while it runs`() async throws {
        let trial = try await Trial(Self.file("one"))
        let more = """
              second:
                type: customerio
                settings: { endpoint: workspace }
            """
        let text = Self.file("one", more).replacing("web-key }", with: "new-key, old_write_key: web-key }")
            .replacing("sources: {", with: "listen: { public: 127.0.0.1:1 }\nsources: {")
        _ = try trial.folder.file("ferry.yaml", text)
        let reload = try await trial.command("reload")
        #expect(reload.output.contains("second  created: revision 1") && reload.output.contains("main  unchanged"))
        #expect(reload.errors.contains("`listen` takes effect with the next start"))
        for key in ["new-key", "web-key"] {
            let call: JSON = ["userId": "u1", "event": .string(key)]
            #expect(try await trial.ferry.post("/v1/track", call, key: key).body == ["success": true])
            _ = try await trial.landed(key, in: "second")
        }
        _ = try trial.folder.file("ferry.yaml", Self.file("one"))
        #expect(try await trial.command("reload").output.contains("second  removed"))
        let names = try await trial.ferry.get("/admin/v1/integrations").body?["items"]?.arrayValue?.map { $0["name"] }
        #expect(names == ["main"])
        let strict = try await trial.ferry.post("/v1/track", ["userId": "u1", "event": "late"], key: "new-key")
        #expect(strict.status == 200)
        #expect(try await trial.mark(of: "still") == "one")
    }

    @Test func `takes integrations of its own, exports them, and puts back what was`() async throws {
        let trial = try await Trial(Self.file("one"))
        let own = """
            integrations:
              own:
                type: customerio
                sources: [web]
                settings: { endpoint: workspace, site_id: site-1, api_key: s3cr3t-of-mine }
                actions: { track-event: { mapping: { attributes: { mark: first } } } }
            """
        let applied = try await trial.command("apply", "-", input: own)
        #expect(applied.status == 0 && applied.output.contains("own  created: revision 1"), "\(applied.errors)")
        #expect(try await trial.mark(of: "a", in: "own") == "first")

        let exported = try await trial.command("export", "--integration", "own").output
        #expect(exported.contains("api_key: env:FERRY_OWN_API_KEY") && exported.contains("revision: 1"))
        #expect(!exported.contains("s3cr3t"))
        // The server keeps the secret that the placeholder stands for.
        let edited = exported.replacing("mark: first", with: "mark: second")
        let changed = try await trial.command("apply", "-", input: edited)
        #expect(changed.output.contains("own  changed: revision 2"), "\(changed.errors)")
        #expect(try await trial.mark(of: "b", in: "own") == "second")

        let older = try await trial.command("apply", "-", input: exported)
        #expect(older.status == 1)
        #expect(older.errors.contains("own is at revision 2, and the text was exported from revision 1"))
        let managed = try await trial.command("apply", "-", input: Self.file("x"))
        #expect(managed.status == 1 && managed.errors.contains("main is managed by the configuration file"))

        let list = try await trial.command("revisions", "list", "own")
        #expect(list.output.split(separator: "\n").count == 2 && list.output.contains("by API, from event"))
        let show = try await trial.command("revisions", "show", "own", "2")
        #expect(show.output.contains("-         mark: first") && show.output.contains("+         mark: second"))
        let back = try await trial.command("revisions", "put-back", "own", "1")
        #expect(back.output.contains("own  changed: revision 3"), "\(back.errors)")
        #expect(try await trial.mark(of: "c", in: "own") == "first")
        let file = try await trial.command("revisions", "put-back", "main", "1", "--waiting")
        #expect(file.status == 0 && file.errors.contains("the configuration file is taken again at the next start"))

        // All of it is there after the process was killed.
        trial.ferry.kill()
        let again = try await RunningFerry(data: trial.folder.url.appending(path: "data").path, config: trial.config)
        let status = try await again.get("/admin/v1/integrations/own").body
        #expect(status?["revision"] == 3 && status?["managedBy"] == "database")
        let removed = try await FerryProcess.run(["remove", "own", "--yes", "--url", again.privateURL])
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(try await again.get("/admin/v1/integrations/own").status == 404)
    }

    @Test func `says what is wrong with a text, and what can't be`() async throws {
        let trial = try await Trial(Self.file("one"))
        let url = trial.ferry.privateURL
        let wrong: [(arguments: [String], input: String, words: String)] = [
            (
                ["apply", "-"],
                "integrations: { a: { type: customerio, settings: { endpoint: workspace }, sources: [webb] } }",
                "unknown source `webb`; did you mean `web`?"
            ),
            (["apply", "-"], "sources: { other: { write_key: a } }", "the text defines no integration"),
            (["apply", "-"], "integrations: [", "this is not YAML"),
            (
                ["apply", "-"],
                "integrations: { a: { type: customerio, settings: { site_id: env:FERRY_A_SITE_ID, api_key: k } } }",
                "the environment variable FERRY_A_SITE_ID is not set"
            ),
            (["export", "--integration", "none"], "", "there is no integration none: there are main"),
            (["revisions", "list", "none"], "", "there is no integration none: there are main"),
            (["revisions", "show", "main", "9"], "", "main has no revision 9: the newest is 1"),
            (["revisions", "put-back", "main", "9"], "", "main has no revision 9"),
            (["remove", "main", "--yes"], "", "remove it there, and reload"),
        ]
        for (arguments, input, words) in wrong {
            let result = try await FerryProcess.run(arguments + ["--url", url], input: input)
            #expect(result.status == 1 && result.errors.contains(words), "\(arguments): \(result.errors)")
        }
        #expect(try await trial.command("remove", "main").status == 64)
        #expect(try await trial.command("apply", "/no/such/file").status == 64)
        let names = try await trial.ferry.get("/admin/v1/integrations").body?["items"]?.arrayValue?.map { $0["name"] }
        #expect(names == ["main"])
    }

    @Test func `lets everything of an integration wait, also over a restart, until it may go on`() async throws {
        let trial = try await Trial(Self.file("one"))
        #expect(try await trial.mark(of: "before") == "one")
        #expect(try await trial.command("pause", "main").status == 0)
        let call: JSON = ["userId": "u1", "event": "meanwhile"]
        #expect(try await trial.ferry.post("/v1/track", call, key: "web-key").status == 200)
        try await Task.sleep(for: .milliseconds(400))
        let status = try await trial.command("status")
        #expect(status.status == 1 && status.output.contains("main  paused: paused by an operator; 1 event waits"))
        trial.ferry.kill()
        let again = try await RunningFerry(data: trial.folder.url.appending(path: "data").path, config: trial.config)
        try await Task.sleep(for: .milliseconds(400))
        #expect(try await again.get("/admin/v1/integrations/main").body?["events"]?["waiting"] == 1)
        let retry = try await again.postAdmin("/admin/v1/integrations/main/retry", [:])
        #expect(retry.status == 200)
        #expect(try await again.get("/admin/v1/integrations/main").body?["health"]?["state"] == "paused")
        #expect(try await FerryProcess.run(["resume", "main", "--url", again.privateURL]).status == 0)
        let end = try await again.get("/admin/v1/integrations/main") { $0["events"]?["waiting"] == 0 }
        #expect(end["health"]?["state"] == "healthy" && end["operations"]?["track-event"]?["delivered"] == 2)
        #expect(
            try await FerryProcess.run(["pause", "none", "--url", again.privateURL]).errors.contains(
                "no integration none"
            )
        )
    }

    @Test func `makes an integration that was removed anew, without what waited for it`() async throws {
        let trial = try await Trial(Self.file("one"))
        let own = "integrations: { own: { type: customerio, settings: { endpoint: workspace } } }"
        #expect(try await trial.command("apply", "-", input: own).status == 0)
        #expect(try await trial.command("pause", "own").status == 0)
        for name in ["waits", "removed meanwhile"] {
            let call: JSON = ["userId": "u1", "event": .string(name)]
            #expect(try await trial.ferry.post("/v1/track", call, key: "web-key").status == 200)
            if name == "waits" { #expect(try await trial.command("remove", "own", "--yes").status == 0) }
        }
        #expect(try await trial.command("apply", "-", input: own).status == 0)
        _ = try await trial.ferry.get("/admin/v1/integrations/own") { $0["lanes"]?.arrayValue?.count == 2 }
        #expect(try await trial.mark(of: "afterwards", in: "own") == nil)
        let status = try await trial.ferry.get("/admin/v1/integrations/own").body
        #expect(status?["events"]?["accepted"] == 1 && status?["health"]?["state"] != "paused", "\(status ?? .null)")
    }

    @Test func `stays as it is when its file is empty, and reads no file for those who apply`() async throws {
        let trial = try await Trial(Self.file("one"))
        _ = try trial.folder.file("ferry.yaml", "")
        let empty = try await trial.command("reload")
        #expect(empty.status == 1 && empty.errors.contains("neither sources nor integrations"))
        #expect(try await trial.mark(of: "still") == "one")
        let secret =
            "integrations: { a: { type: customerio, settings: { site_id: s, api_key: 'file:/etc/hostname' } } }"
        let file = try await trial.command("apply", "-", input: secret)
        #expect(file.status == 1 && file.errors.contains("only the configuration file may do"), "\(file.errors)")
        _ = try trial.folder.file(
            "ferry.yaml",
            Self.file("one").replacing("web: {", with: "app: { write_key: a }, web: {")
        )
        #expect(try await trial.command("reload").errors.contains("the source app is new"))
    }

    @Test func `takes events without the key of its secrets, and takes the secrets anew`() async throws {
        let trial = try await Trial(Self.file("one"))
        let own =
            "integrations: { own: { type: customerio, settings: { endpoint: 'http://127.0.0.1:9', site_id: s, api_key: k } } }"
        #expect(try await trial.command("apply", "-", input: own).status == 0)
        trial.ferry.kill()
        let data = trial.folder.url.appending(path: "data")
        try FileManager.default.removeItem(at: data.appending(path: "seal.key"))
        let again = try await RunningFerry(data: data.path, config: trial.config)
        #expect(try await again.post("/v1/track", ["userId": "u1", "event": "E"], key: "web-key").status == 200)
        let status = try await again.get("/admin/v1/integrations/own") { $0["health"]?["state"] == "paused" }
        #expect(status["health"]?["words"]?.stringValue?.contains("apply its integration again") == true)
        let anew = try await FerryProcess.run(["apply", "-", "--url", again.privateURL], input: own)
        #expect(anew.status == 0, "\(anew.errors)")
        _ = try await again.get("/admin/v1/integrations/own") { $0["health"]?["state"] == "unreachable" }
    }

    @Test func `lets go of one event, so that those behind it go on`() async throws {
        let trial = try await Trial(Self.file("one"))
        #expect(try await trial.command("pause", "main").status == 0)
        for name in ["stuck", "behind"] {
            let call: JSON = ["userId": "u1", "event": .string(name)]
            #expect(try await trial.ferry.post("/v1/track", call, key: "web-key").status == 200)
        }
        _ = try await trial.ferry.get("/admin/v1/integrations/main") { status in
            status["lanes"]?.arrayValue?.contains { $0["held"] == 2 } ?? false
        }
        #expect(try await trial.command("give-up", "main", "1").errors.contains("1 given up"))
        for wrong in [["give-up", "main", "9"], ["give-up", "none", "1"]] {
            let result = try await FerryProcess.run(wrong + ["--url", trial.ferry.privateURL])
            #expect(result.status == 1 && result.errors.contains("404"))
        }
        #expect(try await trial.command("resume", "main").status == 0)
        _ = try await trial.landed("behind")
        let failed = try await trial.command("failed", "list")
        #expect(failed.lines.count == 1 && failed.output.contains("given up by an operator"))
        #expect(try await trial.command("failed", "retry", "--all").status == 0)
        _ = try await trial.landed("stuck")
    }

    @Test func `is compared with a proposed one over the events of the log`() async throws {
        let trial = try await Trial(Self.file("one"))
        for name in ["a", "b", "c"] { #expect(try await trial.mark(of: name) == "one") }
        let proposed = Self.file("two").replacing("track-event: {", with: "track-event: { trigger: 'event != \"c\"',")
        let file = try trial.folder.file("new.yaml", proposed)
        let data = trial.folder.url.appending(path: "data").path
        let preview = ["preview", "--against-log", "--last", "2", "--config", file, "--data", data]
        let text = try await FerryProcess.run(preview)
        #expect(text.status == 0, "\(text.errors)")
        for line in [
            "main: 2 of 2 events would change", "  track-event: 2 now, 1 then, 1 of them different", "event 2, b",
            "    - /attributes/mark \"one\"", "    + /attributes/mark \"two\"", "  track-event removed",
        ] {
            #expect(text.output.contains(line), "\(line) in \(text.output)")
        }
        let json = try JSON(parsing: try await FerryProcess.run(preview + ["--json"]).output)
        let body: JSON = ["yaml": .string(proposed), "last": 2, "samples": 5]
        let answer = try await trial.ferry.postAdmin("/admin/v1/preview", body)
        #expect(answer.status == 200 && answer.body?["items"]?.arrayValue?.first == json)
        for wrong in [["yaml": ""], ["yaml": "x: 1"], ["yaml": "{}"], ["last": 0, "yaml": "x"], [:]] as [JSON] {
            #expect(try await trial.ferry.postAdmin("/admin/v1/preview", wrong).status == 400)
        }
        // Nothing has been sent or changed.
        #expect(try await trial.ferry.get("/admin/v1/integrations/main").body?["revision"] == 1)
    }

    @Test func `plans what waits by a change that is for it too`() async throws {
        let folder = try ScratchFolder()
        let broken = Self.file("old").replacing(
            "endpoint: workspace",
            with: "endpoint: http://127.0.0.1:9, site_id: s, api_key: k"
        )
        let config = try folder.file("ferry.yaml", broken)
        let ferry = try await RunningFerry(data: folder.url.appending(path: "data").path, config: config)
        // More than delivery holds in memory, so that some still wait in the log.
        for group in 0..<50 {
            let batch = (0..<100).map { number -> JSON in
                let name = "e\(group * 100 + number)"
                return ["type": "track", "userId": .string(name), "event": .string(name), "messageId": .string(name)]
            }
            #expect(try await ferry.post("/v1/batch", ["batch": .array(batch)], key: "web-key").status == 200)
        }
        _ = try folder.file("ferry.yaml", Self.file("new"))
        let reload = try await FerryProcess.run(["reload", "--waiting", "--json", "--url", ferry.privateURL])
        let change = try JSON(parsing: reload.output)["items"]?.arrayValue?.first
        let first = try #require(change?["firstEvent"]?.numberValue?.int64)
        #expect(first > 1 && first <= 5_000)
        _ = try await ferry.get("/admin/v1/integrations/main") {
            $0["events"]?["waiting"] == 0 && $0["operations"]?["track-event"]?["delivered"] == 5_000
        }
        for (seq, mark) in [(first - 1, "old"), (first, "new"), (5_000, "new")] {
            let path = "/admin/v1/workspace/people/e\(seq - 1)/activity"
            let activity = try await ferry.get(path).body?["items"]?.arrayValue ?? []
            let event = activity.first { $0["type"] == "event" }
            #expect(event?["data"]?["mark"]?.stringValue == mark, "event \(seq)")
        }
    }
}
