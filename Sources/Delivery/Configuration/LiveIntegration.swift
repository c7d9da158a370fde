package import Integrations
import Synchronization
package import TrackAPI

/// The way to a destination, with the settings of the moment: they hold for every request from now on, whenever its event
/// came (delivery.md F40).
package struct Connection: Sendable {
    /// Sends operations in one request, if the gate is open when there is a connection.
    package typealias Send = @Sendable (_ operations: [Operation], _ gate: @escaping DepartureGate) async -> Exchange

    let send: Send
    /// The embedded workspace that it leads to, if it does.
    let workspace: String?
    /// Asks the destination whether it knows the credentials.
    let check: @Sendable () async -> CredentialsCheck
    /// Called once it is the way that counts.
    let begin: @Sendable () -> Void

    package init(
        workspace: String? = nil,
        check: @escaping @Sendable () async -> CredentialsCheck = {
            .valid(region: nil, environment: nil, note: nil)
        },
        begin: @escaping @Sendable () -> Void = {},
        send: @escaping Send
    ) {
        self.workspace = workspace
        self.check = check
        self.begin = begin
        self.send = send
    }
}

/// An integration as it lives: the revisions under which its events are planned, and the way to its destination.
package final class LiveIntegration: Sendable {
    /// Where it is written down, and so where it is changed.
    package enum Home: String, Sendable {
        case file, database
    }

    private struct State {
        var home: Home
        var connection: Connection
        /// The secrets that its text stands for, by setting; those of a file are nowhere else.
        var secrets: [String: String]
        var lastRead: Int64 = 0
        var signal: AsyncStream<Void>.Continuation?
        var hasLeft = false
        var isPaused: Bool
    }

    package let name: String
    package let history: RevisionHistory
    let rate: RateLimit
    private let state: Mutex<State>

    init(
        _ history: RevisionHistory,
        home: Home,
        connection: Connection,
        secrets: [String: String] = [:],
        isPaused: Bool = false,
        at now: Moment
    ) {
        let integration = history.newest.integration
        name = integration.name
        self.history = history
        rate = RateLimit(perSecond: integration.settings.rateLimit, at: now.steady)
        state = Mutex(State(home: home, connection: connection, secrets: secrets, isPaused: isPaused))
    }

    /// As it is now.
    package var integration: Integration { history.newest.integration }
    package var home: Home { state.withLock(\.home) }
    /// Whether somebody wants nothing to go out: everything waits (delivery.md F41).
    package var isPaused: Bool { state.withLock(\.isPaused) }
    /// The embedded workspace where it lands, if it does.
    package var workspace: String? { state.withLock(\.connection.workspace) }
    /// Whether it is not there any more; a lane that begins just then ends at once.
    var hasLeft: Bool { state.withLock(\.hasLeft) }

    func send(_ operations: [Operation], while gate: @escaping DepartureGate) async -> Exchange {
        await state.withLock(\.connection).send(operations, gate)
    }

    /// Asks the destination whether it knows the credentials.
    package func checkCredentials() async -> CredentialsCheck { await state.withLock(\.connection).check() }

    // MARK: Reading

    /// The last event that its first cursor has read since its lanes began.
    var lastRead: Int64 { state.withLock(\.lastRead) }

    /// A signal whenever that one has read more, and one at the beginning; for the other cursor.
    var reads: AsyncStream<Void> {
        let (reads, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signal.yield()
        state.withLock { $0.signal = signal }
        return reads
    }

    /// Its lanes begin: what was read before may have been planned otherwise by another node since.
    func begin() {
        state.withLock { $0.lastRead = 0 }
    }

    func noteRead(through seq: Int64) {
        let signal = state.withLock { state in
            state.lastRead = max(state.lastRead, seq)
            return state.signal
        }
        signal?.yield()
    }

    // MARK: Changing

    var secrets: [String: String] { state.withLock(\.secrets) }

    func pause(_ isPaused: Bool) {
        state.withLock { $0.isPaused = isPaused }
    }

    func leave() {
        state.withLock { $0.hasLeft = true }
    }

    func connect(_ connection: Connection, secrets: [String: String], home: Home, at now: Moment) {
        state.withLock { state in
            state.connection = connection
            state.secrets = secrets
            state.home = home
        }
        rate.set(perSecond: integration.settings.rateLimit, at: now.steady)
    }
}
