import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

/// `ferry erase`, on the real program and its real files.
@Suite(.timeLimit(.minutes(3))) struct `Erasing a person` {
    private static let integrations = """
        sources: { web: { write_key: ferry-local } }
        integrations:
          shop: { type: customerio, sources: [web], settings: { endpoint: workspace } }
        """
    /// Beside one that can't be reached.
    private static let withDeadOne =
        integrations + "\n  away: { type: customerio, sources: [web], "
        + "settings: { endpoint: 'http://127.0.0.1:9', site_id: s, api_key: k } }\n"

    private static let userId = "user-7f3a"
    private static let email = "Ann.Gone@example.com"
    private static let anonymousId = "anon-51c2"
    private static let values = [userId, email, anonymousId]

    private func run(_ arguments: [String], _ ferry: RunningFerry) async throws -> FerryProcess.Result {
        try await FerryProcess.run(arguments + ["--url", ferry.privateURL])
    }

    /// Which values stand in the raw bytes of which files, whatever their case.
    private func found(_ values: [String] = values, in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).flatMap { name in
            let path = URL(filePath: folder).appending(path: name)
            let bytes = try Data(contentsOf: path).map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
            return values.filter { Data(bytes).range(of: Data($0.lowercased().utf8)) != nil }.map { "\(name): \($0)" }
        }
    }

    /// Events of the person, delivered, failed and waiting, others that speak of them, and what was refused.
    private func fill(_ ferry: RunningFerry) async throws {
        let (id, email, anonymous) = (JSON.string(Self.userId), JSON.string(Self.email), JSON.string(Self.anonymousId))
        let large = JSON.string(String(repeating: "x", count: 40_000))
        let calls: [(path: String, body: JSON)] = [
            ("track", ["anonymousId": anonymous, "event": "Seen", "messageId": "m1"]),
            ("identify", ["userId": id, "anonymousId": anonymous, "traits": ["email": email], "messageId": "m2"]),
            ("track", ["userId": id, "event": "Ordered", "messageId": "m3"]),
            ("track", ["userId": id, "event": "Large", "messageId": "m4", "properties": ["blob": large]]),
            ("track", ["userId": "other", "event": "Invited", "messageId": "m5", "properties": ["by": email]]),
            ("group", ["userId": id, "groupId": "g1", "traits": ["owner": email], "messageId": "m6"]),
            ("track", ["userId": id, "messageId": "m7"]),
            ("track", ["userId": "other", "event": "Bought", "messageId": "m8"]),
        ]
        for call in calls { #expect(try await ferry.post("/v1/\(call.path)", call.body).status == 200) }
        _ = try await ferry.get("/admin/v1/integrations/shop") { status in
            status["events"]?["waiting"] == 0 && status["operations"]?["track-event"]?["failed"] == 1
        }
    }

    @Test(arguments: ["User Deleted", nil])
    func `takes along what else somebody was called, who was deleted or merged before`(deleted: String?) async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data, config: try folder.file("a.yaml", Self.integrations))
        let identify: JSON = ["userId": .string(Self.userId), "traits": ["email": .string(Self.email)]]
        #expect(try await ferry.post("/v1/identify", identify).status == 200)
        let end: (String, JSON) =
            deleted.map { ("track", ["userId": .string(Self.userId), "event": .string($0)]) }
            ?? ("alias", ["previousId": .string(Self.userId), "userId": "stays"])
        if deleted == nil { #expect(try await ferry.post("/v1/identify", ["userId": "stays"]).status == 200) }
        #expect(try await ferry.post("/v1/\(end.0)", end.1).status == 200)
        _ = try await ferry.get("/admin/v1/integrations/shop") { $0["lag"]?["events"] == 0 }
        _ = try await ferry.get("/admin/v1/workspace/activity?limit=100") { activity in
            activity["items"]?.arrayValue?.contains { $0["type"] == "profile_delete" } ?? false
        }
        #expect(try await run(["erase", "--user-id", Self.userId, "--yes"], ferry).status == 0)
        let activity = try await ferry.get("/admin/v1/workspace/activity?limit=100").body?["items"]?.arrayValue ?? []
        let entries = activity.filter { ["profile_delete", "profile_merge"].contains($0["type"]?.stringValue ?? "") }
        #expect(entries.count == (deleted == nil ? 2 : 1))
        for entry in entries {
            // Whom a merge has left is not erased, and has the address now.
            let told = entry["type"] == "profile_merge" ? entry["data"] : entry
            #expect(told?.description.lowercased().contains("ann.gone") == false, "\(entry)")
        }
    }

    /// What was refused, and can be accepted later, never becomes a person who is called `[erased]`.
    @Test func `takes what was refused along, and lets nobody else become nobody`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data, config: try folder.file("a.yaml", Self.integrations))
        let (id, phone) = (JSON.string(Self.userId), JSON.string("+49 phone"))
        let stranger: JSON = ["userId": id, "traits": ["phone": phone]]
        _ = try await ferry.post("/v1/identify", stranger, key: "unknown")
        let batch: JSON = [
            "batch": [
                ["type": "identify", "userId": id, "traits": ["phone": phone]],
                ["type": "track", "userId": "other", "event": "Bought"],
            ]
        ]
        _ = try await ferry.post("/v1/batch", batch, key: "unknown")
        let others = ["acme:\(Self.userId)", "\(Self.userId) smith"]
        for other in others {
            let call: JSON = ["userId": .string(other), "event": "Bought", "properties": ["by": id]]
            #expect(try await ferry.post("/v1/track", call).status == 200)
        }
        #expect(try await run(["erase", "--user-id", Self.userId, "--yes"], ferry).status == 0)
        #expect(try await run(["rejected", "accept", "--all", "--as", "web"], ferry).status == 0)
        #expect(try await run(["replay", "shop"], ferry).status == 0)
        _ = try await ferry.get("/admin/v1/integrations/shop") { $0["events"]?["waiting"] == 0 }
        let people = try await ferry.get("/admin/v1/workspace/people?workspace=shop").body?["items"]?.arrayValue ?? []
        let ids = people.compactMap { $0["identifiers"]?["id"]?.stringValue }
        #expect(Set(ids) == Set(others + ["other"]))
        let shown = try await ferry.get("/admin/v1/events?name=Bought").body?["items"]?.arrayValue ?? []
        #expect(Set(shown.compactMap { $0["userId"]?.stringValue }) == Set(others + ["other"]))
    }

    @Test(arguments: [nil, "delete"]) func `finds who is called by the id that the workspace made`(send: String?)
        async throws
    {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data, config: try folder.file("a.yaml", Self.integrations))
        #expect(try await ferry.post("/v1/identify", ["userId": "u1", "traits": ["plan": "pro"]]).status == 200)
        let person = try await ferry.get("/admin/v1/workspace/people/u1?workspace=shop") { $0["identifiers"] != nil }
        let cioId = "cio_" + (try #require(person["identifiers"]?["cio_id"]?.stringValue))
        let more: JSON = ["userId": .string(cioId), "traits": ["hidden": "mark-7f3a"]]
        #expect(try await ferry.post("/v1/identify", more).status == 200)
        _ = try await ferry.get("/admin/v1/workspace/people/u1?workspace=shop") { $0["attributes"]?["hidden"] != nil }
        let erase = try await run(
            ["erase", "--user-id", cioId, "--yes", "--json"] + (send.map { ["--send", $0] } ?? []),
            ferry
        )
        #expect(erase.status == 0)
        #expect(try JSON(parsing: erase.output)["receipt"]?["people"] == 1)
        #expect(try await ferry.get("/admin/v1/workspace/people/u1?workspace=shop").status == 404)
        #expect(try found(["mark-7f3a"], in: data).isEmpty)
    }

    private func expectClosedSums(_ integration: String, _ ferry: RunningFerry) async throws {
        let status = try #require(try await ferry.get("/admin/v1/integrations/\(integration)").body)
        let sums = [status["events"]] + (status["operations"]?.objectValue ?? [:]).map { $0.value }
        for sum in sums {
            let counts = (sum?.objectValue ?? [:]).map { $0.value.numberValue?.int64 ?? 0 }
            #expect(counts.first == counts.dropFirst().reduce(0, +), "\(integration): \(sum ?? .null)")
            #expect(counts.allSatisfy { $0 >= 0 }, "\(integration): \(sum ?? .null)")
        }
    }

    @Test func `leaves nothing of them in the files, sends nothing of them, and says what it removed`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data, config: try folder.file("a.yaml", Self.withDeadOne))
        try await fill(ferry)
        #expect(try !found(in: data).isEmpty)

        let erase = try await run(["erase", "--user-id", Self.userId, "--email", Self.email, "--yes", "--json"], ferry)
        #expect(erase.status == 0, "\(erase.errors)")
        let receipt = try JSON(parsing: erase.output)
        #expect(receipt["state"] == "done" && receipt["words"] == "the person is erased")
        #expect(receipt["receipt"]?["events"] == 5)
        #expect(receipt["receipt"]?["people"] == 1)
        #expect(receipt["receipt"]?["failedOperations"] == 1)
        // The other's event, its operation in the workspace, and twice the refused message.
        #expect((receipt["receipt"]?["replaced"]?.numberValue?.int64 ?? 0) >= 3)
        #expect(try found(in: data).isEmpty)
        #expect(!Self.values.contains { erase.output.contains($0) || erase.errors.contains($0) })
        for name in ["shop", "away"] { try await expectClosedSums(name, ferry) }

        #expect(try await ferry.get("/admin/v1/workspace/people/\(Self.userId)?workspace=shop").status == 404)
        #expect(try await ferry.get("/admin/v1/workspace/people/other?workspace=shop").status == 200)
        let journal = try #require(try await ferry.get("/admin/v1/workspace/requests?workspace=shop").body).description
        #expect(!Self.values.contains { journal.contains($0) })
        let story = try #require(try await ferry.get("/admin/v1/events/3").body)
        #expect(story["erased"] == true && story["message"] == .null)
        #expect(story["integrations"]?.arrayValue?.first == ["integration": "shop", "state": "erased"])
        let other = try #require(try await ferry.get("/admin/v1/events/5").body)
        #expect(other["message"]?["properties"]?["by"] == "[erased]")
        let listed = try await ferry.get("/admin/v1/events").body?["items"]?.arrayValue ?? []
        // The last one told the workspace.
        #expect(listed.filter { $0["erased"] == true }.map { $0["number"] } == [8, 6, 4, 3, 2, 1])
        let refused = try await run(["rejected", "list"], ferry)
        // It was theirs.
        #expect(refused.output.isEmpty)

        let replay = try await run(["replay", "shop", "--json"], ferry)
        #expect(replay.status == 0)
        #expect(try JSON(parsing: replay.output)["operations"]?["planned"] == 2)
        #expect(try await run(["failed", "list"], ferry).output.isEmpty)
        #expect(try found(in: data).isEmpty)
        let preview = try await FerryProcess.run(
            [
                "preview", "--against-log", "--data", data, "--config", try folder.file("a.yaml"), "--integration",
                "shop",
            ]
        )
        #expect(preview.status == 0 && preview.lines.count == 2)
        #expect(try await FerryProcess.run(["log", "verify", "--data", data]).status == 0)
        #expect(ferry.stop() == 0)

        // What waited for the dead one is delivered to where it lives now: without the person.
        let reached = Self.withDeadOne.replacing("'http://127.0.0.1:9'", with: "workspace")
        let after = try await RunningFerry(data: data, config: try folder.file("b.yaml", reached))
        _ = try await after.get("/admin/v1/integrations/away") { $0["events"]?["waiting"] == 0 }
        let people = try await after.get("/admin/v1/workspace/people?workspace=away").body?["items"]?.arrayValue ?? []
        #expect(people.map { $0["identifiers"]?["id"] } == ["other"])
        try await expectClosedSums("away", after)
        let away = try await after.get("/admin/v1/integrations/away").body?["operations"]?.objectValue ?? [:]
        #expect(away.reduce(0) { $0 + ($1.value["delivered"]?.numberValue?.int64 ?? 0) } == 2)
    }

    @Test func `is finished by the next process when this one is killed in the middle`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let config = try folder.file("a.yaml", Self.integrations)
        var ferry = try await RunningFerry(data: data, config: config)
        for batch in 0..<8 {
            let items = (0..<500).map { number -> JSON in
                let id = number % 2 == 0 ? Self.userId : "other-\(number % 7)"
                let messageId = JSON.string("\(batch)-\(number)")
                return ["type": "track", "userId": .string(id), "event": "E", "messageId": messageId]
            }
            #expect(try await ferry.post("/v1/batch", ["batch": .array(items)]).status == 200)
        }
        let asked = try await run(["erase", "--user-id", Self.userId, "--yes", "--detach", "--json"], ferry)
        #expect(asked.status == 0)
        let number = try #require(try JSON(parsing: asked.output)["number"])
        for _ in 0..<4 {
            ferry.kill()
            ferry = try await RunningFerry(data: data, config: config)
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...40)))
        }
        let done = try await ferry.get("/admin/v1/erasures/\(number)") { $0["state"] == "done" }
        #expect(done["receipt"]?["events"] == 2_000)
        #expect(try found([Self.userId], in: data).isEmpty)
        _ = try await ferry.get("/admin/v1/integrations/shop") { $0["events"]?["waiting"] == 0 }
        try await expectClosedSums("shop", ferry)
        #expect(try await ferry.get("/admin/v1/workspace/people/\(Self.userId)").status == 404)
        #expect(try found([Self.userId], in: data).isEmpty)
    }

    @Test(arguments: ["delete", "suppress"]) func `tells the integrations, and what they said`(command: String)
        async throws
    {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data, config: try folder.file("a.yaml", Self.withDeadOne))
        try await fill(ferry)
        let who = ["--user-id", Self.userId, "--email", Self.email, "--yes"]
        let erase = try await run(["erase", "--send", command, "--integration", "shop"] + who, ferry)
        #expect(erase.status == 0)
        #expect(erase.output.contains("shop  \(command) taken"))
        #expect(try found(in: data).isEmpty)
        let back: JSON = ["userId": .string(Self.userId), "traits": ["n": 1], "messageId": "m9"]
        #expect(try await ferry.post("/v1/identify", back).status == 200)
        _ = try await ferry.get("/admin/v1/integrations/shop") { $0["events"]?["waiting"] == 0 }
        let status = try await ferry.get("/admin/v1/workspace/people/\(Self.userId)?workspace=shop").status
        #expect(status == (command == "delete" ? 200 : 404))

        // One that can't be reached is told until it is, also by the next process.
        let more = try await run(["erase", "--send", command, "--json", "--detach"] + who, ferry)
        let number = try #require(try JSON(parsing: more.output)["number"])
        let waits = try await ferry.get("/admin/v1/erasures/\(number)") { erasure in
            erasure["stage"] == "telling" && erasure["sent"]?.arrayValue?.last?["answer"] == "taken"
        }
        #expect(waits["sent"]?.arrayValue?.map { $0["answer"] } == ["waiting", "taken"])
        #expect(waits["words"]?.stringValue?.contains("waiting until away takes the \(command)") == true)
        ferry.kill()
        let reached = Self.withDeadOne.replacing("'http://127.0.0.1:9'", with: "workspace")
        let after = try await RunningFerry(data: data, config: try folder.file("b.yaml", reached))
        let done = try await after.get("/admin/v1/erasures/\(number)") { $0["state"] == "done" }
        #expect(done["sent"]?.arrayValue?.map { $0["answer"] } == ["taken", "taken"])
        #expect(try found([Self.email, Self.userId], in: data).isEmpty)
    }

    @Test func `of nobody is refused, and changes nothing`() async throws {
        let ferry = try await RunningFerry(data: "memory")
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"]).status == 200)
        for arguments in [
            ["--yes"], ["--user-id", "", "--yes"], ["--email", "  ", "--yes"], ["--user-id", "u1"],
            ["--user-id", "u1", "--send", "forget", "--yes"], ["--user-id", "u1", "--integration", "default", "--yes"],
        ] {
            let erase = try await run(["erase"] + arguments, ferry)
            #expect(erase.status == 64 && !erase.errors.isEmpty, "\(arguments)")
        }
        let bodies: [(JSON, status: UInt, words: String)] = [
            ([:], 400, "say whom"), (["userId": ""], 400, "must be a text that is not empty"),
            (["email": .null], 400, "must be a text that is not empty"), (["user": "u1"], 400, "is not understood"),
            ([1], 400, "must be a JSON object"), (["userId": "u1", "send": "forget"], 400, "must be \"delete\""),
            (["anonymousId": "a", "send": "delete"], 400, "needs a \"userId\" or an \"email\""),
            (["userId": "u1", "send": "delete", "integration": "other"], 404, "there is no integration other"),
        ]
        for (body, status, words) in bodies {
            var request = HTTPClientRequest(url: ferry.privateURL + "/admin/v1/erasures")
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body.encoded())
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            #expect(response.status.code == status && text.replacing("\\\"", with: "\"").contains(words), "\(text)")
        }
        #expect(try await ferry.get("/admin/v1/erasures").body?["items"] == [])
        let nobody = try await run(["erase", "--user-id", "nobody", "--yes"], ferry)
        #expect(nobody.status == 1)
        #expect(nobody.output.contains("nothing of this person was found: nothing was changed"))
        #expect(try await ferry.get("/admin/v1/erasures/1").body?["receipt"]?["events"] == 0)
        #expect(try await ferry.get("/admin/v1/erasures/2").status == 404)
        #expect(try await ferry.get("/admin/v1/erasures/x").status == 400)
        #expect(try await ferry.get("/admin/v1/events/1").body?["message"]?["userId"] == "u1")
    }

    /// Between two that arrive, somebody is erased: who comes back is there with everything that came since.
    @Test(arguments: ["delete", nil], [true, false])
    func `loses nothing that arrives meanwhile, in the log or in a workspace`(send: String?, isKilled: Bool)
        async throws
    {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let config = try folder.file("a.yaml", Self.integrations)
        var ferry = try await RunningFerry(data: data, config: config)
        try await fill(ferry)
        for number in 0..<40 {
            let old: JSON = ["userId": .string(Self.userId), "event": "Old", "messageId": .string("old \(number)")]
            #expect(try await ferry.post("/v1/track", old).status == 200)
        }
        let arguments =
            ["erase", "--user-id", Self.userId, "--email", Self.email, "--yes", "--detach", "--json"]
            + (send.map { ["--send", $0] } ?? [])
        let asked = try await run(arguments, ferry)
        #expect(asked.status == 0, "\(asked.errors)")
        let number = try #require(try JSON(parsing: asked.output)["number"])
        let back: JSON = ["userId": .string(Self.userId), "traits": ["email": .string(Self.email), "n": 1]]
        #expect(try await ferry.post("/v1/identify", back).status == 200)
        for number in 0..<40 {
            let new: JSON = ["userId": .string(Self.userId), "event": "New", "messageId": .string("new \(number)")]
            #expect(try await ferry.post("/v1/track", new).status == 200)
            if isKilled, number == 20 {
                ferry.kill()
                ferry = try await RunningFerry(data: data, config: config)
            }
        }
        let done = try await ferry.get("/admin/v1/erasures/\(number)") { $0["state"] == "done" }
        #expect(done["receipt"]?["people"] == 1)
        #expect(done["sent"]?.arrayValue?.map { $0["answer"] } == ["taken"])
        _ = try await ferry.get("/admin/v1/integrations/shop") { $0["events"]?["waiting"] == 0 }
        let person = try await ferry.get("/admin/v1/workspace/people/\(Self.userId)?workspace=shop").body
        #expect(person?["attributes"]?["n"] == 1, "\(person ?? .null)")
        let activity = try await ferry.get("/admin/v1/workspace/activity?limit=1000&workspace=shop").body
        let names = (activity?["items"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
        #expect(names.filter { $0 == "New" }.count == 40 && !names.contains("Old"))
        let logged = try await ferry.get("/admin/v1/events?name=New&limit=100").body?["items"]?.arrayValue
        #expect(logged?.count == 40)
        try await expectClosedSums("shop", ferry)
    }
}
