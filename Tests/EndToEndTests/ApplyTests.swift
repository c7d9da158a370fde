import LosslessJSON
import Testing

/// What is applied to a running server from afar, and what is not.
@Suite(.timeLimit(.minutes(3))) struct `Applying a configuration` {
    private static let file = """
        sources: { web: { write_key: web-key } }
        integrations:
          main:
            type: customerio
            sources: [web]
            settings: { endpoint: "http://127.0.0.1:9", site_id: site-1, api_key: s3cr3t-of-main }
        """
    private static let own = """
        integrations:
          own:
            type: customerio
            settings: { endpoint: workspace, site_id: site-2, api_key: s3cr3t-of-own }
        """

    @Test func `a text that is too large is called so`() async throws {
        let trial = try await ConfiguredFerry(Self.file)
        let padding = String(repeating: "#", count: 1 << 20)
        for path in ["/admin/v1/configuration", "/admin/v1/preview", "/admin/v1/replay", "/admin/v1/workspace/clock"] {
            let answer = try await trial.ferry.postAdmin(path, ["yaml": .string(padding)])
            #expect(answer.status == 413, "\(path)")
            #expect(answer.body?["meta"]?["error"] == "the body is too large: 1 MiB at most", "\(path)")
        }
        let applied = try await trial.command("apply", "-", input: "\(Self.own)\n\(padding)")
        #expect(applied.status == 1 && applied.errors.contains("413: the body is too large"), "\(applied.errors)")
    }

    @Test(arguments: [
        ("", 200), ("{}", 200), (" { } ", 200), ("[]", 400), ("null", 400), (#"{"event": 1}"#, 400), ("{", 400),
        ("retry", 400),
    ])
    func `what takes no body refuses any other`(body: String, status: UInt) async throws {
        let trial = try await ConfiguredFerry(Self.file)
        for verb in ["retry", "pause", "resume"] {
            let answer = try await trial.ferry.postText("/admin/v1/integrations/main/\(verb)", body)
            #expect(answer.status == status, "\(verb)")
            #expect((answer.body?["meta"]?["error"] == "this takes no body but {}") == (status == 400))
        }
    }

    @Test func `revisions come in pages that miss nothing`() async throws {
        let trial = try await ConfiguredFerry(Self.file)
        for limit in 1...5 {
            #expect(try await trial.command("apply", "-", input: Self.own + "\n    rate_limit: \(limit)").status == 0)
        }
        let path = "/admin/v1/integrations/own/revisions"
        var numbers: [Int64?] = []
        var cursor: String? = ""
        while let start = cursor {
            let page = try await trial.ferry.get("\(path)?limit=2\(start)").body
            let items = try #require(page?["items"]?.arrayValue)
            #expect(items.count <= 2)
            numbers += items.map { $0["number"]?.numberValue?.int64 }
            cursor = page?["next"]?.stringValue.map { "&cursor=\($0)" }
        }
        #expect(numbers == [5, 4, 3, 2, 1])
        #expect(try await trial.ferry.get(path).body?["next"] == .null)
        for wrong in ["limit=0", "limit=x", "limit=1001", "cursor=x"] {
            #expect(try await trial.ferry.get("\(path)?\(wrong)").status == 400, "\(wrong)")
        }
        let three = try await trial.command("revisions", "list", "own", "--limit", "3")
        #expect(three.lines.map { $0.prefix(1) } == ["5", "4", "3"])
        #expect(try await trial.command("revisions", "list", "own").lines.count == 5)
    }

    @Test func `an unchanged export is taken, and a changed part of the file's is refused by name`() async throws {
        let trial = try await ConfiguredFerry(Self.file)
        #expect(try await trial.command("apply", "-", input: Self.own).status == 0)
        let exported = try await trial.command("export").output
        #expect(exported.contains("main:") && exported.contains("own:"))
        let same = try await trial.command("apply", "-", input: exported)
        #expect(same.status == 0, "\(same.errors)")
        #expect(
            same.output.contains("main  unchanged, managed by the configuration file: revision 1"),
            "\(same.output)"
        )
        #expect(same.output.contains("own  unchanged: revision 1"))
        // With the secrets in it, it is what the file says, too; with others it is not.
        let whole = try await trial.command("apply", "-", input: Self.file)
        #expect(whole.status == 0 && whole.output.contains("main  unchanged"), "\(whole.errors)")
        for (old, new) in [("s3cr3t-of-main", "another"), ("[web]", "[]")] {
            let changed = try await trial.command("apply", "-", input: Self.file.replacing(old, with: new))
            #expect(changed.status == 1)
            #expect(changed.errors.contains("main is managed by the configuration file"), "\(changed.errors)")
        }
        #expect(try await trial.ferry.get("/admin/v1/integrations/main").body?["revision"] == 1)
    }

    @Test func `says what else the text has, and that it is not applied`() async throws {
        let trial = try await ConfiguredFerry(Self.file)
        let more = """
            listen: { public: 127.0.0.1:1 }
            sources: { other: { write_key: other-key } }
            tests: []
            """
        let applied = try await trial.command("apply", "-", input: "\(more)\n\(Self.own)")
        #expect(applied.status == 0 && applied.output.contains("own  created"))
        #expect(
            applied.errors.contains("`listen`, `sources`, `tests` are not applied, only integrations are"),
            "\(applied.errors)"
        )
        let answer = try await trial.ferry.postAdmin("/admin/v1/configuration", ["yaml": .string(Self.own)])
        #expect(answer.body?["notes"] == [])
        let none = try await trial.command("apply", "-", input: more)
        #expect(none.status == 1 && none.errors.contains("the text defines no integration"))
        let stranger = "\(more)\n\(Self.own.replacing("type:", with: "sources: [other]\n    type:"))"
        let refused = try await trial.command("apply", "-", input: stranger)
        #expect(
            refused.status == 1
                && refused.errors.contains("own takes events from the source other, which the server does"),
            "\(refused.errors)"
        )
    }

    @Test(arguments: [
        ("env:PATH", "names the environment variable PATH"), ("env:FERRY_OTHER_API_KEY", "FERRY_OTHER_API_KEY"),
        ("env:FERRY_OWN_SITE_ID", "FERRY_OWN_SITE_ID"), ("env:HOME", "write the value, which is sealed"),
        ("env:FERRY_OWN_API_KEY", nil), ("env:FERRY_TEST_KNOWN", nil), ("literal", nil),
    ])
    func `reads no variable of the server but those that are meant for it`(key: String, words: String?) async throws {
        let file = Self.file.replacing("s3cr3t-of-main", with: "env:FERRY_TEST_KNOWN")
        let variables = ["FERRY_TEST_KNOWN": "k", "FERRY_OWN_API_KEY": "k", "FERRY_OWN_SITE_ID": "k"]
        let trial = try await ConfiguredFerry(file, environment: variables)
        let applied = try await trial.command("apply", "-", input: Self.own.replacing("s3cr3t-of-own", with: key))
        guard let words else {
            #expect(applied.status == 0, "\(applied.errors)")
            // What was taken once can be applied again, and put back.
            let exported = try await trial.command("export").output
            #expect(try await trial.command("apply", "-", input: exported).status == 0)
            return
        }
        #expect(applied.status == 1 && applied.errors.contains(words), "\(applied.errors)")
        #expect(applied.errors.contains("Nothing was changed"))
        #expect(try await trial.ferry.get("/admin/v1/integrations/own").status == 404)
    }

    @Test func `a changed secret is told without its value, and is today's when something is put back`() async throws {
        let trial = try await ConfiguredFerry(Self.file)
        #expect(try await trial.command("apply", "-", input: Self.own).status == 0)
        let other = try await trial.command("apply", "-", input: Self.own.replacing("s3cr3t-of-own", with: "0ther"))
        #expect(other.output.contains("own  changed: revision 2"))
        #expect(other.output.contains("~ settings.api_key: another secret, which is not shown"), "\(other.output)")
        let shown = try await trial.command("revisions", "show", "own", "2")
        #expect(shown.output.contains("~ settings.api_key: another secret") && !shown.output.contains("site_id"))
        let first = try await trial.command("revisions", "show", "own", "1")
        #expect(first.output.contains("+   api_key: env:FERRY_OWN_API_KEY") && !first.output.contains("~ "))
        let limited = try await trial.command("apply", "-", input: Self.own + "\n    rate_limit: 9")
        #expect(limited.output.contains("~ settings.api_key") && limited.output.contains("+ rate_limit: 9"))
        let back = try await trial.command("revisions", "put-back", "own", "2")
        #expect(back.status == 0 && back.output.contains("- rate_limit: 9") && !back.output.contains("~ "))
        #expect(back.errors.contains("site_id and api_key are those of today: former secrets are not kept"))
        for output in [other, shown, first, limited, back] {
            #expect(!output.output.contains("0ther") && !output.output.contains("s3cr3t"))
        }
    }
}
