import AsyncHTTPClient
import Foundation
import LosslessJSON
import Server
import Testing
import Workspaces

/// The endpoints of the Track API v1 as clients see them (track-api.md §9, §23).
@Suite(.timeLimit(.minutes(2))) struct `Track API v1` {
    /// A right call of each endpoint, and the status of its success.
    static let calls: [(method: String, path: String, body: String?, status: Int)] = [
        ("PUT", "/api/v1/customers/u1", #"{"plan":"pro"}"#, 200), ("DELETE", "/api/v1/customers/u1", "{}", 200),
        ("PUT", "/api/v1/customers/u1/devices", #"{"device":{"id":"t","platform":"ios"}}"#, 200),
        ("DELETE", "/api/v1/customers/u1/devices/t", nil, 200), ("POST", "/api/v1/customers/u1/suppress", nil, 200),
        ("POST", "/api/v1/customers/u1/unsuppress", "{}", 200),
        ("POST", "/api/v1/customers/u1/events", #"{"name":"a","data":null}"#, 200),
        ("POST", "/api/v1/events", #"{"name":"a","anonymous_id":"x"}"#, 200),
        ("POST", "/api/v1/forms/f1/submit", #"{"data":{"email":"a@example.com"}}"#, 204),
        ("POST", "/api/v1/merge_customers", #"{"primary":{"id":"a"},"secondary":{"id":"b"}}"#, 200),
        ("POST", "/api/v1/metrics", #"{"delivery_id":"d","metric":"opened"}"#, 200),
        ("POST", "/api/v1/push/events", #"{"delivery_id":"d","event":"opened","device_id":"t"}"#, 200),
        ("POST", "/push/events", #"{"delivery_id":"d","event":"opened","device_id":"t","timestamp":1}"#, 200),
        ("POST", "/api/v1/segments/7/add_customers", #"{"ids":["u1"]}"#, 200),
        ("POST", "/api/v1/segments/7/remove_customers?id_type=email", #"{"ids":["a@example.com"]}"#, 200),
        ("POST", "/unsubscribe/RPILAgUBcRhIBqSfeiIwdIYJKxTY", #"{"unsubscribe":true}"#, 200),
        (
            "POST", "/api/v1/cio_deliveries/events",
            #"{"type":"in_app","payload":{"delivery_id":"d","event":"clicked","metadata":{"action_name":"x"}}}"#, 200
        ),
    ]

    static let json = ("Content-Type", "application/json")

    @Test(arguments: calls.indices)
    func `each endpoint answers with three bytes, or none, and Customer.io's headers`(number: Int) async throws {
        let call = Self.calls[number]
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.send(call.method, call.path, call.body, headers: [Self.json])
            #expect(answer.status == call.status, "\(answer.text)")
            #expect(answer.text == (call.status == 204 ? "" : "{}\n"))
            #expect(answer["content-length"] == (call.status == 204 ? nil : "3"))
            #expect(answer["access-control-allow-origin"] == "*")
            #expect(answer["cache-control"] == "no-cache, no-store, must-revalidate, max-age=0")
            #expect(answer["content-type"] == "application/json; charset=utf-8")
            #expect(answer["status"] == (call.status == 204 ? "204 No Content" : "200 OK"))
            #expect(answer["strict-transport-security"] == "max-age=31536000; includeSubDomains")
        }
    }

    @Test(arguments: calls.indices)
    func `each endpoint but four asks for credentials, and takes its method alone`(number: Int) async throws {
        let call = Self.calls[number]
        try await PrivateServer.with { workspace async throws in
            let body = call.body.map { text in Array(text.utf8) }
            let isOpen =
                ["/api/v1/metrics", "/api/v1/push/events", "/push/events"].contains(call.path)
                || call.path.hasPrefix("/unsubscribe/")
            for credentials in [nil, "one-site:wrong"] {
                let answer = try await workspace.server.send(
                    call.method,
                    call.path,
                    headers: [Self.json] + (credentials.map { [basic($0)] } ?? []),
                    body: body.map { .bytes($0) }
                )
                #expect(answer.status == (isOpen ? call.status : 401))
                if !isOpen { #expect(answer.text == #"{"meta":{"error":"Unauthorized request"}}"#) }
            }
            let wrong = try await workspace.send("PATCH", call.path)
            #expect(wrong.status == 405 && wrong.json?["meta"]?["error"] == "Method not allowed")
            #expect(wrong["access-control-allow-origin"] == "*")
            let unknown = try await workspace.send(call.method, "/api/v1/nowhere/at/all/x/y")
            #expect(unknown.status == 404 && unknown.json?["meta"]?["error"] == "Not found")
        }
    }

    @Test func `statuses that nothing public settles are settings`() async throws {
        let change = { (traits: inout EmbeddedWorkspace.Traits) in
            traits.settings.segments = .only([7])
            traits.missesSegments = true
            traits.answersInvalidBatchInPart = true
        }
        try await PrivateServer.with(change: change) { workspace async throws in
            let missing = try await workspace.send("POST", "/api/v1/segments/8/add_customers", #"{"ids":["u1"]}"#)
            #expect(missing.status == 404)
            #expect(missing.json?["meta"]?["error"] == "segment does not exist or is not a manual segment")
            let wrong = try await workspace.send("POST", "/api/v1/segments/8/add_customers", "{}")
            #expect(wrong.status == 400, "it has another mistake")
            let batch = try await workspace.track("/api/v2/batch", #"{"batch":[{},{}]}"#)
            #expect(batch.status == 207)
            let places = batch.json?["errors"]?.arrayValue?.map { $0["batch_index"] }
            #expect(places == [0, 1])
        }
    }

    // MARK: Who stands in a path

    @Test(arguments: [
        ("a%2Fb", "a/b"), ("a%40b", "a@b"), ("a+b", "a+b"), ("a%20b", "a b"), ("%E6%9D%B1", "東"), ("100%", "100%"),
        ("+14155552671", "+14155552671"), ("cafe%CC%81", "cafe\u{301}"), ("null", "null"), ("a%2F%2Fb", "a//b"),
    ])
    func `an id in a path arrives as it is`(path: String, id: String) async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.send("PUT", "/api/v1/customers/\(path)", "{}").status == 200)
            #expect(try await workspace.person(path)?["identifiers"]?["id"] == .string(id))
            #expect(try await workspace.send("DELETE", "/api/v1/customers/\(path)").status == 200)
            #expect(try await workspace.person(path) == nil)
        }
    }

    @Test func `characters that should be encoded are taken as they are`() async throws {
        try await PrivateServer.with { workspace async throws in
            let head = "PUT /api/v1/customers/ann@example.com HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            let (name, value) = basic("one-site:one-key")
            let answer = try await workspace.server.wire("\(head)\(name): \(value)\r\nContent-Length: 0\r\n\r\n")
            #expect(answer.contains("200 OK"))
            #expect(try await workspace.person("ann@example.com")?["identifiers"]?["email"] == "ann@example.com")
        }
    }

    @Test func `the shape of a path's text tells the kind of identifier`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.send("PUT", "/api/v1/customers/Ann%40Example.com", #"{"id":"u1"}"#)
            let cioId = try #require(
                try await workspace.person("u1")?["identifiers"]?["cio_id"]?.stringValue
            )
            let moved = try await workspace.send(
                "PUT",
                "/api/v1/customers/cio_\(cioId)",
                #"{"id":"u2","email":"b@example.com","plan":"pro"}"#
            )
            #expect(moved.status == 200)
            let person = try #require(try await workspace.person("u2"))
            #expect(person["identifiers"]?["email"] == "b@example.com" && person["attributes"] == ["plan": "pro"])
            #expect(try await workspace.send("PUT", "/api/v1/customers/cio_ffff", "{}").status == 200)
            #expect(try await workspace.read("people").json?["items"]?.arrayValue?.count == 1)
        }
    }

    @Test(arguments: [
        ("PUT", "/api/v1/customers/", "id attribute must be present"),
        ("DELETE", "/api/v1/customers", "id attribute must be present"),
        ("PUT", "/api/v1/customers//devices", "id attribute must be present"),
        ("POST", "/api/v1/customers//devices/suppress", "id attribute must be present"),
        ("PUT", "/api/v1/customers/%20", "id attribute cannot be an empty string"),
        ("PUT", "/api/v1/customers/cio_", "invalid identifier"),
        ("PUT", "/api/v1/customers/\(String(repeating: "x", count: 151))", "invalid identifier"),
        ("POST", "/api/v1/customers/\(String(repeating: "%C3%A9", count: 76))/suppress", "invalid identifier"),
        ("DELETE", "/api/v1/customers/\(String(repeating: "x", count: 151))/devices/t", "invalid identifier"),
    ])
    func `a path without a person is answered 400`(method: String, path: String, message: String) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.send(method, path, "{}")
            #expect(answer.status == 400)
            #expect(answer.text == #"{"meta":{"error":"\#(message)"}}"#)
            #expect(try await workspace.read("people").json?["items"] == [])
        }
    }

    @Test func `a path that is not UTF-8 names nothing`() async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.send("PUT", "/api/v1/customers/%FF", "{}").status == 404)
        }
    }

    @Test(arguments: [nil, "", "null", "{}"])
    func `an identify without attributes makes the person`(body: String?) async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.send("PUT", "/api/v1/customers/u1", body).status == 200)
            #expect(try await workspace.person("u1")?["attributes"] == [:])
        }
    }

    // MARK: Errors

    /// Their envelopes and words (track-api.md §3.2).
    @Test(arguments: [
        ("PUT", "/api/v1/customers/u1", "{", #"{"error":"malformed JSON"}"#),
        ("PUT", "/api/v1/customers/u1", "[]", #"{"error":"request body must be an object"}"#),
        ("PUT", "/api/v1/customers/u1", #"{"id":true}"#, #"{"error":"id attribute must be a string value"}"#),
        ("PUT", "/api/v1/customers/u1", #"{"id":""}"#, #"{"error":"id attribute cannot be an empty string"}"#),
        ("PUT", "/api/v1/customers/u1", #"{"email":{}}"#, #"{"error":"email attribute must be a string value"}"#),
        ("PUT", "/api/v1/customers/u1", #"{"_timestamp":"x"}"#, #"{"error":"_timestamp must be an integer"}"#),
        (
            "PUT", "/api/v1/customers/u1", #"{"cio_relationships":[]}"#,
            #"{"error":"cio_relationships must be an object"}"#
        ),
        ("POST", "/api/v1/customers/u1/events", "{}", #"{"error":"name cannot be blank"}"#),
        ("POST", "/api/v1/customers/u1/events", "", #"{"error":"name cannot be blank"}"#),
        ("POST", "/api/v1/customers/u1/events", "{", #"{"errors":["malformed JSON"]}"#),
        ("POST", "/api/v1/customers/u1/events", #"{"name":" "}"#, #"{"errors":["event name must not be blank"]}"#),
        ("POST", "/api/v1/customers/u1/events", #"{"name":5}"#, #"{"errors":["event name must be a string"]}"#),
        (
            "POST", "/api/v1/events", #"{"name":"\#(String(repeating: "n", count: 101))","data":[]}"#,
            #"{"errors":["event name cannot be longer than 100 bytes","event data must be a hash"]}"#
        ),
        (
            "POST", "/api/v1/events", #"{"name":"a","timestamp":"soon","id":{}}"#,
            #"{"errors":["timestamp must be an integer","id must be a string"]}"#
        ),
        ("PUT", "/api/v1/customers/u1/devices", "{}", #"{"errors":["device is required"]}"#),
        (
            "PUT", "/api/v1/customers/u1/devices", #"{"device":{}}"#,
            #"{"errors":["device.id is required","device.platform is required"]}"#
        ),
        (
            "POST", "/api/v1/merge_customers", #"{"primary":{"id":"a","email":"b"},"secondary":{"id":"b"}}"#,
            #"{"error":"primary must contain exactly one identifier"}"#
        ),
        ("POST", "/api/v1/push/events", "{}", nil), ("POST", "/api/v1/cio_deliveries/events", "{}", nil),
        ("POST", "/api/v1/cio_deliveries/events", #"{"type":"email","payload":5}"#, nil),
        ("POST", "/api/v1/metrics", #"{"delivery_id":"d","metric":"opened","recipient":[]}"#, nil),
        ("POST", "/api/v1/metrics", #"{"delivery_id":"d","metric":"opened","metadata":1}"#, nil),
    ])
    func `what is wrong is told in version 1's envelopes`(
        method: String,
        path: String,
        body: String,
        meta: String?
    ) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.send(method, path, body)
            #expect(answer.status == 400)
            if let meta { #expect(answer.text == #"{"meta":\#(meta)}"#) }
            #expect(answer.json?["meta"]?.objectValue?.isEmpty == false)
            #expect(try await workspace.read("people").json?["items"] == [])
        }
    }

    // MARK: Limits

    private static func attributes(_ count: Int) -> String {
        "{" + (0..<count).map { #""a\#($0)":1"# }.joined(separator: ",") + "}"
    }

    private static func text(_ bytes: Int) -> String {
        String(repeating: "é", count: bytes / 2) + String(repeating: "x", count: bytes % 2)
    }

    /// In bytes, also where a character has two of them (track-api.md §4).
    @Test(arguments: [
        (attributes(300), nil), (attributes(301), "cannot identify more than 300 attributes in one request"),
        (#"{"\#(text(150))":1}"#, nil),
        (#"{"\#(text(151))":1}"#, "attribute name cannot be longer than 150 bytes"),
        (#"{"a":"\#(text(1000))"}"#, nil),
        (#"{"a":"\#(text(1001))"}"#, "value for attribute 'a' cannot be longer than 1000 bytes"),
        (#"{"a":{"b":"\#(text(992))"}}"#, nil),
        (#"{"a":{"b":"\#(text(993))"}}"#, "value for attribute 'a' cannot be longer than 1000 bytes"),
    ])
    func `an identify keeps within the limits`(body: String, message: String?) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.send("PUT", "/api/v1/customers/u1", body)
            #expect(answer.status == (message == nil ? 200 : 400))
            if let message { #expect(answer.json?["meta"]?["error"] == .string(message)) }
        }
    }

    @Test(arguments: [
        (#"{"name":"\#(text(100))"}"#, 200), (#"{"name":"\#(text(101))"}"#, 400),
        (#"{"type":"page","name":"\#(text(3000))"}"#, 200), (#"{"type":"screen","name":"\#(text(3000))"}"#, 200),
        (#"{"type":"other","name":"\#(text(101))"}"#, 400),
        (#"{"name":"a","data":{"a":"\#(text(99_992))"}}"#, 200),
        (#"{"name":"a","data":{"a":"\#(text(99_993))"}}"#, 400),
        (#"{"name":"a","data":{"a":"\#(text(2 << 20))"}}"#, 400),
    ])
    func `an event keeps within the limits`(body: String, status: Int) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.send("POST", "/api/v1/customers/u1/events", body)
            #expect(answer.status == status)
            #expect(answer.text == (status == 200 ? "{}\n" : answer.text))
        }
    }

    @Test func `a rate that is exceeded is answered 429, by both versions together`() async throws {
        try await PrivateServer.with(["one", "two"], requestsPerSecond: 3) { workspace async throws in
            for path in ["/api/v1/events", "/api/v2/entity", "/api/v1/events"] {
                #expect(try await workspace.track(path, #"{"name":"a"}"#).status != 429)
            }
            let answer = try await workspace.track("/api/v1/events", #"{"name":"a"}"#)
            #expect(answer.status == 429 && answer["retry-after"] == "1")
            #expect(answer.json?["meta"]?["error"] == "rate limit exceeded")
            #expect(try await workspace.track("/api/v1/events", #"{"name":"a"}"#, to: "two").status == 200)
        }
    }
}
