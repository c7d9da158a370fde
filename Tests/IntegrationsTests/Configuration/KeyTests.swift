import Integrations
import LosslessJSON
import Testing
import TrackAPI
import Triggers

/// Every key of the file, and what holds without it.
@Suite struct `Keys of the configuration` {
    private func parse(_ text: String) throws -> Configuration {
        try Configuration(parsing: text, file: "ferry.yaml")
    }

    private func settings(_ settings: String) throws -> Integration.Settings {
        let text = "integrations: { p: { type: customerio, settings: \(settings) } }"
        return try #require(try parse(text).integrations.first).settings
    }

    @Test(arguments: ["", "\n", "# only a comment\n", "---\n", "---\n...\n", "{}", "\u{FEFF}"])
    func `an empty file is the defaults`(text: String) throws {
        let configuration = try parse(text)
        #expect(configuration.publicAddress.description == "127.0.0.1:8080")
        #expect(configuration.privateAddress.description == "127.0.0.1:8081")
        #expect(configuration.data == .folder("./ferry-data"))
        #expect(configuration.retention == Configuration.Retention())
        #expect(configuration.retention.days == 7)
        #expect(configuration.retention.bytes == 20_000_000_000)
        #expect(configuration.adminToken == nil)
        #expect(configuration.sources.isEmpty)
        #expect(configuration.integrations.isEmpty)
        #expect(configuration.tests.isEmpty)
    }

    @Test(arguments: [
        ("0.0.0.0:0", "0.0.0.0", 0), ("localhost:65535", "localhost", 65_535), ("'[::1]:8080'", "::1", 8080),
        ("ferry.internal:80", "ferry.internal", 80),
    ])
    func `listen takes a host and a port`(text: String, host: String, port: Int) throws {
        let configuration = try parse("listen: { public: \(text) }")
        #expect(configuration.publicAddress == .init(host: host, port: port))
        #expect(configuration.privateAddress.port == 8081)
        #expect(try parse("listen: { private: \(text) }").privateAddress == .init(host: host, port: port))
    }

