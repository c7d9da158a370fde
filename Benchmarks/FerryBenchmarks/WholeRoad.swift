import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1

/// The whole road through a server of its own: batches over HTTP into the log on the disk, from there as operations over
/// HTTP into the embedded workspace. This program and the server share the machine.
struct WholeRoad {
    let executable: String
    let events: Int

    /// Starts a server, sends everything, and says how long it took.
    func run() async throws -> String {
        let server = try await FerryProcess(executable: executable)
        defer { server.stop() }
        let sender = BatchSender(server)
        // A few before the clock starts: from then on the server and the connections are warm.
        try await sender.post(BatchSender.batches(of: 200, seed: 7))
        try await waitUntilDelivered(server)
        let batches = BatchSender.batches(of: events)
        let cpuBefore = server.cpuSeconds
        let process = server.processIdentifier
        let sampling = Task {
            var memory: [Int] = []
            while !Task.isCancelled {
                memory.append(FerryProcess.residentMegabytes(of: process))
                try? await Task.sleep(for: .seconds(1))
            }
            return memory
        }
        let start = ContinuousClock.now
        try await sender.post(batches)
        let accepted = start.duration(to: .now)
        try await waitUntilDelivered(server)
        let delivered = start.duration(to: .now)
        sampling.cancel()
        let cpu = (server.cpuSeconds - cpuBefore) / Double(events)
        return """

            the whole road: \(events) events in batches of 100 over \(BatchSender.connections) connections
              on the server's disk    \(rate(accepted)) events/s, \(seconds(accepted)) s
              in the workspace        \(rate(delivered)) events/s, \(seconds(delivered)) s
              the server's processor  \(String(format: "%.0f", cpu * 1_000_000)) µs/event
              the server's memory     \(Self.words(await sampling.value))
            """
    }

    private func waitUntilDelivered(_ server: FerryProcess) async throws {
        while try await !server.isDelivered(to: ["default"]) { try await Task.sleep(for: .milliseconds(20)) }
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
