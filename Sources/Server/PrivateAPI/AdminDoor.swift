import HTTPTypes
import LosslessJSON

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
        guard let origin = request.headers[.origin] else { return true }
        return request.authority.map { origin == "http://\($0)" || origin == "https://\($0)" } ?? false
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
            return try await handler(request, parameters)
        }
    }
}

extension IncomingRequest {
    static let adminBodyBytes = 1 << 20

    /// The JSON of an operator's call; `nil` when it is none, or larger than the limit, which is a mebibyte where nothing
    /// else is said.
    func readAdminBody(upTo limit: Int = adminBodyBytes) async throws -> JSON? {
        let budget = ByteBudget(limit: limit)
        let body = try await readBody(upTo: limit, seconds: 30, budget: budget)
        guard case .whole(let buffer) = body else { return nil }
        return try? JSON(parsing: buffer)
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
