import Integrations
import LosslessJSON
import Testing
import TrackAPI

@Suite struct `Workspaces of a configuration` {
    private func problems(_ text: String) -> [String] {
        do {
            _ = try Configuration(parsing: text, file: "ferry.yaml")
            return []
        } catch {
            return error.problems.map(\.message)
        }
    }

    @Test func `have keys and a region`() throws {
        let text = """
            workspaces:
              staging: { site_id: s, api_key: env:KEY, region: EU }
              other: { site_id: t, api_key: k }
            create_on_first_use: true
            """
        let configuration = try Configuration(parsing: text, file: "ferry.yaml")
        #expect(configuration.workspaces.map(\.name) == ["staging", "other"])
        #expect(configuration.workspaces.map(\.region) == [.eu, .us])
        #expect(configuration.workspaces.first?.apiKey == .environment("KEY"))
        #expect(configuration.createsWorkspaces)
        #expect(try !Configuration(parsing: "", file: "ferry.yaml").createsWorkspaces)
    }

    @Test func `have the same settings in JSON`() throws {
        let settings = try Configuration.WorkspaceSettings(["topics": ["1": "subscribed"], "merge_people": false])
        #expect(settings.topics == [1: true] && settings.switches == [.mergesAutomatically: false])
        for json: JSON in [1, "x", ["identifiers": "phone"], ["x\u{2028}\"\n": 1], ["merge_people": "yes"]] {
            #expect(throws: ConfigurationError.self) { try Configuration.WorkspaceSettings(json) }
        }
    }

    @Test func `have topics with defaults, and the host of their region`() throws {
        let text = """
            workspaces:
              eu: { site_id: s, api_key: k, region: eu, redirect_to: "http://localhost:8081/" }
            workspace_settings: { topics: { 1: subscribed, 2: unsubscribed }, topic_conflicts: unsubscribed }
            """
        let file = try Configuration(parsing: text, file: "ferry.yaml")
        #expect(file.workspaces.map(\.redirectsTo?.description) == ["http://localhost:8081"])
        #expect(file.workspaceSettings.topics == [1: true, 2: false])
        #expect(file.workspaceSettings.topicConflicts == .unsubscribed)
    }

    @Test func `have settings of their own in front of everybody's`() throws {
        let text = """
            workspaces:
              classic: { site_id: s, api_key: k, settings: { identifiers: email, merge_people: true, segments: [1] } }
              other: { site_id: t, api_key: k }
            workspace_settings: { merge_people: false, rate_limit: 5, identify_by_phone: true }
            """
        let file = try Configuration(parsing: text, file: "ferry.yaml")
        let settings = file.workspaces.map(\.settings)
        #expect(settings[0].identifiers == .email && settings[0].segments == [1])
        #expect(settings[0].switches == [.mergesAutomatically: true] && settings[0].requestsPerSecond == nil)
        #expect(settings[1] == Configuration.WorkspaceSettings())
        #expect(file.workspaceSettings.switches == [.mergesAutomatically: false, .identifiesByPhone: true])
    }

    @Test(arguments: [
        ("workspaces: { a: { api_key: k } }", "the workspace `a` has no `site_id`"),
        ("workspaces: { a: { site_id: s, api_key: k, region: mars } }", "unknown region `mars`"),
        ("workspaces: { a: { site_id: s, api_key: k, key: x } }", "unknown key `key`"),
        ("workspaces: { a: { site_id: s, api_key: k, settings: { x: 1 } } }", "unknown key `x`"),
        ("workspaces: { a: { site_id: s, api_key: k, settings: 1 } }", "`settings`"),
        ("workspaces: { a: { site_id: s, api_key: k, region: eu, redirect_to: localhost } }", "`redirect_to`:"),
        (
            "workspaces: { a: { site_id: s, api_key: k, redirect_to: http://localhost } }",
            "the workspace `a` is in the US"
        ),
        ("workspace_settings: { topics: { one: subscribed } }", "`one` is no number of a topic"),
        ("workspace_settings: { topics: { 1: yes } }", "unknown default `yes`"),
        ("workspace_settings: { topics: 1 }", "`topics`"),
        ("workspace_settings: { topic_conflicts: mine }", "`mine` is no value of `topic_conflicts`"),
        ("workspace_settings: { identifiers: phone }", "`phone` is no value of `identifiers`"),
        ("workspace_settings: { object_types: [a] }", "an object type's number must be"),
        ("workspace_settings: { invalid_batch_status: 404 }", "`404` is no value of `invalid_batch_status`"),
        ("workspace_settings: { unknown_segment_status: 500 }", "`unknown_segment_status` must be"),
        ("workspace_settings: { future_days: -1 }", "`future_days` must be"),
        ("workspace_settings: { event_id_days: 0 }", "`event_id_days` must be"),
        ("workspace_settings: { suppress: some }", "unknown reach `some`"),
        ("workspace_settings: { merge_poeple: true }", "unknown key `merge_poeple`"),
        ("workspace_settings: { segments: [0] }", "a segment's number must be a whole number"),
        (
            "workspaces: { a: { site_id: s, api_key: k }, b: { site_id: s, api_key: l } }",
            "the workspaces `a` and `b` have the same `site_id`"
        ),
        (
            """
            workspaces: { a: { site_id: s, api_key: k } }
            integrations: { a: { type: customerio, settings: { endpoint: workspace } } }
            """,
            "the integration `a` brings a workspace of its name along"
        ),
        ("create_on_first_use: maybe", "`create_on_first_use`"), ("workspace: {}", "unknown key `workspace`"),
    ])
    func `are refused with a reason`(text: String, message: String) {
        #expect(problems(text).contains { $0.contains(message) }, "\(problems(text))")
    }
}
