import CPostgres

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes a connection, within a time.
struct Login {
    private let functions: ferry_libpq
    private let url: PostgresURL
    private let options: PostgresOptions

    init(_ functions: ferry_libpq, _ url: PostgresURL, _ options: PostgresOptions) {
        self.functions = functions
        self.url = url
        self.options = options
    }

    /// Several hosts are tried one after the other here, each in its time: libpq goes on to the next one only where the system
    /// or the server refuses, and not where a server takes connections and says nothing.
    ///
    /// - Returns: libpq's `PGconn`, that does not block.
    func connect() throws(PostgresError) -> OpaquePointer {
        var failures: [PostgresError] = []
        for place in url.places.isEmpty ? [nil] : url.places.map(Optional.some) {
            do {
                return try connect(to: place)
            } catch {
                failures.append(error)
                // The others would refuse it as well, and count it.
                if error.kind == .refusedLogin { break }
            }
        }
        throw Self.joined(failures)
    }

    /// What has failed at one host after the other, as one error of the kind that tells most.
    private static func joined(_ failures: [PostgresError]) -> PostgresError {
        let telling =
            failures.first { $0.kind != .unreachable && $0.kind != .readOnly }
            ?? failures.first { $0.kind == .readOnly } ?? failures.last
        return PostgresError(
            telling?.kind ?? .unreachable,
            failures.map(\.description).joined(separator: "; "),
            sqlState: telling?.sqlState
        )
    }

    private func connect(to place: Place?) throws(PostgresError) -> OpaquePointer {
        guard let connection = start(place) else { throw PostgresError(.other, "libpq has no memory left") }
        // What the server says otherwise goes to standard error.
        _ = functions.PQsetNoticeReceiver(connection, { _, _ in }, nil)
        // So that libpq's message has the SQLSTATE: that of a login is told nowhere else.
        _ = functions.PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        let deadline = ContinuousClock.now + patience
        var isInTime = true
        var state = PGRES_POLLING_WRITING
        if functions.PQstatus(connection) == CONNECTION_BAD { state = PGRES_POLLING_FAILED }
        while isInTime, state != PGRES_POLLING_OK, state != PGRES_POLLING_FAILED {
            let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
            isInTime = Exchange.wait(for: events, functions.PQsocket(connection), until: deadline)
            if isInTime { state = functions.PQconnectPoll(connection) }
        }
        guard isInTime, state == PGRES_POLLING_OK else {
            defer { functions.PQfinish(connection) }
            throw isInTime
                ? failure(connection)
                : PostgresError(
                    .unreachable,
                    "\(place.map { "\($0.host), port \($0.port)," } ?? "\(url)") took no connection within "
                        + "\(patience.components.seconds) s"
                )
        }
        _ = functions.PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
        _ = functions.PQsetnonblocking(connection, 1)
        return connection
    }

    private var patience: Duration {
        url.connectTimeout.flatMap { $0 > 0 ? .seconds($0) : nil } ?? options.connectTimeout
    }

    /// What stands before the URL is replaced by it, what stands behind it replaces it.
    private func start(_ place: Place?) -> OpaquePointer? {
        var settings = [
            ("fallback_application_name", options.applicationName),
            // A server that is gone is noticed after 11 seconds without anything to do, and after `silenceTimeout` else.
            ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "\(Int(options.silenceTimeout / .milliseconds(1)))"),
            ("dbname", url.text),
            ("client_encoding", "UTF8"),
        ]
        // The server says at the login what it is: this asks for nothing further.
        if options.needsWriting { settings.insert(("target_session_attrs", "read-write"), at: 0) }
        if let place { settings += [("host", place.host), ("port", place.port)] }
        let names = settings.map { UnsafePointer(strdup($0.0)) } + [nil]
        let values = settings.map { UnsafePointer(strdup($0.1)) } + [nil]
        defer { for text in names + values { free(UnsafeMutablePointer(mutating: text)) } }
        return functions.PQconnectStartParams(names, values, 1)
    }

    private func failure(_ connection: OpaquePointer) -> PostgresError {
        let message = functions.PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        let report = LoginReport(message)
        let kind: PostgresError.Kind =
            if let state = report.sqlState {
                PostgresError.Kind(sqlState: state)
            } else if functions.PQconnectionNeedsPassword(connection) == 1 {
                .refusedLogin
            } else {
                report.kind
            }
        return PostgresError(kind, report.words, sqlState: report.sqlState)
    }
}

/// libpq's message about a login that failed: a line for each host and way that it tried, each with lines of details.
struct LoginReport {
    /// The lines of the tries, in one.
    let words: String
    /// The last one that a server gave.
    private(set) var sqlState: String?

    init(_ message: String) {
        var tries: [String] = []
        let lines = message.split(whereSeparator: \.isNewline)
        let starts = ["connection to server", "could not translate host name"]
        var chosen = lines.filter { line in starts.contains { line.hasPrefix($0) } }
        if chosen.isEmpty { chosen = Array(lines.prefix(1)) }
        for line in chosen {
            let (words, state) = Self.withoutState(line)
            if let state { sqlState = state }
            if !tries.contains(words) { tries.append(words) }
        }
        words = tries.joined(separator: "; ") + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
    }

    /// Where no server gave a code.
    var kind: PostgresError.Kind {
        if words.hasPrefix("invalid ") { return .badURL }
        // What `target_session_attrs` of the URL found; these are libpq's own words, which no language of the server changes.
        let isReadOnly = ["session is read-only", "server is in hot standby mode"].contains { words.contains($0) }
        return isReadOnly ? .readOnly : .unreachable
    }

    /// `… FATAL:  28P01: password authentication failed …` without the code, which is all capitals and digits.
    private static func withoutState(_ line: Substring) -> (String, String?) {
        let pieces = line.split(separator: ":  ", maxSplits: 1, omittingEmptySubsequences: false)
        guard pieces.count == 2 else { return (String(line), nil) }
        let (state, rest) = (pieces[1].prefix(5), pieces[1].dropFirst(5))
        let isState = state.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }
        guard state.utf8.count == 5, isState, rest.hasPrefix(": ") else { return (String(line), nil) }
        return ("\(pieces[0]): \(rest.dropFirst(2))", String(state))
    }
}
