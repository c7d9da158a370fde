import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import Testing

/// The OpenAPI document against a running server. Schemathesis, unmodified, asks for everything that is described: by the
/// examples, at the edges of the schemas, by chance, wrongly on purpose, and for what earlier answers named. It compares
/// each answer with what is described.
@Suite(.enabled(if: Schemathesis.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `OpenAPI document` {
    @Test func `is what a running server does`() async throws {
        let trial = try await DescribedFerry()
        let (result, report) = try await trial.compare(trial.document)
        #expect(result.status == 0, "\(result.output.suffix(8_000))\(result.errors.suffix(2_000))")
        #expect(try Schemathesis.unsuccessful(in: report) == [], "they never succeeded")
    }

    @Test(arguments: [
        (path: "/admin/v1/log", right: "longestWaitMicroseconds", wrong: "longestWait"),
        (path: "/admin/v1/events/{number}", right: "[matches, clause, reason]", wrong: "[matches, clause, why]"),
        (path: "/admin/v1/jobs", right: "enum: [replay, retry]", wrong: "enum: [replays, retries]"),
        (path: "/admin/v1/jobs", right: "        asNew: {", wrong: "        isAsNew: {"),
        (path: "/admin/v1/jobs/{number}", right: #""404":"#, wrong: #""410":"#),
        (path: "/metrics", right: "text/plain", wrong: "text/html"),
        (path: "/livez", right: "const: alive", wrong: "const: well"),
        (path: "/livez", right: "      security: []\n", wrong: ""),
    ])
    func `is noticed where it is wrong`(path: String, right: String, wrong: String) async throws {
        let trial = try await DescribedFerry()
        let document = trial.document.replacing(right, with: wrong)
        let isWrong = document != trial.document
        #expect(isWrong)
        let (result, report) = try await trial.compare(document, ["--include-path", path])
        #expect(result.status == 1 && report["failures"]?.arrayValue?.isEmpty == false, "\(result.output)")
    }
}

/// A server that has something to answer for everything that the document describes, and the document with its examples
/// made those of this server.
private final class DescribedFerry {
    private static let configuration = """
        admin_token: env:FERRY_TEST_TOKEN
        sources:
          default: { write_key: ferry-local }
          app: { write_key: ferry-app }
        integrations:
          default: { type: customerio, sources: [default, app], settings: { endpoint: workspace } }
          away:
            type: customerio
            sources: [app]
            settings: { endpoint: "http://127.0.0.1:9", site_id: s, api_key: k }
        """
    private static let token = "token-123"

    /// Holds the configuration file, which is read again.
    private let folder: ScratchFolder
    private let ferry: RunningFerry
    let document: String

    init() async throws {
        folder = try ScratchFolder()
        ferry = try await RunningFerry(
            data: "memory",
            config: try folder.file("ferry.yaml", Self.configuration),
            adminToken: Self.token,
            environment: ["FERRY_TEST_TOKEN": Self.token]
        )
        try await Self.send(to: ferry)
        let page = try await ferry.get("/admin/v1/failed") { $0["items"]?.arrayValue?.count == 3 }
        let failed = (page["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
        let copy: JSON = ["yaml": "integrations: { copy: { type: customerio, settings: { endpoint: workspace } } }"]
        #expect(try await ferry.ask("/admin/v1/configuration", copy).status == 200)
        for name in ["kept-source", "rotated-source"] {
            #expect(try await ferry.ask("/admin/v1/sources", ["name": .string(name)]).status == 200)
        }
        #expect(try await ferry.ask("/admin/v1/sources/rotated-source/rotate", [:]).status == 200)
        // Nobody is there to whom it could come to its end: it can be paused, resumed and stopped.
        #expect(try await ferry.ask("/admin/v1/replay", ["integration": "away"]).status == 200)
        let last = try #require(try await ferry.get("/admin/v1/log").body?["last"]?.numberValue?.int64)
        let numbers = (1...last).map { "e\($0): { value: \($0) }" }.joined(separator: ", ")
        // One that can be taken back, and never comes true.
        let fault: JSON = ["respond": ["status": 503], "probability": 0]
        #expect(try await ferry.ask("/admin/v1/workspace/faults?workspace=default", fault).status == 200)
        let taken = try await ferry.get("/admin/v1/workspace/snapshot?workspace=default").body
        let snapshot = try #require(taken).description
        let response = try await HTTPClient.shared.execute(
            ferry.adminRequest("/admin/v1/openapi.yaml"),
            timeout: .seconds(20)
        )
        document = String(buffer: try await response.body.collect(upTo: 1 << 20))
            .replacing("1-42-0", with: failed[0])
            .replacing("1-43-0", with: failed[1])
            .replacing("example: production", with: "example: away")
            .replacing("event: 4242", with: "event: \(last)")
            // What is to be waited for is not there, mostly.
            .replacing("        - { $ref: \"#/components/parameters/Wait\" }\n", with: "")
            .replacing(#"{ format: ferry workspace, checksum: "0", workspace: {} }"#, with: snapshot)
            .replacing("example: 42\n", with: "examples: { \(numbers) }\n")
    }

    /// Events that are delivered, wait, fail and are ignored; people, a device, an object, a metric; refused messages.
    private static func send(to ferry: RunningFerry) async throws {
        let large = JSON.string(String(repeating: "x", count: 40_000))
        let device: JSON = ["device": ["token": "t1", "type": "ios"]]
        let calls: [(path: String, body: JSON)] = [
            ("identify", ["userId": "u1", "traits": ["email": "u1@example.com", "plan": "pro"]]),
            ("track", ["userId": "u1", "event": "Ordered", "messageId": "m2", "properties": ["total": 20]]),
            ("track", ["userId": "u1", "event": "Ordered", "messageId": "m2", "properties": ["total": 20]]),
            ("track", ["userId": "u1", "event": "Application Installed", "context": device]),
            ("group", ["userId": "u1", "groupId": "acme", "traits": ["name": "Acme"]]),
            ("identify", ["anonymousId": "a1", "traits": ["plan": "free"]]),
            ("track", ["anonymousId": "a1", "event": "Looked"]),
            ("page", ["userId": "u1", "name": "Home", "properties": ["url": "https://example.com/"]]),
            ("screen", ["userId": "u1", "name": "Settings"]),
            ("alias", ["previousId": "u0", "userId": "u1"]),
            (
                "track",
                [
                    "userId": "u1", "event": "Report Delivery Event",
                    "properties": ["deliveryId": "d1", "metric": "opened"],
                ]
            ),
            ("identify", ["userId": "u7", "traits": ["email": "ann@example.com"]]),
            ("identify", ["userId": "u9"]), ("track", ["userId": "u9", "event": "User Deleted"]),
            ("track", ["userId": "u1", "event": "Large", "properties": ["blob": large]]),
            ("track", ["userId": "u1", "event": "Large", "properties": ["blob": large]]),
            ("track", ["userId": "u1", "event": "Large", "properties": ["blob": large]]),
        ]
        for call in calls { #expect(try await ferry.post("/v1/\(call.path)", call.body).status == 200) }
        let stranger: JSON = ["userId": "u2", "event": "Sent"]
        for key in ["ferry-app", "nobody"] { _ = try await ferry.post("/v1/track", stranger, key: key) }
        for refused: JSON in [["event": "Nobody"], ["userId": "u1"], ["userId": "u1", "event": 1]] {
            _ = try await ferry.post("/v1/track", refused)
        }
        _ = try await ferry.get("/admin/v1/integrations/default") { $0["lag"]?["events"] == 0 }
        _ = try await ferry.get("/admin/v1/integrations/away") { $0["health"]?["state"] == "unreachable" }
    }

    /// Holds the document against this server.
    func compare(_ document: String, _ options: [String] = []) async throws -> (FerryProcess.Result, JSON) {
        try await Schemathesis.compare(
            document,
            with: ferry.privateURL,
            authorization: "Bearer \(Self.token)",
            options
        )
    }
}
