import Events
import HTTPTypes
import LosslessJSON

extension Answer {
    /// What every SDK takes for success (source-api.md §1.4).
    static let accepted = Answer(.done, body: Array(#"{"success":true}"#.utf8))

    /// Sentences about single messages that an error answer holds at most.
    private static let reportedFaults = 100

    /// The answer to a request that is refused for the first of these reasons and the others.
    static func refusal(_ situation: Situation, _ rejections: [Rejection]) -> Answer {
        let first = rejections.first
        var texts = rejections.prefix(reportedFaults).map(\.message)
        if rejections.count > reportedFaults { texts.append("and \(rejections.count - reportedFaults) more") }
        let message = first?.message ?? "refused"
        return error(situation, code: first?.code.rawValue ?? Rejection.Code.internal.rawValue, message, all: texts)
    }

    /// An error in the one shape that every SDK's parser takes (source-api.md §1.5).
    static func error(_ situation: Situation, code: String, _ message: String, all: [String]? = nil) -> Answer {
        let errors = (all ?? [message]).map(JSON.string)
        return Answer(
            situation,
            json: [
                "success": false, "code": .string(code), "message": .string(message), "error": .string(message),
                "meta": ["error": .string(message), "errors": .array(errors)],
            ]
        )
    }

    /// Asks the sender to come again.
    static func overloaded(retryAfterSeconds seconds: Int, now: Timestamp) -> Answer {
        var answer = error(
            .overloaded,
            code: Rejection.Code.rateLimited.rawValue,
            "the server takes no more at the moment: try again in \(seconds) s"
        )
        answer.headers[.retryAfter] = String(seconds)
        answer.headers[.rateLimitReset] = String(now.seconds + Int64(seconds))
        return answer
    }
}
