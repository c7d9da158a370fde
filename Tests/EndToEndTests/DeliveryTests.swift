import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

/// What a running server tells of its deliveries, and what its commands make of it.
@Suite(.timeLimit(.minutes(2))) struct `What was delivered` {
    /// A server with a few events behind it, the last of which is too large for Customer.io.
    private func ferry() async throws -> RunningFerry {
        let ferry = try await RunningFerry(data: "memory")
        let large = JSON.string(String(repeating: "x", count: 40_000))
        let calls: [(path: String, body: JSON)] = [
            ("identify", ["userId": "u1", "traits": ["email": "u1@example.com"], "messageId": "m1"]),
            ("track", ["userId": "u1", "event": "Ordered", "messageId": "m2"]),
            ("identify", ["anonymousId": "a1", "traits": ["plan": "free"], "messageId": "m3"]),
            (
                "track",
                [
                    "userId": "u1", "event": "Report Delivery Event", "messageId": "m4",
                    "properties": ["deliveryId": "d1", "metric": "opened"],
                ]
            ),
            ("track", ["userId": "u1", "event": "Large", "messageId": "m5", "properties": ["blob": large]]),
        ]
        for call in calls { #expect(try await ferry.post("/v1/\(call.path)", call.body).status == 200) }
        _ = try await ferry.get("/admin/v1/integrations/default") { status in
            // The second cursor comes to the end after the first.
            status["events"]?["waiting"] == 0 && status["lag"]?["events"] == 0
                && status["operations"]?["report-delivery-event"]?["delivered"] == 1
        }
        return ferry
    }

    @Test func `is told in sums that add up, by ferry status`() async throws {
        let ferry = try await ferry()
        let status = try await FerryProcess.run(["status", "--json", "--url", ferry.privateURL])
        #expect(status.status == 0)
        let json = try JSON(parsing: status.output)
        #expect(json["health"] == ["state": "healthy", "words": "nothing waits"])
        #expect(
            json["events"]
                == ["accepted": 5, "planned": 4, "ignored": 1, "skipped": 0, "expired": 0, "erased": 0, "waiting": 0]
        )
        let track: JSON = [
            "planned": 2, "delivered": 1, "waiting": 0, "retrying": 0, "failed": 1, "discarded": 0, "erased": 0,
        ]
        #expect(json["operations"]?["track-event"] == track)
        #expect(json["ignored"] == ["create-or-update-person": ["anonymous identify": 1]])
        let text = try await FerryProcess.run(["status", "default", "--url", ferry.privateURL])
        #expect(text.output.contains("default  healthy: nothing waits"))
        #expect(text.output.contains("track-event  planned 2, delivered 1, failed 1"))
        let unknown = try await FerryProcess.run(["status", "other", "--url", ferry.privateURL])
        #expect(unknown.status == 1 && unknown.errors.contains("there is no integration other: there are default"))
    }

    @Test func `is told to Prometheus in the same sums`() async throws {
        let ferry = try await ferry()
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: ferry.privateURL + "/metrics"),
            timeout: .seconds(10)
        )
        #expect(response.headers.first(name: "content-type") == "text/plain; version=0.0.4; charset=utf-8")
        let lines = String(buffer: try await response.body.collect(upTo: 1 << 20)).split(separator: "\n")
        let track = #"{integration="default",action="track-event","#
        for line in [
            #"ferry_events_accepted_total{source="default"} 5"#, "ferry_log_events 5",
            #"ferry_delivery_events_total{integration="default",outcome="planned"} 4"#,
            #"ferry_delivery_operations_total\#(track)outcome="planned"} 2"#,
            #"ferry_delivery_operations_total\#(track)outcome="delivered"} 1"#,
            #"ferry_delivery_operations\#(track)state="failed"} 1"#,
            #"ferry_delivery_requests_total{integration="default",lane="metrics",outcome="delivered"} 1"#,
            #"ferry_delivery_request_seconds_count{integration="default",lane="metrics"} 1"#,
            #"ferry_delivery_road_open{integration="default",lane="live"} 1"#,
            #"ferry_delivery_lag_events{integration="default"} 0"#,
        ] {
            #expect(lines.contains { $0 == line }, "\(line)")
        }
        // Each line is a comment, or a name with a number behind it; each name has its type before.
        let samples = lines.filter { !$0.hasPrefix("#") }
        #expect(samples.allSatisfy { $0.wholeMatch(of: /[a-z_]+(\{[^}]*\})? [0-9.e+\-]+/) != nil })
    }

    @Test func `is explained event by event`() async throws {
        let ferry = try await ferry()
        let found = try await ferry.get("/admin/v1/events?message_id=m2&user_id=u1&name=Ordered&type=track").body
        let number = try #require(found?["items"]?.arrayValue?.first?["number"])
        #expect(found?["items"]?.arrayValue?.count == 1)
        let story = try #require(try await ferry.get("/admin/v1/events/\(number)").body)
        #expect(story["message"]?["event"] == "Ordered")
        let delivery = story["integrations"]?.arrayValue?.first
        #expect(delivery?["state"] == "delivered")
        let operation = delivery?["operations"]?.arrayValue?.first
        #expect(operation?["action"] == "track-event" && operation?["body"]?["name"] == "Ordered")
        #expect(operation?["attempts"]?.arrayValue?.map { $0["status"] } == [200])
        let person = delivery?["trace"]?.arrayValue?.first { $0["action"] == "create-or-update-person" }
        #expect(person?["trigger"]?["matches"] == false)

        let ignored = try await ferry.get("/admin/v1/events/3").body?["integrations"]?.arrayValue?.first
        #expect(ignored?["state"] == "ignored")
        #expect(ignored?["ignored"]?.arrayValue?.first?["reason"] == "anonymous identify")
        let metric = try await ferry.get("/admin/v1/events/4").body?["integrations"]?.arrayValue?.first
        #expect(metric?["operations"]?.arrayValue?.first?["attempts"]?.arrayValue?.count == 1)
    }

    @Test func `is looked for page by page`() async throws {
        let ferry = try await ferry()
        var numbers: [JSON] = []
        var cursor = ""
        repeat {
            let page = try #require(try await ferry.get("/admin/v1/events?limit=2\(cursor)").body)
            numbers += page["items"]?.arrayValue?.compactMap { $0["number"] } ?? []
            cursor = page["next"]?.stringValue.map { "&cursor=\($0)" } ?? ""
        } while !cursor.isEmpty
        #expect(numbers == [5, 4, 3, 2, 1])
        for query in ["limit=0", "limit=x", "cursor=x", "from=yesterday"] {
            #expect(try await ferry.get("/admin/v1/events?\(query)").status == 400)
        }
        #expect(try await ferry.get("/admin/v1/events?until=2020-01-01").body?["items"] == [])
        #expect(try await ferry.get("/admin/v1/events?from=2020-01-01").body?["items"]?.arrayValue?.count == 5)
        #expect(try await ferry.get("/admin/v1/events/99").status == 404)
        #expect(try await ferry.get("/admin/v1/events/x").status == 400)
    }

    @Test(
        arguments: [
            ("state=delivered", [4, 2, 1]), ("state=failed", [5]), ("state=ignored", [3]), ("state=waiting", []),
            ("action=track-event", [5, 2]), ("action=track-event&state=delivered", [2]),
            ("action=create-or-update-person", [3, 1]), ("action=create-or-update-person&state=ignored", [3]),
            ("action=report-delivery-event&state=delivered", [4]), ("integration=default&state=failed&name=Large", [5]),
            ("email=U1@Example.com", [1]), ("email=u1@example.com&state=failed", []), ("user_id=u1&state=failed", [5]),
        ] as [(String, [JSON])]
    )
    func `is looked for by what became of it`(query: String, expected: [JSON]) async throws {
        let ferry = try await ferry()
        let page = try await ferry.get("/admin/v1/events?\(query)").body
        #expect(page?["items"]?.arrayValue?.compactMap { $0["number"] } == expected)
        #expect(page?["next"]?.isNull == true)
        // Page by page it is the same.
        var numbers: [JSON] = []
        var cursor = ""
        repeat {
            let page = try await ferry.get("/admin/v1/events?limit=1&\(query)\(cursor)").body
            numbers += page?["items"]?.arrayValue?.compactMap { $0["number"] } ?? []
            cursor = page?["next"]?.stringValue.map { "&cursor=\($0)" } ?? ""
        } while !cursor.isEmpty
        #expect(numbers == expected)
    }

    @Test func `is listed and shown by ferry events`() async throws {
        let ferry = try await ferry()
        let url = ["--url", ferry.privateURL]
        let list = try await FerryProcess.run(["events", "--state", "failed"] + url)
        #expect(list.status == 0 && list.lines.count == 1 && list.output.contains("track Large  u1"), "\(list.errors)")
        let show = try await FerryProcess.run(["events", "show", "5"] + url)
        for words in ["default, revision 1: failed", "track-event  failed: larger than 32 KB", "not this one: "] {
            #expect(show.output.contains(words), "\(words)")
        }
        #expect(try await FerryProcess.run(["events", "show", "2"] + url).output.contains(": 200"))
        #expect(
            try await FerryProcess.run(["events", "show", "3"] + url).output.contains("ignored: anonymous identify")
        )
        #expect(try await FerryProcess.run(["events", "show", "99"] + url).status == 1)
        let none = try await FerryProcess.run(["events", "list", "--user-id", "nobody"] + url)
        #expect(none.status == 0 && none.errors.contains("no event is like that"))
        for (option, words) in [("--state", "there is no state x"), ("--integration", "there is no integration x")] {
            #expect(try await FerryProcess.run(["events", option, "x"] + url).errors.contains(words))
        }
        #expect(try await FerryProcess.run(["events", "--from", "x"] + url).status == 64)
    }

    @Test func `failed work is grouped with a remedy, shown, exported and let go of`() async throws {
        let ferry = try await ferry()
        let url = ["--url", ferry.privateURL]
        let groups = try await FerryProcess.run(["failed", "groups"] + url)
        #expect(groups.output.contains("1  default  track-event  larger than 32 KB"))
        #expect(groups.output.contains("Leave something out with a mapping"))
        let list = try await FerryProcess.run(["failed", "list", "--json", "--action", "track-event"] + url)
        let item = try JSON(parsing: list.output)
        let id = try #require(item["id"]?.stringValue)
        let show = try JSON(parsing: try await FerryProcess.run(["failed", "show", id] + url).output)
        #expect(show["message"]?["event"] == "Large" && show["operation"]?["body"]?["name"] == "Large")
        let export = try await FerryProcess.run(["failed", "export", "--words", "larger than 32 KB"] + url)
        #expect(try JSON(parsing: export.output) == show)
        #expect(try await FerryProcess.run(["failed", "export", "--words", "other"] + url).output.isEmpty)

        #expect(try await FerryProcess.run(["failed", "discard"] + url).status == 64)
        // A place to go on from says nothing of which ones are meant.
        for choice: JSON in [[:], ["after": "0-0-0"]] {
            #expect(try await ferry.ask("/admin/v1/failed/discard", choice).status == 400)
        }
        #expect(try await FerryProcess.run(["failed", "discard", id, "--all"] + url).status == 64)
        let gone = try await FerryProcess.run(["failed", "discard", "1-999-0"] + url)
        #expect(gone.status == 1 && gone.errors.contains("none of these is there"))
        let discard = try await FerryProcess.run(["failed", "discard", id] + url)
        #expect(discard.status == 0 && discard.errors.contains("1 discarded"))
        #expect(try await FerryProcess.run(["failed", "list"] + url).output.isEmpty)
        let track = try await ferry.get("/admin/v1/integrations/default").body?["operations"]?["track-event"]
        #expect(track?["discarded"] == 1 && track?["failed"] == 0 && track?["delivered"] == 1)
    }
}
