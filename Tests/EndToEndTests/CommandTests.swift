import Foundation
import LosslessJSON
import Testing

@Suite(.timeLimit(.minutes(3))) struct `ferry preview` {
    @Test func `goes through a thousand varied events and gives a line for each`() async throws {
        let file = Bundle.module.bundleURL.appending(path: "Vectors/events-mixed.ndjson").path
        let result = try await FerryProcess.run(["preview", file])
        #expect(result.lines.count == 1000)
        var numbers: [Int64] = []
        for line in result.lines {
            let json = try JSON(parsing: line)
            numbers.append(json["line"]?.numberValue?.int64 ?? 0)
            let keys = json.objectValue?.members.map(\.key)
            #expect(keys == ["line", "messageId", "integration", "operations", "ignored", "warnings", "error"])
        }
        #expect(numbers == Array(1...1000))
    }

    @Test func `goes on after a bad line and exits with 1`() async throws {
        let input = """
            {"type":"track","event":"A","userId":"u1"}
            {"type":"track","event":
            {"type":"track","event":"B","userId":"u1"}

            """
        let result = try await FerryProcess.run(["preview"], input: input)
        #expect(result.status == 1)
        #expect(result.lines.count == 3)
        #expect(try JSON(parsing: result.lines[1])["error"]?.stringValue?.hasPrefix("not JSON") == true)
        #expect(try JSON(parsing: result.lines[2])["error"]?.isNull == true)
    }

    @Test func `ends a line at LF only`() async throws {
        let result = try await FerryProcess.run(
            ["preview"],
            input: "{\"type\":\"track\",\"event\":\"a\u{2028}b\",\"userId\":\"u1\"}\r\n"
        )
        #expect(result.status == 0)
        #expect(result.lines.count == 1)
    }

    @Test func `says why with --explain`() async throws {
        let result = try await FerryProcess.run(
            ["preview", "--explain"],
            input: #"{"type":"identify","userId":"u1","traits":{"email":"a@example.com"}}"#
        )
        let trace = try JSON(parsing: result.output)["trace"]?.arrayValue
        #expect(trace?.count == 15)
        #expect(trace?.first?["trigger"]?["matches"] == true)
        #expect(trace?.first?["fields"]?.arrayValue?.first?["from"] == "$.userId")
    }

    @Test func `shows what would become of the last events of a running server's log`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data)
        for number in 1...3 {
            let message: JSON = ["userId": "u1", "event": "E", "messageId": .string("m\(number)")]
            #expect(try await ferry.post("/v1/track", message).status == 200)
        }
        let result = try await FerryProcess.run(["preview", "--against-log", "--last", "2", "--data", data])
        #expect(result.status == 0)
        let lines = try result.lines.map { try JSON(parsing: $0) }
        #expect(lines.map { $0["messageId"] } == ["m2", "m3"])
        #expect(lines.allSatisfy { $0["operations"]?.arrayValue?.count == 1 })
        #expect(ferry.stop() == 0)
    }

    @Test func `says that there is no log in a folder`() async throws {
        let result = try await FerryProcess.run(["preview", "--against-log", "--data", "/nowhere"])
        #expect(result.status == 1)
        #expect(result.errors.contains("/nowhere"))
    }

    @Test func `an unknown integration is a mistake of usage`() async throws {
        let result = try await FerryProcess.run(["preview", "--integration", "nope"])
        #expect(result.status == 64)
        #expect(result.errors.contains("nope"))
    }
}

@Suite(.timeLimit(.minutes(3))) struct `ferry check` {
    @Test func `tells three different mistakes at once, each with its place`() async throws {
        let folder = try ScratchFolder()
        let file = try folder.file(
            "ferry.yaml",
            """
            sources:
              web: { write_kee: secret }
            integrations:
              local:
                type: customerio
                settings: { endpoint: workspace }
                actions:
                  track-evnt: { enabled: false }
                  delete-person:
                    trigger: event = "A" && userId = "b"
            """
        )
        let result = try await FerryProcess.run(["check", file])
        #expect(result.status == 78)
        #expect(result.errors.contains(":2:10: unknown key `write_kee`; did you mean `write_key`?"))
        #expect(result.errors.contains(":8:7: unknown action `track-evnt`; did you mean `track-event`?"))
        #expect(result.errors.contains(":10:30:"))
        #expect(result.errors.contains("^"))
        #expect(!result.errors.contains("write_kee: secret }\n    secret"))
    }

    @Test func `runs the tests of the file`() async throws {
        let folder = try ScratchFolder()
        let file = try folder.file(
            "ferry.yaml",
            """
            integrations:
              local:
                type: customerio
                settings: { endpoint: workspace }
            tests:
              - name: closes
                event: { type: track, event: User Deleted, userId: u1 }
                expect:
                  - { action: delete-person, body: { type: person, action: delete, identifiers: { id: u1 } } }
              - name: differs
                event: { type: track, event: User Deleted, userId: u1 }
                expect:
                  - { action: delete-person, body: { type: person, action: delete, identifiers: { id: u2 } } }
            """
        )
        let result = try await FerryProcess.run(["check", file])
        #expect(result.status == 1)
        #expect(result.output.contains("ok closes"))
        #expect(result.output.contains("FAILED differs"))
        #expect(
            result.output.contains(#"- delete-person {"type":"person","action":"delete","identifiers":{"id":"u2"}}"#)
        )
        #expect(
            result.output.contains(#"+ delete-person {"type":"person","action":"delete","identifiers":{"id":"u1"}}"#)
        )
    }

    @Test(arguments: [
        (0, "0 sources, 1 integration, 0 tests passed"), (1, "1 source, 1 integration, 1 test passed"),
        (2, "2 sources, 1 integration, 2 tests passed"),
    ])
    func `counts in words that fit`(number: Int, words: String) async throws {
        let folder = try ScratchFolder()
        let test = "{ event: { type: alias, userId: u, previousId: p }, expect: [] }"
        let text = """
            sources: { \((0..<number).map { "s\($0): { write_key: k\($0) }" }.joined(separator: ", ")) }
            integrations: { local: { type: customerio, settings: { endpoint: workspace }, actions: { merge-people: { enabled: false } } } }
            tests: [ \(Array(repeating: test, count: number).joined(separator: ", ")) ]
            """
        let result = try await FerryProcess.run(["check", try folder.file("ferry.yaml", text)])
        #expect(result.output.hasSuffix(": \(words)\n"), "\(result.output)\(result.errors)")
    }

    @Test(arguments: [(65_536, false), (65_537, true), (1 << 20, true)])
    func `reads no more of a file than a secret can be`(bytes: Int, isTooLarge: Bool) async throws {
        let folder = try ScratchFolder()
        let secret = try folder.file("secret", String(repeating: "x", count: bytes))
        let file = try folder.file("ferry.yaml", "sources: { web: { write_key: \"file:\(secret)\" } }")
        let result = try await FerryProcess.run(["check", file])
        let words = "the file \(secret) is larger than 64 KiB, which no secret is: is the path right?"
        #expect(result.errors.contains(words) == isTooLarge, "\(result.errors)")
    }

    @Test func `names the file that is not there`() async throws {
        let result = try await FerryProcess.run(["check", "/nowhere/ferry.yaml"])
        #expect(result.status == 78)
        #expect(result.errors.contains("/nowhere/ferry.yaml"))
    }
}

