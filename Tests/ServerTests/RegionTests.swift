import AsyncHTTPClient
import LosslessJSON
import Server
import Testing

/// An account of one region that is called at the host of the other (track-api.md §1, §23).
@Suite(.timeLimit(.minutes(2))) struct `A workspace in the EU` {
    /// Declares it on a running server: it is reached by the name localhost, and by no other.
    private func withRegion(_ body: (PrivateServer, _ port: Int) async throws -> Void) async throws {
        try await PrivateServer.with { workspace async throws in
            let port = workspace.server.address.port
            let wish = #"{"siteId":"eu","apiKey":"key","region":"eu","redirectTo":"http://LOCALHOST:\#(port)/"}"#
            let type = ("Content-Type", "application/json")
            let made = try await workspace.server.post("/admin/v1/workspaces", wish, [type])
            #expect(made.status == 200, "\(made.text)")
            try await body(workspace, port)
        }
    }

    @Test func `sends who calls another host on, with the method and all of the path`() async throws {
        try await withRegion { workspace, port async throws in
            let calls = [
                ("POST", "/api/v2/entity"), ("POST", "/api/v2/batch"), ("GET", "/auth"),
                ("PUT", "/api/v1/customers/a%2Fb%20c"), ("DELETE", "/api/v1/customers/u1/devices/t"),
                ("POST", "/api/v1/segments/7/add_customers?id_type=email"), ("POST", "/api/v1/metrics"),
                ("POST", "/unsubscribe/RPILAgUBcRhIBqSfeiIwdIYJKxTY"),
            ]
            for (method, path) in calls {
                let answer = try await workspace.server.send(method, path, headers: [basic("eu:key")])
                #expect(answer.status == 307 && answer["location"] == "http://localhost:\(port)\(path)", "\(path)")
                #expect(answer.json?["meta"]?["error"]?.stringValue?.contains("localhost") == true)
            }
            let person = try await workspace.read("people/a%2Fb%20c?workspace=eu")
            #expect(person.status == 404, "nothing was carried out")
        }
    }

    @Test func `takes calls at its own host`() async throws {
        try await withRegion { workspace, port async throws in
            for (host, status) in [
                ("localhost:\(port)", 200), ("LocalHost:\(port)", 200), ("127.0.0.1:\(port)", 307), ("localhost", 307),
            ] {
                let answer = try await workspace.server.send(
                    "PUT",
                    "/api/v1/customers/u1",
                    headers: [basic("eu:key"), ("Host", host)],
                    body: .bytes(Array("{}".utf8))
                )
                #expect(answer.status == status, "\(host)")
            }
            #expect(try await workspace.read("people/u1?workspace=eu").status == 200)
        }
    }

    @Test func `tells its region at both, and leaves the others alone`() async throws {
        try await withRegion { workspace, _ async throws in
            let region = try await workspace.server.send(
                "GET",
                "/api/v1/accounts/region",
                headers: [basic("eu:key")]
            )
            #expect(region.status == 200 && region.json?["region"] == "eu")
            #expect(region.json?["url"] == "https://track-eu.customer.io")
            #expect(try await workspace.track("/api/v2/entity", `Track API of a workspace`.identify).status == 200)
            #expect(
                try await workspace.server.send("GET", "/auth", headers: [basic("eu:wrong")]).status == 401,
                "who has no key is sent nowhere"
            )
        }
    }

    @Test(arguments: [
        #""region":"eu","redirectTo":"localhost""#, #""region":"eu","redirectTo":7"#,
        #""region":"eu","redirectTo":"ftp://localhost""#, #""region":"us","redirectTo":"http://localhost""#,
        #""redirectTo":"http://localhost""#,
    ])
    func `is not declared with nonsense for a host`(members: String) async throws {
        try await PrivateServer.with { workspace async throws in
            let wish = #"{"siteId":"eu","apiKey":"key",\#(members)}"#
            let answer = try await workspace.server.post(
                "/admin/v1/workspaces",
                wish,
                [("Content-Type", "application/json")]
            )
            #expect(answer.status == 400 && answer.text.contains("redirectTo is the URL"))
        }
    }
}
