import LosslessJSON
import Server
import Testing
import Workspaces

/// What calls of version 1 do, read back (track-api.md §9, §23).
@Suite(.timeLimit(.minutes(2))) struct `Effects of the Track API v1` {
    private static let delivery = "RPILAgUBcRhIBqSfeiIwdIYJKxTY"

    /// The types of a person's activity, the newest first.
    private func types(_ workspace: PrivateServer, _ identifier: String) async throws -> [String] {
        let items = try await workspace.read("people/\(identifier)/activity").json?["items"]?.arrayValue ?? []
        return items.compactMap { $0["type"]?.stringValue }
    }

    @Test func `identify merges attributes, and its control words are not stored`() async throws {
        try await PrivateServer.with { workspace async throws in
            let path = "/api/v1/customers/u1"
            _ = try await workspace.send("PUT", path, #"{"_update":true,"a":1}"#)
            #expect(try await workspace.person("u1") == nil)
            _ = try await workspace.send("PUT", path, #"{"id":"u1","a":1,"b":2,"c":{"x":1},"_timestamp":100}"#)
            _ = try await workspace.send("PUT", path, #"{"_update":"true","a":0,"b":null,"_timestamp":"200"}"#)
            _ = try await workspace.send("PUT", path, #"{"a":9,"d":4,"_timestamp":150}"#)
            #expect(try await workspace.person("u1")?["attributes"] == ["a": 0, "c": ["x": 1], "d": 4])
            #expect(try await types(workspace, "u1").contains("skipped_update"))
        }
    }

    @Test func `a number as id is its text, and a new id with a known address renames`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.send("PUT", "/api/v1/customers/42", #"{"id":42,"email":"a@example.com"}"#)
            _ = try await workspace.send("PUT", "/api/v1/customers/43", #"{"email":"A@example.com"}"#)
            let people = try await workspace.read("people").json?["items"]?.arrayValue
            #expect(people?.count == 1 && people?.first?["identifiers"]?["id"] == "43")
        }
    }

    @Test func `identify adds and ends relationships`() async throws {
        try await PrivateServer.with { workspace async throws in
            let links =
                #"[{"identifiers":{"object_type_id":"1","object_id":"acme"},"relationship_attributes":{"r":1}}]"#
            for (action, count) in [("add_relationships", 1), ("delete_relationships", 0), ("other", 0)] {
                let body = #"{"cio_relationships":{"action":"\#(action)","relationships":\#(links)}}"#
                let answer = try await workspace.send("PUT", "/api/v1/customers/u1", body)
                #expect(answer.status == (action == "other" ? 400 : 200))
                #expect(try await workspace.person("u1")?["relationships"]?.arrayValue?.count == count)
            }
        }
    }

    @Test(arguments: [
        (#"{"id":"t","platform":"ios","app":"2","last_used":"17"}"#, #"{"app":"2"}"#, 17),
        (
            #"{"id":"t","platform":"ios","last_used":17.9,"attributes":{"app":"2","_last_status":"sent"}}"#,
            #"{"app":"2"}"#, 17
        ),
        (#"{"id":"t","platform":"ios","last_used":17,"attributes":null}"#, "{}", 17),
    ])
    func `devices take flat and nested keys`(device: String, attributes: String, lastUsed: Int64) async throws {
        try await PrivateServer.with { workspace async throws in
            let path = "/api/v1/customers/u1/devices"
            #expect(try await workspace.send("PUT", path, #"{"device":\#(device)}"#).status == 200)
            let devices = try await workspace.person("u1")?["devices"]?.arrayValue
            #expect(devices?.count == 1 && devices?.first?["token"] == "t")
            #expect(devices?.first?["attributes"]?.description == attributes)
            #expect(devices?.first?["last_used"] == .number(JSON.Number(lastUsed)))
            #expect(try await workspace.send("DELETE", "\(path)/unknown").status == 200)
            #expect(try await workspace.send("DELETE", "\(path)/t", "{}").status == 200)
            #expect(try await workspace.person("u1")?["devices"] == [])
        }
    }

    @Test(arguments: [
        (#"{"name":" E ","type":"page"}"#, "page"), (#"{"name":"E","type":"screen"}"#, "screen"),
        (#"{"name":"E","type":"event","data":{"a":1}}"#, "event"), (#"{"name":"E","data":null}"#, "event"),
        (#"{"name":"E","type":"nonsense","timestamp":"1700000000.7"}"#, "event"),
        (#"{"name":"E","type":null,"id":"no ulid","timestamp":99999999999}"#, "event"),
    ])
    func `events have the type that is named`(body: String, type: String) async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.send("POST", "/api/v1/customers/u1/events", body).status == 200)
            #expect(try await types(workspace, "u1").first == type)
            #expect(try await workspace.events("u1") == ["E"])
        }
    }

    @Test func `an event's ULID counts once, whichever version and person has it`() async throws {
        try await PrivateServer.with { workspace async throws in
            let id = "01BX5ZZKBKACTAV9WEVGEMMVRY"
            let v2 = #"{"type":"person","action":"event","identifiers":{"id":"u2"},"name":"b","id":"\#(id)"}"#
            _ = try await workspace.send("POST", "/api/v1/customers/u1/events", #"{"name":"a","id":"\#(id)"}"#)
            _ = try await workspace.track("/api/v2/entity", v2)
            _ = try await workspace.track("/api/v1/events", #"{"name":"c","id":"\#(id.lowercased())"}"#)
            let items = try await workspace.read("activity").json?["items"]?.arrayValue ?? []
            #expect(items.compactMap { $0["name"]?.stringValue } == ["a"])
        }
    }

    @Test func `anonymous events join whoever is identified, and an invite nobody`() async throws {
        try await PrivateServer.with { workspace async throws in
            for body in [
                #"{"name":"anonymous","anonymous_id":"x"}"#, #"{"name":"invite"}"#,
                #"{"name":"blank","anonymous_id":" "}"#, #"{"name":"number","anonymous_id":7}"#,
            ] { #expect(try await workspace.track("/api/v1/events", body).status == 200) }
            #expect(try await workspace.read("people").json?["items"] == [])
            _ = try await workspace.send("PUT", "/api/v1/customers/u1", #"{"anonymous_id":"x"}"#)
            #expect(try await workspace.events("u1") == ["anonymous"])
            let items = try await workspace.read("activity").json?["items"]?.arrayValue ?? []
            #expect(items.contains { $0["name"] == "invite" && $0["anonymous_id"] == nil })
        }
    }

    @Test func `suppressing blocks, and unsuppressing frees`() async throws {
        try await PrivateServer.with { workspace async throws in
            let path = "/api/v1/customers/u1"
            // What is asked for, and whether the person is there afterwards.
            for (method, more, isThere) in [
                ("PUT", "", true), ("POST", "/suppress", false), ("PUT", "", false), ("POST", "/unsuppress", false),
                ("PUT", "", true),
            ] {
                #expect(try await workspace.send(method, path + more, "{}").status == 200)
                let person = try await workspace.person("u1")
                #expect((person != nil) == isThere)
            }
        }
    }

    @Test func `a merge gives the survivor segments, events and devices`() async throws {
        try await PrivateServer.with { workspace async throws in
            for (id, segment) in [("a", 1), ("b", 1), ("b", 2)] {
                _ = try await workspace.send("PUT", "/api/v1/customers/\(id)", "{}")
                _ = try await workspace.track("/api/v1/segments/\(segment)/add_customers", #"{"ids":["\#(id)"]}"#)
            }
            _ = try await workspace.send("POST", "/api/v1/customers/b/events", #"{"name":"E"}"#)
            let merge = #"{"primary":{"id":"a"},"secondary":{"id":"b"}}"#
            #expect(try await workspace.track("/api/v1/merge_customers", merge).status == 200)
            #expect(try await workspace.person("a")?["segments"] == [1, 2])
            #expect(try await workspace.events("a") == ["E"])
            let segments = try await workspace.read("segments").json?["items"]
            #expect(segments == [["segment_id": 1, "members": 1], ["segment_id": 2, "members": 1]])
        }
    }

    // MARK: Segments

    @Test(arguments: [
        ("", #"["u1",42,"nobody","a@example.com"]"#, ["u1", "42"]),
        ("?id_type=id", #"["u1"]"#, ["u1"]),
        ("?id_type=email", #"["A@Example.com","u1"]"#, ["u1"]),
        ("?id_type=cio_id", #"["CIO","cio_CIO","u1"]"#, ["u1"]),
    ])
    func `people are put into segments by each kind of identifier`(
        query: String,
        ids: String,
        members: [String]
    ) async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.send("PUT", "/api/v1/customers/u1", #"{"email":"a@example.com"}"#)
            _ = try await workspace.send("PUT", "/api/v1/customers/42", "{}")
            let cioId = try await workspace.person("u1")?["identifiers"]?["cio_id"]?.stringValue ?? ""
            let body = #"{"ids":\#(ids.replacing("CIO", with: cioId))}"#
            #expect(try await workspace.track("/api/v1/segments/7/add_customers\(query)", body).status == 200)
            let people = try await workspace.read("segments/7/people").json?["items"]?.arrayValue ?? []
            #expect(people.compactMap { $0["identifiers"]?["id"]?.stringValue } == members)
            #expect(try await workspace.read("people").json?["items"]?.arrayValue?.count == 2)
            #expect(try await workspace.track("/api/v1/segments/7/remove_customers\(query)", body).status == 200)
            #expect(try await workspace.read("segments/7/people").json?["items"] == [])
        }
    }

    private static func ids(_ count: Int) -> String {
        #"{"ids":[\#((0..<count).map { "\($0)" }.joined(separator: ","))]}"#
    }

    @Test(arguments: [
        ("7", "", ids(1), 200), ("7", "", ids(1000), 200), ("7", "", ids(1001), 400), ("7", "", ids(0), 400),
        ("7", "", "{}", 400), ("7", "", #"{"ids":"u1"}"#, 400), ("7", "", #"{"ids":[{}]}"#, 400), ("7", "", "[]", 400),
        ("x", "", ids(1), 400), ("0", "", ids(1), 400), ("99999999999999999999", "", ids(1), 400),
        ("7", "?id_type=phone", ids(1), 400),
    ])
    func `a segment takes 1 to 1,000 people`(
        segment: String,
        query: String,
        body: String,
        status: Int
    ) async throws {
        try await PrivateServer.with { workspace async throws in
            for change in ["add_customers", "remove_customers"] {
                let answer = try await workspace.track("/api/v1/segments/\(segment)/\(change)\(query)", body)
                #expect(answer.status == status)
                if status == 400 { #expect(answer.json?["meta"]?["errors"]?.arrayValue?.isEmpty == false) }
            }
        }
    }

    @Test func `where segments are declared, others are refused`() async throws {
        var settings = WorkspaceSettings()
        settings.segments = .only([7])
        try await PrivateServer.with(settings: settings) { workspace async throws in
            #expect(try await workspace.track("/api/v1/segments/7/add_customers", Self.ids(1)).status == 200)
            let answer = try await workspace.track("/api/v1/segments/8/add_customers", Self.ids(1))
            #expect(answer.status == 400)
            #expect(answer.text.contains("segment does not exist or is not a manual segment"))
        }
    }

    // MARK: Forms

    @Test(arguments: [
        (#"{"data":{"email":"a@example.com","colour":"red","form_id":"x","form_name":"y"}}"#, 204),
        (#"{"data":{"id":"u1","colour":"red","email":""}}"#, 204), (#"{"data":{"colour":"red"}}"#, 400),
        (#"{"data":{"email":"a@example.com","id":"u1"}}"#, 400), (#"{"data":{"id":"u1","age":5}}"#, 400),
        (#"{"data":{"id":5}}"#, 400), (#"{"data":{"id":"u1","age":null}}"#, 400), (#"{"data":[]}"#, 400), ("{}", 400),
        ("", 400), ("[]", 400),
    ])
    func `a form's answer makes the person, and any answer the form`(body: String, status: Int) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.track("/api/v1/forms/spring%2F24/submit", body)
            #expect(answer.status == status && answer.bytes.isEmpty == (status == 204))
            let forms = try await workspace.read("forms").json?["items"]?.arrayValue
            #expect(forms?.count == 1 && forms?.first?["form_id"] == "spring/24")
            #expect(forms?.first?["submissions"] == (status == 204 ? 1 : 0))
            let people = try await workspace.read("people").json?["items"]?.arrayValue
            #expect(people?.count == (status == 204 ? 1 : 0))
            if status == 204 { #expect(people?.first?["attributes"] == ["colour": "red"]) }
        }
    }

    @Test func `a suppressed person's answer is accepted and ignored`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.send("POST", "/api/v1/customers/u1/suppress")
            #expect(try await workspace.track("/api/v1/forms/f/submit", #"{"data":{"id":"u1"}}"#).status == 204)
            #expect(try await workspace.person("u1") == nil)
        }
    }

    // MARK: Deliveries

    @Test func `a delivery whose recipient was named unsubscribes them`() async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            let person = #"{"type":"person","action":"identify","identifiers":{"email":"a@example.com"}}"#
            _ = try await workspace.track("/api/v2/entity", person, to: "two")
            let metric = #"{"delivery_id":"\#(Self.delivery)","metric":"delivered","recipient":"A@example.com"}"#
            _ = try await workspace.track("/api/v1/metrics", metric, to: "two")
            for (wish, isUnsubscribed) in [(true, true), (false, false), (true, true)] {
                let answer = try await workspace.server.post(
                    "/unsubscribe/\(Self.delivery)",
                    #"{"unsubscribe":\#(wish)}"#,
                    [("Content-Type", "application/json; charset=utf-8")]
                )
                #expect(answer.status == 200 && answer["x-ferry-workspace"] == "two")
                let read = try await workspace.read("people/a@example.com?workspace=two").json
                #expect(read?["unsubscribed"] == .bool(isUnsubscribed))
            }
            // Credentials tell the workspace where there are some: one's never reach into another.
            let stranger = try await workspace.send(
                "POST",
                "/unsubscribe/\(Self.delivery)",
                #"{"unsubscribe":false}"#,
                headers: [("Content-Type", "application/json")]
            )
            #expect(stranger.status == 200 && stranger["x-ferry-workspace"] == "one")
            let path = "people/a@example.com/activity?workspace=two"
            let types = try await workspace.read(path).json?["items"]?.arrayValue?.compactMap {
                $0["type"]?.stringValue
            }
            #expect(types?.prefix(2) == ["attribute_change", "unsubscribed_email"])
            #expect(types?.contains("delivered_email") == true)
        }
    }

    @Test(arguments: [
        (delivery, #"{"unsubscribe":true}"#, "application/json", 200),
        ("\(delivery)%3D%3D", #"{"unsubscribe":false}"#, "Application/JSON", 200),
        ("short", #"{"unsubscribe":true}"#, "application/json", 400),
        ("\(delivery)!", #"{"unsubscribe":true}"#, "application/json", 400),
        (delivery, "{}", "application/json", 400), (delivery, #"{"unsubscribe":"true"}"#, "application/json", 400),
        (delivery, "", "application/json", 400), (delivery, "[]", "application/json", 400),
        (delivery, #"{"unsubscribe":true}"#, "text/plain", 400), (delivery, #"{"unsubscribe":true}"#, nil, 400),
    ])
    func `unsubscribing asks for a delivery's id and JSON`(
        id: String,
        body: String,
        type: String?,
        status: Int
    ) async throws {
        try await PrivateServer.with { workspace async throws in
            let headers = type.map { [("Content-Type", $0)] } ?? []
            let answer = try await workspace.server.post("/unsubscribe/\(id)", body, headers)
            #expect(answer.status == status)
            if status == 400 { #expect(answer.json?["meta"]?["error"]?.stringValue?.isEmpty == false) }
            let log = try await workspace.read("activity").json?["items"]?.arrayValue
            #expect(log?.map { $0["type"] } == (status == 200 ? ["ferry_dropped"] : []))
        }
    }

    @Test func `what becomes of deliveries is in the log, by channel where it can be known`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.send("PUT", "/api/v1/customers/u1", #"{"email":"a@example.com"}"#)
            let device = #"{"device":{"id":"t","platform":"ios"}}"#
            _ = try await workspace.send("PUT", "/api/v1/customers/u1/devices", device)
            for (path, body) in [
                (
                    "/api/v1/metrics",
                    #"{"delivery_id":"d1","metric":"bounced","recipient":"a@example.com","reason":"x"}"#
                ),
                ("/push/events", #"{"delivery_id":"d2","event":"converted","device_id":"t"}"#),
                ("/api/v1/metrics", #"{"delivery_id":"d3","metric":"clicked","recipient":"u1","metadata":{"a":1}}"#),
                ("/api/v1/metrics", #"{"delivery_id":"d1","metric":"spammed"}"#),
                ("/api/v1/metrics", #"{"delivery_id":"d4","metric":"opened"}"#),
                (
                    "/api/v1/cio_deliveries/events",
                    #"{"type":"in_app","payload":{"delivery_id":"d5","event":"opened"}}"#
                ),
            ] { #expect(try await workspace.track(path, body).status == 200) }
            #expect(
                try await types(workspace, "u1").prefix(4)
                    == ["spammed_email", "clicked_in_app", "converted_push", "bounced_email"]
            )
            let all = try await workspace.read("activity").json?["items"]?.arrayValue ?? []
            #expect(all.prefix(2).map { $0["type"] } == ["opened_in_app", "opened_unknown"])
            #expect(all.prefix(2).allSatisfy { $0["customer_id"] == .null })
            #expect(try await workspace.read("metrics").json?["items"]?.arrayValue?.count == 6)
        }
    }
}
