import CPostgres
import Dispatch

/// Postgres: PostgreSQL's client library, libpq, as Swift: connections, statements with binary values, and errors by kind.
///
/// The room knows no table, no retry and no pool: who uses it decides what a lost connection means. libpq is loaded when the
/// first URL is read, not linked.
///
/// A connection is used by one thread at a time, as libpq demands: it is not `Sendable`, so the compiler sees to that. What
/// it is told blocks the thread, no longer than `statementTimeout`. Only its `canceller` may be used from elsewhere.
package final class PostgresConnection {
    /// Which server and database this is, for messages: without the password.
    package let url: PostgresURL
    /// Cancels what this connection does, from any thread.
    package let canceller: PostgresCanceller
    /// How long a statement may take before it is cancelled and the connection given up.
    package var statementTimeout: Duration?

    let functions: ferry_libpq
    /// libpq's `PGconn`; `nil` once it is closed.
    private var connection: OpaquePointer?
    private var prepared: PreparedStatements
    private var isGivenUp = false
    private let givesUp: (@Sendable () -> Bool)?
    /// Statements that go out with the next one.
    private var waiting: [(String, [PostgresValue])] = []
    private let observer: (@Sendable (String, Duration) -> Void)?

    /// Connects.
    ///
    /// - Throws: `unreachable`, `starting`, `tooManyConnections`, `refusedLogin` and `readOnly` (no server that may write, where
    ///   the URL asks for one) say what came in the way; a setting that the server does not know is `other`.
    package init(_ url: PostgresURL, options: PostgresOptions = PostgresOptions()) throws(PostgresError) {
        let functions = try Libpq.functions()
        let connection = try Login(functions, url, options).connect()
        guard let cancel = functions.PQgetCancel(connection) else {
            functions.PQfinish(connection)
            throw PostgresError(.other, "libpq has no memory left")
        }
        self.url = url
        self.functions = functions
        self.connection = connection
        canceller = PostgresCanceller(functions, cancel)
        statementTimeout = options.statementTimeout
        givesUp = options.givesUp
        observer = options.observer
        prepared = PreparedStatements(bound: options.preparedStatements)
        guard !options.settings.isEmpty else { return }
        // Not as startup options: those would take the place of the URL's and of PGOPTIONS, and connection poolers refuse them.
        _ = try query(
            "SELECT set_config(setting.name, setting.value, false) FROM unnest($1, $2) AS setting (name, value)",
            [.texts(options.settings.map { Array($0.0.utf8) }), .texts(options.settings.map { Array($0.1.utf8) })]
        )
    }

    deinit {
        close()
    }

    /// Whether the connection is lost or closed: it can only be thrown away.
    package var isBroken: Bool {
        guard let connection, !isGivenUp else { return true }
        return functions.PQstatus(connection) != CONNECTION_OK
    }

    /// Whether the connection still stands, as far as the server has said: it is looked at, and nothing is sent.
    package var isAlive: Bool {
        guard let connection, !isBroken else { return false }
        return Exchange(functions, connection, timeout: nil).isAlive()
    }

    /// Asks the server to cancel the statement that is being carried out, if one is: it ends with `timeout`.
    ///
    /// From another thread, where this value can't go, it is `canceller.cancel()`.
    package func cancel() {
        canceller.cancel()
    }

    /// Takes leave of the server. The connection is broken then.
    package func close() {
        guard let connection else { return }
        functions.PQfinish(connection)
        self.connection = nil
    }

    /// Carries out one or more statements without values, separated by semicolons; they are one transaction unless they
    /// begin and end some themselves.
    package func run(_ statements: String) throws(PostgresError) {
        if !waiting.isEmpty { _ = try pipeline([]) }
        let exchange = try self.exchange()
        let start = ContinuousClock.now
        defer { observer?(statements, .now - start) }
        guard functions.PQsendQuery(exchange.connection, statements) == 1 else { throw giveUp(.lost, exchange) }
        var refusal: PostgresError?
        do throws(Exchange.End) {
            while let result = try exchange.next() {
                defer { functions.PQclear(result) }
                switch functions.PQresultStatus(result) {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: break
                case let status where Exchange.copies.contains(status): throw .unknown
                default: refusal = refusal ?? exchange.refusal(result)
                }
            }
        } catch {
            throw giveUp(error, exchange, refusal)
        }
        if functions.PQstatus(exchange.connection) != CONNECTION_OK { throw giveUp(.lost, exchange, refusal) }
        if let refusal { throw refusal }
    }

    /// Carries out one statement with values for `$1`, `$2` and so on.
    ///
    /// The server prepares it at its first use and keeps it prepared, for these types of values.
    ///
    /// - Throws: nothing of it is done then, unless the error `isInDoubt`.
    package func query(_ statement: String, _ values: [PostgresValue] = []) throws(PostgresError) -> PostgresResult {
        try pipeline([(statement, values)])[0]
    }

    /// Carries out one statement together with the next one, before it, within a transaction that is open. What it is refused
    /// for, the next one throws.
    package func later(_ statement: String, _ values: [PostgresValue] = []) throws(PostgresError) {
        waiting.append((statement, values))
        // What they are answered has to find room while they are sent.
        if waiting.count >= Self.mostWaiting { _ = try pipeline([]) }
    }

    private static let mostWaiting = 100

    /// Forgets what would go out with the next statement: the transaction is undone.
    package func forgetWaiting() {
        waiting = []
    }

    /// Carries out several statements in one round trip and, unless a transaction is open, as one transaction.
    ///
    /// - Returns: the result of each.
    /// - Throws: the first error; nothing of it is done then, unless the error `isInDoubt`.
    package func pipeline(_ statements: [(String, [PostgresValue])]) throws(PostgresError) -> [PostgresResult] {
        let all = waiting + statements
        waiting = []
        if all.isEmpty { return [] }
        var pipeline = Pipeline(functions)
        for (text, values) in all { try pipeline.add(text, values, &prepared) }
        for name in prepared.superfluous { pipeline.deallocate(name) }
        let exchange = try self.exchange()
        let start = ContinuousClock.now
        defer { observer?((statements.isEmpty ? all : statements).map(\.0).joined(separator: "; "), .now - start) }
        let answer: ([PostgresResult], refusal: PostgresError?)
        do throws(Pipeline.Broken) {
            answer = try pipeline.carryOut(exchange, &prepared)
        } catch {
            throw giveUp(error.end, exchange, error.refusal)
        }
        if let refusal = answer.refusal { throw refusal }
        return Array(answer.0.dropFirst(all.count - statements.count))
    }

    /// What a statement is sent and answered through; it has to be answered within `statementTimeout`.
    private func exchange() throws(PostgresError) -> Exchange {
        guard let connection, !isGivenUp else {
            throw PostgresError(.unreachable, "The connection to \(url) is closed")
        }
        let exchange = Exchange(functions, connection, timeout: statementTimeout, givesUp: givesUp)
        guard exchange.isAlive() else {
            isGivenUp = true
            throw PostgresError(.unreachable, "The connection to \(url) is lost: \(exchange.lastWords)")
        }
        return exchange
    }

    /// After a statement was sent and no end of it came.
    private func giveUp(_ end: Exchange.End, _ exchange: Exchange, _ refusal: PostgresError? = nil) -> PostgresError {
        isGivenUp = true
        switch end {
        case .late:
            cancelApart()
            return PostgresError(.timeout, "\(url) did not answer a statement in time", isInDoubt: true)
        case .lost:
            if let refusal, refusal.sqlState != nil { return refusal.inDoubt }
            return PostgresError(
                .unreachable,
                "The connection to \(url) was lost during a statement: \(exchange.lastWords)",
                isInDoubt: true
            )
        case .unknown:
            cancelApart()
            return PostgresError(.other, "\(url) gave an answer that was not expected", isInDoubt: true)
        }
    }

    /// Cancels without waiting: where a server doesn't answer, the system may still take the connection that this needs.
    private func cancelApart() {
        DispatchQueue.global().async { [canceller] in canceller.cancel() }
    }
}

/// Cancels what a connection does, from any thread.
///
/// Unchecked, but proven: both values are constants; libpq's manual has `PQcancel` safe to be called from any thread, on an
/// object of its own that is apart from the connection; and it is freed when nobody holds this value, so nobody is calling.
package final class PostgresCanceller: @unchecked Sendable {
    private let functions: ferry_libpq
    private let handle: OpaquePointer

    init(_ functions: ferry_libpq, _ handle: OpaquePointer) {
        self.functions = functions
        self.handle = handle
    }

    deinit {
        functions.PQfreeCancel(handle)
    }

    /// Asks the server to cancel the statement that is being carried out; without one it does nothing. It opens a connection
    /// for that and waits until the server has taken the request.
    package func cancel() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { words in
            _ = functions.PQcancel(handle, words.baseAddress, 256)
        }
    }
}
