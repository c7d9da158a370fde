import LosslessJSON
import Storage
import Testing
import Workspaces

/// What is accepted and has no effect is told in the log, which the service does not do.
@Suite(.onBothEngines) struct Drops {
    @Test(arguments: [
        (event(#"{"id":"blocked"}"#, "Buy"), "event: the identifier is suppressed"),
        (identify(#"{"id":"u2"}"#, #"{"email":"blocked@x.com"}"#), "identify: the identifier is suppressed"),
        (person("suppress", #"{"id":"blocked"}"#), "suppress: the identifier is suppressed already"),
        (person("delete", #"{"id":"nobody"}"#), "delete: there is no such person"),
        (identify(#"{"cio_id":"0100000f"}"#), "identify: nobody has this cio_id, and a cio_id makes nobody"),
        (
            person("add_device", #"{"cio_id":"0100000f"}"#, more: #","device":{"token":"t","platform":"ios"}"#),
            "add_device: nobody has this cio_id, and a cio_id makes nobody"
        ),
        (
            person("delete_device", #"{"id":"u1"}"#, more: #","device":{"token":"other"}"#),
            "delete_device: the person has no device of this token"
        ),
        (
            event(#"{"id":"u1"}"#, "Again", more: #","id":"01BX5ZZKBKACTAV9WEVGEMMVRY""#),
            "event: an event of this id was received before"
        ),
        (object("delete", "none"), "delete: there is no such object"),
        (
            person("delete_relationships", #"{"id":"u1"}"#, more: relationship(acme("none"))),
            "delete_relationships: there is no such object"
        ),
        (
            object("delete_relationships", "there", more: relationship(#"{"id":"nobody"}"#)),
            "delete_relationships: there is no such person"
        ),
    ])
    func `are told with what was asked for and the reason`(item: String, expected: String) async throws {
        let test = try Playground()
        try await test.send(
            person("suppress", #"{"id":"blocked"}"#),
            person("suppress", #"{"email":"blocked@x.com"}"#),
            event(#"{"id":"u1"}"#, "First", more: #","id":"01bx5zzkbkactav9wevgemmvry""#),
            object("identify", "there")
        )
        let before = try await test.counts()
        try await test.send(item)
        #expect(try await test.drops() == [expected])
        #expect(try await test.counts() == before)
        // Whom a suppression is about is not told again.
        let entry = try #require(try await test.log("ferry_dropped").first)
        #expect(!entry.description.contains("blocked"))
    }
}

/// Where workspaces differ, and what nothing public settles (track-api.md §5, §24).
@Suite(.onBothEngines) struct Settings {
    @Test func `an identify by id may replace the e-mail address`() async throws {
        for (isOn, expected) in [(false, "u1|old@x.com"), (true, "u1|new@x.com")] {
            let test = try Playground { $0.updatesEmailUsingId = isOn }
            try await test.send(
                identify(#"{"id":"u1"}"#, #"{"email":"old@x.com"}"#),
                identify(#"{"id":"u1"}"#, #"{"email":"new@x.com"}"#)
            )
            #expect(try await test.person("u1") == expected)
            // Only for an address that nobody else has.
            try await test.send(
                identify(#"{"email":"other@x.com"}"#, #"{"id":"u2"}"#),
                identify(#"{"id":"u1"}"#, #"{"email":"other@x.com"}"#)
            )
            #expect(try await test.person("u1") == expected)
        }
    }

    @Test func `people are merged by an identify, or not`() async throws {
        for (isOn, people) in [(true, Int64(1)), (false, 2)] {
            let test = try Playground { $0.mergesAutomatically = isOn }
            try await test.send(
                identify(#"{"id":"u1"}"#),
                identify(#"{"email":"a@x.com"}"#),
                identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#)
            )
            #expect(try await test.people() == people)
            #expect(try await test.log("failed_attribute_change").count == (isOn ? 0 : 1))
        }
    }

    @Test func `anonymous events are joined, or stay anonymous`() async throws {
        for (isOn, events) in [(true, ["Look", "Late"]), (false, [])] {
            let test = try Playground { $0.mergesAnonymousEvents = isOn }
            try await test.send(
                event(#"{"anonymous_id":"a1"}"#, "Look"),
                identify(#"{"id":"u1"}"#, #"{"anonymous_id":"a1"}"#),
                event(#"{"anonymous_id":"a1"}"#, "Late")
            )
            #expect(try await test.events("u1") == events)
            #expect(try await test.counts().anonymousEvents == (isOn ? 0 : 2))
        }
    }

    @Test func `a suppression blocks what was passed, or all that the person is called`() async throws {
        for (reach, people) in [(WorkspaceSettings.SuppressionReach.passed, Int64(1)), (.all, 0)] {
            let test = try Playground { $0.suppressionReach = reach }
            try await test.send(
                identify(#"{"id":"u1"}"#, #"{"email":"a@x.com"}"#),
                person("suppress", #"{"id":"u1"}"#),
                identify(#"{"email":"a@x.com"}"#)
            )
            #expect(try await test.people() == people)
            // Freed together, too.
            try await test.send(person("unsuppress", #"{"id":"u1"}"#), identify(#"{"email":"a@x.com"}"#))
            #expect(try await test.people() == 1)
        }
    }

    @Test func `an event of somebody unknown makes a person, or is dropped`() async throws {
        for (isOn, people) in [(true, Int64(1)), (false, 0)] {
            let test = try Playground { $0.eventsMakePeople = isOn }
            try await test.send(event(#"{"id":"u1"}"#, "Buy"))
            #expect(try await test.people() == people)
            #expect(try await test.drops().count == (isOn ? 0 : 1))
        }
    }

    @Test func `a refused identify stores its other attributes, or none`() async throws {
        for (isOn, plan) in [(false, #"{"plan":"free"}"#), (true, #"{"plan":"pro"}"#)] {
            let test = try Playground { $0.keepsAttributesOfRefusedIdentify = isOn }
            try await test.send(
                identify(#"{"id":"u1"}"#, #"{"email":"a@x.com","plan":"free"}"#),
                identify(#"{"id":"u1"}"#, #"{"email":"b@x.com","plan":"pro"}"#)
            )
            #expect(try await test.attributes("u1") == plan)
            #expect(try await test.person("u1") == "u1|a@x.com")
            #expect(try await test.log("failed_attribute_change").count == 1)
        }
    }
}
