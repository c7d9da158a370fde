import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1

/// Posts batches to a source API and tries again where that helps.
struct BatchSender: Sendable {
    /// The server will not take it, however often it is asked.
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    private static let tries = 12
    private let url: String
    private let authorization: String

    /// - Throws: `Refused` for a URL that is none.
    init(url: String, writeKey: String) throws {
        guard let parsed = URL(string: url), ["http", "https"].contains(parsed.scheme ?? ""), parsed.host != nil else {
            throw Refused(description: "\(url) is not a URL; write for example http://127.0.0.1:8080")
        }
        var base = Substring(url)
        while base.hasSuffix("/") { base.removeLast() }
        if base.hasSuffix("/v1") { base.removeLast(3) }
        self.url = base + "/v1/batch"
        authorization = "Basic " + Data("\(writeKey):".utf8).base64EncodedString()
    }

    /// Sends one batch; strict mode, so that nothing is taken that is not stored.
    func send(_ messages: [JSON]) async throws {
        let body = JSON.object(["batch": .array(messages)]).encoded()
        var wait = 0.5
        var reason = ""
        for _ in 0..<Self.tries {
            switch await post(body) {
            case .taken: return
            case .refused(let words): throw Refused(description: words)
            case .later(let words, let seconds):
                reason = words
                Terminal.progress("\(words); trying again")
                try await Task.sleep(for: .seconds(max(seconds ?? 0, wait * Double.random(in: 0.5...1))))
                wait = min(wait * 2, 30)
            }
        }
        throw Refused(description: "\(reason); given up after \(Self.tries) tries, call again to go on")
    }

    private enum Outcome {
        case taken
        case refused(String)
        case later(String, Double?)
    }

    private func post(_ body: [UInt8]) async -> Outcome {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Authorization", value: authorization)
        request.headers.add(name: "X-Strict-Mode", value: "1")
        request.body = .bytes(body)
        do {
            let response = try await HTTPClient.ofCommands.execute(request, timeout: .seconds(60))
            let answer = try await response.body.collect(upTo: 1 << 20)
            switch response.status.code {
            case 200..<300: return .taken
            case 408, 429, 500...:
                let seconds = response.headers.first(name: "Retry-After").flatMap(Double.init).map { min($0, 300) }
                return .later("the server answers \(response.status.code)", seconds)
            default:
                let words = (try? JSON(parsing: Array(answer.readableBytesView)))?["message"]?.stringValue
                return .refused("the server refuses: \(response.status.code) \(words ?? response.status.reasonPhrase)")
            }
        } catch {
            return .later("\(url) can't be reached", nil)
        }
    }
}
