import Synchronization

/// Who has a page of the console open: known by a cookie, and by a token that each of their forms carries.
final class ConsoleSessions: Sendable {
    struct Session: Sendable {
        let id: String
        /// What each form carries: a page of another origin can't read it.
        let formToken: String
        /// Whether the admin token was said.
        var isSignedIn = false
        /// What the act before came to, until a page has shown it.
        var said: String?
        var usedAt: Int64
    }

    /// Sessions at a time; the one that was unused for longest leaves first, and nobody who has signed in for somebody who
    /// has not.
    private static let most = 1_000
    private static let lifeMilliseconds: Int64 = 12 * 3_600_000
    /// Wrong tokens that one address may say in a minute.
    private static let tries = 5

    private struct State {
        var sessions: [String: Session] = [:]
        var failures: [String: (minute: Int64, count: Int)] = [:]
    }

    private let state = Mutex(State())

    /// The session of a cookie; `nil` when there is none, or it is too old.
    func session(_ id: String?, at now: Int64) -> Session? {
        guard let id else { return nil }
        return state.withLock { state in
            guard var session = state.sessions[id], now - session.usedAt < Self.lifeMilliseconds else {
                state.sessions[id] = nil
                return nil
            }
            session.usedAt = now
            state.sessions[id] = session
            return session
        }
    }

    func begin(isSignedIn: Bool = false, at now: Int64) -> Session {
        let session = Session(id: Self.random(), formToken: Self.random(), isSignedIn: isSignedIn, usedAt: now)
        state.withLock { state in
            if state.sessions.count >= Self.most {
                // Strangers leave first: whoever asks for a page gets a session.
                let order = { (session: Session) in (session.isSignedIn ? 1 : 0, session.usedAt) }
                let oldest = state.sessions.values.min { order($0) < order($1) }
                state.sessions[oldest?.id ?? ""] = nil
            }
            state.sessions[session.id] = session
        }
        return session
    }

    func end(_ session: Session) {
        state.withLock { $0.sessions[session.id] = nil }
    }

    func say(_ words: String?, to session: Session) {
        guard let words else { return }
        state.withLock { $0.sessions[session.id]?.said = words }
    }

    /// What is to be shown once.
    func takeSaid(of session: Session) -> String? {
        state.withLock { state in
            defer { state.sessions[session.id]?.said = nil }
            return state.sessions[session.id]?.said
        }
    }

    // MARK: Guessing

    /// Whether an address may say a token now.
    func mayTry(_ address: String, at now: Int64) -> Bool {
        state.withLock { state in
            let minute = now / 60_000
            if let failures = state.failures[address], failures.minute == minute { return failures.count < Self.tries }
            // Beyond that many addresses in one minute nobody new is counted, and so nobody new may try.
            guard state.failures.count >= Self.most else { return true }
            state.failures = state.failures.filter { $0.value.minute == minute }
            return state.failures.count < Self.most
        }
    }

    func failed(_ address: String, at now: Int64) {
        let minute = now / 60_000
        state.withLock { state in
            let before = state.failures[address].flatMap { $0.minute == minute ? $0.count : nil } ?? 0
            state.failures[address] = (minute, before + 1)
        }
    }

    /// 128 bits that nobody guesses.
    private static func random() -> String {
        String(UInt128.random(in: .min ... .max), radix: 16)
    }
}
