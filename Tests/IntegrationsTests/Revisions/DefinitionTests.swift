import Events
import LosslessJSON
import Seeding
import Testing

@testable import Integrations

/// What is kept of an integration's configuration.
@Suite struct `A definition` {
    private func definition(_ text: String) throws -> IntegrationDefinition {
        try #require(try Configuration(parsing: text, file: "ferry.yaml").integrations.first).definition
    }

    @Test func `keeps what was written, in its order, and no secret`() throws {
        let definition = try definition(
            """
            sources: { web: { write_key: k } }
            integrations:
              main shop:
                rate_limit: 50
                type: customerio
                revision: 7
                sources: [web]
                settings: { api_key: s3cret, site_id: env:SITE, account_region: EU }
                actions:
                  track-event: { trigger: 'event = "A"', mapping: { name: "{{event}}", attributes: { n: 1.50, t: "true" } } }
            """
        )
        #expect(
            definition.yaml == """
                rate_limit: 50
                type: customerio
                sources:
                - web
                settings:
                  api_key: env:FERRY_MAIN_SHOP_API_KEY
                  site_id: env:SITE
                  account_region: EU
                actions:
                  track-event:
                    trigger: event = "A"
                    mapping:
                      name: '{{event}}'
                      attributes:
                        n: 1.50
                        t: 'true'

                """
        )
        #expect(definition.base == 7)
        #expect(definition.literals == [.apiKey: .literal("s3cret")])
        #expect(!"\(definition)".contains("s3cret"))
        var dumped = ""
        dump(definition, to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }

    @Test func `makes the same plans when it is read back, also when its sources are gone`() throws {
        let text = """
            sources: { web: { write_key: k } }
            integrations:
              "a: b":
                type: customerio
                enabled: false
                sources: [web]
                settings: { endpoint: workspace }
                actions:
                  signups: { uses: track-event, trigger: 'event = "Signed Up"', mapping: { name: signup } }
                  track-event: { enabled: false }
            """
        let written = try #require(try Configuration(parsing: text, file: "ferry.yaml").integrations.first)
        let read = try IntegrationDefinition.compile(written.definition.yaml, named: "a: b", file: "revision 1")
        #expect(read.name == "a: b" && !read.isEnabled && read.sources == .only(["web"]))
        #expect(read.definition == written.definition)
        let message: JSON.Object = ["type": "track", "event": "Signed Up", "userId": "u", "messageId": "m"]
        let event = try #require(Event(logged: message, source: "web"))
        let plans = [written, read].map { $0.plan(event).operations.map(\.json) }
        #expect(plans[0] == plans[1] && plans[0].count == 1)
    }

    @Test func `is exported with the revision that it is, and can be applied again`() throws {
        let text = "integrations:\n  a:\n    type: customerio\n    settings:\n      endpoint: workspace\n"
        let definition = try definition(text)
        let exported = IntegrationDefinition.export([(definition, 3)])
        #expect(exported == text + "    revision: 3\n")
        #expect(try self.definition(exported).yaml == definition.yaml)
        #expect(try self.definition(exported).base == 3)
    }

    @Test func `of a text that is no integration says what is wrong with it`() {
        let error = #expect(throws: ConfigurationError.self) {
            try IntegrationDefinition.compile("type: customerio\nactons: {}\n", named: "a", file: "revision 2 of a")
        }
        #expect(
            error?.description.contains("revision 2 of a:4:5: unknown key `actons`; did you mean `actions`?") == true
        )
    }

    @Test func `is read back as any value that JSON can hold`() throws {
        var generator = SeededGenerator(for: "definitions as YAML")
        for _ in 0..<400 {
            let value = RandomValue.value(depth: 4, using: &generator)
            var reader = YAMLReader(file: "x", text: JSON.object(["v": value]).yaml)
            let read = reader.compose().flatMap { reader.json($0) }
            #expect(read == .object(["v": value]) && reader.problems.isEmpty, "\(value)")
        }
    }
}

/// Values with the texts that YAML finds hard. Without U+FEFF: Yams leaves it out at the beginning of a text.
private enum RandomValue {
    private static let pieces = [
        "a", "B7", " ", "  ", "\n", "\n\n", "\t", ":", ": ", " #", "#", "-", "- ", "?", "!", "&x", "*x", "|", ">", "%",
        "@",
        "`", "'", "\"", "\\", "{", "}", "[", "]", ",", "true", "null", "~", "1e5", "0x1", "1.50", "é", "😀", "\u{85}",
        "\u{2028}", "\u{7F}", "\u{1}", "\r", "\r\n", "{{event}}", "$.properties", "<<", "=", "yes", "---", "...",
    ]

    static func value(depth: Int, using generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 4), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2:
            let text = generator.pick(["0", "-1", "1.50", "1e400", "12345678901234567890"])
            return JSON.Number(text).map(JSON.number) ?? .null
        case 3: return .string(text(using: &generator))
        case 4:
            let count = Int.random(in: 0...4, using: &generator)
            return .array((0..<count).map { _ in value(depth: depth - 1, using: &generator) })
        default:
            let members = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                JSON.Object.Member(key: text(using: &generator), value: value(depth: depth - 1, using: &generator))
            }
            return .object(JSON.Object(lastWins: members))
        }
    }

    private static func text(using generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: 0...5, using: &generator)).map { _ in generator.pick(pieces) }.joined()
    }
}
