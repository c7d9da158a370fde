import HTTPTypes
import LosslessJSON

/// What a service answers.
package struct Answer: Sendable {
    let status: HTTPResponse.Status
    var headers: HTTPFields
    let body: [UInt8]
    /// Whether the connection is of no use afterwards, because the request was not read to its end.
    var closesConnection = false
    /// Writes a body that has no end of its own, in the place of `body`; it throws when the reader has gone.
    var stream: (@Sendable (_ write: @Sendable (String) async throws -> Void) async throws -> Void)?
    /// How much of it goes out.
    var ending = Ending.whole

    /// Where an answer ends. All but the first are on purpose (`Fault`).
    enum Ending: Equatable {
        case whole
        /// After so many bytes of the body the connection is closed.
        case cut(after: Int)
        /// Before its first byte: the connection is reset.
        case reset
    }

    /// An answer whose body is JSON bytes, or nothing.
    init(_ situation: Situation, headers: HTTPFields = [:], body: [UInt8]) {
        status = situation.status
        self.headers = headers
        self.body = body
        if !body.isEmpty, headers[.contentType] == nil { self.headers[.contentType] = "application/json" }
    }

    /// The headers with which it goes out whole. An answer without a body has no length either (RFC 9110 §8.6).
    var headersWithLength: HTTPFields {
        var headers = headers
        if status != .noContent { headers[.contentLength] = String(body.count) }
        return headers
    }

    /// An answer whose body is one JSON value.
    init(_ situation: Situation, headers: HTTPFields = [:], json: JSON) {
        self.init(situation, headers: headers, body: json.encoded())
    }
}

extension HTTPField.Name {
    static let strictMode = custom("X-Strict-Mode")
    static let traceparent = custom("traceparent")
    static let crossOriginResourcePolicy = custom("Cross-Origin-Resource-Policy")
    static let forwardedProtocol = custom("X-Forwarded-Proto")
    static let rateLimitReset = custom("X-RateLimit-Reset")
    static let workspace = custom("X-Ferry-Workspace")
    /// Of a page of the console that renews its parts.
    static let live = custom("X-Ferry-Live")
    /// Who asks the admin API, for the history.
    static let author = custom("X-Ferry-Author")
    static let referrerPolicy = custom("Referrer-Policy")
    /// Customer.io answers with a header that repeats the status line (track-api.md §1).
    static let repeatedStatus = custom("Status")

    /// A name of ours, which is a valid one unless this file is wrong.
    private static func custom(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no header name") }
        return name
    }
}
