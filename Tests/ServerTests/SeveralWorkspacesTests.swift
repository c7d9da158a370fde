import Foundation
import LosslessJSON
import Server
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Several workspaces` {
    private static let identify = `Track API of a workspace`.identify

    private static func track(_ workspace: PrivateServer, _ keys: String) async throws -> Int {
        try await workspace.server.post("/api/v2/entity", identify, [basic(keys)]).status
    }

    @Test func `are made by credentials that nobody knows, where that is wanted`() async throws {
        try await PrivateServer.with(["one"], createsOnFirstUse: true) { workspace async throws in
            #expect(try await Self.track(workspace, "new:secret-key") == 200)
            #expect(try await workspace.read("people/u1?workspace=new").status == 200)
            #expect(try await workspace.read("people/u1?workspace=one").status == 404)
            #expect(try await Self.track(workspace, "new:other") == 401, "a site id has one key")
            #expect(try await Self.track(workspace, "one-site:other") == 401)
            for keys in ["new", "new:", ":key", "\(String(repeating: "x", count: 151)):key"] {
                #expect(try await Self.track(workspace, keys) == 401)
            }
            // A site id may be another one's name.
            #expect(try await Self.track(workspace, "one:key") == 200)
            let list = try await workspace.server.send("GET", "/admin/v1/workspaces")
            #expect(list.json?["items"]?.arrayValue?.map { $0["name"] } == ["one", "new", "one-2"])
            #expect(!list.text.contains("secret-key"))
        }
    }

    @Test func `are not made by credentials by default`() async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await Self.track(workspace, "new:key") == 401)
            let list = try await workspace.server.send("GET", "/admin/v1/workspaces")
            #expect(list.json?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `are made once by many who come at once`() async throws {
        try await PrivateServer.with([], createsOnFirstUse: true) { workspace async throws in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<30 { group.addTask { try await Self.track(workspace, "new:key") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { $0 == 200 })
            let list = try await workspace.server.send("GET", "/admin/v1/workspaces")
            #expect(list.json?["items"]?.arrayValue?.count == 1)
            #expect(try await workspace.read("people").json?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `are declared, each with credentials and a region of its own`() async throws {
        try await PrivateServer.with { workspace async throws in
            let type = ("Content-Type", "application/json")
            let declare = { (body: String) in try await workspace.server.post("/admin/v1/workspaces", body, [type]) }
            let made = try await declare(#"{"name":"w2","siteId":"s2","apiKey":"k2","region":"eu"}"#)
            #expect(made.json == ["name": "w2", "siteId": "s2", "region": "eu", "environmentId": 2])
            let region = try await workspace.server.send("GET", "/api/v1/accounts/region", headers: [basic("s2:k2")])
            #expect(region.json?["region"] == "eu")
            for body in [
                #"{"name":"w2","siteId":"s3","apiKey":"k"}"#, #"{"name":"w3","siteId":"s2","apiKey":"k"}"#, "{}", "[]",
                "",
                #"{"siteId":"","apiKey":"k"}"#, #"{"siteId":"s","apiKey":"k","region":"mars"}"#,
                #"{"siteId":"s","apiKey":"k","key":"x"}"#, #"{"name":"a\nb","siteId":"s","apiKey":"k"}"#,
            ] {
                #expect(try await declare(body).status == 400, "\(body)")
            }
        }
    }

    @Test func `are declared with settings of their own in front of everybody's`() async throws {
        try await PrivateServer.with { workspace async throws in
            let declare = { (site: String, settings: String) in
                try await workspace.server.post(
                    "/admin/v1/workspaces",
                    #"{"siteId":"\#(site)","apiKey":"k","settings":\#(settings)}"#,
                    [("Content-Type", "application/json")]
                )
            }
            #expect(try await declare("a", #"{"identifiers":"id","rate_limit":1}"#).status == 200)
            #expect(try await declare("b", "{}").status == 200)
            let byAddress = Self.identify.replacing(#""id":"u1""#, with: #""email":"a@x.com""#)
            let send = { (site: String) in
                try await workspace.server.post("/api/v2/entity", byAddress, [basic("\(site):k")]).status
            }
            #expect(try await send("a") == 400)
            #expect(try await send("a") == 429)
            #expect(try await send("b") == 200)
            for (settings, words) in [
                (#"{"identifiers":"phone"}"#, "`phone` is no value of `identifiers`; write `email_or_id`"),
                (#"{"nonsense":1}"#, "unknown key `nonsense`"), ("[1]", "settings:"), ("null", "settings:"),
            ] {
                let answer = try await declare("c", settings)
                #expect(answer.status == 400 && answer.text.contains(words), "\(answer.text)")
            }
        }
    }

    @Test func `never see each other`() async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            _ = try await workspace.track("/api/v2/entity", Self.identify, to: "one")
            #expect(try await workspace.read("requests/count?workspace=two").json == ["count": 0])
            #expect(try await workspace.read("people?workspace=two").json?["items"] == [])
            #expect(try await workspace.ask("reset?workspace=two").json == ["reset": "two"])
            #expect(try await workspace.read("people/u1?workspace=one").status == 200)
            for path in ["people", "activity", "requests", "faults", "snapshot", "people/u1?wait=1"] {
                #expect(try await workspace.read(path).status == 404, "without a name it is not clear which is meant")
            }
        }
    }

    // MARK: The whole

    @Test func `are emptied whole`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.track("/api/v2/entity", Self.identify)
            _ = try await workspace.track(
                "/api/v2/entity",
                #"{"type":"person","action":"suppress","identifiers":{"id":"u2"}}"#
            )
            _ = try await workspace.ask("faults", #"{"respond":{"status":503}}"#)
            #expect(try await workspace.ask("reset").status == 200)
            for path in ["people", "activity", "requests", "faults", "objects", "metrics"] {
                #expect(try await workspace.read(path).json?["items"] == [], "\(path)")
            }
            #expect(
                try await workspace.track("/api/v2/entity", Self.identify.replacing("u1", with: "u2")).status == 200
            )
            #expect(try await workspace.read("people/u2").status == 200, "nobody is suppressed any more")
        }
    }

    private static let views = ["people", "activity", "objects", "metrics"]

    /// A person with a device, an object and attributes, an anonymous event, a suppressed one, a NUL in an id.
    private static let operations = """
        [{"type":"person","action":"identify","identifiers":{"id":"u1"},"attributes":{"plan":"pro","total":1.50,"email":"Zoë@example.com"}},
        {"type":"person","action":"add_device","identifiers":{"id":"u1"},"device":{"token":"t","platform":"ios","last_used":1}},
        {"type":"person","action":"event","identifiers":{"anonymous_id":"a1"},"name":"Looked","id":"01HB4HBDKTFWYZCK01DMRSWRFD"},
        {"type":"object","action":"identify","identifiers":{"object_type_id":"1","object_id":"acme"},"attributes":{"x":[1,{"y":null}]},
         "cio_relationships":[{"identifiers":{"id":"u1"}}]},
        {"type":"person","action":"identify","identifiers":{"id":"a\\u0000b"}},
        {"type":"delivery","action":"event","identifiers":{"id":"d1"},"name":"opened","attributes":{"device_token":"t"}},
        {"type":"person","action":"suppress","identifiers":{"id":"gone"}}]
        """

    @Test func `are put back exactly as they were`() async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.ask("seed", Self.operations).json == ["seeded": 7])
            let snapshot = try await workspace.read("snapshot")
            var before: [[UInt8]] = []
            for view in Self.views { before.append(try await workspace.read(view).bytes) }
            _ = try await workspace.ask("seed", #"[{"type":"person","action":"delete","identifiers":{"id":"u1"}}]"#)
            _ = try await workspace.ask("seed", Self.operations.replacing("u1", with: "u7"))
            #expect(try await workspace.ask("restore", snapshot.text).json == ["restored": "one"])
            for (view, bytes) in zip(Self.views, before) {
                #expect(try await workspace.read(view).bytes == bytes, "\(view)")
            }
            #expect(try await workspace.read("snapshot").bytes == snapshot.bytes)
            // What is not shown is there, too: who is suppressed, whose event is known, who joins.
            _ = try await workspace.track("/api/v2/batch", #"{"batch":\#(Self.operations)}"#)
            #expect(try await workspace.read("people/gone").status == 404)
            let identify =
                #"[{"type":"person","action":"identify","identifiers":{"id":"u1"},"attributes":{"anonymous_id":"a1"}}]"#
            _ = try await workspace.ask("seed", identify)
            let events = try await workspace.read("people/u1/activity?name=Looked").json
            #expect(events?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `are put into the place of another one, whose numbers are others`() async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            _ = try await workspace.ask("seed?workspace=one", Self.operations)
            _ = try await workspace.ask("seed?workspace=two", Self.operations.replacing("u1", with: "u2"))
            let snapshot = try await workspace.read("snapshot?workspace=one").text
            let one = try await workspace.read("people?workspace=one").bytes
            #expect(try await workspace.ask("restore?workspace=two", snapshot).status == 200)
            #expect(try await workspace.read("people?workspace=two").bytes == one)
            #expect(try await workspace.read("people?workspace=one").bytes == one)
            let activity = try await workspace.read("people/u1/activity?workspace=two").json
            let same = try await workspace.read("people/u1/activity?workspace=one").json
            #expect(activity?["items"]?.arrayValue?.count == same?["items"]?.arrayValue?.count)
            _ = try await workspace.ask("reset?workspace=two")
            #expect(try await workspace.read("people?workspace=one").bytes == one)
        }
    }

    @Test func `keep what they have when a snapshot is nonsense`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.ask("seed", Self.operations)
            let snapshot = try await workspace.read("snapshot").text
            for text in [
                "", "{}", "[]", "nonsense", #"{"format":"ferry workspace","checksum":"0","workspace":{}}"#,
                snapshot.replacing("pro", with: "PRO"), snapshot.replacing("2026-11-23 people", with: "2020"),
                String(snapshot.dropLast(2)),
            ] {
                let answer = try await workspace.ask("restore", text)
                #expect(answer.status == 400, "\(answer.text)")
            }
            #expect(try await workspace.read("snapshot").text == snapshot)
        }
    }

    @Test(arguments: [
        ("", "array"), ("{}", "array"), ("[1]", "operation 0"),
        (
            #"[{"type":"person","action":"identify","identifiers":{"id":"u1"}},{"type":"person"}]"#,
            "operation 1: action"
        ),
    ])
    func `are seeded whole or not at all`(body: String, words: String) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.ask("seed", body)
            #expect(answer.status == 400 && answer.text.contains(words), "\(answer.text)")
            #expect(try await workspace.read("people").json?["items"] == [])
        }
    }

    // MARK: The clock

    @Test func `have a clock that can be moved`() async throws {
        try await PrivateServer.with { workspace async throws in
            let looked = #"{"type":"person","action":"event","identifiers":{"anonymous_id":"a1"},"name":"Looked"}"#
            let join = { (id: String) in
                #"{"type":"person","action":"identify","identifiers":{"id":"\#(id)"},"attributes":{"anonymous_id":"a1"}}"#
            }
            let base = try await workspace.read("clock").json
            _ = try await workspace.track("/api/v2/entity", looked)
            let moved = try await workspace.ask("clock", #"{"advance":"30d1h"}"#).json
            #expect(moved?["movedMilliseconds"] == 2_595_600_000)
            _ = try await workspace.track("/api/v2/entity", join("late"))
            #expect(try await workspace.read("people/late/activity?name=Looked").json?["items"] == [])
            _ = try await workspace.ask("clock", #"{"reset":true}"#)
            #expect(try await workspace.read("clock").json?["now"] == base?["now"])
            _ = try await workspace.ask("clock", #"{"now":"2031-01-02T03:04:05Z"}"#)
            _ = try await workspace.track("/api/v2/entity", join("u1"))
            let entry = try await workspace.read("people/u1/activity?type=profile_create").json?["items"]?.arrayValue?
                .first
            #expect(entry?["timestamp"] == 1_925_089_445)
            #expect(try await workspace.read("requests/3").json?["at"] == "2031-01-02T03:04:05.000Z")
        }
    }

    @Test(arguments: [
        "", "{}", #"{"advance":"8"}"#, #"{"advance":"d"}"#, #"{"advance":8}"#, #"{"advance":"-99999999d"}"#,
        #"{"advance":"999999999999999999999d"}"#, #"{"advance":"9000000d"}"#, #"{"now":"yesterday"}"#,
        #"{"reset":false}"#, #"{"frozen":"yes"}"#, #"{"frozen":true,"now":"2031-01-02T03:04:05Z"}"#,
        #"{"advance":"1d","reset":true}"#, #"{"now":"1969-12-31T00:00:00Z"}"#,
    ])
    func `have a clock that is moved nowhere by nonsense`(body: String) async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.ask("clock", body).status == 400)
            #expect(try await workspace.read("clock").json?["movedMilliseconds"] == 0)
        }
    }
}
