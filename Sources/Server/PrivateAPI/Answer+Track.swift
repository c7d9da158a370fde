import HTTPTypes
import LosslessJSON

extension Answer {
    /// An answer as Customer.io's Track API gives it, with the headers of track-api.md §1, and with the name of the
    /// workspace, so that nobody takes it for production.
    static func track(_ situation: Situation, _ body: [UInt8], from workspace: String?) -> Answer {
        var headers: HTTPFields = [
            .accessControlAllowOrigin: "*",
            .cacheControl: "no-cache, no-store, must-revalidate, max-age=0",
            .contentType: "application/json; charset=utf-8",
            .repeatedStatus: "\(situation.status.code) \(situation.status.reasonPhrase)",
            .strictTransportSecurity: "max-age=31536000; includeSubDomains",
        ]
        headers[.workspace] = workspace
        return Answer(situation, headers: headers, body: body)
    }

    static func track(_ situation: Situation, json: JSON, from workspace: String?) -> Answer {
        track(situation, json.encoded(), from: workspace)
    }

    /// The three bytes of every success.
    static func trackSuccess(from workspace: String) -> Answer {
        track(.done, Array("{}\n".utf8), from: workspace)
    }

    /// What a request that cannot be understood gets of version 2 (track-api.md §3.3).
    static func trackRefusal(field: String, _ message: String, from workspace: String) -> Answer {
        track(
            .invalid,
            json: ["errors": [["reason": "invalid", "field": .string(field), "message": .string(message)]]],
            from: workspace
        )
    }

    /// An error of the Track API's version 1, which is what every other path of the private listener answers too.
    static func problem(_ situation: Situation, _ message: String, from workspace: String? = nil) -> Answer {
        track(situation, json: ["meta": ["error": .string(message)]], from: workspace)
    }
}
