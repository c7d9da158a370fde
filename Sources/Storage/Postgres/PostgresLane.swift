import Dispatch
import Postgres
import Synchronization

/// One connection to PostgreSQL with a queue of its own, on which it is made, used and, when it was lost, made anew.
///
/// libpq blocks its thread; so nothing of it happens on the cooperative pool.
final class PostgresLane: Sendable {
    /// A connection that is ready, or why there is none.
    typealias Ready = Result<PostgresConnection, any Error>

    private struct Held {
        var connection: PostgresConnection?
        var isClosed = false
        /// When a connection was tried last in vain, and why.
        var failure: (end: ContinuousClock.Instant, error: any Error)?
    }

    private let queue: DispatchQueue
    private let url: PostgresURL
    private let options: PostgresOptions
    /// What is to be done with each new connection.
    private let begin: @Sendable (PostgresConnection) throws -> Void
    /// Only the queue takes it: nobody waits here.
    private let held = Mutex(Held())
    /// What was asked for and is not done.
    private let pending = Mutex(0)
    /// Since when the server has answered nothing that it was asked here, and since when it is being asked now.
    private let unanswered = Mutex<(since: ContinuousClock.Instant?, asked: ContinuousClock.Instant?)>((nil, nil))

    init(
        _ name: String,
        _ url: PostgresURL,
        _ options: PostgresOptions,
        begin: @escaping @Sendable (PostgresConnection) throws -> Void = { _ in }
    ) {
        self.begin = begin
        queue = DispatchQueue(label: "ferry.postgres.\(name)")
        self.url = url
        self.options = options
    }

    /// How much waits here.
    var load: Int { pending.withLock { $0 } }

    /// How long a new connection is waited for before it counts as one more without an answer.
    private static let moment = Duration.seconds(1)

    /// Whether the server is being asked here at the moment, and has answered nothing for so long, not on another connection
    /// either: it may be that one only which is dead.
    func isSilent(for time: Duration) -> Bool {
        let (since, asked) = unanswered.withLock(\.self)
        guard let since, let asked else { return false }
        return since.duration(to: .now) > time && asked.duration(to: .now) > Self.moment
    }

    /// Calls `work` on the queue, after what was asked for before.
    func perform(_ work: @escaping @Sendable (Ready) -> Void) {
        pending.withLock { $0 += 1 }
        let asked = ContinuousClock.now
        queue.async { [self] in
            held.withLock { held in
                let start = ContinuousClock.now
                unanswered.withLock { $0.asked = start }
                do {
                    guard !held.isClosed else { throw StorageError(.unavailable, "the data is closed") }
                    // The server ends one that was idle for long, and all of them when it restarts: nobody has to hear of it.
                    if held.connection?.isAlive == false { held.connection = nil }
                    // Who comes behind others that wait in vain does not wait.
                    if options.givesUp?() == true {
                        throw StorageError(.unavailable, "\(url) has not answered for a while; it is asked again")
                    }
                    // Who has waited while one was tried need not wait for another try, and all the others behind.
                    if held.connection == nil, let failure = held.failure, asked < failure.end { throw failure.error }
                    let connection = try held.connection ?? connect(&held)
                    held.connection = connection
                    work(.success(connection))
                    note(isAnswered: !connection.isBroken, since: start)
                    if connection.isBroken { held.connection = nil }
                } catch {
                    note(isAnswered: !error.isSilence, since: start)
                    work(.failure(error))
                }
            }
            pending.withLock { $0 -= 1 }
        }
    }

    private func note(isAnswered: Bool, since start: ContinuousClock.Instant) {
        unanswered.withLock { $0 = (since: isAnswered ? nil : $0.since ?? start, asked: nil) }
    }

    private func connect(_ held: inout Held) throws -> PostgresConnection {
        do {
            return try connect()
        } catch {
            held.failure = (.now, error)
            throw error
        }
    }

    private func connect() throws -> PostgresConnection {
        let connection = try PostgresConnection(url, options: options)
        do {
            try begin(connection)
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    /// Does the same, and waits for it.
    func performing<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async -> Result<Value, any Error> {
        await withCheckedContinuation { continuation in
            perform { ready in continuation.resume(returning: ready.flatMap { one in Result { try work(one) } }) }
        }
    }

    /// The same, with errors in our words; `name` is what they call the database.
    func performing<Value: Sendable>(
        as name: String,
        _ work: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(StorageError) -> Value {
        switch await performing(work) {
        case .success(let value): return value
        case .failure(let error): throw StorageError(error, file: name)
        }
    }

    /// Connects, so that what is wrong is known at once. It blocks.
    func prepare() throws {
        try queue.sync {
            try held.withLock { held in
                if held.connection == nil { held.connection = try connect() }
            }
        }
    }

    /// Does something at once. It blocks.
    func performingNow<Value: Sendable>(_ work: @Sendable (PostgresConnection) throws -> Value) throws -> Value {
        try prepare()
        return try queue.sync {
            try held.withLock { held in
                guard let connection = held.connection else { throw StorageError(.unavailable, "the data is closed") }
                return try work(connection)
            }
        }
    }

    /// Lets go of the connection, after what was asked for before.
    func close() {
        queue.sync {
            held.withLock { held in
                held.connection?.close()
                held = Held(connection: nil, isClosed: true)
            }
        }
    }
}

extension [PostgresLane] {
    /// Reads, all of it as of one moment, on the one that has least to do; the first of them if all are idle.
    func read<Value: Sendable>(
        as name: String,
        within limit: Duration? = nil,
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws(StorageError) -> Value {
        guard let lane = self.min(by: { $0.load < $1.load }) else {
            throw StorageError(.unavailable, "nobody reads \(name)")
        }
        return try await lane.performing(as: name) { connection in
            try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", within: limit) {
                try work($0)
            }
        }
    }
}

extension Error {
    /// Whether the server has said nothing at all.
    fileprivate var isSilence: Bool {
        guard let error = self as? PostgresError, error.sqlState == nil else { return false }
        return error.kind == .unreachable || error.kind == .timeout
    }
}

extension PostgresConnection {
    /// Carries out all of a body in one transaction or, when it throws, nothing of it.
    ///
    /// - Parameters:
    ///   - begin: how it begins.
    ///   - limit: within which time a server that doesn't stand still has begun one.
    ///   - body: what is carried out.
    /// - Returns: what the body does.
    /// - Throws: its error, and that of the server.
    func transaction<Value>(
        _ begin: String = "BEGIN",
        within limit: Duration? = nil,
        _ body: (Connection) throws -> Value
    ) throws -> Value {
        let timeout = statementTimeout
        if let limit { statementTimeout = limit }
        defer { statementTimeout = timeout }
        try run(begin)
        statementTimeout = timeout
        do {
            let value = try body(Connection(self))
            // With what waits for it.
            _ = try query("COMMIT")
            return value
        } catch {
            forgetWaiting()
            // A connection that is lost has undone it, and can't be asked to.
            if !isBroken { try? run("ROLLBACK") }
            throw error
        }
    }
}
