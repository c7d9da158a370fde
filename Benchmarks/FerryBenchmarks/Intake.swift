import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore

/// How fast the source API takes events onto the disk, with nothing delivered meanwhile: batches, single calls beside a bare server, and how long a call
/// takes at half of the top rate.
struct Intake {
    let executable: String
    let seconds: Double
    private static let rounds = 3

    func run() async throws -> String {
        var generator = EventGenerator()
        let messages = generator.messages(20_000)
        let ferry = try await FerryProcess(executable: executable, integrations: .none)
        defer { ferry.stop() }
        let idle = ferry.residentMegabytes
        let bare = try await BareServer.start()
        defer { bare.process.terminate() }

        // The ids of the generator would be duplicates from the second round on, which cost less.
        let batches = LoadGenerator(ports: [ferry.publicPort], connections: 16, requests: batches(of: messages))
        let singles = singles(of: messages)
        let ours = LoadGenerator(ports: [ferry.publicPort], connections: 64, requests: singles)
        let theirs = LoadGenerator(ports: [bare.port], connections: 64, requests: singles)
        _ = try await ours.run(seconds: 1)
        _ = try await theirs.run(seconds: 1)
        var rates: (batches: [Double], ours: [Double], theirs: [Double]) = ([], [], [])
        for _ in 0..<Self.rounds {
            rates.batches.append(try await measured(batches).requestsPerSecond * 100)
            rates.theirs.append(try await measured(theirs).requestsPerSecond)
            rates.ours.append(try await measured(ours).requestsPerSecond)
        }
        // Whatever takes its time beside Ferry, the sender above all, is in both figures.
        let half = median(rates.ours) / 2
        var tails: (ours: [LoadGenerator.Result], theirs: [LoadGenerator.Result]) = ([], [])
        for _ in 0..<Self.rounds {
            tails.theirs.append(try await theirs.run(seconds: seconds, requestsPerSecond: half))
            tails.ours.append(try await ours.run(seconds: seconds, requestsPerSecond: half))
        }
        let ratios = zip(rates.ours, rates.theirs).map { $0 / $1 }
        return """

            the source API, \(Self.rounds) rounds of \(Int(seconds)) s in turn, every 200 after fsync (synchronous=FULL)
              batches of 100, 16 connections   \(range(rates.batches)) events/s (aim: 20,000)
              single events, 64 connections    \(range(rates.ours)) events/s
              a bare route, 64 connections     \(range(rates.theirs)) requests/s
              single events to bare route      \(range(ratios, "%.2f")) (aim: 0.60)
              at half of the top rate          \(tail(of: tails.ours)) (aim: p99 under 10 ms)
              the bare route at that rate      \(tail(of: tails.theirs))
              group commits                    \(try await commits(of: ferry))
              memory                           \(idle) MB idle (aim: 100), \(ferry.residentMegabytes) MB after this
            """
    }

    private func measured(_ load: LoadGenerator) async throws -> LoadGenerator.Result {
        let result = try await load.run(seconds: seconds)
        guard result.refused == 0 else {
            throw FerryProcess.Failed(description: "\(result.refused) of \(result.latencies.count) answers are not 200")
        }
        return result
    }

    /// Medians of what a call took, and of the last hundredth the lowest and the highest.
    private func tail(of runs: [LoadGenerator.Result]) -> String {
        let percentile = { (percent: Double) in runs.map { $0.percentile(percent) } }
        return "p50 \(String(format: "%.1f", median(percentile(50)))) ms, p99 \(range(percentile(99), "%.1f")) ms, "
            + "most \(String(format: "%.1f", median(percentile(100)))) ms"
    }

    /// What the server tells of its commits.
    private func commits(of ferry: FerryProcess) async throws -> String {
        let commits = try await ferry.get("/admin/v1/log")["commits"]
        let number = { (name: String) in commits?[name]?.numberValue?.double ?? 0 }
        return String(
            format: "%.0f events each, a call waits %.1f ms, the longest %.0f ms",
            number("events") / number("groups"),
            number("waitedMicroseconds") / number("calls") / 1000,
            number("longestWaitMicroseconds") / 1000
        )
    }

    // MARK: Requests

    /// Without ids of their own, so that each time they are sent they are stored.
    private func withoutId(_ message: [UInt8]) -> [UInt8] {
        let text = String(decoding: message, as: UTF8.self)
        return Array(text.replacing(/"messageId":"[^"]*",/, with: "").utf8)
    }

    private func batches(of messages: [[UInt8]]) -> [LoadGenerator.Request] {
        stride(from: 0, to: messages.count, by: 100).map { first in
            let items = messages[first..<first + 100].map(withoutId).joined(separator: Array(",".utf8))
            let body = Array(#"{"batch":["#.utf8) + items + Array("]}".utf8)
            return LoadGenerator.request("/v1/batch", key: FerryProcess.writeKey, body: body)
        }
    }

    private func singles(of messages: [[UInt8]]) -> [LoadGenerator.Request] {
        messages.prefix(5_000).compactMap { message in
            let text = String(decoding: message, as: UTF8.self)
            guard text.contains(#""type":"track""#) else { return nil }
            return LoadGenerator.request("/v1/track", key: FerryProcess.writeKey, body: withoutId(message))
        }
    }
}
