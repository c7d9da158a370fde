import Integrations
import LosslessJSON
import Testing

/// Mistakes of a configuration: all told at once, each with file, line, column, a caret and the nearest right name.
@Suite struct `Mistakes of the configuration` {
    @Test func `are told all at once, with file, place, caret and the nearest right name`() {
        let text = """
            lisen: { public: 127.0.0.1:8080 }
            retention: { days: seven }
            integrations:
              production:
                type: customerio
                settings: { site_id: env:A, api_key: env:B }
                actions:
                  delete-person:
                    trigger: event = "Closed" an type = "track"
                  track-evnt: { enabled: false }
            """
        #expect(
            report(text) == """
                ferry.yaml:1:1: unknown key `lisen`; did you mean `listen`?
                    lisen: { public: 127.0.0.1:8080 }
                    ^
                ferry.yaml:2:20: `days` must be a whole number from 1 to 3650
                    retention: { days: seven }
                                       ^
                ferry.yaml:9:35: an operator is missing between `"Closed"` and `an`
                            trigger: event = "Closed" an type = "track"
                                                      ^
                ferry.yaml:10:7: unknown action `track-evnt`; did you mean `track-event`? an action of one's own names \
                its definition, for example `uses: track-event`
                          track-evnt: { enabled: false }
                          ^
                """
        )
    }

    @Test(
        arguments: [("integrations", "an integration"), ("sources", "a source"), ("workspaces", "a workspace")],
        [#""a\nb""#, #""\ta""#, #""\e[31ma""#, #""a\Lb""#, #""a\x7f""#, #""a\x9bm""#]
    )
    func `name the place of a name that can't be printed on a line`(section: (key: String, what: String), name: String)
    {
        let text = "\(section.key):\n  \(name): { type: customerio }\n"
        let found = problems(text)
        let message = "2:3: the name of \(section.what) can't have line breaks or control characters"
        #expect(found.contains { $0.hasPrefix(message) }, "\(found)")
    }

    @Test func `name the file that was given`() throws {
        #expect(throws: ConfigurationError.self) { try Configuration(parsing: "x: 1", file: "conf/other.yaml") }
        do {
            _ = try Configuration(parsing: "x: 1", file: "conf/other.yaml")
        } catch {
            #expect(error.description.hasPrefix("conf/other.yaml:1:1: "))
            #expect(error.problems.first?.file == "conf/other.yaml")
        }
    }

    @Test(arguments: [
        ("just text", "a single value"), ("[1, 2]", "a list"), ("5", "a single value"), ("''", "an empty one"),
    ])
    func `a file that is no mapping is refused`(text: String, kind: String) {
        #expect(problems(text) == ["1:1: the configuration must be a mapping (key: value), not \(kind)"])
    }

    @Test(arguments: [
        // unknown keys, at every level
        ("intergrations: {}", "1:1: unknown key `intergrations`; did you mean `integrations`?"),
        (
            "xyzzy: 1",
            "1:1: unknown key `xyzzy`; known: listen, data, folder, spool, spool_size, retention, log, admin_token, limits, sources, integrations, workspaces, workspace_settings, create_on_first_use, tests"
        ),
        ("listen: { pubic: x }", "1:11: unknown key `pubic`; did you mean `public`?"),
        ("retention: { day: 3 }", "1:14: unknown key `day`; did you mean `days`?"),
        ("sources: { web: { write_key: a, enable: true } }", "1:33: unknown key `enable`; did you mean `enabled`?"),
        (
            "<<: { data: memory }",
            "1:1: unknown key `<<`; known: listen, data, folder, spool, spool_size, retention, log, admin_token, limits, sources, "
                + "integrations, workspaces, workspace_settings, create_on_first_use, tests"
        ),
        // wrong types
        ("listen: 8080", "1:9: `listen` must be a mapping (key: value), not a single value"),
        ("listen: { public: [] }", "1:19: `public` must be a text, not a list"),
        ("data:", "1:6: `data` must be a text, not nothing"), ("data: {}", "1:7: `data` must be a text, not a mapping"),
        ("admin_token: ''", "1:14: `admin_token` must be a text, not an empty one"),
        ("sources: [web]", "1:10: `sources` must be a mapping (key: value), not a list"),
        ("sources: { web: key }", "1:17: a source must be a mapping (key: value), not a single value"),
        ("sources: { web: { write_key: a, enabled: 1 } }", "1:42: `enabled` must be true or false"),
        ("integrations: []", "1:15: `integrations` must be a mapping (key: value), not a list"),
        ("integrations: { p: 5 }", "1:20: the integration `p` must be a mapping (key: value), not a single value"),
        ("tests: {}", "1:8: `tests` must be a list, not a mapping"),
        // keys that are none
        ("? [a, b]\n: 1", "1:3: a key must be a text, not a list"),
        ("? { x: 1 }\n: 1", "1:3: a key must be a text, not a mapping"),
        // sources
        ("sources: { web: {} }", "1:12: the source `web` has no `write_key`; add `write_key: env:NAME`"),
        ("sources: { '': { write_key: a } }", "1:12: a source needs a name"),
        (
            "sources:\n  a: { write_key: same }\n  b: { write_key: same }",
            "3:3: the sources `a` and `b` have the same write key"
        ),
        (
            "integrations: { '': { type: customerio, settings: { endpoint: workspace } } }",
            "1:17: an integration needs a name"
        ),
    ])
    func `of the top level are told with their place`(text: String, problem: String) {
        #expect(problems(text) == [problem])
    }

    @Test(arguments: [
        ("type: segment", "3:11: unknown type `segment`; the type of an integration is `customerio`"),
        ("type: customerio\n    rate_limit: 0", "4:17: `rate_limit` must be a whole number from 1 to 100000"),
        ("type: customerio\n    rate_limit: fast", "4:17: `rate_limit` must be a whole number from 1 to 100000"),
        ("type: customerio\n    ratelimit: 5", "4:5: unknown key `ratelimit`; did you mean `rate_limit`?"),
        ("type: customerio\n    sources: web", "4:14: `sources` must be a list, not a single value"),
        ("type: customerio\n    sources: [wep]", "4:15: unknown source `wep`; did you mean `web`?"),
        ("type: customerio\n    sources: [web, mobile]", "4:20: unknown source `mobile`; known: web"),
        ("type: customerio\n    actions: [track-event]", "4:14: `actions` must be a mapping (key: value), not a list"),
    ])
    func `of an integration are told with their place`(members: String, problem: String) {
        let text = """
            integrations:
              production:
                \(members)
                settings: { endpoint: workspace }
            sources: { web: { write_key: a } }
            """
        #expect(problems(text) == [problem])
    }

    @Test func `a source is unknown where there are none`() {
        let text = "integrations: { p: { type: customerio, sources: [web], settings: { endpoint: workspace } } }"
        #expect(problems(text) == ["1:50: unknown source `web`"])
    }

    @Test func `an integration without a type or credentials says what to add`() {
        #expect(
            problems("integrations:\n  p: {}") == [
                "2:3: the integration `p` has no `type`; add `type: customerio`",
                "2:3: the integration `p` has no `site_id`; add it to `settings`, "
                    + "for example `site_id: env:CIO_SITE_ID`, or send to the embedded workspace with `endpoint: workspace`",
                "2:3: the integration `p` has no `api_key`; add it to `settings`, "
                    + "for example `api_key: env:CIO_API_KEY`, or send to the embedded workspace with `endpoint: workspace`",
            ]
        )
    }

    @Test(arguments: [
        ("account_region: us", "4:33: unknown region `us`; write `US` or `EU`"),
        ("account_region: [EU]", "4:33: `account_region` must be a text, not a list"),
        ("acount_region: EU", "4:17: unknown key `acount_region`; did you mean `account_region`?"),
        (
            "endpoint: track.customer.io",
            "4:27: the endpoint must begin with http:// or https://, as in https://track.customer.io"
        ),
        (
            "endpoint: 'ftp://x'",
            "4:27: the endpoint must begin with http:// or https://, as in https://track.customer.io"
        ),
        (
            "endpoint: 'http://h/?a=b'",
            "4:27: the endpoint must end with its path: leave out everything from the first ? or # on"
        ),
        ("endpoint: 'http://u:p@h/'", "4:27: the endpoint must not hold credentials: put them in site_id and api_key"),
        ("endpoint: 'http://h:99999'", "4:27: the endpoint's port must be a number from 1 to 65535"),
        (
            "endpoint: Workspace",
            "4:27: the endpoint must begin with http:// or https://, as in https://track.customer.io"
        ),
    ])
    func `of settings are told with their place`(setting: String, problem: String) {
        let text = """
            integrations:
              production:
                type: customerio
                settings: { \(setting), site_id: env:A, api_key: env:B }
            """
        #expect(problems(text) == [problem])
    }

    @Test(arguments: [
        ("track-event: { batch_size: 1 }", "6:28: `batch_size` must be a whole number from 2 to 100"),
        ("track-event: { batch_size: 101 }", "6:28: `batch_size` must be a whole number from 2 to 100"),
        ("track-event: { batch_size: 1e99 }", "6:28: `batch_size` must be a whole number from 2 to 100"),
        (
            "track-event: { batch_size: 99999999999999999999 }",
            "6:28: `batch_size` must be a whole number from 2 to 100"
        ),
        ("track-event: { batch_size: '50' }", "6:28: `batch_size` must be a whole number from 2 to 100"),
        ("track-event: { enabled: yes }", "6:25: `enabled` must be true or false"),
        ("track-event: { convert_timestamps: 1 }", "6:36: `convert_timestamps` must be true or false"),
        ("track-event: { enable_batching: 'true' }", "6:33: `enable_batching` must be true or false"),
        ("track-event: { triger: x }", "6:16: unknown key `triger`; did you mean `trigger`?"),
        ("track-event: off", "6:14: the action `track-event` must be a mapping (key: value), not a single value"),
        ("track-event:", "6:13: the action `track-event` must be a mapping (key: value), not nothing"),
        ("track-event: { trigger: }", "6:25: `trigger` must be a text, not nothing"),
        ("track-event: { trigger: '' }", "6:25: `trigger` must be a text, not an empty one"),
        ("track-event: { mapping: [] }", "6:25: `mapping` must be a mapping (key: value), not a list"),
        ("track-event: { mapping: { nme: x } }", "6:27: unknown field of track-event `nme`; did you mean `name`?"),
        (
            "delete-person: { mapping: { token: x } }",
            "6:29: unknown field of delete-person `token`; known: person_id, email"
        ),
        ("signups: { uses: track-evnt }", "6:18: unknown definition `track-evnt`; did you mean `track-event`?"),
        ("signups: { uses: [] }", "6:18: `uses` must be a text, not a list"),
        (
            "signups: { trigger: type = 'track' }",
            "6:1: unknown action `signups`; an action of one's own names its definition, "
                + "for example `uses: track-event`"
        ),
        (
            "track-event: { uses: track-page-view }",
            "6:22: `track-event` is itself a definition and can't use `track-page-view`; give the action another name"
        ),
    ])
    func `of an action are told with their place`(action: String, problem: String) {
        let text = """
            integrations:
              p:
                type: customerio
                settings: { endpoint: workspace }
                actions:
                  \(action)
            """
        // Places are given as if the action began in the first column.
        let moved = problems(text).map { line -> String in
            let parts = line.split(separator: ":", maxSplits: 2)
            return "\(parts[0]):\((Int(parts[1]) ?? 0) - 6):\(parts[2])"
        }
        #expect(moved == [problem])
    }
}

