import CPostgres

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One statement or pipeline on its way: sends what libpq holds and hands out the answers, until a deadline.
///
/// libpq works without blocking here: else a server that is there but reads nothing, or is gone without a word, would hold
/// the thread for good.
struct Exchange {
    /// Why there is no further answer.
    enum End: Error {
        /// The deadline has passed.
        case late
        /// The connection is lost.
        case lost
        /// The answer is one that nobody here knows what to do with.
        case unknown
    }

    /// What COPY answers, and goes on to answer until the data have gone: there is no way for them here.
    static let copies = [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH]

    let functions: ferry_libpq
    let connection: OpaquePointer
    private let deadline: ContinuousClock.Instant?
    private let givesUp: (@Sendable () -> Bool)?

    /// How often it is asked whether to give up.
    private static let pause = Duration.milliseconds(250)

    init(
        _ functions: ferry_libpq,
        _ connection: OpaquePointer,
        timeout: Duration?,
        givesUp: (@Sendable () -> Bool)? = nil
    ) {
        self.functions = functions
        self.connection = connection
        self.givesUp = givesUp
        deadline = timeout.map { .now + $0 }
    }

    private var isConnected: Bool { functions.PQstatus(connection) == CONNECTION_OK }

    /// libpq's last words about the connection.
    var lastWords: String {
        PostgresError.oneLine(functions.PQerrorMessage(connection).map { String(cString: $0) } ?? "")
    }

    /// Whether the connection still stands before anything is sent: a server that has ended it has said so by now, and what
    /// isn't sent is not in doubt.
    func isAlive() -> Bool {
        // A few parts of a message at most; what may come beyond them is read with the answer.
        for _ in 0..<16 where isConnected {
            guard Self.wait(for: POLLIN, functions.PQsocket(connection), until: .now) else { break }
            _ = functions.PQconsumeInput(connection)
            _ = functions.PQisBusy(connection)
        }
        return isConnected
    }

    /// The next answer, as libpq counts them; `nil` stands between those of two statements.
    func next() throws(End) -> OpaquePointer? {
        var unsent = functions.PQflush(connection)
        while functions.PQisBusy(connection) == 1 {
            guard isReady(for: unsent == 1 ? POLLIN | POLLOUT : POLLIN) else { throw .late }
            // What the server said before it ended the connection has been read by then.
            guard functions.PQconsumeInput(connection) == 1 else { throw .lost }
            unsent = functions.PQflush(connection)
        }
        return functions.PQgetResult(connection)
    }

    /// Waits until something can be done with the socket; `false` if the deadline came first, or somebody gave up.
    private func isReady(for events: Int32) -> Bool {
        guard let givesUp else { return Self.wait(for: events, functions.PQsocket(connection), until: deadline) }
        while true {
            let turn = ContinuousClock.now + Self.pause
            let end = deadline.map { min($0, turn) } ?? turn
            if Self.wait(for: events, functions.PQsocket(connection), until: end) { return true }
            if givesUp() || deadline.map({ $0 <= .now }) == true { return false }
        }
    }

    /// As `next`, where another answer must come.
    func nextInPipeline() throws(End) -> OpaquePointer {
        // One stands between two answers, another where libpq turns to the next statement.
        for _ in 0..<4 {
            if let result = try next() { return result }
            guard isConnected else { throw .lost }
        }
        throw .unknown
    }

    /// What an answer that is none of success says.
    func refusal(_ result: OpaquePointer) -> PostgresError {
        func field(_ code: Int) -> String? {
            functions.PQresultErrorField(result, Int32(code)).map { String(cString: $0) }
        }
        guard let state = field(FERRY_DIAG_SQLSTATE) else {
            // libpq's own words.
            return PostgresError(isConnected ? .other : .unreachable, "A statement failed: \(lastWords)")
        }
        return PostgresError(sqlState: state, message: field(FERRY_DIAG_MESSAGE) ?? "")
    }

    /// Waits until something can be done with a socket.
    ///
    /// - Returns: `false` if the deadline came first.
    static func wait(for events: Int32, _ socket: Int32, until deadline: ContinuousClock.Instant?) -> Bool {
        // libpq has closed it, and will say so.
        if socket < 0 { return true }
        var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
        while true {
            let count = poll(&entry, 1, deadline.map { milliseconds(ContinuousClock.now.duration(to: $0)) } ?? -1)
            if count > 0 { return true }
            if count < 0, errno != EINTR { return true }
            if count == 0, let deadline, deadline <= .now { return false }
        }
    }

    /// Rounded up, so that nobody wakes just before the time and asks again.
    private static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(max(0, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
