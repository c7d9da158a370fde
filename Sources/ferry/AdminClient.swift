import ArgumentParser
import AsyncHTTPClient
import Foundation
import Integrations
import LosslessJSON
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import TrackAPI

/// The running server that a command speaks to.
struct ServerOptions: ParsableArguments {
    @Option(help: "Where the private API of the running server is.")
    var url = "http://127.0.0.1:8081"

    @Option(help: "Its admin token, if it has one: env:NAME or file:PATH; by default FERRY_ADMIN_TOKEN.")
    var token: String?

    @Option(help: "The file with the certificate that it shows, where Ferry has made that itself.")
    var certificate: String?

    /// - Throws: `ValidationError` for a token that can't be found, or a URL that is none.
    func client() throws -> AdminClient {
        guard let parsed = URL(string: url), ["http", "https"].contains(parsed.scheme ?? ""), parsed.host != nil else {
            throw ValidationError("--url: \(url) is not a URL; write for example http://127.0.0.1:8081")
        }
        let reference = token.map(SecretReference.init)
        do {
            let given = try reference?.resolved() ?? ProcessInfo.processInfo.environment["FERRY_ADMIN_TOKEN"]
            return try AdminClient(url: url, token: given, certificate: certificate)
        } catch let error as ValidationError {
            throw error
        } catch {
            throw ValidationError("--token: \(error)")
        }
    }
}

extension HTTPClient {
    /// The one of the commands: where nobody listens, it says so at once. It lives as long as the process.
    static let ofCommands = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: configurationOfCommands
    )

    private static var configurationOfCommands: Configuration {
        var configuration = TrackClient.httpConfiguration
        configuration.timeout.connect = .seconds(5)
        return configuration
    }

    /// Those that trust a certificate of their own: they live as long as the process, too.
    private static let trusting = Mutex<[HTTPClient]>([])

    /// One that trusts a certificate in a PEM file and no other.
    fileprivate static func ofCommands(trusting path: String) throws -> HTTPClient {
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path) else {
            throw ValidationError("--certificate: \(path) is no file with certificates in PEM")
        }
        var configuration = configurationOfCommands
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(certificates)
        configuration.tlsConfiguration = tls
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        trusting.withLock { $0.append(client) }
        return client
    }
}

/// Speaks to the admin API of a running server.
struct AdminClient {
    fileprivate let url: String
    fileprivate let token: String?
    fileprivate let client: HTTPClient

    /// - Throws: `ValidationError` for a file with a certificate that is none.
    init(url: String, token: String?, certificate: String?) throws {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.token = token
        client = try certificate.map { try HTTPClient.ofCommands(trusting: $0) } ?? .ofCommands
    }

    /// Whether a server answers there that takes events.
    func isReady() async -> Bool {
        let response = try? await client.execute(HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(5))
        return response?.status == .ok
    }

    /// The server did not do it, for this reason.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    func get(_ path: String, _ query: [(String, String?)] = []) async throws -> JSON {
        var components = URLComponents()
        components.queryItems = query.compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
        // A plus would be read as a space.
        let text = components.percentEncodedQuery?.replacing("+", with: "%2B") ?? ""
        return try await send(HTTPClientRequest(url: url + path + (text.isEmpty ? "" : "?\(text)")))
    }

    /// Goes through a list page by page: uses at most `limit` of its items.
    ///
    /// - Returns: how many there were, and the last page.
    func forEachItem(
        of path: String,
        _ query: [(String, String?)],
        limit: Int,
        _ use: (JSON) async throws -> Void
    ) async throws -> (count: Int, lastPage: JSON) {
        var cursor: String?
        var count = 0
        var page: JSON
        repeat {
            page = try await get(path, query + [("limit", String(min(limit - count, 1000))), ("cursor", cursor)])
            for item in page["items"]?.arrayValue ?? [] {
                try await use(item)
                count += 1
            }
            cursor = page["next"]?.stringValue
        } while cursor != nil && count < limit
        return (count, page)
    }

    /// A text as one segment of a path.
    static func segment(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~")))
            ?? ""
    }

    /// The path of an integration, and of what is behind it.
    static func path(ofIntegration name: String) -> String {
        "/admin/v1/integrations/\(segment(name))"
    }

    func post(_ path: String, _ body: JSON) async throws -> JSON {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(body.encoded())
        return try await send(request)
    }

    private func send(_ request: HTTPClientRequest) async throws -> JSON {
        var request = request
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let response: HTTPClientResponse
        let bytes: ByteBuffer
        do {
            response = try await client.execute(request, timeout: .seconds(120))
            bytes = try await response.body.collect(upTo: 64 << 20)
        } catch {
            throw Failure(description: "no server answers at \(url); name its private address with --url")
        }
        let json = try? JSON(parsing: Array(bytes.readableBytesView))
        switch (response.status.code, json) {
        case (200, let json?): return json
        case (401, _):
            throw Failure(description: "\(url) asks for its admin token; give it with --token, or in FERRY_ADMIN_TOKEN")
        default:
            let words = json?["meta"]?["error"]?.stringValue ?? response.status.reasonPhrase
            throw Failure(description: "\(url) answers \(response.status.code): \(words)")
        }
    }

    /// Turns what goes wrong into a sentence and an exit code.
    static func reportingFailures(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let failure as Failure {
            Terminal.error(failure.description)
            throw ExitCode.failure
        }
    }
}