/// Where a mistake is inside a trigger or a mapping.
@Suite struct `Places inside triggers and mappings` {
    private func problems(_ action: String) -> [String] {
        IntegrationsTests.problems(
            """
            integrations:
              p:
                type: customerio
                settings: { endpoint: workspace }
                actions:
                  track-event:
            \(action)
            """
        )
    }

    /// What stands at the place of the only problem, up to the end of its line.
    private func shown(_ action: String) throws -> String {
        let problem = try #require(problems(action).first)
        #expect(problems(action).count == 1)
        let place = problem.split(separator: ":").prefix(2).compactMap { Int($0) }
        let line = try #require(
            action.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(place[0] - 7).first
        )
        return String(line.dropFirst(place[1] - 1))
    }

    @Test(arguments: [
        ("trigger: event == 5 wrong", "wrong"), (#"trigger: "event = 5 wrong""#, #"wrong""#),
        ("trigger: 'event = 5 wrong'", "wrong'"), ("trigger: 'event = \"caf\u{E9}\" wrong'", "wrong'"),
        ("trigger: 'event = \"cafe\u{301}\u{1F44D}\u{1F3FD}\" wrong'", "wrong'"), ("trigger: event =", ""),
        // in a block, in its own line
        ("trigger: |\n          type = \"track\" and\n          event = 5 wrong", "wrong"),
        ("trigger: |-\n\n            event = 5 wrong\n", "wrong"),
        // spelled otherwise in the file: where the text begins
        (#"trigger: "event = \"X\" wrong""#, #""event = \"X\" wrong""#),
        ("trigger: 'event = ''X'' wrong'", "'event = ''X'' wrong'"),
        ("trigger: >\n          event = 5\n          wrong", ">"),
        ("trigger: event = 5\n          wrong", "event = 5"),
    ])
    func `a trigger's is where the trigger goes wrong, if the file spells it as it is`(
        action: String,
        rest: String
    ) throws {
        #expect(try shown("        " + action) == rest)
    }

    @Test(arguments: [
        ("mapping: { name: { '@pth': x } }", "7:28: /@pth: there is no directive \"@pth\"; did you mean `@path`?"),
        (
            "mapping: { attributes: { a: [1, { '@if': {} }] } }",
            "7:43: /a/1/@if: needs \"exists\" or \"blank\""
        ),
        (
            "mapping:\n          name:\n            '@case': { operator: title, value: x }",
            "9:24: /@case/operator: must be \"lower\" or \"upper\""
        ),
        (
            "mapping: { name: { '@liquid': '{{ x }}' } }",
            "7:28: /@liquid: @liquid is not supported; use @template, @case, @replace and @if instead"
        ),
        (
            "mapping: { name: { '@path': $.x, a: 1 } }",
            "7:42: /a: "
        ),
    ])
    func `a mapping's is the key that is wrong`(action: String, problem: String) {
        let problems = problems("        " + action)
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix(problem) == true, "\(problems)")
    }

    @Test func `several in one mapping are told each`() {
        let problems = problems("        mapping: { name: { '@pth': x }, email: { '@cse': y }, nme: 1 }")
        #expect(problems.map { $0.prefix(5) } == ["7:28:", "7:50:", "7:63:"], "\(problems)")
    }

    @Test func `a mapping's value of another shape is told at its key`() {
        #expect(
            problems("        mapping: { attributes: { ? [a] : 1 } }").first?.hasSuffix("a key must be a text") == true
        )
    }
}

