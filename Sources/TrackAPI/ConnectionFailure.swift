import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why there was no whole HTTP answer, and what that says about the operations.
struct ConnectionFailure: Error, Equatable {
    enum Kind: Equatable {
        /// Nothing may be sent there.
        case refusedAddress
        /// No byte of an operation has left.
        case notBegun
        /// Neither has one, and the reason is a connection that was closing when the request reached it.
        case missed
        /// The request was lost on its way, or its answer on the way back.
        case lost
        /// The wait was given up.
        case timeout
    }

    let kind: Kind
    /// For an operator. They hold nothing but the address.
    let words: String

    /// - Parameters:
    ///   - error: what the HTTP client threw.
    ///   - endpoint: to which the request was to go.
    ///   - timeout: the wait that was given to the whole request.
    ///   - hasBegun: whether the body of the request was begun.
    init(_ error: any Error, endpoint: Endpoint, timeout: Duration, hasBegun: Bool) {
        if let refused = error as? RefusedAddress {
            kind = .refusedAddress
            words = refused.words(host: endpoint.host)
            return
        }
        if hasBegun {
            kind = ConnectionFailure.isTimeout(error) ? .timeout : .lost
        } else {
            kind = ConnectionFailure.isClosedConnection(error) ? .missed : .notBegun
        }
        words = Wording(authority: endpoint.authority, timeout: timeout, hasBegun: hasBegun).words(for: error)
    }

    /// Thrown when the body of an answer has not arrived in time.
    struct Overdue: Error {}

    /// Thrown by a body that may not leave any more.
    struct HeldBack: Error {}

    var answer: Answer {
        switch kind {
        case .refusedAddress: .settings(words: words)
        case .notBegun, .missed: .unavailable(words: words, retryAfter: nil)
        case .lost: .suspicious(words: words, retryAfter: nil, isTimeout: false)
        case .timeout: .suspicious(words: words, retryAfter: nil, isTimeout: true)
        }
    }

    /// The same for one who asked for the region.
    var credentialsCheck: CredentialsCheck {
        kind == .refusedAddress ? .unexpected(words: words) : .unreachable(words: words)
    }

    private static func isClosedConnection(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError:
            // Cancelled by nobody here is what the client calls a request that it gave to such a connection.
            error == .remoteConnectionClosed || error == .cancelled && !Task.isCancelled
        case let error as ChannelError: [.ioOnClosedChannel, .alreadyClosed, .eof].contains(error)
        default: false
        }
    }

    private static func isTimeout(_ error: any Error) -> Bool {
        if let error = error as? HTTPClientError {
            return [.deadlineExceeded, .readTimeout, .writeTimeout].contains(error)
        }
        return error is Overdue || (error as? IOError)?.errnoCode == ETIMEDOUT
    }
}

/// What each error of the HTTP client and of what is below it is called.
private struct Wording {
    let authority: String
    let timeout: Duration
    let hasBegun: Bool

    func words(for error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: words(for: error)
        case let error as NIOConnectionError: words(for: error)
        case let error as IOError: words(for: error)
        case is CancellationError: cancelled
        case is ConnectionFailure.Overdue: overdue
        case is ConnectionFailure.HeldBack: "the request to \(authority) was held back: another node may deliver"
        case HTTPParserError.invalidEOFState, HTTPParserError.closedConnection: closed
        case is HTTPParserError: "\(authority) answered with something that is not HTTP"
        case is ChannelError: closed
        default: others(error)
        }
    }

    private func words(for error: HTTPClientError) -> String {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: overdue
        case .connectTimeout, .getConnectionFromPoolTimeout: noConnectionInTime
        case .tlsHandshakeTimeout: "no answer from \(authority) to the TLS handshake in time"
        case .remoteConnectionClosed, .uncleanShutdown: closed
        case .cancelled: Task.isCancelled ? cancelled : closed
        case .alreadyShutdown: "the request to \(authority) was not sent: the HTTP client is shut down"
        default: "the request to \(authority) failed: \(error.shortDescription)"
        }
    }

    private func words(for error: NIOConnectionError) -> String {
        if let first = error.connectionErrors.first {
            if let error = first.error as? IOError { return words(for: error) }
            if case .connectTimeout? = first.error as? ChannelError { return noConnectionInTime }
            return "no connection to \(authority)"
        }
        if error.dnsAError != nil || error.dnsAAAAError != nil {
            return "the name \(error.host) could not be resolved"
        }
        return "no connection to \(authority)"
    }

    private func words(for error: IOError) -> String {
        switch error.errnoCode {
        case ECONNREFUSED: "connection refused by \(authority)"
        case ECONNRESET, EPIPE: closed
        case EHOSTUNREACH, ENETUNREACH: "\(authority) cannot be reached from here: no route"
        case ETIMEDOUT: hasBegun ? "no sign of life from \(authority) any more" : noConnectionInTime
        default: "no connection to \(authority) (system error \(error.errnoCode))"
        }
    }

    /// Only the kind is told: the text of an error may quote what was received.
    private func others(_ error: any Error) -> String {
        let kind = String(describing: type(of: error))
        if kind.contains("SSL") {
            return "no TLS connection to \(authority): check that it speaks TLS and that its certificate is valid"
        }
        return "the request to \(authority) failed (\(kind))"
    }

    private var closed: String {
        "\(authority) closed the connection before \(hasBegun ? "its answer was complete" : "the request was begun")"
    }

    private var overdue: String {
        "no \(hasBegun ? "answer from" : "connection to") \(authority) within \(timeout.formattedAsTimeout)"
    }

    private var noConnectionInTime: String { "no connection to \(authority) in time" }
    private var cancelled: String { "the request to \(authority) was cancelled" }
}

extension Duration {
    /// `30 s`, `250 ms`.
    fileprivate var formattedAsTimeout: String {
        let (seconds, attoseconds) = components
        if attoseconds == 0 || seconds >= 10 { return "\(seconds) s" }
        return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000) ms"
    }
}