@Suite(.timeLimit(.minutes(3))) struct `ferry send` {
    private func messages(_ count: Int) -> String {
        (1...count).map { #"{"type":"track","event":"E\#($0)","userId":"u1"}"# + "\n" }.joined()
    }

    @Test func `loads a file and names what it leaves out`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(data: "memory")
        let file = try folder.file("events.ndjson", messages(600) + #"{"type":"track","userId":"u1"}"# + "\n")
        let result = try await FerryProcess.run(["send", file, "--url", ferry.publicURL, "--write-key", "ferry-local"])
        #expect(result.status == 1)
        #expect(result.errors.contains("message 601 is left out: event is missing"))
        #expect(result.errors.contains("600 messages sent, 1 left out"))
        _ = try await ferry.get("/admin/v1/workspace/activity?limit=1000") { body in
            (body["items"]?.arrayValue ?? []).count { $0["type"] == "event" } == 600
        }
    }

    @Test func `a second time stores nothing twice`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(data: "memory")
        let file = try folder.file("events.json", "[\(messages(20).split(separator: "\n").joined(separator: ","))]")
        for _ in 0..<2 {
            let result = try await FerryProcess.run([
                "send", file, "--url", ferry.publicURL, "--write-key", "ferry-local",
            ])
            #expect(result.status == 0)
        }
        #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "last"]).status == 200)
        let activity = try await ferry.get("/admin/v1/workspace/activity?limit=1000") { body in
            (body["items"]?.arrayValue ?? []).contains { $0["name"] == "last" }
        }
        #expect((activity["items"]?.arrayValue ?? []).count { $0["type"] == "event" } == 21)
    }

    @Test func `goes on where it was interrupted`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(data: "memory")
        let file = try folder.file("events.ndjson", messages(10))
        _ = try folder.file("events.ndjson.sent", "8\n")
        let result = try await FerryProcess.run(["send", file, "--url", ferry.publicURL, "--write-key", "ferry-local"])
        #expect(result.errors.contains("going on behind message 8"))
        #expect(result.errors.contains("2 messages sent"))
        #expect(!FileManager.default.fileExists(atPath: file + ".sent"))
    }

    @Test func `an unknown key is told plainly`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(data: "memory")
        let file = try folder.file("events.ndjson", messages(1))
        let result = try await FerryProcess.run(["send", file, "--url", ferry.publicURL, "--write-key", "wrong"])
        #expect(result.status == 1)
        #expect(result.errors.contains("401"))
        #expect(!result.errors.contains("wrong"))
    }
}

@Suite(.timeLimit(.minutes(3))) struct `ferry demo` {
    @Test func `tells what becomes of each call and what landed`() async throws {
        let result = try await FerryProcess.run(["demo", "--once", "--pace", "0"])
        #expect(result.status == 0)
        #expect(result.output.contains("create-or-update-person ignored: anonymous identify"))
        #expect(result.output.contains("create-or-update-device delivered"))
        #expect(result.output.contains("refused and kept"))
        #expect(result.output.contains("What landed in the workspace"))
        #expect(!result.output.contains("failed:"))
        for action in [
            "create-or-update-person", "track-event", "track-page-view", "track-screen-view", "create-or-update-device",
            "delete-device", "create-or-update-object", "delete-object", "delete-relationship", "delete-person",
            "merge-people", "suppress-person", "unsuppress-person", "report-delivery-event", "report-content-event",
        ] {
            #expect(result.output.contains("\(action) delivered"))
        }
    }
}