/// A file that is no YAML.
@Suite struct `Files that are no YAML` {
    @Test(arguments: [
        (
            "sources:\n\tweb: {}",
            "2:1: this is not YAML: while scanning for the next token found character that cannot "
                + "start any token; indent with spaces, not tabs"
        ),
        ("sources: [", "1:11: this is not YAML: while parsing a flow node did not find expected node content"),
        (
            "data: \"memory\nlisten: {}",
            "1:7: this is not YAML: while scanning a quoted scalar found unexpected end of "
                + "stream"
        ),
        ("data: a: b", "1:8: this is not YAML: mapping values are not allowed in this context"),
        (
            "data: memory\n---\ndata: x",
            "2:1: this is not YAML: expected a single document in the stream but found another "
                + "document"
        ),
        ("data: *nope", "1:7: this is not YAML: found undefined alias"),
        ("data: memory\nlisten:\n  public: \"a\u{1}\"", "3:13: this is not YAML: control characters are not allowed"),
        ("data: \"\\q\"", "1:8: this is not YAML: while parsing a quoted scalar found unknown escape character"),
        ("a: 1\nb: 2\na: 3", "1:1: `a` stands twice in this mapping"),
        ("sources:\n  web: { write_key: a }\n  web: { write_key: b }", "2:3: `web` stands twice in this mapping"),
    ])
    func `are told with their place`(text: String, problem: String) {
        #expect(problems(text) == [problem])
    }

