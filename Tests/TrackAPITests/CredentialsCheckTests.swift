import AsyncHTTPClient
import Logging
import Testing
import TrackAPI

/// Whether credentials are good where the operations will go (actions.md §1, track-api.md §9.1).
@Suite(.timeLimit(.minutes(1))) struct `A check of the credentials` {
    private func check(_ status: Int, _ body: String, headers: [String: String] = [:]) async throws -> CredentialsCheck
    {
        try await StubServer.run({ _ in .status(status, body, headers: headers) }) { server, http in
            let result = try await server.client(http).checkCredentials()
            let request = try #require(server.requests.first)
            #expect(server.requests.count == 1)
            #expect(request.method == "GET" && request.path == "/api/v1/accounts/region" && request.body.isEmpty)
            #expect(request.headers["authorization"] == ["Basic \(Credentials.token)"])
            return result
        }
    }

    @Test(
        arguments: [
            (#"{"url":"https://track.customer.io","data_center":"us","region":"us","environment_id":3}"#, "US", "3"),
            (#"{"data_center":"eu","environment_id":12345678901234567890}"#, "EU", "12345678901234567890"),
            (#"{"region":"EU","environment_id":"7"}"#, "EU", "7"),
            (#"{"region":7,"environment_id":null}"#, nil, nil),
            ("{}", nil, nil),
        ] as [(String, String?, String?)]
    )
    func `tells region and workspace of good ones`(body: String, region: String?, environment: String?) async throws {
        #expect(try await check(200, body) == .valid(region: region, environment: environment, note: nil))
    }

    @Test(
        arguments: [
            ("track.customer.io", "us", nil),
            ("track-eu.customer.io", "eu", nil),
            ("track.customer.io", "eu", "the account's region is EU, but account_region is US: set it to EU"),
            ("track-eu.customer.io", "us", "the account's region is US, but account_region is EU: set it to US"),
            ("track.customer.io", "moon", nil),
            ("cio.example.com", "eu", nil),
        ] as [(String, String, String?)]
    )
    func `notes an account in another region than the endpoint's`(
        host: String,
        region: String,
        note: String?
    ) async throws {
        var configuration = TrackClient.httpConfiguration
        configuration.dnsOverride = [host: "127.0.0.1"]
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result = try await StubServer.run({ _ in .status(200, #"{"region":"\#(region)"}"#) }) { server, _ in
            await TrackClient(
                httpClient: http,
                endpoint: try Endpoint("http://\(host):\(server.port)"),
                credentials: .sample,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                network: .ofThisMachine
            ).checkCredentials()
        }
        try await http.shutdown()
        #expect(result == .valid(region: region.uppercased(), environment: nil, note: note))
    }

    @Test(arguments: [401, 403])
    func `is refused for bad ones and says which settings to look at`(status: Int) async throws {
        let result = try await check(status, #"{"meta":{"error":"Unauthorized request"}}"#)
        guard case .refused(let words) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(words.contains("Unauthorized request") && words.contains("site_id") && words.contains("api_key"))
    }

    @Test(arguments: [408, 429, 500, 503])
    func `knows nothing when the answer is later`(status: Int) async throws {
        let result = try await check(status, "busy")
        guard case .unreachable(let words) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(words.contains("\(status): busy"))
    }

    @Test(arguments: [
        (200, "<html>"), (200, ""), (200, "[]"), (204, ""), (404, ""), (405, ""), (410, ""), (400, ""), (301, ""),
    ])
    func `says that an address is no Track API`(status: Int, body: String) async throws {
        let result = try await check(status, body)
        guard case .unexpected(let words) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(words.contains("answered \(status)"))
    }
}
