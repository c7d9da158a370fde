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

/// Why there was no whole HTTP answer, in words for an operator. They hold nothing but the address.
enum ConnectionFailure {
    /// The words for what the HTTP client threw; `authority` is the endpoint's host and port, `timeout` the wait that
    /// was given to the whole request.
    static func words(for error: any Error, authority: String, timeout: Duration) -> String {
        switch error {
        case let error as HTTPClientError: words(for: error, authority: authority, timeout: timeout)
        case let error as NIOConnectionError: words(for: error, authority: authority)
        case let error as IOError: words(for: error, authority: authority)
        case is CancellationError: "the request to \(authority) was cancelled"
        case is Overdue: noAnswer(authority, timeout)
        case HTTPParserError.invalidEOFState, HTTPParserError.closedConnection: closed(authority)
        case is HTTPParserError: "\(authority) answered with something that is not HTTP"
        case is ChannelError: closed(authority)
        default: others(error, authority: authority)
        }
    }

    /// Thrown when the body of an answer has not arrived in time.
    struct Overdue: Error {}

    private static func words(for error: HTTPClientError, authority: String, timeout: Duration) -> String {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: noAnswer(authority, timeout)
        case .connectTimeout, .getConnectionFromPoolTimeout: "no connection to \(authority) in time"
        case .tlsHandshakeTimeout: "no answer from \(authority) to the TLS handshake in time"
        case .remoteConnectionClosed, .uncleanShutdown: closed(authority)
        case .cancelled: "the request to \(authority) was cancelled"
        case .alreadyShutdown: "the request to \(authority) was not sent: the HTTP client is shut down"
        default: "the request to \(authority) failed: \(error.shortDescription)"
        }
    }

    private static func words(for error: NIOConnectionError, authority: String) -> String {
        if let first = error.connectionErrors.first {
            if let error = first.error as? IOError { return words(for: error, authority: authority) }
            if case .connectTimeout? = first.error as? ChannelError { return "no connection to \(authority) in time" }
            return "no connection to \(authority)"
        }
        if error.dnsAError != nil || error.dnsAAAAError != nil {
            return "the name \(error.host) could not be resolved"
        }
        return "no connection to \(authority)"
    }

    private static func words(for error: IOError, authority: String) -> String {
        switch error.errnoCode {
        case ECONNREFUSED: "connection refused by \(authority)"
        case ECONNRESET, EPIPE: closed(authority)
        case EHOSTUNREACH, ENETUNREACH: "\(authority) cannot be reached from here: no route"
        case ETIMEDOUT: "no connection to \(authority) in time"
        default: "no connection to \(authority) (system error \(error.errnoCode))"
        }
    }

    /// Only the kind is told: the text of an error may quote what was received.
    private static func others(_ error: any Error, authority: String) -> String {
        let kind = String(describing: type(of: error))
        if kind.contains("SSL") {
            return "no TLS connection to \(authority): check that it speaks TLS and that its certificate is valid"
        }
        return "the request to \(authority) failed (\(kind))"
    }

    private static func closed(_ authority: String) -> String {
        "\(authority) closed the connection before its answer was complete"
    }

    private static func noAnswer(_ authority: String, _ timeout: Duration) -> String {
        "no answer from \(authority) within \(timeout.formattedAsTimeout)"
    }
}

extension Duration {
    /// `30 s`, `250 ms`.
    fileprivate var formattedAsTimeout: String {
        let (seconds, attoseconds) = components
        if attoseconds == 0 || seconds >= 10 { return "\(seconds) s" }
        return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000) ms"
    }
}
