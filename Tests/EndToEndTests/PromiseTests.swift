import AsyncHTTPClient
import Foundation
import LosslessJSON
import Seeding
import Testing

/// The promises of delivery, on the real program over real HTTP: a destination that fails in every way, processes that
/// are killed, and sums that are looked at all the while.
@Suite(.timeLimit(.minutes(3))) struct `The promises of delivery` {
    private static let people = 12
    private static let events = 3_000

    private static func configuration(_ endpoint: String) -> String {
        """
        sources: { web: { write_key: k } }
        integrations:
          main:
            type: customerio
            settings: { endpoint: "\(endpoint)", site_id: s, api_key: k }
            actions:
              track-event: { batch_size: 7, mapping: { attributes: { n: $.properties.n } } }
              create-or-update-person: { batch_size: 7, mapping: { attributes: { n: $.traits.n } } }
        """
    }

    private struct Call {
        let path: String
        let message: JSON
        /// By what the operation names its person.
        let keys: Set<String>
        let isBad: Bool
    }

    /// Events of a few people, some of whom are named by an e-mail address at times.
    private func calls(_ generator: inout SeededGenerator) -> [Call] {
        (0..<Self.events).map { index in
            let person = Int.random(in: 0..<Self.people, using: &generator)
            let n = JSON.number(JSON.Number(Int64(index)))
            var message: JSON.Object = ["messageId": .string("m\(index)"), "userId": .string("u\(person)")]
            var keys: Set<String> = ["u\(person)"]
            guard !generator.chance(25) else {
                var traits: JSON.Object = ["n": n]
                if generator.chance(40) {
                    let email = "p\(Int.random(in: 0..<Self.people / 2, using: &generator))@example.com"
                    traits["email"] = .string(generator.chance(50) ? email : email.uppercased())
                    keys.insert(email)
                }
                message["type"] = "identify"
                message["traits"] = .object(traits)
                return Call(path: "identify", message: .object(message), keys: keys, isBad: false)
            }
            let isBad = generator.chance(2)
            message["type"] = "track"
            message["event"] = .string("\(isBad ? "bad" : "good") \(index)")
            message["properties"] = ["n": n]
            return Call(path: "track", message: .object(message), keys: keys, isBad: isBad)
        }
    }

    @Test func `hold while the destination fails and the process is killed`() async throws {
        var generator = SeededGenerator(for: "promises over HTTP")
        let calls = calls(&generator)
        let destination = try await HostileDestination(generator)
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data").path
        let config = try folder.file("ferry.yaml", Self.configuration(destination.url))
        var ferry = try await RunningFerry(data: data, config: config)
        // Half of the events, a kill, the other half, another kill, then peace.
        let batches = stride(from: 0, to: calls.count, by: 100).map { calls[$0..<min($0 + 100, calls.count)] }
        for half in [batches[..<(batches.count / 2)], batches[(batches.count / 2)...]] {
            for batch in half {
                let body: JSON = ["batch": .array(batch.map(\.message))]
                #expect(try await ferry.post("/v1/batch", body, key: "k").status == 200)
                try await look(at: ferry)
            }
            for _ in 0..<20 {
                try await look(at: ferry)
                _ = try await ferry.postAdmin("/admin/v1/integrations/main/retry", [:])
                try await Task.sleep(for: .milliseconds(50))
            }
            ferry.kill()
            ferry = try await RunningFerry(data: data, config: config)
        }
        destination.isCalm = true
        var isDone = false
        while !isDone {
            _ = try await ferry.postAdmin("/admin/v1/integrations/main/retry", [:])
            isDone = try await look(at: ferry)
            try await Task.sleep(for: .milliseconds(20))
        }
        try await checkEnd(calls, destination, ferry)
        #expect(ferry.stop() == 0)
        await destination.close()
    }

    /// Looks at all sums, of one moment each: whether nothing waits any more.
    @discardableResult
    private func look(at ferry: RunningFerry) async throws -> Bool {
        let status = try #require(try await ferry.get("/admin/v1/integrations/main").body)
        guard let events = status["events"]?.objectValue else { return false }
        let sums =
            [("accepted", events)]
            + (status["operations"]?.objectValue ?? [:]).compactMap { member in
                member.value.objectValue.map { ("planned", $0) }
            }
        for (whole, parts) in sums {
            let counts = parts.map { ($0.key, $0.value.numberValue?.int64 ?? -1) }
            #expect(counts.allSatisfy { $0.1 >= 0 }, "\(parts)")
            let sum = counts.filter { $0.0 != whole }.reduce(0) { $0 + $1.1 }
            #expect(counts.first { $0.0 == whole }?.1 == sum, "\(parts)")
        }
        let open = sums.dropFirst().flatMap { $0.1.filter { ["waiting", "retrying"].contains($0.key) } }
        return events["waiting"] == 0 && open.allSatisfy { $0.value == 0 }
    }

    private func checkEnd(_ calls: [Call], _ destination: HostileDestination, _ ferry: RunningFerry) async throws {
        let taken = destination.taken
        var first: [Int64: Int] = [:]
        var last: [Int64: Int] = [:]
        var texts: [Int64: String] = [:]
        for (place, operation) in taken.enumerated() {
            first[operation.number] = first[operation.number] ?? place
            last[operation.number] = place
            #expect(texts[operation.number, default: operation.text] == operation.text, "copies are the same")
            texts[operation.number] = operation.text
        }
        // What is bad failed, with the destination's words; all else arrived.
        let expected = calls.indices.filter { !calls[$0].isBad }.map(Int64.init)
        #expect(Set(first.keys).symmetricDifference(expected).isEmpty)
        var failed: [JSON] = []
        var cursor = ""
        repeat {
            let page = try #require(try await ferry.get("/admin/v1/failed?limit=500\(cursor)").body)
            failed += page["items"]?.arrayValue ?? []
            cursor = page["next"]?.stringValue.map { "&cursor=\($0)" } ?? ""
        } while !cursor.isEmpty
        #expect(failed.count == calls.count - expected.count)
        let words = Set(failed.compactMap { $0["words"]?.stringValue })
        #expect(words.allSatisfy { $0.contains("is bad") }, "\(words)")
        // For every key the order is the source's, for first copies and for last ones.
        var previous: [String: Int64] = [:]
        for (index, call) in calls.enumerated() where !call.isBad {
            let number = Int64(index)
            for key in call.keys {
                if let before = previous[key], let a = (first[before], last[before]) as? (Int, Int),
                    let b = (first[number], last[number]) as? (Int, Int)
                {
                    #expect(a.0 < b.0 && a.1 < b.1, "\(before) before \(number), for \(key)")
                }
                previous[key] = number
            }
        }
        // The sums are those of the log.
        let status = try await ferry.get("/admin/v1/integrations/main").body
        let tracks = calls.filter { $0.path == "track" }
        #expect(status?["events"]?["planned"] == .number(JSON.Number(Int64(calls.count))))
        let counts = status?["operations"]?["track-event"]
        #expect(counts?["planned"] == .number(JSON.Number(Int64(tracks.count))))
        #expect(counts?["failed"] == .number(JSON.Number(Int64(tracks.count { $0.isBad }))))
        #expect(destination.requests > 100)
    }
}
