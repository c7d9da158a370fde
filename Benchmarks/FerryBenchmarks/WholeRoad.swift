import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1

/// The whole road through a server of its own: batches over HTTP into the log on the disk, from there as operations over
/// HTTP into the embedded workspace.
///
/// Delivery keeps the log's order, so that all is delivered once the last message is: that message identifies somebody
/// for whom the workspace is then asked. This program and the server share the machine.
struct WholeRoad {
    let executable: String
    let events: Int

    private static let eventsOfBatch = 100
    private static let connections = 4

    /// Starts a server, sends everything, and says how long it took.
    func run() async throws -> String {
        let server = try await FerryProcess(executable: executable)
        defer { server.stop() }
        // Somebody who arrives before the clock starts: from then on the server and the connections are warm.
        try await post([person("first")], to: server)
        _ = try await waitUntilDelivered("first", server)
        let batches = batches()
        let cpuBefore = server.cpuSeconds
        let start = ContinuousClock.now
        try await post(batches, to: server)
        try await post([person("last")], to: server)
        let accepted = start.duration(to: .now)
        let memory = try await waitUntilDelivered("last", server)
        let delivered = start.duration(to: .now)
        let cpu = (server.cpuSeconds - cpuBefore) / Double(events)
        return """

            the whole road: \(events) events in batches of \(Self.eventsOfBatch) over \(Self.connections) connections
              on the server's disk    \(rate(accepted)) events/s, \(seconds(accepted)) s
              in the workspace        \(rate(delivered)) events/s, \(seconds(delivered)) s
              the server's processor  \(String(format: "%.0f", cpu * 1_000_000)) µs/event
              the server's memory     \(memory)
            """
    }

    private func batches() -> [[UInt8]] {
        var generator = EventGenerator()
        var rest = generator.messages(events)[...]
        var batches: [[UInt8]] = []
        while !rest.isEmpty {
            batches.append(batch(rest.prefix(Self.eventsOfBatch)))
            rest = rest.dropFirst(Self.eventsOfBatch)
        }
        return batches
    }

    private func person(_ id: String) -> [UInt8] {
        let call: JSON = [
            "type": "identify", "userId": .string(id), "messageId": .string(id), "traits": ["plan": "pro"],
        ]
        return batch([call.encoded()])
    }

    private func batch(_ messages: ArraySlice<[UInt8]>) -> [UInt8] {
        Array(#"{"batch":["#.utf8) + messages.joined(separator: Array(",".utf8)) + Array("]}".utf8)
    }

    // MARK: HTTP

    /// Posts the batches, a few at a time.
    private func post(_ batches: [[UInt8]], to server: FerryProcess) async throws {
        let url = server.publicURL + "/v1/batch"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (position, body) in batches.enumerated() {
                if position >= Self.connections { try await group.next() }
                group.addTask { try await Self.post(body, to: url) }
            }
            try await group.waitForAll()
        }
    }

    private static func post(_ body: [UInt8], to url: String) async throws {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.setBasicAuth(username: FerryProcess.writeKey, password: "")
        request.headers.add(name: "X-Strict-Mode", value: "1")
        request.body = .bytes(body)
        while true {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            let answer = try await response.body.collect(upTo: 1 << 20)
            switch response.status.code {
            case 200: return
            case 429: try await Task.sleep(for: .milliseconds(200))
            default:
                throw FerryProcess.Failed(description: "\(url) answers \(response.status): \(String(buffer: answer))")
            }
        }
    }

    /// Waits, and says what memory the server held meanwhile, second by second.
    private func waitUntilDelivered(_ person: String, _ server: FerryProcess) async throws -> String {
        var memory: [Int] = []
        var sampledAt = ContinuousClock.now
        let request = HTTPClientRequest(url: server.privateURL + "/admin/v1/workspace/people/" + person)
        let deadline = ContinuousClock.now.advanced(by: .seconds(600))
        while ContinuousClock.now < deadline {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            _ = try await response.body.collect(upTo: 1 << 20)
            if sampledAt.duration(to: .now) >= .seconds(1) || memory.isEmpty {
                memory.append(server.residentMegabytes)
                sampledAt = .now
            }
            if response.status.code == 200 { return Self.words(memory) }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw FerryProcess.Failed(description: "the last event was not delivered within 600 seconds")
    }

    // MARK: Words

    /// Ten of the values, evenly spread, so that a rising line is seen.
    private static func words(_ memory: [Int]) -> String {
        let step = max(1, memory.count / 10)
        return stride(from: 0, to: memory.count, by: step).map { "\(memory[$0])" }.joined(separator: " ") + " MB"
    }

    private func rate(_ duration: Duration) -> String {
        String(format: "%7.0f", Double(events) / (duration / .seconds(1)))
    }

    private func seconds(_ duration: Duration) -> String {
        String(format: "%.2f", duration / .seconds(1))
    }
}