    @Test func `keys that only YAML takes to differ stand twice`() {
        #expect(
            problems("sources:\n  1: { write_key: a }\n  '1': { write_key: b }")
                == ["3:3: `1` stands twice in this mapping"]
        )
    }

    @Test(arguments: ["\r\n", "\r", "\u{2028}"])
    func `lines may end otherwise than in LF`(ending: String) {
        let text = ["sources:", "  web: { write_key: env:A }", "  bad: { wrte_key: env:B }", "data: []"]
            .joined(separator: ending)
        #expect(
            report(text) == """
                ferry.yaml:3:3: the source `bad` has no `write_key`; add `write_key: env:NAME`
                      bad: { wrte_key: env:B }
                      ^
                ferry.yaml:3:10: unknown key `wrte_key`; did you mean `write_key`?
                      bad: { wrte_key: env:B }
                             ^
                ferry.yaml:4:7: `data` must be a text, not a list
                    data: []
                          ^
                """
        )
    }

    @Test func `a byte-order mark moves nothing`() {
        #expect(problems("\u{FEFF}dta: x") == problems("dta: x"))
        #expect(report("\u{FEFF}dta: x") == report("dta: x"))
    }

    @Test func `columns count characters`() {
        #expect(
            problems("listen: { public: cafe\u{301}\u{1F44D}\u{1F3FD}, pivate: x }").last?.hasPrefix("1:26: ") == true
        )
    }

    @Test func `nothing is as large as its aliases pretend`() {
        var text = "integrations: { p: { type: customerio, settings: { endpoint: workspace } } }\n"
        text += "tests:\n  - event:\n      a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "      a\(level): &a\(level) [\(items)]\n"
        }
        text += "    expect: []\n"
        let problems = problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.hasSuffix("the file stands for more than 200,000 values") == true, "\(problems)")
    }

    @Test func `nor is a list of tests`() {
        var text = "integrations: { p: { type: customerio, settings: { endpoint: workspace } } }\ntests:\n"
        let expectations = Array(repeating: "{ action: a }", count: 1000).joined(separator: ", ")
        text += "  - &t { event: {}, expect: [\(expectations)] }\n"
        text += Array(repeating: "  - *t\n", count: 1000).joined()
        #expect(problems(text).contains { $0.hasSuffix("the file stands for more than 200,000 values") })
    }

    @Test func `a file full of mistakes tells the first hundred`() {
        let text = (0..<5000).map { "wrong\($0): 1" }.joined(separator: "\n")
        #expect(problems(text).count == 100)
    }

    @Test(arguments: ["[", "{ a: ", "- ", "? "])
    func `deep nesting is refused, not followed`(opening: String) {
        #expect(!problems(String(repeating: opening, count: 20_000)).isEmpty)
    }

    @Test func `nesting just within bounds is read`() {
        let depth = 900
        let text = "data: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(problems(text) == ["1:7: `data` must be a text, not a list"])
    }
}
