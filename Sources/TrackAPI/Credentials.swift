import AsyncHTTPClient

/// A workspace's Site Id and Track API key.
///
/// Whatever prints, interpolates, dumps or reflects this value shows `••••`, so that no log line can hold a secret by
/// accident.
package struct Credentials: Sendable {
    private let siteId: String
    private let apiKey: String

    package init(siteId: String, apiKey: String) {
        self.siteId = siteId
        self.apiKey = apiKey
    }

    /// The value of the `Authorization` header. Secret: Basic only encodes the credentials (track-api.md §2).
    package var authorization: String {
        HTTPClient.Authorization.basic(username: siteId, password: apiKey).headerValue
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `••••`, whatever the credentials are.
    package static let mask = "••••"

    package var description: String { Credentials.mask }
    package var debugDescription: String { Credentials.mask }
    package var customMirror: Mirror { Mirror(reflecting: Credentials.mask) }
}

extension Credentials {
    /// Shorter texts are no secrets, and would be found everywhere.
    private static let shortestSecret = 4

    /// A text from outside, without the secrets that it may echo.
    func redacting(_ text: String) -> String {
        let token = authorization.dropFirst("Basic ".count)
        let webToken = String(token.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
        var bytes = Array(text.utf8)
        for secret in [String(token), webToken, apiKey, siteId] where secret.utf8.count >= Credentials.shortestSecret {
            bytes = bytes.replacing(Array(secret.utf8), with: Array(Credentials.mask.utf8))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
