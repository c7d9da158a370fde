import Foundation
import LosslessJSON
import Testing

/// The console of a Ferry with much in it. `FERRY_CONSOLE_EVENTS=100000` makes it large; how long each page takes is
/// printed, and depends on the machine.
@Suite(.timeLimit(.minutes(15))) struct `A large console` {
    private static let events =
        ProcessInfo.processInfo.environment["FERRY_CONSOLE_EVENTS"].flatMap { Int($0) } ?? 2_500

    private static let pages = [
        "", "?last=week", "/connect", "/events", "/events?name=none", "/events?user_id=p7", "/events/1", "/failed",
        "/rejected", "/jobs", "/integrations/default", "/integrations/default?last=week",
        "/integrations/default/settings", "/integrations/default/actions",
        "/integrations/default/actions/track-event", "/integrations/default/deliveries",
        "/integrations/default/deliveries?state=failed", "/integrations/default/failed",
        "/integrations/default/history", "/workspaces", "/workspaces/default", "/workspaces/default?who=nobody",
        "/workspaces/default/people/p7",
        "/workspaces/default/objects", "/workspaces/default/objects/1/club", "/workspaces/default/activity",
        "/workspaces/default/requests",
    ]

    @Test func `stays below 100 KB a page`() async throws {
        let ferry = try await RunningFerry(data: "memory")
        let people = Self.events / 10
        try await Self.fill(ferry, people: people)
        _ = try await ferry.get("/admin/v1/integrations/default") { status in
            status["lanes"]?.arrayValue?.allSatisfy {
                $0["position"]?.numberValue?.int64 ?? 0 >= Int64(Self.events)
            } == true
        }
        let visitor = ConsoleVisitor(ferry)
        let clock = ContinuousClock()
        for path in Self.pages {
            _ = try await visitor.get("/console" + path)
            let start = clock.now
            let page = try await visitor.get("/console" + path)
            let milliseconds = (clock.now - start) / .milliseconds(1)
            #expect(page.status == 200, "\(path)")
            #expect(page.text.utf8.count < 100_000, "\(path)")
            print("console\(path): \(page.text.utf8.count) bytes, \(Int(milliseconds)) ms")
        }
    }

    private static func fill(_ ferry: RunningFerry, people: Int) async throws {
        let large = JSON.string(String(repeating: "x", count: 40_000))
        for first in stride(from: 0, to: events, by: 2_500) {
            let batch = (first..<min(first + 2_500, events)).map { number -> JSON in
                let person = JSON.string("p\(number % people)")
                switch number % 10 {
                case 0:
                    return [
                        "type": "identify", "userId": person, "traits": ["email": .string("p\(number)@example.com")],
                    ]
                case 1: return ["type": "group", "userId": person, "groupId": "club", "traits": ["name": "Club"]]
                default: return ["type": "track", "userId": person, "event": .string("Event \(number % 50)")]
                }
            }
            #expect(try await ferry.post("/v1/batch", ["batch": .array(batch)]).status == 200)
        }
        for number in 1...60 {
            let person = JSON.string("p\(number)")
            _ = try await ferry.post("/v1/track", ["userId": person, "event": "Large", "properties": ["blob": large]])
            _ = try await ferry.post("/v1/track", ["event": "Nameless", "properties": ["blob": large]])
        }
    }
}
