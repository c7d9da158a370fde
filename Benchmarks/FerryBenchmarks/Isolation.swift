import Foundation
import NIOCore
import NIOPosix

/// What a dead integration costs the others: how fast three workspaces are filled, without and with a fourth integration
/// whose destination takes connections and never answers. In turn, each time a new server.
struct Isolation {
    let executable: String
    let events: Int
    private static let rounds = 3
    private static let healthy = ["one", "two", "three"]

    func run() async throws -> String {
        let silent = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = silent.localAddress?.port ?? 0
        let batches = BatchSender.batches(of: events)
        var rates: (without: [Double], with: [Double]) = ([], [])
        for _ in 0..<Self.rounds {
            rates.without.append(try await rate(Self.configuration(), batches))
            rates.with.append(try await rate(Self.configuration(dead: port), batches))
        }
        try await silent.close()
        let ratios = zip(rates.with, rates.without).map { $0 / $1 }
        return """

            isolation: \(events) events into three workspaces, \(Self.rounds) rounds in turn
              three healthy integrations            \(range(rates.without, "%.0f")) events/s
              the same beside one that never answers \(range(rates.with, "%.0f")) events/s
              with to without                       \(range(ratios, "%.2f"))
            """
    }

    /// Events a second, until all healthy integrations are done.
    private func rate(_ configuration: String, _ batches: [[UInt8]]) async throws -> Double {
        let server = try await FerryProcess(executable: executable, integrations: .written(configuration))
        defer { server.stop() }
        let start = ContinuousClock.now
        try await BatchSender(server).post(batches)
        while try await !server.isDelivered(to: Self.healthy) { try await Task.sleep(for: .milliseconds(20)) }
        return Double(events) / (start.duration(to: .now) / .seconds(1))
    }

    private static func configuration(dead port: Int? = nil) -> String {
        var text = "integrations:\n"
        for name in healthy { text += "  \(name): { type: customerio, settings: { endpoint: workspace } }\n" }
        if let port {
            let endpoint = "http://127.0.0.1:\(port)"
            text += "  dead: { type: customerio, settings: { endpoint: '\(endpoint)', site_id: a, api_key: b } }\n"
        }
        return text
    }
}
