import AsyncHTTPClient
import Foundation
import LosslessJSON
import Server
import Testing

/// What clients of the Track API put on the wire (track-api.md §21), replayed byte for byte where a quirk is in it.
/// Python's client is driven itself, in `EndToEndTests`.
@Suite(.timeLimit(.minutes(2))) struct `Clients of the Track API` {
    /// A request of a client and what it must come to: `check` is a path below `/admin/v1/workspace/` and a text that
    /// the answer there holds.
    struct Shape: CustomTestStringConvertible, Sendable {
        let client: String
        let method: String
        let path: String
        let headers: [(String, String)]
        let body: String?
        var status = 200
        let check: (path: String, holds: String)

        var testDescription: String { "\(client): \(method) \(path)" }
    }

    private static let type = ("Content-Type", "application/json")
    private static let person = "/api/v1/customers/u1"

    private static func shape(
        _ client: String,
        _ method: String,
        _ path: String,
        _ body: String?,
        _ check: (String, String),
        status: Int = 200,
        headers: [(String, String)] = [type]
    ) -> Shape {
        Shape(client: client, method: method, path: path, headers: headers, body: body, status: status, check: check)
    }

    static let go: [Shape] = [
        shape("Go", "PUT", person, "null", ("people/u1", #""attributes":{}"#)),
        shape("Go", "PUT", "/api/v1/customers/a@b:&=+$c", "{}", ("people/a@b:&=+$c", #""id":"a@b:&=+$c""#)),
        shape("Go", "POST", "\(person)/events", #"{"name":"E","data":null}"#, ("people/u1/activity", #""name":"E""#)),
        shape(
            "Go",
            "PUT",
            "\(person)/devices",
            #"{"device":{"id":"t","platform":"android","last_used":"1700000000","attributes":null}}"#,
            ("people/u1", #""last_used":1700000000,"attributes":{}"#)
        ),
        shape("Go", "DELETE", person, nil, ("people", #""items":[]"#), headers: []),
        shape(
            "Go",
            "POST",
            "/api/v1/segments/3/add_customers?id_type=id",
            #"{"ids":["known"]}"#,
            ("people/known", #""segments":[3]"#)
        ),
        shape(
            "Go",
            "POST",
            "/api/v1/events",
            #"{"anonymous_id":"x","name":"E","data":null}"#,
            ("activity", #""name":"E""#)
        ),
    ]

    static let node: [Shape] = [
        shape("Node", "PUT", "/api/v1/customers/1", #"{"id":1,"email":"a@example.com"}"#, ("people/1", #""id":"1""#)),
        shape("Node", "PUT", "/api/v1/customers/a!'()*~%2Fb", "{}", ("people/a!'()*~%2Fb", #""id":"a!'()*~/b""#)),
        shape("Node", "DELETE", person, nil, ("people", #""items":[]"#)),
        shape("Node", "POST", "\(person)/suppress", "{}", ("people", #""items":[]"#)),
        shape(
            "Node",
            "POST",
            "\(person)/events",
            #"{"type":"page","name":"https://x.example/","data":{"a":1}}"#,
            ("people/u1/activity", #""url":"https://x.example/""#),
            headers: [type, ("X-Retry-Count", "2")]
        ),
        shape(
            "Node",
            "PUT",
            "\(person)/devices",
            #"{"device":{"id":"t","platform":"ios","attributes":{"app_version":"2"}}}"#,
            ("people/u1", #""attributes":{"app_version":"2"}"#)
        ),
        shape(
            "Node",
            "POST",
            "/api/v1/merge_customers",
            #"{"primary":{"id":"known"},"secondary":{"email":"other@example.com"}}"#,
            ("people/known", #""email":"other@example.com""#)
        ),
        shape(
            "Node",
            "POST",
            "/api/v2/entity",
            #"{"type":"person","action":"identify","identifiers":{"id":7},"attributes":{"a":1}}"#,
            ("people/7", #""a":1"#)
        ),
    ]

    static let ruby: [Shape] = [
        shape(
            "Ruby",
            "PUT",
            "/api/v1/customers/5",
            #"{"id":5,"first_name":"Bob"}"#,
            ("people/5", #""first_name":"Bob""#)
        ),
        shape("Ruby", "DELETE", person, nil, ("people", #""items":[]"#), headers: []),
        shape("Ruby", "POST", "\(person)/suppress", nil, ("people", #""items":[]"#), headers: []),
        shape("Ruby", "POST", "\(person)/unsuppress", nil, ("people", #""items":[]"#), headers: []),
        shape(
            "Ruby",
            "PUT",
            "\(person)/devices",
            #"{"device":{"id":"t","platform":"ios","last_used":1700000000,"app":"x"}}"#,
            ("people/u1", #""attributes":{"app":"x"}"#)
        ),
        shape(
            "Ruby",
            "POST",
            "/push/events",
            #"{"event":"opened","delivery_id":"d","device_id":"t","timestamp":1700000000}"#,
            ("metrics", #""metric":"opened","timestamp":1700000000"#)
        ),
        shape(
            "Ruby",
            "POST",
            "\(person)/events",
            #"{"name":"E","data":{"timestamp":1700000000,"price":1},"timestamp":1700000000}"#,
            ("people/u1/activity", #""data":{"timestamp":1700000000,"price":1}"#)
        ),
    ]

    static let mobile: [Shape] = [
        shape(
            "iOS",
            "POST",
            "/api/v1/customers/a@example.com/events",
            #"{"name":"Home","type":"screen","data":{},"timestamp":1700000000}"#,
            ("people/a@example.com/activity", #""type":"screen""#)
        ),
        shape(
            "iOS",
            "PUT",
            "\(person)/devices",
            #"{"device":{"id":"t","platform":"iOS","last_used":1700000000,"attributes":{"push_enabled":"true"}}}"#,
            ("people/u1", #""platform":"iOS""#)
        ),
        shape(
            "Android",
            "POST",
            "/push/events",
            #"{"delivery_id":"d","event":"delivered","device_id":"t","timestamp":1700000000}"#,
            ("metrics", #""metric":"delivered""#)
        ),
        shape(
            "Android",
            "POST",
            "/api/v1/cio_deliveries/events",
            #"{"type":"in_app","payload":{"delivery_id":"d","event":"clicked","timestamp":1700000000,"metadata":{"action_name":"ok"}}}"#,
            ("metrics", #""metric":"clicked","timestamp":1700000000,"metadata":{"action_name":"ok"}"#)
        ),
    ]

    static let others: [Shape] = [
        shape(
            "PHP",
            "PUT",
            "/api/v1/customers/a+b@example.com",
            "{}",
            ("people/a+b@example.com", #""email":"a+b@example.com""#)
        ),
        shape(
            "Segment",
            "POST",
            "/api/v2/batch",
            """
            {"batch":[{"type":"person","action":"identify","identifiers":{"id":"u1"},"created_at":1,"attributes":{"anonymous_id":"x"}},
            {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"E","id":"ajs-next-123","timestamp":"1712345678.123"},
            {"type":"person","action":"event","name":"nobody"}]}
            """,
            ("people/u1/activity", #""timestamp":1712345678"#),
            status: 207
        ),
        shape(
            "Segment",
            "POST",
            "/api/v1/metrics",
            #"{"delivery_id":"d","metric":"opened","recipient":null,"href":null,"timestamp":1700000000}"#,
            ("metrics", #""delivery_id":"d""#)
        ),
        shape(
            "Segment",
            "DELETE",
            "/api/v1/customers/u 1".replacing(" ", with: "%20"),
            nil,
            ("people", #""items":[]"#)
        ),
        shape(
            "RudderStack",
            "POST",
            "/api/v2/batch",
            """
            {"batch":[{"type":"person","action":"identify","identifiers":{"id":42},
            "attributes":{"_timestamp":1700000000,"anonymous_id":"x","a":1}}]}
            """,
            ("people/42", #""a":1"#)
        ),
        shape(
            "RudderStack",
            "POST",
            "\(person)/events",
            #"{"type":"event","name":"Viewed Home Screen","data":{"a":1},"timestamp":1700000000}"#,
            ("people/u1/activity", #""name":"Viewed Home Screen""#)
        ),
        shape(
            "async-customerio",
            "PUT",
            person,
            #"{"a":1}"#,
            ("people/u1", #""a":1"#),
            headers: [type, ("X-Request-Id", "r"), ("X-Timestamp", "2026-01-01T00:00:00Z")]
        ),
    ]

    @Test(arguments: go + node + ruby + mobile + others)
    func `what a client sends arrives`(shape: Shape) async throws {
        try await PrivateServer.with { workspace async throws in
            let known = #"{"type":"person","action":"identify","identifiers":{"id":"known"}}"#
            if shape.body?.contains("known") == true {
                _ = try await workspace.track("/api/v2/entity", known)
                _ = try await workspace.send("PUT", "/api/v1/customers/other%40example.com")
            }
            // Go spells base64 in the alphabet of URLs.
            let (name, value) = basic("one-site:one-key")
            let credentials = shape.client == "Go" ? (name, value.replacing("/", with: "_")) : (name, value)
            let answer = try await workspace.server.send(
                shape.method,
                shape.path,
                headers: [credentials] + shape.headers,
                body: shape.body.map { .bytes(Array($0.utf8)) }
            )
            #expect(answer.status == shape.status, "\(answer.text)")
            #expect(answer.json != nil)
            let read = try await workspace.read(shape.check.path).text
            #expect(read.contains(shape.check.holds), "\(read)")
        }
    }

    // MARK: Wrong shapes

    /// Bodies that are right, each of whose fields is replaced by everything that JSON has.
    static let right: [(method: String, path: String, body: String)] = [
        (
            "PUT", "/api/v1/customers/u1",
            #"{"id":"u1","email":"a@b.c","a":{"b":1},"_timestamp":1,"_update":true,"anonymous_id":"x","cio_relationships":{"action":"add_relationships","relationships":[{"identifiers":{"object_type_id":"1","object_id":"o"},"relationship_attributes":{"r":1}}]}}"#
        ),
        (
            "PUT", "/api/v1/customers/u1/devices",
            #"{"device":{"id":"t","platform":"ios","last_used":1,"attributes":{"a":"b"},"flat":1}}"#
        ),
        (
            "POST", "/api/v1/customers/u1/events",
            #"{"name":"E","type":"event","id":"01BX5ZZKBKACTAV9WEVGEMMVRY","timestamp":1,"data":{"a":1}}"#
        ),
        ("POST", "/api/v1/events", #"{"name":"E","anonymous_id":"x","timestamp":1,"data":{"a":1}}"#),
        ("POST", "/api/v1/forms/f/submit", #"{"data":{"email":"a@b.c","a":"b"}}"#),
        ("POST", "/api/v1/merge_customers", #"{"primary":{"id":"a"},"secondary":{"email":"b@b.c"}}"#),
        (
            "POST", "/api/v1/metrics",
            #"{"delivery_id":"d","metric":"opened","timestamp":1,"recipient":"r","reason":"x","href":"y","metadata":{"a":1}}"#
        ),
        ("POST", "/api/v1/push/events", #"{"delivery_id":"d","event":"opened","device_id":"t","timestamp":1}"#),
        (
            "POST", "/api/v1/cio_deliveries/events",
            #"{"type":"in_app","payload":{"delivery_id":"d","event":"opened","timestamp":1,"metadata":{"a":1}}}"#
        ),
        ("POST", "/api/v1/segments/1/add_customers", #"{"ids":["u1"]}"#),
        ("POST", "/unsubscribe/RPILAgUBcRhIBqSfeiIwdIYJKxTY", #"{"unsubscribe":true}"#),
        (
            "POST", "/api/v2/entity",
            #"{"type":"person","action":"identify","identifiers":{"id":"u1"},"timestamp":1,"attributes":{"a":1,"id":"u1","email":"a@b.c","cio_id":"1","_update":true,"_timestamp":1},"cio_relationships":[{"identifiers":{"object_type_id":"1","object_id":"o"},"relationship_attributes":{"r":1}}]}"#
        ),
        (
            "POST", "/api/v2/entity",
            #"{"type":"person","action":"event","identifiers":{"id":"u1"},"name":"E","id":"i","timestamp":1,"attributes":{"a":1}}"#
        ),
        (
            "POST", "/api/v2/entity",
            #"{"type":"person","action":"add_device","identifiers":{"id":"u1"},"device":{"token":"t","platform":"ios","last_used":1,"attributes":{"a":1}}}"#
        ),
        (
            "POST", "/api/v2/entity",
            #"{"type":"person","action":"merge","primary":{"id":"a"},"secondary":{"cio_id":"b"}}"#
        ),
        (
            "POST", "/api/v2/entity",
            #"{"type":"object","action":"identify_anonymous","identifiers":{"object_type_id":"1","object_id":"o"},"attributes":{"a":1},"cio_relationships":[{"identifiers":{"anonymous_id":"x"}}]}"#
        ),
        (
            "POST", "/api/v2/entity",
            #"{"type":"delivery","action":"event","identifiers":{"id":"d"},"name":"opened","timestamp":1,"attributes":{"device_token":"t"}}"#
        ),
        (
            "POST", "/api/v2/entity",
            #"{"type":"person","action":"viewed_content","identifiers":{"anonymous_id":"x"},"attributes":{"contentId":1}}"#
        ),
    ]

    private static let values: [JSON] = [
        .null, true, 0, -1, "", " ", "\u{0}", "text", [], [[:]], [.null], [:], ["id": [:]], ["a": ["b": [[]]]],
        .string(String(repeating: "é", count: 600)), .number(JSON.Number(validText: "1e999999")),
        .number(JSON.Number(validText: "123456789012345678901234567890.5")),
    ]

    @Test(arguments: right.indices)
    func `a wrong shape at any field is accepted or answered 4xx`(number: Int) async throws {
        let call = Self.right[number]
        let body = try JSON(parsing: Array(call.body.utf8))
        let headers = [Self.type]
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.send(call.method, call.path, call.body, headers: headers).status < 300)
            for spoiled in Self.variants(of: body) {
                let answer = try await workspace.send(call.method, call.path, spoiled.description, headers: headers)
                let isJSON = answer.bytes.isEmpty || answer.json != nil
                #expect(
                    [200, 204, 400].contains(answer.status) && isJSON,
                    "\(spoiled): \(answer.status) \(answer.text)"
                )
            }
            #expect(!workspace.server.logs.text.contains("could not be answered"))
        }
    }

    /// The value with each value in it, itself included, replaced by each of `values`, and each member left out.
    private static func variants(of value: JSON) -> [JSON] {
        var result = values
        switch value {
        case .object(let object):
            for (position, member) in object.members.enumerated() {
                var members = object.members
                members.remove(at: position)
                result.append(.object(JSON.Object(uniqueMembers: members)))
                for variant in variants(of: member.value) {
                    members = object.members
                    members[position].value = variant
                    result.append(.object(JSON.Object(uniqueMembers: members)))
                }
            }
        case .array(let array):
            for (position, element) in array.enumerated() {
                for variant in variants(of: element) {
                    var elements = array
                    elements[position] = variant
                    result.append(.array(elements))
                }
            }
        default: break
        }
        return result
    }
}
