import LosslessJSON
import Testing
import TrackAPI

/// What each answer means for one item, for a metric and for several items (actions.md §5, delivery.md F14–F26).
@Suite(.timeLimit(.minutes(1))) struct `An answer` {
    struct Case: Sendable, CustomTestStringConvertible {
        let status: Int
        var body = "{}"
        var headers: [String: String] = [:]
        /// For a request of one operation, and for one of three.
        let alone: Answer.Kind
        let several: Answer.Kind
        /// What its words must hold.
        var says: [String] = []

        var testDescription: String { "\(status) \(body.prefix(60)) \(headers)" }

        /// The same for one and for several, whose body is `{}`.
        init(_ status: Int, _ kind: Answer.Kind) {
            self.init(status, alone: kind, several: kind)
        }

        /// The same for one and for several.
        init(
            _ status: Int,
            _ body: String,
            headers: [String: String] = [:],
            _ kind: Answer.Kind,
            says: [String] = []
        ) {
            self.init(status, body, headers: headers, alone: kind, several: kind, says: says)
        }

        init(
            _ status: Int,
            _ body: String = "{}",
            headers: [String: String] = [:],
            alone: Answer.Kind,
            several: Answer.Kind,
            says: [String] = []
        ) {
            self.status = status
            self.body = body
            self.headers = headers
            self.alone = alone
            self.several = several
            self.says = says
        }
    }

    static let page = "<!DOCTYPE html><html><body>Sign in</body></html>"
    static let v1 = #"{"meta":{"error":"name cannot be blank"}}"#
    static let v1Many = #"{"meta":{"errors":["name cannot be blank","event data must be a hash"]}}"#
    static let v2 = #"{"errors":[{"reason":"invalid","field":"attributes.plan","message":"too long"}]}"#

    static let good = [
        Case(200, .delivered), Case(200, "{}\n", .delivered), Case(200, "", .delivered), Case(200, " \n", .delivered),
        Case(200, #"{"anything":["goes"]}"#, .delivered), Case(201, .delivered), Case(202, "", .delivered),
        Case(204, "", .delivered),
    ]

    static let settings = [
        Case(200, page, .settings, says: ["answered 200", "a web page", "endpoint"]),
        Case(200, "ok", .settings, says: ["not a JSON object", "endpoint"]),
        Case(200, "[]", .settings), Case(200, "null", .settings), Case(200, #""{}""#, .settings),
        Case(200, "{}{}", .settings), Case(200, "{", .settings), Case(202, "accepted", .settings),
        Case(207, page, .settings), Case(207, "[]", .settings),
        Case(200, String(repeating: "[", count: 5_000), .settings),
        Case(
            401,
            #"{"meta":{"error":"Unauthorized request"}}"#,
            .settings,
            says: ["401", "Unauthorized request", "api_key"]
        ),
        Case(401, page, .settings, says: ["site_id"]), Case(401, "", .settings),
        Case(404, #"{"meta":{"error":"Not found"}}"#, .settings, says: ["404", "POST /api/v", "endpoint"]),
        Case(404, page, .settings), Case(405, .settings), Case(410, "", .settings),
        Case(
            301,
            "",
            headers: ["location": "https://track-eu.customer.io/api/v2/batch"],
            .settings,
            says: ["track-eu.customer.io", "account_region to EU"]
        ),
        Case(
            302,
            "",
            headers: ["location": "https://u:p4ssword@login.example.com:8443/in?token=s3cret"],
            .settings,
            says: ["https://login.example.com:8443"]
        ),
        Case(307, "", headers: ["location": "/elsewhere"], .settings, says: ["another path"]),
        Case(308, "", headers: ["location": "//other.example.com/x"], .settings, says: ["a redirect"]),
        Case(303, "", .settings, says: ["a redirect"]),
        Case(302, "", headers: ["location": "javascript://%0aalert(1)"], .settings, says: ["a redirect, which"]),
        Case(304, "", .settings), Case(300, "", .settings),
    ]

    static let unavailable = [
        Case(429, .unavailable),
        Case(429, #"{"meta":{"error":"slow down"}}"#, .unavailable, says: ["answered 429", "slow down"]),
        Case(503, "", headers: ["retry-after": "7"], .unavailable, says: ["answered 503"]),
    ]

    static let suspicious = [
        Case(408, "", .suspicious, says: ["answered 408"]),
        Case(408, "", headers: ["retry-after": "7"], .suspicious), Case(500, "", .suspicious),
        Case(500, "", headers: ["retry-after": "7"], .suspicious),
        Case(500, v2, .suspicious, says: ["attributes.plan: too long (invalid)"]),
        Case(502, page, .suspicious, says: ["answered 502"]), Case(503, "Service Unavailable", .suspicious),
        Case(503, "", headers: ["retry-after": "soon"], .suspicious),
        Case(522, "", .suspicious), Case(599, "[]", .suspicious),
        // What stands behind the gateway may still apply it.
        Case(504, "", .timeout), Case(524, "", .timeout),
    ]

    static let blame = [
        Case(400, v1, alone: .refused, several: .unclear, says: ["400: name cannot be blank"]),
        Case(
            400,
            v1Many,
            alone: .refused,
            several: .unclear,
            says: ["400: name cannot be blank; event data must be a hash"]
        ),
        Case(400, v2, alone: .refused, several: .unclear, says: ["400: attributes.plan: too long (invalid)"]),
        Case(400, "name cannot be blank", alone: .refused, several: .unclear, says: ["400: name cannot be blank"]),
        Case(400, "", alone: .refused, several: .unclear, says: ["400: refused without an explanation"]),
        Case(400, page, alone: .refused, several: .unclear, says: ["400: refused without an explanation"]),
        Case(
            400,
            #"{"errors":[{},{"field":"x"},7,{"reason":"required"}]}"#,
            alone: .refused,
            several: .unclear,
            says: ["400: x; required"]
        ),
        Case(400, #"{"errors":"no","meta":[1]}"#, alone: .refused, several: .unclear),
        Case(413, page, alone: .refused, several: .unclear, says: ["413"]),
        Case(422, v2, alone: .refused, several: .unclear), Case(402, alone: .refused, several: .unclear),
        Case(409, alone: .refused, several: .unclear), Case(418, alone: .refused, several: .unclear),
        Case(451, "", alone: .refused, several: .unclear),
        Case(207, "", alone: .refused, several: .unclear), Case(207, alone: .refused, several: .unclear),
        Case(207, #"{"errors":[]}"#, alone: .refused, several: .unclear),
        Case(207, v2, alone: .refused, several: .unclear, says: ["400: attributes.plan: too long (invalid)"]),
        Case(207, #"{"errors":[{"batch_index":3,"message":"x"}]}"#, alone: .refused, several: .unclear),
        Case(207, #"{"errors":[{"batch_index":-1}]}"#, alone: .refused, several: .unclear),
        Case(207, #"{"errors":[{"batch_index":"1"}]}"#, alone: .refused, several: .unclear),
        Case(207, #"{"errors":[{"batch_index":0.5}]}"#, alone: .refused, several: .unclear),
        Case(207, #"{"errors":[{"batch_index":1e400}]}"#, alone: .refused, several: .unclear),
        Case(207, #"{"errors":[{"batch_index":99999999999999999999}]}"#, alone: .refused, several: .unclear),
        // One entry that names nobody, or nobody who was there: some unnamed item may be bad.
        Case(207, #"{"errors":[{"batch_index":0},{"message":"x"}]}"#, alone: .refused, several: .unclear),
        Case(207, #"{"errors":[{"batch_index":0},{"batch_index":7}]}"#, alone: .refused, several: .unclear),
        Case(400, #"{"errors":[{"batch_index":0},{"batch_index":7}]}"#, alone: .refused, several: .unclear),
    ]

    @Test(arguments: good + settings + unavailable + suspicious + blame)
    func `is believed as far as it can be`(_ test: Case) async throws {
        let three: [TrackAPI.Operation] = [.event("a"), .event("b"), .event("c")]
        for (operations, kind) in [([three[0]], test.alone), ([.metric], test.alone), (three, test.several)] {
            let exchange = try await StubServer.run({ _ in
                .status(test.status, test.body, headers: test.headers)
            }) { try await $0.client($1).exchange(operations) }
            let answer = exchange.answer
            #expect(answer.kind == kind, "\(answer)")
            #expect(exchange.status == test.status)
            #expect(exchange.words == (kind == .delivered ? nil : answer.words))
            if case .settled(let outcomes) = answer { #expect(outcomes.count == operations.count) }
            for words in test.says { #expect(answer.words.contains(words), "\(answer.words)") }
            for secret in ["p4ssword", "s3cret"] { #expect(!answer.words.contains(secret)) }
        }
    }

    @Test(arguments: [
        (
            #"[{"batch_index":1,"field":"name","message":"is required","reason":"required"}]"#,
            [1: "name: is required (required)"]
        ),
        (#"[{"batch_index":0}]"#, [0: "refused without an explanation"]),
        (#"[{"batch_index":2,"message":"a"},{"batch_index":2,"message":"b"}]"#, [2: "a; b"]),
        (#"[{"batch_index":2,"message":"c"},{"batch_index":0,"message":"a"}]"#, [0: "a", 2: "c"]),
        (
            #"[{"batch_index":0,"reason":"x"},{"batch_index":1,"reason":"x"},{"batch_index":2,"reason":"x"}]"#,
            [0: "x", 1: "x", 2: "x"]
        ),
        (#"[{"batch_index":1.0,"message":"a"}]"#, [1: "a"]),
    ])
    func `that names items by index settles them and no other`(errors: String, refused: [Int: String]) async throws {
        for (status, others) in [(207, ItemOutcome.delivered), (400, .untried), (422, .untried)] {
            let answer = try await StubServer.answer(to: [.event("a"), .event("b"), .event("c")]) { _ in
                .status(status, #"{"errors":\#(errors)}"#)
            }
            // What a 207 refuses of several is told as a 400 tells it of one alone.
            let told = status == 207 ? 400 : status
            #expect(Exchange(status: status, answer: answer, workspace: nil).words?.hasPrefix("\(told): ") == true)
            #expect(answer == .settled((0..<3).map { refused[$0].map { .refused("\(told): \($0)") } ?? others }))
        }
    }

    // MARK: - Retry-After

    @Test(
        arguments: [
            ("7", Duration.seconds(7)), (" 7 ", .seconds(7)), ("007", .seconds(7)), ("0", .seconds(1)),
            ("-5", .seconds(1)),
            ("3600", .seconds(3_600)), ("3601", .seconds(3_600)), ("99999999999999999999999999", .seconds(3_600)),
            ("-99999999999999999999999999", .seconds(1)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", .seconds(30)), ("Tuesday, 14-Nov-23 22:13:50 GMT", .seconds(30)),
            ("Tue Nov 14 22:13:50 2023", .seconds(30)), ("Sun, 06 Nov 1994 08:49:37 GMT", .seconds(1)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", .seconds(3_600)),
            ("", nil), ("soon", nil), ("1.5", nil), ("7s", nil), ("+7", nil), ("٣", nil), ("0x10", nil),
            ("Tue, 14 Nov 2023", nil), ("Tue, 14 Nov 2023 25:00:00 GMT", nil), ("Tue, 14 Foo 2023 22:13:50 GMT", nil),
            ("Tue, 14 Nov 2023 22:13:50 CET", nil), ("Tue, 99 Nov 2023 22:13:50 GMT", nil), ("-", nil),
        ] as [(String, Duration?)]
    )
    func `429 is waited out as Retry-After says, between a second and an hour`(text: String, wait: Duration?)
        async throws
    {
        for status in [408, 429, 503] {
            let answer = try await StubServer.answer(to: [.event("a")]) { _ in
                .status(status, "", headers: ["retry-after": text])
            }
            #expect(answer.retryAfter == wait, "\(status) \(text)")
        }
    }

    @Test func `a Retry-After date counts from the answer's own Date`() async throws {
        let headers = ["date": "Thu, 29 Feb 2024 23:59:50 GMT", "retry-after": "Fri, 01 Mar 2024 00:00:10 GMT"]
        let answer = try await StubServer.answer(to: [.event("a")]) { _ in .status(503, "", headers: headers) }
        #expect(answer.retryAfter == .seconds(20))
    }

    @Test func `without Retry-After there is no wait but the caller's own`() async throws {
        #expect(try await StubServer.answer(to: [.event("a")]) { _ in .status(429) }.retryAfter == nil)
    }

    // MARK: - 403

    @Test(arguments: [
        (200, #"{"region":"us"}"#, Answer.Kind.refused, Answer.Kind.unclear),
        (200, "{}", .refused, .unclear),
        (401, "", .settings, .settings),
        (403, "", .settings, .settings),
        (503, "", .suspicious, .suspicious),
        (404, "", .settings, .settings),
        (200, page, .settings, .settings),
    ])
    func `403 is the credentials' fault only when the region call is refused too`(
        status: Int,
        body: String,
        alone: Answer.Kind,
        several: Answer.Kind
    ) async throws {
        for (operations, kind) in [([TrackAPI.Operation.event("a")], alone), ([.event("a"), .event("b")], several)] {
            try await StubServer.run({ request in
                request.method == "GET" ? .status(status, body) : .status(403, "blocked by rule 7")
            }) { server, http in
                let answer = try await server.client(http).send(operations)
                #expect(answer.kind == kind, "\(answer)")
                if kind == .refused { #expect(answer.words == "403: blocked by rule 7") }
                #expect(server.requests.map(\.method) == ["POST", "GET"])
                #expect(server.requests.last?.path == "/api/v1/accounts/region")
            }
        }
    }

    @Test func `403 that names items by index settles them when the credentials are good`() async throws {
        let answer = try await StubServer.answer(to: [.event("a"), .event("b")]) { request in
            request.method == "GET" ? .status(200) : .status(403, #"{"errors":[{"batch_index":1,"message":"no"}]}"#)
        }
        #expect(answer == .settled([.untried, .refused("403: no")]))
    }

    @Test func `no other answer asks for the region`() async throws {
        for status in [200, 207, 400, 401, 404, 429, 500] {
            try await StubServer.run({ _ in .status(status) }) { server, http in
                _ = try await server.client(http).send([.event("a")])
                #expect(server.requests.count == 1)
            }
        }
    }
}
