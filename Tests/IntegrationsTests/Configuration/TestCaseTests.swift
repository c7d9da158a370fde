import Integrations
import LosslessJSON
import Testing

/// Tests that a configuration brings along.
@Suite struct `Tests of a configuration` {
    private func run(_ test: String, actions: String = "{}") throws -> Configuration.TestCase.Outcome {
        let configuration = try Configuration(
            parsing: """
                sources: { web: { write_key: a } }
                integrations:
                  p: { type: customerio, sources: [web], settings: { endpoint: workspace }, actions: \(actions) }
                tests:
                  - \(test)
                """,
            file: "ferry.yaml"
        )
        return try #require(configuration.tests.first).run(in: configuration)
    }

    private func failure(_ outcome: Configuration.TestCase.Outcome) -> [[String]]? {
        if case .failed(let expected, let actual) = outcome { [expected, actual] } else { nil }
    }

    private func passes(_ test: String, actions: String = "{}") throws -> Bool {
        if case .passed = try run(test, actions: actions) { true } else { false }
    }

    private static let event = "event: { type: track, event: X, userId: u1 }"
    private static let body = "{ type: person, action: event, identifiers: { id: u1 }, name: X, attributes: {} }"

    private static let turned = "{ attributes: {}, name: X, identifiers: { id: u1 }, action: event, type: person }"

    @Test(arguments: [
        "[{ action: track-event }]", "[{ action: track-event, path: /api/v2/entity }]",
        "[{ action: track-event, body: \(body) }]", "[{ action: track-event, path: /api/v2/entity, body: \(body) }]",
        "[{ action: track-event, body: \(turned) }]",
    ])
    func `pass when the operations are as expected, whatever the order of keys`(expectations: String) throws {
        #expect(try passes("{ \(Self.event), expect: \(expectations) }"))
    }

    @Test(arguments: [
        "[]", "[{ action: track-page-view }]", "[{ action: track-event }, { action: track-event }]",
        "[{ action: track-event, path: /api/v1/metrics }]", "[{ action: track-event, body: { name: X } }]",
        "[{ action: track-event, ignored: no identifier }]",
    ])
    func `fail when an operation is missing, too much or otherwise`(expectations: String) throws {
        #expect(failure(try run("{ \(Self.event), expect: \(expectations) }")) != nil)
    }

    @Test func `compare numbers by value and texts by their bytes`() throws {
        let event = "event: { type: track, event: caf\u{E9}, userId: u1, properties: { n: 1.0 } }"
        func body(_ name: String) -> String {
            "{ type: person, action: event, identifiers: { id: u1 }, name: \(name), attributes: { n: 1 } }"
        }
        #expect(try passes("{ \(event), expect: [{ action: track-event, body: \(body("caf\u{E9}")) }] }"))
        #expect(try !passes("{ \(event), expect: [{ action: track-event, body: \(body("cafe\u{301}")) }] }"))
    }

