import HTTPTypes
import LosslessJSON
import NIOCore

/// Who may use `/admin/v1`: whoever has the token, if one is set, and no page of another origin.
struct AdminDoor: Sendable {
    private let token: [UInt8]?

    /// `nil` asks for no token.
    init(token: String?) {
        self.token = token.map { Array($0.utf8) }
    }

    var asksForToken: Bool { token != nil }

    /// What lets those in who were let in by another door.
    var key: String? { token.map { "Bearer " + String(decoding: $0, as: UTF8.self) } }

    /// Whether this is the token.
    func opens(with given: String) -> Bool { token.map { isSameSecret(Array(given.utf8), as: $0) } ?? true }

    /// The answer to somebody who is not let in; `nil` for everybody else.
    func refusal(of request: IncomingRequest) -> Answer? {
        guard isKnown(request) else {
            var answer = Answer.admin(.unauthorised, "this listener asks for its admin token as a Bearer token")
            answer.headers[.wwwAuthenticate] = "Bearer"
            return answer
        }
        guard request.method == .get || request.method == .head || isOurs(request) else {
            return .admin(.foreignOrigin, "send application/json, and not from a page of another origin")
        }
        return nil
    }

    private func isKnown(_ request: IncomingRequest) -> Bool {
        guard let token else { return true }
        guard let authorization = Authorization(request.headers[.authorization]), authorization.scheme == .bearer else {
            return false
        }
        return isSameSecret(Array(authorization.token.utf8), as: token)
    }

    /// A page of another origin can post text to this machine without asking, but no JSON, and never hides where it is
    /// from.
    private func isOurs(_ request: IncomingRequest) -> Bool {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        // A DELETE has no body, and no page may send one without asking first.
        guard type == "application/json" || request.method == .delete else { return false }
        return request.isFromNoOtherOrigin
    }
}

extension IncomingRequest {
    /// Whether no page of another origin has sent it: browsers say so.
    var isFromNoOtherOrigin: Bool {
        guard let origin = headers[.origin] else { return true }
        return authority.map { origin == "http://\($0)" || origin == "https://\($0)" } ?? false
    }
}

extension Routes {
    /// Adds a handler for those who get through the door.
    mutating func on(
        _ method: HTTPRequest.Method,
        _ path: String,
        behind door: AdminDoor,
        _ handler: @escaping Handler
    ) {
        on(method, path) { request, parameters in
            if let refusal = door.refusal(of: request) { return refusal }
            do {
                return try await handler(request, parameters)
            } catch let error as LargeAdminBody {
                return error.answer
            }
        }
    }

    /// Adds a handler that has no use for a body, for those who get through the door.
    mutating func onCall(_ path: String, behind door: AdminDoor, _ handler: @escaping Handler) {
        on(.post, path, behind: door) { request, parameters in
            guard try await request.hasNoAdminBody() else { return .admin(.invalid, "this takes no body but {}") }
            return try await handler(request, parameters)
        }
    }
}

/// The body of an operator's call is larger than it may be.
private struct LargeAdminBody: Error {
    /// Bytes.
    let limit: Int
    /// Whether it was read to its end.
    let isDrained: Bool

    var answer: Answer {
        var answer = Answer.admin(.farTooLarge, "the body is too large: \(limit >> 20) MiB at most")
        answer.closesConnection = !isDrained
        return answer
    }
}

extension IncomingRequest {
    static let adminBodyBytes = 1 << 20

    /// The JSON of an operator's call; `nil` when it is none. The limit is a mebibyte where nothing else is said; what is
    /// larger is answered by the route.
    func readAdminBody(upTo limit: Int = adminBodyBytes) async throws -> JSON? {
        try await adminBytes(upTo: limit).flatMap { try? JSON(parsing: $0) }
    }

    /// Whether a call says nothing: its body is empty, or `{}`.
    fileprivate func hasNoAdminBody() async throws -> Bool {
        guard let buffer = try await adminBytes(upTo: Self.adminBodyBytes) else { return false }
        return buffer.readableBytes == 0 || (try? JSON(parsing: buffer))?.objectValue?.isEmpty == true
    }

    /// `nil` for a body that did not come in time.
    private func adminBytes(upTo limit: Int) async throws -> ByteBuffer? {
        switch try await readBody(upTo: limit, seconds: 30, budget: ByteBudget(limit: limit)) {
        case .whole(let buffer): return buffer
        case .tooLarge(let isDrained, _): throw LargeAdminBody(limit: limit, isDrained: isDrained)
        case .tooSlow, .noRoom, .damaged: return nil
        }
    }
}

extension RequestQuery {
    /// How many items a page of a list is to have: `limit`, from 1 to 1000, without one 100; `nil` for anything else.
    var pageLimit: Int? {
        Int(self["limit"] ?? "100").flatMap { 1...1000 ~= $0 ? $0 : nil }
    }
}

extension Answer {
    /// Pages of other origins may not read these: there are no headers that let them.
    static func admin(_ situation: Situation, json: JSON) -> Answer {
        Answer(situation, headers: [.cacheControl: "no-store", .xContentTypeOptions: "nosniff"], json: json)
    }

    static func admin(_ situation: Situation, _ message: String) -> Answer {
        admin(situation, json: ["meta": ["error": .string(message)]])
    }
}
