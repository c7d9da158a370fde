import LosslessJSON
import Testing
import Workspaces

/// What people chose to get, with the defaults of the workspace's topics (track-api.md §19).
@Suite(.onBothEngines) struct `Subscription topics` {
    private static let computed = "_cio_subscription_preferences_computed"
    private static let id = #"{"id":"u1"}"#

    private func playground(_ conflicts: WorkspaceSettings.TopicConflicts = .primary) throws -> Playground {
        try Playground {
            $0.topics = [10: true, 2: false]
            $0.topicConflicts = conflicts
        }
    }

    private func topics(_ test: Playground, _ identifier: String = "u1") async throws -> String? {
        try await test.workspace.person(identifier)?["attributes"]?[Self.computed]?["topics"]?.description
    }

    @Test(arguments: [
        ("{}", #"{"topic_2":false,"topic_10":true}"#),
        (#"{"topics":{"topic_2":true}}"#, #"{"topic_2":true,"topic_10":true}"#),
        (#"{"topics":{"topic_2":true,"topic_10":false,"topic_3":true}}"#, #"{"topic_2":true,"topic_10":false}"#),
        (#"{"topics":{"topic_2":"","topic_10":null}}"#, #"{"topic_2":false,"topic_10":true}"#),
        (#"{"topics":{"topic_2":1,"topic_10":"false"}}"#, #"{"topic_2":false,"topic_10":true}"#),
        (#"{"topics":[true]}"#, #"{"topic_2":false,"topic_10":true}"#),
        (#""nonsense""#, #"{"topic_2":false,"topic_10":true}"#),
    ])
    func `have their default where nothing was chosen`(preferences: String, expected: String) async throws {
        let test = try playground()
        try await test.send(identify(Self.id, #"{"cio_subscription_preferences":\#(preferences)}"#))
        #expect(try await topics(test) == expected)
    }

    @Test func `are all replaced by the whole attribute, and one of them by dots`() async throws {
        let test = try playground()
        let dotted = { (topic: Int, value: String) in
            identify(Self.id, #"{"cio_subscription_preferences.topics.topic_\#(topic)":\#(value)}"#)
        }
        try await test.send(dotted(2, "true"), dotted(10, "false"))
        #expect(try await topics(test) == #"{"topic_2":true,"topic_10":false}"#)
        try await test.send(dotted(2, "null"))
        #expect(try await topics(test) == #"{"topic_2":false,"topic_10":false}"#)
        try await test.send(identify(Self.id, #"{"cio_subscription_preferences":{"topics":{"topic_2":true}}}"#))
        #expect(try await topics(test) == #"{"topic_2":true,"topic_10":true}"#)
        try await test.send(identify(Self.id, #"{"cio_subscription_preferences":null}"#))
        #expect(try await topics(test) == #"{"topic_2":false,"topic_10":true}"#)
    }

    @Test func `are computed for each person of a list, and can't be written`() async throws {
        let test = try playground()
        try await test.send(
            identify(Self.id, #"{"\#(Self.computed)":{"topics":{"topic_2":true}}}"#),
            identify(#"{"id":"u2"}"#, #"{"cio_subscription_preferences.topics.topic_2":true}"#)
        )
        let page = try #require(Page())
        let people = try await test.workspace.people(page)["items"]?.arrayValue ?? []
        let two = people.map { $0["attributes"]?[Self.computed]?["topics"]?["topic_2"] }
        #expect(two == [false, true])
    }

    @Test func `of a workspace that names none are not computed`() async throws {
        let test = try Playground()
        try await test.send(identify(Self.id, #"{"cio_subscription_preferences.topics.topic_2":true}"#))
        #expect(
            try await test.attributes("u1") == #"{"cio_subscription_preferences":{"topics":{"topic_2":true}}}"#
        )
    }

    @Test(arguments: [
        (WorkspaceSettings.TopicConflicts.primary, #"{"topic_1":false,"topic_2":true,"topic_3":true,"topic_4":true}"#),
        (.secondary, #"{"topic_1":true,"topic_2":false,"topic_3":true,"topic_4":true}"#),
        (.unsubscribed, #"{"topic_1":false,"topic_2":false,"topic_3":true,"topic_4":true}"#),
    ])
    func `are both one's after a merge`(conflicts: WorkspaceSettings.TopicConflicts, expected: String) async throws {
        let test = try playground(conflicts)
        let choose = { (id: String, topics: String) in
            identify(#"{"id":"\#(id)"}"#, #"{"cio_subscription_preferences":{"topics":\#(topics)}}"#)
        }
        try await test.send(
            choose("u1", #"{"topic_1":false,"topic_2":true,"topic_3":null}"#),
            choose("u2", #"{"topic_1":true,"topic_2":false,"topic_3":true,"topic_4":true}"#),
            merge(Self.id, #"{"id":"u2"}"#)
        )
        let preferences = try await test.workspace.person("u1")?["attributes"]?["cio_subscription_preferences"]
        #expect(preferences?["topics"]?.description == expected)
    }
}
