import Foundation
import LosslessJSON
import Testing

@Suite(.timeLimit(.minutes(2))) struct `ferry rejected` {
    @Test func `lists what came with an unknown key and accepts it once the key is declared`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let before = try await RunningFerry(data: data)
        let call: JSON = ["userId": "u1", "event": "Early Bird", "messageId": "m1"]
        #expect(try await before.post("/v1/track", call, key: "late-key").status == 200)
        let list = try await FerryProcess.run(["rejected", "list", "--url", before.privateURL])
        #expect(list.status == 0)
        #expect(list.lines.count == 1)
        #expect(list.output.contains("invalid_write_key  no source has this write key"))
        #expect(list.errors.contains("1 shown, 1 kept"))
        #expect(!list.output.contains("late-key"))
        let tooEarly = try await FerryProcess.run(["rejected", "accept", "1", "--url", before.privateURL])
        #expect(tooEarly.status == 1)
        #expect(tooEarly.errors.contains("1 stays refused: no source has its write key yet"))
        #expect(before.stop() == 0)

        let after = try await RunningFerry(data: data, environment: ["FERRY_WRITE_KEY": "late-key"])
        let json = try await FerryProcess.run(["rejected", "list", "--json", "--url", after.privateURL + "/"])
        #expect(try JSON(parsing: json.output)["path"] == "track")
        let accept = try await FerryProcess.run(["rejected", "accept", "--all", "--url", after.privateURL])
        #expect(accept.status == 0)
        #expect(accept.errors.contains("1 message accepted"))
        _ = try await after.get("/admin/v1/workspace/people/u1/activity") {
            $0["items"]?.arrayValue?.contains { $0["name"] == "Early Bird" } ?? false
        }
        #expect(try await FerryProcess.run(["rejected", "list", "--url", after.privateURL]).output.isEmpty)
    }

    @Test func `says what is missing`() async throws {
        let nobody = try await FerryProcess.run(["rejected", "list", "--url", "http://127.0.0.1:1"])
        #expect(nobody.status == 1)
        #expect(nobody.errors.contains("no server answers at http://127.0.0.1:1"))
        #expect(try await FerryProcess.run(["rejected", "accept"]).status == 64)
        #expect(try await FerryProcess.run(["rejected", "accept", "1", "--all"]).status == 64)
        #expect(try await FerryProcess.run(["rejected", "list", "--url", "nowhere"]).status == 64)
        #expect(try await FerryProcess.run(["rejected", "list", "--token", "env:FERRY_NOT_SET"]).status == 64)
    }
}