    @Test func `a failure shows what was expected and what came, with the parts that are spoken of`() throws {
        let outcome = try run(
            "{ \(Self.event), expect: [{ action: track-event, body: { type: person } }, { action: delete-person }] }"
        )
        #expect(
            failure(outcome) == [
                [#"track-event {"type":"person"}"#, "delete-person"],
                [
                    #"track-event {"type":"person","action":"event","identifiers":{"id":"u1"},"#
                        + #""name":"X","attributes":{}}"#
                ],
            ]
        )
        #expect(
            failure(try run("{ \(Self.event), expect: [{ action: track-event, path: /x }] }"))
                == [["track-event /x"], ["track-event /api/v2/entity"]]
        )
    }

    @Test func `ignored actions can be expected, with their reason`() throws {
        let event = "event: { type: track, event: Application Opened, anonymousId: a1 }"
        let sent = "{ action: track-event }"
        #expect(try passes("{ \(event), expect: [\(sent)] }"))
        #expect(
            try passes("{ \(event), expect: [\(sent), { action: create-or-update-device, ignored: no identifier }] }")
        )
        #expect(
            failure(
                try run(
                    "{ \(event), expect: [{ action: create-or-update-device, ignored: token is missing }, \(sent)] }"
                )
            ) == [
                ["track-event", "create-or-update-device: ignored, token is missing"],
                ["track-event", "create-or-update-device: ignored, no identifier"],
            ]
        )
    }

    @Test func `several operations are expected in the order in which they go out`() throws {
        let event = "event: { type: track, event: Application Opened, userId: u1, properties: { token: t } }"
        #expect(try passes("{ \(event), expect: [{ action: create-or-update-device }, { action: track-event }] }"))
        #expect(try !passes("{ \(event), expect: [{ action: track-event }, { action: create-or-update-device }] }"))
    }

    @Test func `an event that is no valid message is told`() throws {
        guard case .invalid(let message) = try run("{ event: { type: track, userId: u1 }, expect: [] }") else {
            Issue.record("the test ran")
            return
        }
        #expect(message.contains("event"))
    }

    @Test func `the event comes from the integration's first source, and nothing is made up`() throws {
        let id = ReferenceULID.text(milliseconds: 0, "web", "m1", "track", "X", "track-event")
        let event = "{ type: track, event: X, userId: u1, messageId: m1, timestamp: 1970-01-01 }"
        let body = """
            { type: person, action: event, identifiers: { id: u1 }, name: X, id: \(id), timestamp: 0, attributes: {} }
            """
        #expect(try passes("{ event: \(event), expect: [{ action: track-event, body: \(body) }] }"))
    }

    @Test func `see the configuration's actions`() throws {
        let actions = "{ delete-person: { trigger: event = 'X' } }"
        let handled = "{ action: track-event, ignored: handled by delete-person }"
        #expect(
            try passes(
                "{ \(Self.event), expect: [{ action: delete-person }, \(handled)] }",
                actions: actions
            )
        )
    }

    @Test(arguments: [
        ("- { event: {} }", "3:3: a test needs an `event` and what to `expect`"),
        ("- { expect: [] }", "3:3: a test needs an `event` and what to `expect`"),
        ("- { event: {}, expect: {} }", "3:24: `expect` must be a list, not a mapping"),
        ("- { event: {}, expect: [{}] }", "3:25: an expectation needs an `action`"),
        ("- { event: {}, expect: [], integraton: p }", "3:28: unknown key `integraton`; did you mean `integration`?"),
        ("- { event: {}, expect: [], integration: q }", "3:41: unknown integration `q`; did you mean `p`?"),
        ("- { event: {}, expect: [{ action: a, bdy: {} }] }", "3:38: unknown key `bdy`; did you mean `body`?"),
        ("- { event: {}, expect: [], name: [] }", "3:34: `name` must be a text, not a list"),
        ("- 5", "3:3: a test must be a mapping (key: value), not a single value"),
    ])
    func `that are written wrongly are told with their place`(test: String, problem: String) {
        let text = "integrations: { p: { type: customerio, settings: { endpoint: workspace } } }\ntests:\n" + test
        #expect(problems(text).first == problem, "\(problems(text))")
    }

    @Test func `name their integration where there are several`() throws {
        let integrations = """
            integrations:
              a: { type: customerio, settings: { endpoint: workspace } }
              b: { type: customerio, settings: { endpoint: workspace } }
            tests:

            """
        #expect(
            problems(integrations + "  - { event: {}, expect: [] }")
                == ["5:5: the test does not say which `integration` it is for"]
        )
        let configuration = try Configuration(
            parsing: integrations + "  - { integration: b, event: {}, expect: [] }",
            file: "ferry.yaml"
        )
        #expect(configuration.tests.first?.integration == "b")
        #expect(configuration.tests.first?.name == "line 5")
    }
}
