import Events
import HTTPTypes

/// What became of a request. The one place where HTTP statuses are chosen.
enum Situation: Equatable {
    case done
    /// There is nothing to say (track-api.md §9.10).
    case doneWithoutBody
    /// A preflight's answer, which has no body.
    case preflight
    /// The sender has it already.
    case unchanged

    // The source API (source-api.md §1.6, §2.6).

    /// The body as a whole cannot be understood. 400 even in permissive mode: the only status that stops every SDK.
    case unreadable
    /// A message or its key is refused on purpose. Permissive mode keeps it among the rejections and answers 200: on
    /// 401, 403, 413 or 422 some SDKs keep the file for ever and others hammer.
    case refused(Rejection.Code, Event.Strictness)
    case overloaded
    case storageUnavailable
    /// The body did not arrive in time. 503, for at 408 half of the SDKs drop what they have.
    case senderTooSlow

    // The Track API of a workspace (track-api.md §3).

    case partlyInvalid
    case invalid
    /// The account lives in another region.
    case elsewhere
    case unauthorised
    case farTooLarge
    /// A fault that a test asked for (`Fault`).
    case onPurpose(status: Int)

    // The console.

    /// An act is done; the browser goes on to a page.
    case seeOther
    case onPage(status: Int)

    // Every listener.

    case unknownPath
    case wrongMethod
    case tooSlow
    /// The `Host` header names somebody else.
    case foreignHost
    /// A page of another origin asks for a change.
    case foreignOrigin
    case notReady
    case fault

    var status: HTTPResponse.Status {
        switch self {
        case .done: .ok
        case .doneWithoutBody, .preflight: .noContent
        case .unchanged: .notModified
        case .unreadable: .badRequest
        case .refused(_, .permissive): .ok
        case .refused(.missingWriteKey, .strict), .refused(.invalidWriteKey, .strict): .unauthorized
        case .refused(_, .strict): .badRequest
        case .overloaded: .tooManyRequests
        case .storageUnavailable, .senderTooSlow: .serviceUnavailable
        case .partlyInvalid: HTTPResponse.Status(code: 207, reasonPhrase: "Multi-Status")
        case .invalid: .badRequest
        case .elsewhere: .temporaryRedirect
        case .unauthorised: .unauthorized
        case .farTooLarge: .contentTooLarge
        case .seeOther: .seeOther
        case .onPurpose(let status), .onPage(let status): HTTPResponse.Status(integerLiteral: status)
        case .unknownPath: .notFound
        case .wrongMethod: .methodNotAllowed
        case .tooSlow: .requestTimeout
        case .foreignHost: .misdirectedRequest
        case .foreignOrigin: .forbidden
        case .notReady: .serviceUnavailable
        case .fault: .internalServerError
        }
    }
}
