import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// What sends batches to servers that don't live long.
enum CrashSender {
    /// The status of the answer; `nil` where none came, or a success without its body, which is none.
    static func post(_ body: [UInt8], to url: String, within time: TimeAmount) async -> UInt? {
        var request = HTTPClientRequest(url: url + "/v1/batch")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Basic \(Data("ferry-local:".utf8).base64EncodedString())")
        request.body = .bytes(body)
        guard let response = try? await client.execute(request, timeout: time),
            let answer = try? await response.body.collect(upTo: 1 << 20)
        else { return nil }
        return response.status == .ok && answer.readableBytes == 0 ? nil : response.status.code
    }

    /// It does not wait for a server that is gone.
    private static let client: HTTPClient = {
        var impatient = HTTPClient.Configuration()
        impatient.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: impatient)
    }()
}
