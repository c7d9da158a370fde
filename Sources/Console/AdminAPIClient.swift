package import LosslessJSON

/// A call of the admin API.
package struct AdminCall: Sendable {
    /// Carries out a call.
    package typealias Ask = @Sendable (AdminCall) async throws -> AdminReply

    package let method: String
    /// The path and the query, encoded.
    package let target: String
    package let body: JSON?
}

/// What the admin API answered.
package struct AdminReply: Sendable {
    package let status: Int
    package let body: [UInt8]

    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// The admin API as the pages use it.
struct AdminAPIClient: Sendable {
    let ask: AdminCall.Ask

    /// The API said no, in its words.
    struct Refusal: Error {
        let status: Int
        let words: String
    }

    /// Reads something: `path` are segments behind `/admin/v1`, decoded; what has no value is left out of the query.
    func get(_ path: [String], _ query: KeyValuePairs<String, String?> = [:]) async throws -> JSON {
        try await call("GET", path, query, nil)
    }

    func post(
        _ path: [String],
        _ body: JSON = [:],
        _ query: KeyValuePairs<String, String?> = [:]
    ) async throws -> JSON {
        try await call("POST", path, query, body)
    }

    func delete(_ path: [String], _ query: KeyValuePairs<String, String?> = [:]) async throws -> JSON {
        try await call("DELETE", path, query, nil)
    }

    private func call(
        _ method: String,
        _ path: [String],
        _ query: KeyValuePairs<String, String?>,
        _ body: JSON?
    ) async throws -> JSON {
        var target = "/admin/v1"
        for segment in path { target += "/" + segment.percentEncoded }
        let given = query.compactMap { name, value in value.map { "\(name)=\($0.percentEncoded)" } }
        if !given.isEmpty { target += "?" + given.joined(separator: "&") }
        let reply = try await ask(AdminCall(method: method, target: target, body: body))
        let json = try? JSON(parsing: reply.body)
        guard reply.status < 300, let json else {
            let words = json?["meta"]?["error"]?.stringValue ?? "The admin API answered \(reply.status)."
            throw Refusal(status: reply.status, words: words)
        }
        return json
    }
}

extension String {
    /// As a segment of a console's path. Browsers take `.` and `..` for steps, also encoded: those get a mark in front, and
    /// so does what begins with it.
    var asSegment: String {
        self == "." || self == ".." || utf8.first == UInt8(ascii: "~") ? "~" + percentEncoded : percentEncoded
    }

    /// What `asSegment` was made of, decoded.
    var withoutMark: String { utf8.first == UInt8(ascii: "~") ? String(dropFirst()) : self }

    /// As a segment of a path, or as a value of a query.
    var percentEncoded: String {
        var bytes: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
