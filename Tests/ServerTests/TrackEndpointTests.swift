import AsyncHTTPClient
import Foundation
import LosslessJSON
import Server
import Storage
import Testing
import Workspaces

@Suite(.timeLimit(.minutes(2))) struct `Track API of a workspace` {
    static let identify =
        #"{"type":"person","action":"identify","identifiers":{"id":"u1"},"attributes":{"plan":"pro"}}"#

    static func event(_ name: String, id: String = "u1") -> String {
        #"{"type":"person","action":"event","identifiers":{"id":"\#(id)"},"name":"\#(name)"}"#
    }

    @Test(arguments: [
        ("/api/v2/entity", identify), ("/api/v2/batch", #"{"batch":[\#(identify)]}"#),
        ("/api/v1/metrics", #"{"delivery_id":"RPILAgUBcRhIBqSfeiIwdIYJKxTY","metric":"opened"}"#),
        ("//api/v2//entity/", identify),
    ])
    func `success is three bytes and Customer.io's headers`(path: String, body: String) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.track(path, body)
            #expect(answer.status == 200)
            #expect(answer.text == "{}\n")
            #expect(answer["access-control-allow-origin"] == "*")
            #expect(answer["cache-control"] == "no-cache, no-store, must-revalidate, max-age=0")
            #expect(answer["content-type"] == "application/json; charset=utf-8")
            #expect(answer["content-length"] == "3")
            #expect(answer["status"] == "200 OK")
            #expect(answer["strict-transport-security"] == "max-age=31536000; includeSubDomains")
            #expect(answer["x-ferry-workspace"] == "one")
        }
    }

    @Test func `an operation is carried out`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.track("/api/v2/entity", Self.identify)
            let person = try await workspace.read("people/u1")
            #expect(person.json?["attributes"]?["plan"] == "pro")
        }
    }

    // MARK: Credentials

    static let good: [String] = {
        let standard = Data("one-site:one-key".utf8).base64EncodedString()
        return ["Basic \(standard)", "basic \(standard.replacing("=", with: ""))"]
    }()

    @Test(arguments: good)
    func `both spellings of base64 open the workspace`(header: String) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.server.send("GET", "/auth", headers: [("Authorization", header)])
            #expect(answer.status == 200)
            #expect(answer.text == #"{"meta":{"message":"nice credentials."}}"#)
        }
    }

    @Test func `the URL-safe alphabet opens it too`() async throws {
        let name = "w?>~"
        let token = Data("\(name)-site:\(name)-key".utf8).base64EncodedString()
        try #require(token.contains("/") && token.contains("+"))
        try await PrivateServer.with([name]) { workspace async throws in
            for token in [token, token.replacing("/", with: "_").replacing("+", with: "-")] {
                let headers = [("Authorization", "Basic \(token)")]
                #expect(try await workspace.server.send("GET", "/auth", headers: headers).status == 200)
            }
        }
    }

    @Test(arguments: [
        nil, "", "Basic", "Basic ", "Basic !", "Bearer one-key", "Basic \(Data("one-site".utf8).base64EncodedString())",
        "Basic \(Data("one-site:".utf8).base64EncodedString())",
        "Basic \(Data("one-site:one-ke".utf8).base64EncodedString())",
        "Basic \(Data("one-site:one-key2".utf8).base64EncodedString())",
        "Basic \(Data("two-site:one-key".utf8).base64EncodedString())",
        "Basic \(Data(":".utf8).base64EncodedString())",
    ])
    func `anything else is answered 401 in Customer.io's words`(header: String?) async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            let headers = header.map { [("Authorization", $0)] } ?? []
            for (method, path) in [
                ("GET", "/auth"), ("GET", "/api/v1/accounts/region"), ("POST", "/api/v2/entity"),
                ("POST", "/api/v2/batch"),
            ] {
                let answer = try await workspace.server.send(method, path, headers: headers)
                #expect(answer.status == 401)
                #expect(answer.text == #"{"meta":{"error":"Unauthorized request"}}"#)
                #expect(answer["access-control-allow-origin"] == "*")
            }
        }
    }

    @Test func `the credentials of one workspace never reach another`() async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            let answer = try await workspace.track("/api/v2/entity", Self.identify, to: "two")
            #expect(answer["x-ferry-workspace"] == "two")
            #expect(try await workspace.read("people/u1?workspace=two").status == 200)
            #expect(try await workspace.read("people/u1?workspace=one").status == 404)
        }
    }

    @Test func `metrics need no credentials`() async throws {
        try await PrivateServer.with { workspace async throws in
            let metric = #"{"delivery_id":"RPILAgUBcRhIBqSfeiIwdIYJKxTY","metric":"delivered","timestamp":1700000000}"#
            #expect(try await workspace.server.post("/api/v1/metrics", metric).status == 200)
            let metrics = try await workspace.read("metrics")
            #expect(metrics.json?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `the region is told, with the number of the workspace`() async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            let path = "/api/v1/accounts/region"
            let one = try await workspace.server.send("GET", path, headers: [basic("one-site:one-key")])
            #expect(one.status == 200)
            #expect(
                one.text == #"{"url":"https://track.customer.io","data_center":"us","region":"us","environment_id":3}"#
            )
            let two = try await workspace.server.send("GET", path, headers: [basic("two-site:two-key")])
            #expect(two.json?["region"] == "eu")
            #expect(two.json?["environment_id"] == 4)
        }
    }

    // MARK: Refusals

    @Test func `a bad item of a batch is answered 207 with it alone, and the others are carried out`() async throws {
        try await PrivateServer.with { workspace async throws in
            let body = batch([
                Self.identify, #"{"type":"person","action":"event","identifiers":{"id":"u1"}}"#, Self.event("b"),
            ])
            let answer = try await workspace.track("/api/v2/batch", body)
            #expect(answer.status == 207)
            #expect(answer["status"] == "207 Multi-Status")
            let errors = try #require(answer.json?["errors"]?.arrayValue)
            #expect(errors.map { $0["batch_index"] } == [1])
            #expect(errors.first?["field"] == "name")
            #expect(errors.first?["reason"] == "required")
            #expect(try await workspace.read("people/u1").status == 200)
        }
    }

    @Test func `a batch whose items are all bad is answered 400 with their positions`() async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.track("/api/v2/batch", #"{"batch":[{},5]}"#)
            #expect(answer.status == 400)
            let positions = try #require(answer.json?["errors"]?.arrayValue).compactMap {
                $0["batch_index"]?.numberValue?.int64
            }
            #expect(Set(positions) == [0, 1])
        }
    }

    @Test func `the items of a batch are applied in their order, whatever their types`() async throws {
        try await PrivateServer.with { workspace async throws in
            let acme = #""identifiers":{"object_type_id":"1","object_id":"acme"}"#
            let items = [
                Self.identify, Self.event("before"), Self.event("of the other", id: "u2"),
                #"{"type":"object","action":"identify",\#(acme),"cio_relationships":[{"identifiers":{"id":"u2"}}],"x":[]}"#,
                #"{"type":"person","action":"merge","primary":{"id":"u1"},"secondary":{"id":"u2"},"created_at":5}"#,
                Self.event("after"),
                #"{"type":"delivery","action":"event","identifiers":{"id":"d"},"name":"opened","attributes":{"device_token":"t"}}"#,
            ]
            #expect(try await workspace.track("/api/v2/batch", batch(items)).text == "{}\n")
            #expect(try await workspace.events("u1") == ["before", "of the other", "after"])
            #expect(try await workspace.person("u1")?["relationships"]?.arrayValue?.count == 1)
            #expect(try await workspace.person("u2") == nil)
            #expect(try await workspace.read("metrics").json?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `a bad entity is answered 400 without a position`() async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.track(
                "/api/v2/entity",
                #"{"type":"person","action":"event","identifiers":{"id":"u1"}}"#
            )
            #expect(answer.status == 400)
            let errors = try #require(answer.json?["errors"]?.arrayValue)
            #expect(errors == [["reason": "required", "field": "name", "message": "is required"]])
        }
    }

    @Test(arguments: [
        ("/api/v2/entity", "{", "", "malformed JSON"), ("/api/v2/entity", "", "", "malformed JSON"),
        ("/api/v2/batch", "nope", "", "malformed JSON"), ("/api/v2/batch", "{}", "batch", "must be a non-empty array"),
        ("/api/v2/batch", "[]", "batch", "must be a non-empty array"),
        ("/api/v2/batch", #"{"batch":{}}"#, "batch", "must be a non-empty array"),
        ("/api/v2/batch", #"{"batch":[]}"#, "batch", "must be a non-empty array"),
    ])
    func `a body that cannot be read is answered 400 in version 2's shape`(
        path: String,
        body: String,
        field: String,
        message: String
    ) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.track(path, body)
            #expect(answer.status == 400)
            #expect(
                answer.text == #"{"errors":[{"reason":"invalid","field":"\#(field)","message":"\#(message)"}]}"#
            )
        }
    }

    @Test(arguments: [
        ("{", 400), (#"{"metric":"opened"}"#, 400),
        (#"{"delivery_id":"RPILAgUBcRhIBqSfeiIwdIYJKxTY","metric":"sung"}"#, 400),
    ])
    func `a bad metric is answered 400 in version 1's shape`(body: String, status: Int) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.track("/api/v1/metrics", body)
            #expect(answer.status == status)
            #expect(answer.json?["meta"]?.objectValue?.isEmpty == false)
        }
    }

    // MARK: Limits

    /// An identify of exactly so many bytes.
    static func identify(bytes: Int, id: String = "u1") -> String {
        let frame =
            #"{"type":"person","action":"event","identifiers":{"id":"\#(id)"},"name":"E","attributes":{"a":""}}"#
        let fill = String(repeating: "x", count: bytes - frame.utf8.count)
        return frame.replacing(#""a":"""#, with: #""a":"\#(fill)""#)
    }

    @Test(arguments: [(32_768, 200), (32_769, 400), (100_000, 400), (200_000, 413)])
    func `an entity may have 32,768 bytes`(bytes: Int, status: Int) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.track("/api/v2/entity", Self.identify(bytes: bytes))
            #expect(answer.status == status)
            if status == 400 {
                #expect(
                    answer.json?["errors"] == [["reason": "invalid", "field": "", "message": "request is too large"]]
                )
            }
        }
    }

    @Test func `so may an item of a batch, whatever white space is around it`() async throws {
        try await PrivateServer.with { workspace async throws in
            let items = [
                Self.identify(bytes: 32_768), Self.identify(bytes: 32_769), "5", Self.identify(bytes: 100, id: "u2"),
            ]
            let answer = try await workspace.track("/api/v2/batch", "  " + batch(items))
            #expect(answer.status == 207)
            let errors = try #require(answer.json?["errors"]?.arrayValue)
            #expect(errors.map { $0["batch_index"] } == [1, 2])
            #expect(errors.first?["message"] == "request is too large")
            let counts = try await Workspace(name: "one", in: workspace.data.workspaces).counts()
            #expect(counts.events == 2)
        }
    }

    @Test(arguments: [(512_000, 200), (512_001, 400)])
    func `a batch may have 512,000 bytes`(bytes: Int, status: Int) async throws {
        try await PrivateServer.with { workspace async throws in
            let body = batch((0..<15).map { Self.identify(bytes: 32_768, id: "u\($0)") })
            let answer = try await workspace.track(
                "/api/v2/batch",
                body + String(repeating: " ", count: bytes - body.utf8.count)
            )
            #expect(answer.status == status)
        }
    }

    // MARK: Everything else

    @Test(arguments: [
        ("GET", "/api/v2/entity", 405), ("PUT", "/api/v2/batch", 405), ("POST", "/auth", 405),
        ("GET", "/api/v3/entity", 404),
        ("POST", "/v1/track", 404), ("GET", "/", 404),
    ])
    func `wrong methods and unknown paths are answered in JSON`(method: String, path: String, status: Int) async throws
    {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.server.send(method, path)
            #expect(answer.status == status)
            #expect(answer.json?["meta"]?["error"]?.stringValue == (status == 404 ? "Not found" : "Method not allowed"))
            #expect((answer["allow"] != nil) == (status == 405))
        }
    }

    @Test func `a database that fails is answered 503, with nothing of the operation in the log`() async throws {
        try await PrivateServer.with { workspace async throws in
            try workspace.data.close()
            let answer = try await workspace.track("/api/v2/entity", Self.event("secret-event"))
            #expect(answer.status == 503)
            #expect(answer.json?["meta"]?["error"] != nil)
            #expect(try await workspace.read("people").status == 503)
            for secret in ["secret-event", "one-key", "one-site", "Basic"] {
                #expect(!workspace.server.logs.text.contains(secret))
            }
        }
    }
}