    @Test(arguments: ["localhost", ":8080", "a:b", "a:-1", "a:+80", "a:65536", "a:", "99999999999999999999", "a:1e3"])
    func `listen refuses what is no address`(text: String) {
        #expect(
            problems("listen: { public: '\(text)' }")
                == ["1:19: `\(text)` is not an address; write HOST:PORT, for example 127.0.0.1:8080"]
        )
    }

    @Test func `the private listener speaks TLS with a certificate of somebody's or of its own`() throws {
        #expect(try parse("listen: {}").privateTLS == nil)
        #expect(try parse("listen: { private_tls: self-signed }").privateTLS == .selfSigned)
        let files = try parse("listen: { private_tls: { certificate: /a.pem, key: b.pem } }").privateTLS
        #expect(files == .files(certificate: "/a.pem", key: "b.pem"))
    }

    @Test(arguments: [
        (
            "true",
            "1:24: `private_tls` is neither a certificate nor a wish for one; write self-signed, or { certificate: FILE, key: FILE }"
        ),
        (
            "[]",
            "1:24: `private_tls` is neither a certificate nor a wish for one; write self-signed, or { certificate: FILE, key: FILE }"
        ),
        ("{ certificate: a }", "1:24: `private_tls` has no `key`; add `key: FILE`, in PEM"),
        ("{ certificate: a, key: b, keys: c }", "1:50: unknown key `keys`; did you mean `key`?"),
        ("{ certificate: [], key: b }", "1:39: `certificate` must be a text, not a list"),
    ])
    func `private_tls refuses what is neither`(text: String, problem: String) {
        #expect(problems("listen: { private_tls: \(text) }") == [problem])
    }

    @Test func `addresses show an IPv6 host in brackets`() {
        #expect(Configuration.Address(host: "::1", port: 80).description == "[::1]:80")
        #expect(Configuration.Address("[::1]:80") == .init(host: "::1", port: 80))
    }

    @Test func `data is a folder or memory`() throws {
        #expect(try parse("data: memory").data == .memory)
        #expect(try parse("data: /var/lib/ferry").data == .folder("/var/lib/ferry"))
    }

    @Test(arguments: ["postgresql://u:p@db/ferry", "postgres://db/ferry", "env:FERRY_DATABASE_URL", "file:/run/url"])
    func `data is a database by its URL, which is not shown, beside a folder of the machine`(url: String) throws {
        let configuration = try parse("data: \(url)\nfolder: /var/lib/ferry")
        #expect(configuration.data == .database(SecretReference(url)))
        #expect(configuration.folder == "/var/lib/ferry")
        #expect(!"\(configuration.data)".contains("u:p"))
    }

    @Test(
        arguments: [
            ("1", 1), ("500B", 500), ("2KB", 2_000), ("3MB", 3_000_000), ("20GB", 20_000_000_000),
            ("20 GB", 20_000_000_000),
            ("20gb", 20_000_000_000), ("1TB", 1_000_000_000_000),
        ] as [(String, Int64)]
    )
    func `retention takes a size with a unit`(text: String, bytes: Int64) throws {
        #expect(try parse("retention: { size: \(text) }").retention.bytes == bytes)
    }

    @Test(arguments: ["0", "-1", "1.5GB", "20XB", "GB", "99999999999TB", "20 G B"])
    func `retention refuses what is no size`(text: String) {
        #expect(
            problems("retention: { size: '\(text)' }")
                == ["1:20: `\(text)` is not a size; write a number with KB, MB, GB or TB: 20GB"]
        )
    }

    @Test func `spool is on or off, and has a size`() throws {
        #expect(try parse("").spool == Configuration.Spool())
        let spool = try parse("spool: true\nspool_size: 250MB").spool
        #expect(spool.isOn && spool.bytes == 250_000_000)
        #expect(problems("spool: yes please") == ["1:8: `spool` must be true or false"])
        #expect(problems("spool_size: 1MB") == ["1:13: `spool_size` must be 10MB or more"])
        #expect(
            problems("spool_size: much")
                == ["1:13: `much` is not a size; write a number with KB, MB, GB or TB: 20GB"]
        )
    }

    @Test func `retention takes days and whether unsettled events may go`() throws {
        let retention = try parse("retention: { days: 3650, drop_unsettled: true }").retention
        #expect(retention.days == 3650)
        #expect(retention.dropUnsettled)
        #expect(problems("retention: { days: 0 }") == ["1:20: `days` must be a whole number from 1 to 3650"])
        #expect(problems("retention: { days: 1.5 }") == ["1:20: `days` must be a whole number from 1 to 3650"])
        #expect(problems("retention: { drop_unsettled: yes }") == ["1:30: `drop_unsettled` must be true or false"])
    }

    @Test func `limits take sizes and a number of messages`() throws {
        let defaults = try parse("").limits
        #expect((defaults.bodyBytes, defaults.messageBytes, defaults.batchMessages) == (4 << 20, 64 << 10, 2_500))
        let limits = try parse("limits: { body_size: 32MB, message_size: 32KB, batch_messages: 10000 }").limits
        #expect((limits.bodyBytes, limits.messageBytes, limits.batchMessages) == (32_000_000, 32_000, 10_000))
        #expect(problems("limits: { body_size: 33MB }") == ["1:22: `body_size` must be from 100KB to 32MB"])
        #expect(problems("limits: { body_size: 1KB }") == ["1:22: `body_size` must be from 100KB to 32MB"])
        #expect(problems("limits: { message_size: 2MB }") == ["1:25: `message_size` must be from 32KB to 1MB"])
        #expect(
            problems("limits: { batch_messages: 0 }")
                == ["1:27: `batch_messages` must be a whole number from 1 to 10000"]
        )
        #expect(problems("limits: { body: 1MB }").first?.hasPrefix("1:11: unknown key `body`") == true)
    }

    @Test func `log takes a format and how long a statement may take`() throws {
        #expect(try parse("").log == Configuration.Log())
        let log = try parse("log: { format: json, slow_statement_ms: 250 }").log
        #expect(log.format == .json && log.slowStatementMilliseconds == 250)
        #expect(problems("log: { format: xml }") == ["1:16: `xml` is no format of the log; write text or json"])
        #expect(
            problems("log: { slow_statement_ms: 0 }")
                == ["1:27: `slow_statement_ms` must be a whole number from 1 to 3600000"]
        )
    }

    @Test func `admin_token is a secret`() throws {
        #expect(try parse("admin_token: env:TOKEN").adminToken == .environment("TOKEN"))
        #expect(try parse("admin_token: file:/run/token").adminToken == .file("/run/token"))
        #expect(try parse("admin_token: t0psecret").adminToken == .literal("t0psecret"))
    }

    @Test func `a source has a write key and can be switched off`() throws {
        let sources = try parse(
            """
            sources:
              web: { write_key: 12345 }
              old: { write_key: file:old.key, enabled: false }
            """
        ).sources
        #expect(
            sources == [
                .init(name: "web", writeKey: .literal("12345")),
                .init(name: "old", writeKey: .file("old.key"), isEnabled: false),
            ]
        )
    }

    @Test func `a source keeps its old key for as long as it stands in the file`() throws {
        let source = try #require(
            parse("sources: { web: { write_key: env:NEW, old_write_key: file:old.key } }").sources.first
        )
        #expect(source.writeKeys == [.environment("NEW"), .file("old.key")])
        #expect(source.writeKey == .environment("NEW"))
    }

    @Test(arguments: ["write_key: a, old_write_key: b", "write_key: b, old_write_key: a"])
    func `a key that another source has had is refused`(keys: String) {
        #expect(
            problems("sources: { old: { write_key: x, old_write_key: a }, web: { \(keys) } }")
                == ["1:53: the sources `old` and `web` have the same write key"]
        )
    }

    @Test func `an integration without sources takes all, with an empty list none`() throws {
        let text = """
            sources: { web: { write_key: a } }
            integrations:
              a: { type: customerio, settings: { endpoint: workspace } }
              b: { type: customerio, settings: { endpoint: workspace }, sources: [] }
              c: { type: customerio, settings: { endpoint: workspace }, sources: [web] }
            """
        #expect(try parse(text).integrations.map(\.sources) == [.all, .only([]), .only(["web"])])
    }

    @Test func `sources may stand behind the integrations that name them`() throws {
        let text = """
            integrations: { a: { type: customerio, settings: { endpoint: workspace }, sources: [web] } }
            sources: { web: { write_key: a } }
            """
        #expect(try parse(text).integrations.first?.sources == .only(["web"]))
    }

    @Test func `integrations keep the order of the file`() throws {
        let names = ["zeta", "alpha", "mid"]
        let text =
            "integrations:\n"
            + names.map { "  \($0): { type: customerio, settings: { endpoint: workspace } }" }.joined(separator: "\n")
        #expect(try parse(text).integrations.map(\.name) == names)
    }

    @Test func `settings hold the credentials and the region, US by default`() throws {
        let us = try settings("{ site_id: env:A, api_key: file:B }")
        #expect(us.siteId == .environment("A"))
        #expect(us.apiKey == .file("B"))
        #expect(us.destination == .region(.US))
        #expect(us.rateLimit == nil)
        #expect(try settings("{ site_id: a, api_key: b, account_region: EU }").destination == .region(.EU))
        #expect(try settings("{ site_id: a, api_key: b, account_region: US }").destination == .region(.US))
    }

    @Test func `an endpoint wins over the region, wherever it stands`() throws {
        let endpoint = try Endpoint("http://localhost:9/x")
        let settings = [
            "{ site_id: a, api_key: b, endpoint: 'http://localhost:9/x/api/v2/', account_region: EU }",
            "{ site_id: a, api_key: b, account_region: EU, endpoint: 'http://localhost:9/x' }",
        ]
        for text in settings { #expect(try self.settings(text).destination == .endpoint(endpoint)) }
    }

    @Test func `endpoint workspace is the embedded one, which needs no credentials`() throws {
        let settings = try settings("{ endpoint: workspace }")
        #expect(settings.destination == .workspace)
        #expect(settings.siteId == nil)
        #expect(settings.apiKey == nil)
    }

    @Test func `every option of an action can be set`() throws {
        let integration = try configured(
            """
                  track-event:
                    enabled: false
                    trigger: type = "track"
                    convert_timestamps: false
                    enable_batching: false
                    batch_size: 2
                    mapping: { name: "{{event}}!" }
            """
        )
        let action = try #require(integration.actions.first { $0.name == "track-event" })
        #expect(!action.isEnabled)
        #expect(!action.hasDefaultTrigger)
        #expect(action.trigger.source == #"type = "track""#)
        #expect(!action.options.convertTimestamps)
        #expect(!action.options.enableBatching)
        #expect(action.options.batchSize == 2)
    }

    @Test(arguments: ["", "null", "~", "{}"])
    func `actions that are empty are the defaults`(actions: String) throws {
        let text = """
            integrations: { p: { type: customerio, settings: { endpoint: workspace }, actions: \(actions) } }
            """
        let integration = try #require(try parse(text).integrations.first)
        #expect(integration.actions.count == 15)
    }

    @Test func `mappings are read in their short and their long form`() throws {
        let integration = try configured(
            """
                  track-event:
                    mapping:
                      name: "{{event}} / {{properties.n}}"
                      person_id: $.properties.who
                      email: ~
                      timestamp: { "@path": "$.properties.when" }
                      attributes:
                        n: $.properties.n
                        list: [$.properties.who, 1.10, true, null, yes, 007]
                        when: 2024-02-29
                        literal: { "@literal": "$.x" }
            """
        )
        let message = #"""
            {"type":"track","event":"X","userId":"u1","email":"e@x.co",
            "properties":{"n":1.50,"who":"w","when":1709210096}}
            """#
        let expected = try sends(
            "track-event",
            #"""
            {"type":"person","action":"event","identifiers":{"id":"w"},"name":"X / 1.50","timestamp":1709210096,
            "attributes":{"n":1.50,"list":["w",1.10,true,null,"yes","007"],"when":"2024-02-29","literal":"$.x"}}
            """#
        )
        #expect(Outcome(integration.plan(try event(message))) == Outcome(operations: [expected]))
    }

    @Test func `anchors and aliases stand for what they name`() throws {
        let integration = try configured(
            """
                  delete-person: { trigger: &closed 'event = "Closed"' }
                  suppress-person: { trigger: *closed }
            """
        )
        let plan = integration.plan(try event(#"{"type":"track","event":"Closed","userId":"u1"}"#))
        #expect(plan.operations.map(\.action) == ["delete-person", "suppress-person"])
    }
}
