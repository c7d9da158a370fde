import Integrations
import LosslessJSON
import Testing

/// Secrets are shown nowhere.
@Suite struct `Secrets` {
    /// What must never be printed.
    private static let secret = "t0psecret"

    @Test(arguments: [
        "sources: { web: { write_key: t0psecret, enable: true } }",
        "sources: { web: { enable: true, write_key: t0psecret } }",
        "sources: { web: { write_key: env:A, old_write_key: t0psecret, x: 1 } }",
        "sources: { web: { write_key: \"t0psecret\", x: 1 } }",
        "sources: { web: { write_key: 't0''psecret t0psecret', x: 1 } }",
        "sources: { web: { \"write_key\": \"a\\\"t0psecret\", x: 1 } }",
        "sources: { web: { \"write_key\":\"t0psecret\", x: 1 } }",
        "sources: { web: { wrte_key: t0psecret } }",
        "sources: { web: { write-key: t0psecret } }",
        "sources: { web: { writeKey: t0psecret } }",
        "sources: { web: { key: t0psecret } }",
        "sources: { web: { secret: t0psecret } }",
        "sources:\n  a: { write_key: t0psecret }\n  b: { write_key: t0psecret }",
        "admin_token: [t0psecret]",
        "admin_token: t0psecret: x",
        "admin_token: \"t0psecret",
        "admin_token: \"\n  t0psecret",
        "admin_token: |\n  t0psecret\n  \u{1}",
        "admin_token: >\n  first\n  t0psecret\n \u{1}",
        "admin_token: first\n  t0psecret: x",
        "admin_token:\n  t0psecret: x",
        "admin_token:\n  - t0psecret",
        "integrations:\n  p:\n    settings: { site_id: t0psecret, api_key: t0psecret, endpont: x }",
        "integrations:\n  p:\n    settings:\n      site_id: t0psecret\n      api_key: t0psecret: x",
        "integrations:\n  p:\n    settings: { site_id: a,\n      api_key: t0psecret, account_region: XX }",
        "integrations:\n  p:\n    settings: { site_id: a, api_key: t0psecret } x",
        "integrations: { p: { settings: { endpoint: 'http://u:t0psecret@h' } } }",
        "integrations: { p: { settings: { endpoint: http://h/?t=t0psecret } } }",
        "data: [postgresql://user:t0psecret@host/db]",
        "data: { a: postgresql://user:t0/psecret:t0psecret@host/db }",
        "{ data: 'postgresql://host/db?password=t0psecret', xyzzy: 1 }",
        "{ data: 'postgresql://user:t0psecret@host/db', folder: [] }",
        "listen: { public: 'http://u:t0psecret@h' }",
    ])
    func `do not show in the mistakes of a configuration`(text: String) {
        let report = report(text)
        #expect(!report.isEmpty)
        #expect(!report.contains(Self.secret), "\(report)")
    }

    @Test func `are hidden without moving the caret`() {
        #expect(
            report("sources: { web: { write_key: t0psecret, enable: true } }") == """
                ferry.yaml:1:41: unknown key `enable`; did you mean `enabled`?
                    sources: { web: { write_key: •••••••••, enable: true } }
                                                            ^
                """
        )
    }

    @Test(arguments: ["env:WEB_KEY", "'env:WEB_KEY'", "file:/run/key"])
    func `references to them are no secrets and are shown`(reference: String) {
        let report = report("sources: { web: { write_key: \(reference), enable: true } }")
        #expect(report.contains("write_key: \(reference), enable"), "\(report)")
    }

    @Test(arguments: [
        "token: $.propertes.x", "name: '{{event}} at http://h/path'", "days: 7", "type: customerio", "trigger: a = b",
        "private: 127.0.0.1:1",
    ])
    func `nothing else is hidden`(member: String) {
        let report = report("retention: { \(member), xyzzy: 1 }")
        #expect(report.contains("{ \(member), xyzzy"), "\(report)")
    }

    private static let settings = Integration.Settings(siteId: .literal(secret), apiKey: .literal(secret))

    @Test func `do not show in a value's description, its dump or its reflection`() {
        var dumped = ""
        dump(Self.settings, to: &dumped)
        let source = Configuration.Source(name: "web", writeKey: .literal(Self.secret))
        dump(source, to: &dumped)
        dump(SecretReference.literal(Self.secret), to: &dumped)
        let texts = [
            dumped, "\(Self.settings)", String(reflecting: Self.settings), "\(source)", String(reflecting: source),
            "\(SecretReference.literal(Self.secret))", String(reflecting: SecretReference.literal(Self.secret)),
        ]
        for text in texts { #expect(!text.contains(Self.secret)) }
        #expect(SecretReference.literal(Self.secret).description == "••••")
    }

    @Test func `a reference shows where its value comes from`() {
        #expect(SecretReference("env:NAME") == .environment("NAME"))
        #expect(SecretReference("file:/run/x y") == .file("/run/x y"))
        #expect(SecretReference("ENV:NAME") == .literal("ENV:NAME"))
        #expect(SecretReference("env:NAME").description == "env:NAME")
        #expect(SecretReference("file:/run/x").debugDescription == "file:/run/x")
    }

    private struct Unreadable: Error {}

    private static let files: [String: [UInt8]] = [
        "/key": Array(" va lue \r\n\n".utf8), "/blank": Array(" \n".utf8), "/bytes": [0xFF, 0xFE],
        "/largest": Array(repeating: 0x61, count: 65_536), "/large": Array(repeating: 0x61, count: 65_537),
    ]

    private func resolve(_ text: String) throws -> String {
        try SecretReference(text).resolve(
            environment: { ["NAME": "value", "EMPTY": ""][$0] },
            readFile: { path, count in
                guard let bytes = Self.files[path] else { throw Unreadable() }
                return Array(bytes.prefix(count))
            }
        )
    }

    @Test func `are fetched when they are asked for`() throws {
        #expect(try resolve("plain") == "plain")
        #expect(try resolve("env:NAME") == "value")
        #expect(try resolve("file:/key") == " va lue")
        #expect(try resolve("file:/largest").utf8.count == 65_536)
    }

    @Test(arguments: [
        ("env:OTHER", "the environment variable OTHER is not set"),
        ("env:EMPTY", "the environment variable EMPTY is not set"), ("env:", "the environment variable  is not set"),
        ("file:/none", "the file /none can't be read"), ("file:/blank", "the file /blank is empty"),
        ("file:/bytes", "the file /bytes is no UTF-8 text: is the path right?"),
        ("file:/large", "the file /large is larger than 64 KiB, which no secret is: is the path right?"),
    ])
    func `that can't be fetched say where they were looked for`(text: String, message: String) {
        let error = #expect(throws: SecretReference.Missing.self) { try resolve(text) }
        #expect(error?.description == message)
    }
}
