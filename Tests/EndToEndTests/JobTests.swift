import Foundation
import LosslessJSON
import Testing

/// `ferry failed retry`, `ferry replay` and `ferry jobs`, on the real program.
@Suite(.timeLimit(.minutes(3))) struct `Retries and replays` {
    private static let plain = """
        sources: { web: { write_key: ferry-local } }
        integrations:
          shop: { type: customerio, sources: [web], settings: { endpoint: workspace } }
        """

    private func run(_ arguments: [String], _ ferry: RunningFerry) async throws -> FerryProcess.Result {
        try await FerryProcess.run(arguments + ["--url", ferry.privateURL])
    }

    private func send(_ calls: [(path: String, body: JSON)], to ferry: RunningFerry, in integration: String)
        async throws
    {
        for call in calls { #expect(try await ferry.post("/v1/\(call.path)", call.body).status == 200) }
        _ = try await ferry.get("/admin/v1/integrations/\(integration)") { $0["lag"]?["events"] == 0 }
    }

    private func events(of person: String, _ ferry: RunningFerry, workspace: String = "shop") async throws -> [String] {
        let path = "/admin/v1/workspace/people/\(person)/activity?limit=1000&workspace=\(workspace)"
        let items = try await ferry.get(path).body?["items"]?.arrayValue ?? []
        return items.filter { $0["type"] == "event" }.compactMap { $0["name"]?.stringValue }
    }

    @Test func `what failed is delivered once the mapping is mended, and stays failed before`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let before = try await RunningFerry(data: data, config: try folder.file("a.yaml", Self.plain))
        let blob = JSON.string(String(repeating: "x", count: 40_000))
        try await send(
            [
                ("track", ["userId": "u1", "event": "Large", "messageId": "m1", "properties": ["blob": blob]]),
                ("track", ["userId": "u1", "event": "Small", "messageId": "m2"]),
                ("track", ["userId": "u2", "event": "Large", "messageId": "m3", "properties": ["blob": blob]]),
            ],
            to: before,
            in: "shop"
        )
        let again = try await run(["failed", "retry", "--all"], before)
        #expect(again.status == 1)
        #expect(again.output.contains("retry  shop  done  100 %  planned 2, failed 2"))
        let list = try await run(["failed", "list", "--json"], before)
        #expect(list.lines.count == 2)
        let first = try #require(try JSON(parsing: list.lines[0])["id"]?.stringValue)
        #expect(before.stop() == 0)

        let mended = Self.plain.replacing(
            "endpoint: workspace } }",
            with: "endpoint: workspace }, actions: { track-event: { mapping: { attributes: { cut: true } } } } }"
        )
        let after = try await RunningFerry(data: data, config: try folder.file("b.yaml", mended))
        let one = try await run(["failed", "retry", first], after)
        #expect(one.status == 0 && one.output.contains("done  100 %  planned 1, delivered 1"))
        #expect(try await events(of: "u1", after).sorted() == ["Large", "Small"])
        #expect(try await events(of: "u2", after).isEmpty)
        let rest = try await run(["failed", "retry", "--words", "larger than 32 KB"], after)
        #expect(rest.status == 0)
        #expect(try await events(of: "u2", after) == ["Large"])
        #expect(try await run(["failed", "list"], after).output.isEmpty)
        let track = try await after.get("/admin/v1/integrations/shop").body?["operations"]?["track-event"]
        #expect(track?["delivered"] == 3 && track?["failed"] == 0)

        let gone = try await run(["failed", "retry", first], after)
        #expect(gone.status == 1 && gone.errors.contains("no failed operation is meant (any more)"))
        #expect(try await run(["failed", "retry"], after).status == 64)
    }

    @Test func `a replay counts nothing twice, as new it does, and deletes nobody`() async throws {
        let folder = try ScratchFolder()
        let config = try folder.file("a.yaml", Self.plain)
        let ferry = try await RunningFerry(data: folder.url.appending(path: "data").path, config: config)
        try await send(
            [
                ("track", ["userId": "u1", "event": "One", "messageId": "m1"]),
                ("track", ["userId": "u1", "event": "User Deleted", "messageId": "m2"]),
                ("identify", ["userId": "u1", "traits": ["back": true], "messageId": "m3"]),
                ("track", ["userId": "u1", "event": "Two", "messageId": "m4"]),
                ("track", ["userId": "u2", "event": "Two", "messageId": "m5"]),
            ],
            to: ferry,
            in: "shop"
        )
        let replay = try await run(["replay", "shop", "--first", "3"], ferry)
        #expect(replay.status == 0)
        #expect(replay.errors.contains("Events keep their ids"))
        #expect(replay.errors.contains("left out"))
        #expect(replay.output.contains("replay  shop  done  100 %  planned 3, delivered 3"))
        #expect(try await events(of: "u1", ferry) == ["Two"])
        // The delete is left out: the person stays, with what came before and after it.
        #expect(try await run(["replay", "shop", "--user-id", "u1"], ferry).status == 0)
        #expect(try await ferry.get("/admin/v1/workspace/people/u1").body?["attributes"]?["back"] == true)

        let asNew = try await run(["replay", "shop", "--name", "Two", "--as-new"], ferry)
        #expect(asNew.errors.contains("Events get new ids"))
        #expect(asNew.output.contains("planned 2, delivered 2"))
        #expect(try await events(of: "u1", ferry).count { $0 == "Two" } == 2)
        #expect(try await events(of: "u2", ferry) == ["Two", "Two"])
        let jobs = try await run(["jobs", "list"], ferry)
        #expect(jobs.lines.count == 3)
        // The sums of what arrived are not those of a replay.
        let sums = try await ferry.get("/admin/v1/integrations/shop").body
        #expect(sums?["events"]?["accepted"] == 5 && sums?["operations"]?["track-event"]?["planned"] == 3)
    }

    @Test(arguments: [
        (["--user-id", "u1"], ["A", "C"]), (["--anonymous-id", "an-1"], ["B"]),
        (["--email", "MIRA@example.com"], ["C", "D"]),
        (["--email", "mira@example.com", "--user-id", "u1"], ["C"]), (["--email", "nobody@example.com"], []),
    ])
    func `a replay is about one person, however it is named`(person: [String], expected: [String]) async throws {
        let ferry = try await RunningFerry(data: "memory")
        try await send(
            [
                ("track", ["userId": "u1", "event": "A"]), ("track", ["anonymousId": "an-1", "event": "B"]),
                ("track", ["userId": "u1", "event": "C", "properties": ["email": "mira@example.com"]]),
                ("track", ["userId": "u2", "event": "D", "context": ["traits": ["email": "Mira@Example.com"]]]),
            ],
            to: ferry,
            in: "default"
        )
        let replay = try await run(["replay", "default", "--as-new"] + person, ferry)
        #expect(replay.status == 0 && replay.output.contains("planned \(expected.count)"), "\(replay.output)")
        let activity = try await ferry.get("/admin/v1/workspace/activity?limit=100").body?["items"]?.arrayValue ?? []
        let names = activity.filter { $0["type"] == "event" }.compactMap { $0["name"]?.stringValue }
        for name in ["A", "B", "C", "D"] {
            #expect(names.count { $0 == name } == (expected.contains(name) ? 2 : 1), "\(name)")
        }
    }

    @Test func `a retry uses the configuration of the moment, or that of the event's time`() async throws {
        let folder = try ScratchFolder()
        let large = #"{ blob: $.properties.blob, version: "%" }"#
        let file = { (version: String) in
            Self.plain.replacing(
                "endpoint: workspace } }",
                with: "endpoint: workspace }, actions: { track-event: { mapping: { attributes: "
                    + large.replacing("%", with: version) + " } } } }"
            )
        }
        let config = try folder.file("a.yaml", file("old"))
        let ferry = try await RunningFerry(data: "memory", config: config)
        let blob = JSON.string(String(repeating: "x", count: 40_000))
        try await send(
            [("track", ["userId": "u1", "event": "Large", "properties": ["blob": blob]])],
            to: ferry,
            in: "shop"
        )
        _ = try folder.file("a.yaml", file("new"))
        #expect(try await run(["reload"], ferry).status == 0)
        for (option, revision) in [([], 2), (["--original"], nil)] as [([String], Int64?)] {
            let retry = try await run(["failed", "retry", "--all", "--json"] + option, ferry)
            #expect(retry.status == 1)
            let job = try JSON(parsing: try #require(retry.lines.last))
            #expect(job["revision"]?.numberValue?.int64 == revision)
        }
        // What would be sent by the first one is too large too; a mended one goes through, the original one does not.
        _ = try folder.file("a.yaml", file("new").replacing("blob: $.properties.blob, ", with: ""))
        #expect(try await run(["reload"], ferry).status == 0)
        #expect(try await run(["failed", "retry", "--all", "--original"], ferry).status == 1)
        #expect(try await run(["failed", "retry", "--all"], ferry).status == 0)
        #expect(try await events(of: "u1", ferry) == ["Large"])
    }

    @Test func `a new workspace is filled from the log, deletes included`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let before = try await RunningFerry(data: data, config: try folder.file("a.yaml", Self.plain))
        let calls = (1...300).map { number -> (path: String, body: JSON) in
            ("track", ["userId": .string("u\(number % 3)"), "event": .string("E\(number)")])
        }
        try await send(calls + [("track", ["userId": "u0", "event": "User Deleted"])], to: before, in: "shop")
        #expect(before.stop() == 0)
        let both = Self.plain + "\n  copy: { type: customerio, sources: [web], settings: { endpoint: workspace } }\n"
        let after = try await RunningFerry(data: data, config: try folder.file("b.yaml", both))
        let story = try await after.get("/admin/v1/events/1").body?["integrations"]?.arrayValue
        #expect(story?.map { $0["state"] } == ["delivered", "before the integration began"])
        let replay = try await run(["replay", "copy", "--from", "7d"], after)
        #expect(replay.status == 0 && replay.errors.contains("Deletes, suppressions and merges are included"))
        #expect(replay.output.contains("planned 301, delivered 301"))
        #expect(try await after.get("/admin/v1/workspace/people/u0?workspace=copy").status == 404)
        // Newest first, as the product shows it.
        let copied = try await events(of: "u1", after, workspace: "copy")
        #expect(copied == (1...300).filter { $0 % 3 == 1 }.map { "E\($0)" }.reversed())
    }

    @Test func `a job can be slowed down, paused, resumed and stopped, and goes on after a restart`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let unbatched = Self.plain.replacing(
            "endpoint: workspace } }",
            with: "endpoint: workspace }, actions: { track-event: { enable_batching: false } } }"
        )
        let config = try folder.file("a.yaml", unbatched)
        let ferry = try await RunningFerry(data: data, config: config)
        let calls = (1...60).map { ("track", ["userId": "u1", "event": .string("E\($0)")] as JSON) }
        try await send(calls, to: ferry, in: "shop")
        let start = try await run(["replay", "shop", "--as-new", "--rate", "10", "--detach"], ferry)
        #expect(start.status == 0 && start.output.contains("running"))
        _ = try await ferry.get("/admin/v1/jobs/1") { ($0["operations"]?["delivered"]?.numberValue?.int64 ?? 0) > 2 }
        #expect(try await run(["jobs", "pause", "1"], ferry).output.contains("paused"))
        // What was under way is recorded; then nothing moves.
        try await Task.sleep(for: .milliseconds(500))
        let paused = try await ferry.get("/admin/v1/jobs/1").body?["position"]
        try await Task.sleep(for: .milliseconds(500))
        #expect(try await ferry.get("/admin/v1/jobs/1").body?["position"] == paused)
        #expect(try await run(["jobs", "resume", "1"], ferry).output.contains("running"))
        _ = try await ferry.get("/admin/v1/jobs/1") { $0["position"] != paused }
        #expect(ferry.stop() == 0)

        let again = try await RunningFerry(data: data, config: config)
        _ = try await again.get("/admin/v1/jobs/1") { $0["state"] == "done" }
        #expect(try await events(of: "u1", again).count == 120)
        #expect(try await run(["jobs", "pause", "1"], again).errors.contains("is done"))

        #expect(try await run(["replay", "shop", "--as-new", "--rate", "5", "--detach"], again).status == 0)
        #expect(try await run(["jobs", "stop", "2"], again).output.contains("stopped"))
        #expect(try await run(["jobs", "resume", "2"], again).status == 1)
    }

    @Test func `bad wishes get a clear answer, and nothing is started`() async throws {
        let ferry = try await RunningFerry(data: "memory")
        let empty = try await run(["replay", "default"], ferry)
        #expect(empty.status == 1 && empty.errors.contains("the log is empty"))
        try await send([("track", ["userId": "u1", "event": "E"])], to: ferry, in: "default")
        for (arguments, words) in [
            (["replay", "other"], "there is no integration other: there are default"),
            (["replay", "default", "--first", "9"], "no event of the log lies in between"),
            (["replay", "default", "--until", "2020-01-01T00:00:00Z"], "no event of the log lies in between"),
            (["replay", "default", "--rate", "0"], "\"rate\" must be a whole number"),
            (["replay", "default", "--first", "0"], "events before 1 have left the log"),
            (["jobs", "pause", "7"], "there is no job 7"),
        ] {
            let result = try await run(arguments, ferry)
            #expect(result.status == 1 && result.errors.contains(words), "\(arguments): \(result.errors)")
        }
        #expect(try await run(["replay", "default", "--from", "yesterday"], ferry).status == 64)
        for number in ["first", "last"] {
            let half = try await ferry.ask(
                "/admin/v1/replay",
                ["integration": "default", number: .number(JSON.Number(validText: "1.5"))]
            )
            #expect(half.status == 400)
        }
        #expect(try await run(["jobs", "list"], ferry).output.isEmpty)
    }
}
