import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import NIOHTTP1
import Testing

/// Somebody who asks for the console's pages without a browser: it follows nothing and sends just what it is told to.
final class ConsoleVisitor {
    struct Page {
        let status: UInt
        let headers: HTTPHeaders
        let text: String

        subscript(header: String) -> String? { headers.first(name: header) }

        /// What each form of the page carries.
        var formToken: String? { text.firstMatch(of: /name="csrf" value="([^"]+)"/).map { String($0.1) } }
        var asksToSignIn: Bool { text.contains("<h1>Sign in</h1>") }
    }

    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 50
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()

    /// May be another server's from now on, as behind a load balancer.
    var url: String
    /// What the server has set.
    var cookie: String?

    init(_ ferry: RunningFerry) {
        url = ferry.privateURL
    }

    func get(_ path: String, _ headers: [(String, String)] = []) async throws -> Page {
        try await send("GET", path, headers)
    }

    /// Sends a form; it carries the token unless that is `nil`.
    func post(
        _ path: String,
        _ fields: [String: String] = [:],
        token: String?,
        type: String? = "application/x-www-form-urlencoded",
        _ headers: [(String, String)] = []
    ) async throws -> Page {
        var fields = fields
        fields["csrf"] = token
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        let encoded = { (text: String) in text.addingPercentEncoding(withAllowedCharacters: allowed) ?? "" }
        let body = fields.map { "\(encoded($0.key))=\(encoded($0.value))" }.joined(separator: "&")
        return try await send("POST", path, (type.map { [("content-type", $0)] } ?? []) + headers, Array(body.utf8))
    }

    /// Signs in, and says with which answer.
    func signIn(_ token: String, next: String? = nil) async throws -> Page {
        let page = try await get("/console")
        var fields = ["token": token]
        fields["next"] = next
        return try await post("/console/login", fields, token: page.formToken)
    }

    func send(_ method: String, _ path: String, _ headers: [(String, String)] = [], _ body: [UInt8]? = nil)
        async throws -> Page
    {
        let response = try await answer(to: method, path, headers, body)
        let buffer = try await response.body.collect(upTo: 1 << 24)
        return Page(status: response.status.code, headers: response.headers, text: String(buffer: buffer))
    }

    /// The answer as it begins; its body is still on the way.
    func answer(to method: String, _ path: String, _ headers: [(String, String)] = [], _ body: [UInt8]? = nil)
        async throws -> HTTPClientResponse
    {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers = HTTPHeaders(headers)
        if let cookie { request.headers.add(name: "cookie", value: cookie) }
        request.body = body.map { .bytes($0) }
        let response = try await Self.client.execute(request, timeout: .seconds(60))
        if let set = response.headers.first(name: "set-cookie") { cookie = String(set.prefix { $0 != ";" }) }
        return response
    }
}
