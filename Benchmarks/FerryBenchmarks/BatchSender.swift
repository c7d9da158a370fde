import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1

/// Posts batches to a server, a few at a time, as often as it asks for it.
struct BatchSender {
    static let connections = 4
    private let url: String

    init(_ server: FerryProcess) {
        url = server.publicURL + "/v1/batch"
    }

    /// Generated events in batches of a hundred. Another seed gives other events.
    static func batches(of events: Int, seed: UInt64? = nil) -> [[UInt8]] {
        var generator = seed.map { EventGenerator(seed: $0) } ?? EventGenerator()
        var rest = generator.messages(events)[...]
        var batches: [[UInt8]] = []
        while !rest.isEmpty {
            let messages = rest.prefix(100)
            batches.append(Array(#"{"batch":["#.utf8) + messages.joined(separator: Array(",".utf8)) + Array("]}".utf8))
            rest = rest.dropFirst(100)
        }
        return batches
    }

    func post(_ batches: [[UInt8]]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (position, body) in batches.enumerated() {
                if position >= Self.connections { try await group.next() }
                group.addTask { try await post(body) }
            }
            try await group.waitForAll()
        }
    }

    private func post(_ body: [UInt8]) async throws {
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
}
