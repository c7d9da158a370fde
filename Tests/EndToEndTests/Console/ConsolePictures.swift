import Foundation
import LosslessJSON
import Seeding
import Testing

/// Where the pictures go.
private enum Pictures {
    static let folder = ProcessInfo.processInfo.environment["FERRY_SCREENSHOTS"]
}

/// The pictures of docs/console.md: `make screenshots`. They show an hour at the shop of `ferry demo`.
@Suite(.enabled(if: Pictures.folder != nil, "make screenshots"), .timeLimit(.minutes(10)))
struct ConsolePictures {
    private static let people = [
        "Mira", "Jo", "Kit", "Ada", "Sam", "Lou", "Noor", "Finn", "Yuki", "Ines", "Leo", "Zoë",
    ]

    @Test func `the console is photographed`() async throws {
        let folder = URL(filePath: try #require(Pictures.folder))
        let scratch = try ScratchFolder()
        let data = scratch.url.appending(path: "data").path
        var generator = SeededGenerator(seed: 12)
        // Ferry has only its own clock; so the past is told by one that is late.
        let clock = try await TimeOfDay()
        for minutes in stride(from: 58, through: 2, by: -2) {
            let ferry = try await RunningFerry(data: data, environment: clock.environment(.seconds(-60 * minutes)))
            try await Self.tell(ferry, calls: 4 + Int.random(in: 0..<14, using: &generator), &generator)
            #expect(ferry.stop() == 0)
        }
        let ferry = try await RunningFerry(data: data)
        try await WebBrowser.with { browser in
            let trial = ConsoleTrial(ferry: ferry, browser: browser)
            try await browser.resize(1200, 800)
            try await trial.refuse("c-1003", "property value cannot be longer than 1000 bytes")
            try await trial.refuse("c-1004", "is reserved by Customer.io")
            try await Self.tell(ferry, calls: 25, &generator)
            try await Self.tellOfMira(trial)
            _ = try await ferry.get("/admin/v1/failed") { $0["items"]?.arrayValue?.count == 4 }
            let order = try await ferry.get("/admin/v1/events?user_id=c-1001&name=Order%20Completed")
            let number = try #require(order.body?["items"]?.arrayValue?.first?["number"]?.numberValue?.int64)
            for theme in WebBrowser.Theme.allCases {
                try await browser.prefer(theme)
                try await trial.open("/console")
                try await browser.see("live", in: .css("#live"))
                try await Self.take("overview-\(theme)", browser, in: folder)
            }
            try await browser.prefer(.light)
            let pages = [
                ("event", "/console/events/\(number)"), ("failed", "/console/failed"),
                ("action", "/console/integrations/default/actions/track-event?event=\(number)"),
                ("person", "/console/workspaces/default/people/c-1001"),
            ]
            for (name, path) in pages {
                try await trial.open(path)
                if name == "action" {
                    try await browser.run("document.querySelector('main h2').scrollIntoView()")
                }
                try await Self.take(name, browser, in: folder)
            }
        }
    }

    private static func take(_ name: String, _ browser: WebBrowser, in folder: URL) async throws {
        let picture = try await browser.picture()
        #expect(picture.count < 150_000, "\(name): \(picture.count) bytes")
        try picture.write(to: folder.appending(path: "console-\(name).png"))
    }

    /// What customers do.
    private static func tell(_ ferry: RunningFerry, calls: Int, _ generator: inout SeededGenerator) async throws {
        let events = ["Product Viewed", "Cart Updated", "Order Completed", "Watering Reminder Set", "Review Written"]
        for _ in 0..<calls {
            let number = Int.random(in: 0..<people.count, using: &generator)
            let id = JSON.string("c-\(1_010 + number)")
            let name = people[number]
            let call: (path: String, body: JSON) =
                switch Int.random(in: 0..<8, using: &generator) {
                case 0:
                    ("identify", ["userId": id, "traits": ["email": .string("\(name.lowercased())@fernery.example")]])
                case 1: ("page", ["userId": id, "name": "Ferns for dark rooms"])
                case 2: ("track", ["anonymousId": .string("visitor-\(number)"), "event": "Product Viewed"])
                default:
                    ("track", ["userId": id, "event": .string(events[Int.random(in: 0..<5, using: &generator)])])
                }
            #expect(try await ferry.post("/v1/\(call.path)", call.body).status == 200)
        }
    }

    private static func tellOfMira(_ trial: ConsoleTrial) async throws {
        let traits: JSON = ["email": "mira@fernery.example", "first_name": "Mira", "plan": "seedling"]
        let device: JSON = ["device": ["token": "push-token-mira", "type": "iOS"]]
        try await trial.send("identify", ["userId": "c-1001", "anonymousId": "visitor-17", "traits": traits])
        try await trial.send("track", ["userId": "c-1001", "event": "Application Installed", "context": device])
        let club: JSON = ["name": "Plant Club Berlin", "members": 41, "relationshipAttributes": ["role": "member"]]
        try await trial.send("group", ["userId": "c-1001", "groupId": "club-berlin", "traits": club])
        let order: JSON = ["order_id": "o-501", "total": 24, "currency": "EUR", "sku": "fern-3"]
        try await trial.send("track", ["userId": "c-1001", "event": "Order Completed", "properties": order])
        for name in ["Review Written", "Order Completed", "Cart Updated"] {
            try await trial.send("track", ["userId": "c-1003", "event": .string(name)])
            try await trial.settle()
        }
        try await trial.send("track", ["userId": "c-1004", "event": "Review Written"])
    }
}
