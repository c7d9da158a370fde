/// Why a message is not accepted: a code for programs, the field, and what was expected (source-api.md §1.5, §2.6).
package struct Rejection: Error, Equatable, Sendable, CustomStringConvertible {
    /// The codes of source-api.md §1.5, as they stand in answers.
    package enum Code: String, Sendable, CaseIterable {
        case invalidJSON = "invalid_json"
        case invalidRequest = "invalid_request"
        case missingWriteKey = "missing_write_key"
        case invalidWriteKey = "invalid_write_key"
        case noIdentifier = "no_user_anon_id"
        case missingEventName = "missing_event_name"
        case messageTooLarge = "message_too_large"
        case batchTooLarge = "batch_too_large"
        case tooManyEvents = "too_many_events"
        case rateLimited = "rate_limited"
        case `internal` = "internal"
    }

    /// What is wrong, for programs.
    package let code: Code
    /// The name of the field at fault; `nil` where it is the message or the request as a whole.
    package let field: String?
    /// One line that names the field and what was expected; safe to log.
    package let message: String

    /// The caller keeps secrets out of `message`, and cuts what it quotes of the sender's words.
    package init(_ code: Code, field: String? = nil, _ message: String) {
        self.code = code
        self.field = field
        self.message = message
    }

    /// The message.
    package var description: String { message }
}
