import Events
import Logging
import LosslessJSON
import Server
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Admin API` {
    /// Three people, two objects, a relationship, a device, an event.
    static func fill(_ workspace: PrivateServer) async throws {
        let items = [
            """
            {"type":"person","action":"identify","identifiers":{"id":"a/b"},
             "attributes":{"email":"ann@example.com","n":1.10},
             "cio_relationships":[{"identifiers":{"object_type_id":"1","object_id":"acme & co"},
                                   "relationship_attributes":{"role":"admin"}}]}
            """,
            #"{"type":"person","action":"identify","identifiers":{"id":"ü +%"}}"#,
            #"{"type":"person","action":"identify","identifiers":{"id":"u3"}}"#,
            """
            {"type":"person","action":"add_device","identifiers":{"id":"a/b"},
             "device":{"token":"t1","platform":"ios","last_used":5}}
            """,
            """
            {"type":"object","action":"identify","identifiers":{"object_type_id":"2","object_id":"o/2"},
             "attributes":{"name":"Two"}}
            """,
            #"{"type":"person","action":"event","identifiers":{"id":"a/b"},"name":"Bought","timestamp":1700000000}"#,
        ]
        #expect(try await workspace.track("/api/v2/batch", batch(items)).status == 200)
    }

    @Test func `a person is read back by id, address and cio_id`() async throws {
        try await PrivateServer.with { workspace async throws in
            try await Self.fill(workspace)
            let byId = try await workspace.read("people/a%2Fb")
            #expect(byId.status == 200)
            let person = try #require(byId.json)
            #expect(person["identifiers"]?["id"] == "a/b")
            #expect(person["identifiers"]?["email"] == "ann@example.com")
            #expect(person["attributes"]?["n"]?.description == "1.10")
            #expect(person["devices"]?.arrayValue?.first?["token"] == "t1")
            #expect(
                person["relationships"] == [
                    [
                        "identifiers": ["object_type_id": "1", "object_id": "acme & co"],
                        "relationship_attributes": ["role": "admin"],
                    ]
                ]
            )
            let cioId = try #require(person["identifiers"]?["cio_id"]?.stringValue)
            for identifier in ["ann@example.com", "ANN%40example.com", "cio_\(cioId)"] {
                #expect(try await workspace.read("people/\(identifier)").text == byId.text)
            }
            #expect(try await workspace.read("people/%C3%BC%20+%25").json?["identifiers"]?["id"] == "ü +%")
            let path = "/admin/v1/workspace/people/%C3%BC%20+%"
            let raw = try await workspace.server.wire("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(raw.contains(#""identifiers":{"id":"ü +%""#))
        }
    }

    @Test func `objects and activity are read back`() async throws {
        try await PrivateServer.with { workspace async throws in
            try await Self.fill(workspace)
            #expect(try await workspace.read("objects/2/o%2F2").json?["attributes"]?["name"] == "Two")
            #expect(try await workspace.read("objects").json?["items"]?.arrayValue?.count == 2)
            let activity = try await workspace.read("people/a%2Fb/activity")
            let entries = try #require(activity.json?["items"]?.arrayValue)
            #expect(entries.contains { $0["type"] == "event" && $0["name"] == "Bought" })
            #expect(try await workspace.read("activity").json?["items"]?.arrayValue?.isEmpty == false)
        }
    }

    @Test func `lists come in pages that miss nothing`() async throws {
        try await PrivateServer.with { workspace async throws in
            try await Self.fill(workspace)
            var identifiers: [JSON?] = []
            var cursor = ""
            for _ in 1...5 {
                let page = try #require(try await workspace.read("people?limit=1\(cursor)").json)
                identifiers += try #require(page["items"]?.arrayValue).map { $0["identifiers"]?["id"] }
                guard let next = page["next"]?.stringValue else { break }
                cursor = "&cursor=\(next)"
            }
            #expect(identifiers == ["a/b", "ü +%", "u3"])
        }
    }

    @Test(arguments: [
        ("people/nobody", 404), ("people/nobody/activity", 404), ("objects/1/none", 404), ("objects/x/none", 404),
        ("people/a/b", 404), ("people?limit=0", 400), ("people?limit=x", 400), ("people?limit=-1", 400),
        ("people?cursor=x", 400), ("people?workspace=none", 404), ("nothing", 404), ("people/%FF", 404),
        ("people?limit=99999999999999999999", 400), ("people?limit=5000", 200), ("people/", 200),
        ("people?workspace=one", 200), ("people?contains=%25", 200), ("people?contains=", 200),
        ("people?contains=" + String(repeating: "a", count: 501), 400), ("people?contains=a&limit=0", 400),
    ])
    func `what is not there is 404, and what cannot be read 400`(path: String, status: Int) async throws {
        try await PrivateServer.with { workspace async throws in
            let answer = try await workspace.read(path)
            #expect(answer.status == status)
            #expect((answer.json?["meta"]?["error"] != nil) == (status != 200))
        }
    }

    @Test func `one of several workspaces must be named`() async throws {
        try await PrivateServer.with(["one", "two"]) { workspace async throws in
            let answer = try await workspace.read("people")
            #expect(answer.status == 404)
            #expect(answer.text.contains("one, two"))
            #expect(try await workspace.read("people?workspace=two").status == 200)
        }
    }

    @Test func `HEAD is GET without the body`() async throws {
        try await PrivateServer.with { workspace async throws in
            let head = try await workspace.server.send("HEAD", "/admin/v1/workspace/people")
            #expect(head.status == 200)
            #expect(head.bytes.isEmpty)
            let wire = try await workspace.server.wire("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(wire.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(wire.hasSuffix("\r\n\r\n"))
            let get = try await workspace.read("people")
            #expect(head["content-length"] == String(get.bytes.count))
            #expect(get["access-control-allow-origin"] == nil)
            #expect(get["cache-control"] == "no-store")
            #expect(try await workspace.server.post("/admin/v1/workspace/people", "{}").status == 405)
        }
    }

    @Test(arguments: [
        (nil, 401), ("Bearer", 401), ("Bearer wrong", 401), ("Basic dG9rZW4=", 401), ("Bearer token-12", 401),
        ("Bearer token-123", 200), ("bearer token-123", 200),
    ])
    func `an admin token is asked for where there is one`(header: String?, status: Int) async throws {
        try await PrivateServer.with(adminToken: "token-123") { workspace async throws in
            let headers = header.map { [("Authorization", $0)] } ?? []
            let answer = try await workspace.read("people", headers)
            #expect(answer.status == status)
            #expect((answer["www-authenticate"] == "Bearer") == (status == 401))
            #expect(try await workspace.server.send("GET", "/livez").status == 200)
            #expect(try await workspace.track("/api/v2/entity", "{}").status == 400)
            #expect(!workspace.server.logs.text.contains("token-12"))
        }
    }

    @Test(arguments: ["0.0.0.0", "::", "192.168.1.2", "ferry.example"], [nil, ""])
    func `an address that others reach needs an admin token`(host: String, token: String?) throws {
        let address = ListenAddress(host: host, port: 8081)
        let make = { (token: String?) throws(ListenerError) in
            _ = try PrivateAPI(
                address: address,
                workspaces: EmbeddedWorkspaces(),
                adminToken: token,
                logger: Logger(label: "test"),
                now: { SourceServer.now }
            )
        }
        let error = #expect(throws: ListenerError.self) { try make(token) }
        #expect(error?.code == .adminTokenRequired)
        #expect(error?.description.hasPrefix("\(address) is reached by other machines") == true)
        #expect(throws: Never.self) { try make("t") }
    }

    @Test(arguments: [
        ("127.0.0.1", 200), ("127.0.0.1:1", 200), ("localhost", 200), ("LocalHost:8081", 200), ("localhost.:8081", 200),
        ("ferry.localhost", 200), ("[::1]:8081", 200), ("ferry.internal:8081", 200), ("evil.example", 421),
        ("evil.example:8081", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421), ("10.0.0.1", 421),
        ("[::2]", 421), ("", 421),
    ])
    func `a name that somebody else has is refused, for pages whose name was made to lead here`(
        host: String,
        status: Int
    )
        async throws
    {
        try await PrivateServer.with(additionalHosts: ["Ferry.Internal"]) { workspace async throws in
            for path in ["/livez", "/admin/v1/workspace/people"] {
                let answer = try await workspace.server.send("GET", path, headers: [("Host", host)])
                #expect(answer.status == status)
                #expect((answer.json?["meta"]?["error"] != nil) == (status == 421))
            }
        }
    }

    @Test func `health is told`() async throws {
        try await PrivateServer.with { workspace async throws in
            #expect(try await workspace.server.send("GET", "/livez").status == 200)
            #expect(try await workspace.server.send("GET", "/readyz").status == 200)
        }
        try await PrivateServer.with(isReady: { false }) { workspace async throws in
            #expect(try await workspace.server.send("GET", "/livez").status == 200)
            #expect(try await workspace.server.send("GET", "/readyz").status == 503)
        }
    }
}
