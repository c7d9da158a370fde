import Foundation
import NIOCore

/// A log of a million events: how large it is beside what was sent, what it holds in memory, and how fast a server starts
/// on it.
struct LargeLog {
    let executable: String
    let events: Int

    func run() async throws -> String {
        var generator = EventGenerator()
        let messages = generator.messages(20_000)
        let first = try await FerryProcess(executable: executable, integrations: .none)
        // Each message comes fifty times over, under an id of its own each time.
        let batches = (0..<events / 100).map { batch in
            let items = (0..<100).map { item -> [UInt8] in
                let text = String(decoding: messages[(batch * 100 + item) % messages.count], as: UTF8.self)
                let id = "\"messageId\":\"large-\(batch)-\(item)-0123456789abcdef\""
                return Array(text.replacing(/"messageId":"[^"]*"/, with: id).utf8)
            }
            let body = Array(#"{"batch":["#.utf8) + items.joined(separator: Array(",".utf8)) + Array("]}".utf8)
            return LoadGenerator.request("/v1/batch", key: FerryProcess.writeKey, body: body)
        }
        let load = LoadGenerator(ports: [first.publicPort], connections: 16, requests: batches, sendsEachOnce: true)
        let result = try await load.run(seconds: 3600)
        guard result.refused == 0 else {
            first.stop()
            throw FerryProcess.Failed(description: "\(result.refused) batches were refused")
        }
        let sent = batches.reduce(0) { $0 + $1.body.readableBytes }
        let memory = first.residentMegabytes
        // Folds the journal into the file.
        let folder = first.stopKeepingData()
        let start = ContinuousClock.now
        let second = try await FerryProcess(executable: executable, integrations: .none, folder: folder)
        let ready = start.duration(to: .now) / .milliseconds(1)
        let size = Double(second.logBytes) / Double(sent)
        let idle = second.residentMegabytes
        second.stop()
        let rate = Double(events) / result.seconds
        return """

            a log of \(events) events, \(sent / events) bytes each as sent
              accepted                 \(String(format: "%.0f", rate)) events/s, the longest batch \
            \(String(format: "%.0f", result.percentile(100))) ms
              size                     \(String(format: "%.2f", size)) times what was sent (aim: under 1.60)
              start until ready        \(String(format: "%.0f", ready)) ms (aim: under 1,000)
              memory                   \(memory) MB behind the last event, \(idle) MB after the start (aim: 100)
            """
    }
}
