import Events
import Integrations
import LosslessJSON
import Testing

@Suite struct `A comparison` {
    private func event(_ message: JSON.Object, source: String = "web") throws -> Event {
        try #require(Event(logged: message, source: source))
    }

    @Test func `counts by action, and shows field by field what would change`() throws {
        let present = try configured("      track-event: { mapping: { attributes: { a: 1, b: $.properties.b } } }")
        let proposed = try configured(
            """
                  track-event: { mapping: { attributes: { a: 2, c: $.properties.b } }, trigger: 'event != "C"' }
                  signups: { uses: track-event, trigger: 'event = "A"' }
            """
        )
        var comparison = PlanComparison(of: present, with: proposed, samples: 2)
        for (number, name) in ["A", "B", "C", "B"].enumerated() {
            let message: JSON.Object = [
                "type": "track", "event": .string(name), "userId": "u", "messageId": .string("m\(number)"),
                "properties": ["b": 7],
            ]
            comparison.add(try event(message), number: Int64(number + 10))
        }
        #expect(comparison.events == 4 && comparison.changedEvents == 4 && comparison.samples.count == 2)
        let json = comparison.json
        #expect(
            json["actions"] == [
                "track-event": ["present": 4, "proposed": 3, "changed": 3],
                "signups": ["present": 0, "proposed": 1, "changed": 0],
            ]
        )
        let first = json["samples"]?.arrayValue?.first
        #expect(first?["event"] == 10 && first?["messageId"] == "m0")
        let differences = first?["differences"]?.arrayValue ?? []
        #expect(differences.map { $0["action"] } == ["track-event", "signups"])
        #expect(
            differences.first?["fields"] == [
                ["path": "/attributes/a", "present": 1, "proposed": 2],
                ["path": "/attributes/b", "present": 7],
                ["path": "/attributes/c", "proposed": 7],
            ]
        )
        #expect(differences.last?["change"] == "added")
    }

    @Test func `tells why an operation would not be made any more`() throws {
        let present = try configured("      track-event: {}")
        let proposed = try configured("      track-event: { mapping: { name: $.nothing } }")
        var comparison = PlanComparison(of: present, with: proposed, samples: 1)
        comparison.add(try event(["type": "track", "event": "A", "userId": "u", "messageId": "m"]), number: 1)
        let difference = try #require(comparison.samples.first?.differences.first)
        #expect(difference.kind == .removed && difference.reason == "name is missing")
    }

    @Test func `of one that is not there yet, or is switched off, has one side only`() throws {
        let there = try configured("      track-event: {}")
        let off = try #require(
            try Configuration(
                parsing: "integrations: { a: { type: customerio, enabled: false, settings: { endpoint: workspace } } }",
                file: "x"
            ).integrations.first
        )
        let message = try event(["type": "track", "event": "A", "userId": "u", "messageId": "m"])
        for (present, proposed, counts) in [(nil, there, (0, 1)), (there, off, (1, 0)), (off, off, (0, 0))] {
            var comparison = PlanComparison(of: present, with: proposed, samples: 1)
            comparison.add(message, number: 1)
            let counted = comparison.counts.first { $0.action == "track-event" }?.counts
            #expect(counted?.present == counts.0 && counted?.proposed == counts.1)
        }
    }

    @Test(arguments: [
        (#"{"a":1,"b":[1,2]}"#, #"{"b":[1,2],"a":1}"#, []),
        (#"{"a":1.0}"#, #"{"a":1}"#, ["/a: 1.0 1"]),
        (#"{"a":[1,{"b":2}]}"#, #"{"a":[1,{"b":3}]}"#, ["/a/1/b: 2 3"]),
        (#"{"a":[1]}"#, #"{"a":[1,2]}"#, ["/a: [1] [1,2]"]),
        (#"{"a/b":{"c~":1}}"#, "{}", ["/a~1b/c~0: 1 -"]),
        (#"{"a":{}}"#, #"{"a":null}"#, ["/a: {} null"]),
        ("1", "[]", [": 1 []"]),
    ])
    func `names the places at which two values differ`(old: String, new: String, expected: [String]) throws {
        let found = JSON.differences(try JSON(parsing: old), try JSON(parsing: new)).map { difference in
            "\(difference.path): \(difference.present?.description ?? "-") \(difference.proposed?.description ?? "-")"
        }
        #expect(found == expected)
    }
}
