import Events
import Integrations
import LosslessJSON
import Testing
import TrackAPI
import Triggers

/// The sample of the design, as it stands there.
@Suite struct `The design's sample` {
    private static let text = """
        # ferry.yaml
        listen: { public: 127.0.0.1:8080, private: 127.0.0.1:8081 }   # port 0: any free one
        data: ./ferry-data                     # a folder (SQLite), `memory`, or a postgresql:// URL
        retention: { days: 7, size: 20GB }
        sources:
          web:     { write_key: env:WEB_WRITE_KEY }
          backend: { write_key: env:BACKEND_WRITE_KEY }
        integrations:
          production:
            type: customerio
            sources: [web, backend]
            settings: { site_id: env:CIO_SITE_ID, api_key: env:CIO_API_KEY, account_region: EU }
            rate_limit: 100                    # requests a second
            actions:
              delete-person:
                trigger: event = "Account Closed"
              track-event:
                convert_timestamps: false
              signups:                         # an action of one's own, made from a definition
                uses: track-event
                trigger: type = "track" and event = "Signed Up"
                mapping: { name: signup, attributes: $.properties }
        tests:
          - name: closing an account deletes the person
            integration: production
            event: { type: track, event: Account Closed, userId: u1 }
            expect:
              - { action: delete-person, body: { type: person, action: delete, identifiers: { id: u1 } } }
        """

    private let configuration: Configuration
    private let production: Integration

    init() throws {
        configuration = try Configuration(parsing: Self.text, file: "ferry.yaml")
        production = try #require(configuration.integrations.first)
    }

    @Test func `says where to listen, where data goes and how long it stays`() {
        #expect(configuration.publicAddress == .init(host: "127.0.0.1", port: 8080))
        #expect(configuration.privateAddress == .init(host: "127.0.0.1", port: 8081))
        #expect(configuration.data == .folder("./ferry-data"))
        #expect(configuration.retention.days == 7)
        #expect(configuration.retention.bytes == 20_000_000_000)
        #expect(!configuration.retention.dropUnsettled)
        #expect(configuration.adminToken == nil)
    }

    @Test func `names two sources, whose keys come from the environment`() {
        #expect(
            configuration.sources == [
                .init(name: "web", writeKey: .environment("WEB_WRITE_KEY")),
                .init(name: "backend", writeKey: .environment("BACKEND_WRITE_KEY")),
            ]
        )
        #expect(configuration.sources.map(\.isEnabled) == [true, true])
    }

    @Test func `describes one integration`() {
        #expect(configuration.integrations.map(\.name) == ["production"])
        #expect(production.sources == .only(["web", "backend"]))
        #expect(production.settings.siteId == .environment("CIO_SITE_ID"))
        #expect(production.settings.apiKey == .environment("CIO_API_KEY"))
        #expect(production.settings.destination == .region(.EU))
        #expect(production.settings.rateLimit == 100)
    }

    @Test func `changes two actions and adds one behind the fifteen`() throws {
        #expect(production.actions.map(\.name) == ActionDefinition.catalog.map(\.name) + ["signups"])
        for action in production.actions {
            let changed = ["delete-person", "signups"].contains(action.name)
            #expect(action.hasDefaultTrigger == !changed, "\(action.name)")
            #expect(action.options.convertTimestamps == (action.name != "track-event"), "\(action.name)")
            #expect(action.isEnabled && action.options.enableBatching && action.options.batchSize == 50)
        }
        let signups = try #require(production.actions.last)
        #expect(signups.definition.name == "track-event")
        #expect(signups.trigger.source == #"type = "track" and event = "Signed Up""#)
    }

    @Test func `sends a signup twice, once as itself and once as signup`() throws {
        let outcome = Outcome(
            production.plan(
                try event(
                    #"{"type":"track","event":"Signed Up","userId":"u1","properties":{"at":"2024-02-29T12:34:56Z"}}"#
                )
            )
        )
        let expected = [
            try sends(
                "track-event",
                #"""
                {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"Signed Up",
                "attributes":{"at":"2024-02-29T12:34:56Z"}}
                """#
            ),
            try sends(
                "signups",
                #"""
                {"type":"person","action":"event","identifiers":{"id":"u1"},"name":"signup",
                "attributes":{"at":1709210096}}
                """#
            ),
        ]
        #expect(outcome == Outcome(operations: expected))
    }

    @Test func `deletes a person who closes the account, and sends no event then`() throws {
        let outcome = Outcome(
            production.plan(try event(#"{"type":"track","event":"Account Closed","userId":"u1"}"#))
        )
        let expected = try sends("delete-person", #"{"type":"person","action":"delete","identifiers":{"id":"u1"}}"#)
        #expect(outcome == Outcome(operations: [expected], ignored: ["track-event: handled by delete-person"]))
    }

    @Test func `brings a test that passes`() throws {
        let test = try #require(configuration.tests.first)
        #expect(configuration.tests.count == 1)
        #expect(test.name == "closing an account deletes the person")
        #expect(test.line == 24)
        guard case .passed = test.run(in: configuration) else {
            Issue.record("\(test.run(in: configuration))")
            return
        }
    }
}
