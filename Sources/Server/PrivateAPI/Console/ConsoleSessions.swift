import Storage
import Synchronization

/// Who has a page of the console open: known by a cookie, and by a token that each of their forms carries.
///
/// All that is to be known of a session stands in its cookie, signed. So it is known to every server that has the same
/// `seal.key` and the same admin token, also after a restart, and to nobody once one of these is another. Those that were ended
/// stand in the data, because their cookies may have been copied, and are asked for with each use. While the data can't be
/// read, what this server knows by itself has to do: what else the console shows then is that they can't.
final class ConsoleSessions: Sendable {
    struct Session: Sendable {
        /// 128 bits that nobody guesses.
        let id: String
        /// What each form carries: a page of another origin can't read it.
        let formToken: String
        /// Whether the admin token was said.
        let isSignedIn: Bool
        /// Milliseconds since 1970.
        fileprivate let begunAt: Int64
        /// What the browser is to send from now on; `nil` where it does already.
        fileprivate(set) var cookie: String?
    }

    /// A session ends when it was unused for so long, or this long after it has begun.
    private static let unusedMilliseconds: Int64 = 12 * 3_600_000
    private static let lifeMilliseconds: Int64 = 7 * 24 * 3_600_000
    /// How much longer an ended one is remembered: the clocks of servers may differ.
    private static let marginMilliseconds: Int64 = 24 * 3_600_000
    /// Between two attempts to write down the end of sessions.
    private static let pause = Duration.seconds(5)
    /// How long a cookie is sent before it gets another time of use. Not with each answer: one that is under way while
    /// somebody signs out would bring the cookie back.
    private static let renewalMilliseconds: Int64 = 3_600_000
    /// Of what is kept in memory, each.
    private static let most = 1_000
    private static let mostEnded = 10_000
    /// Wrong tokens that one address may say in a minute.
    private static let tries = 5

    private struct State {
        /// The sessions that were ended here, and when each would have ended by itself.
        var ended: [String: Int64] = [:]
        /// Those of them that the data don't know of yet.
        var unwritten: [String: Int64] = [:]
        /// What the act before came to, until a page has shown it.
        var said: [String: String] = [:]
        var failures: [String: (minute: Int64, count: Int)] = [:]
    }

    private let signer: Signer
    private let kept: EndedSessions
    private let state = Mutex(State())

    /// - Parameters:
    ///   - signer: signs cookies.
    ///   - kept: the sessions that were ended anywhere.
    init(signer: Signer, kept: EndedSessions) {
        self.signer = signer
        self.kept = kept
    }

    /// The session of a cookie; `nil` when there is none, or it is over, or nobody has signed it.
    func session(_ cookie: String?, at now: Int64) async -> Session? {
        guard let cookie, let end = cookie.lastIndex(of: ".") else { return nil }
        let text = String(cookie[..<end])
        guard signer.isSignature(cookie[cookie.index(after: end)...], of: "session \(text)") else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let begunAt = Int64(parts[1]), let usedAt = Int64(parts[2]) else { return nil }
        // The clock of the server that signed it may be another.
        guard abs(now - usedAt) < Self.unusedMilliseconds else { return nil }
        var session = session(id: String(parts[0]), isSignedIn: parts[3] == "1", begunAt: begunAt)
        guard await isOpen(session, at: now) else { return nil }
        if now - usedAt >= Self.renewalMilliseconds { session.cookie = self.cookie(of: session, usedAt: now) }
        return session
    }

    func begin(isSignedIn: Bool = false, at now: Int64) -> Session {
        let id = String(UInt128.random(in: .min ... .max), radix: 16)
        var session = session(id: id, isSignedIn: isSignedIn, begunAt: now)
        session.cookie = cookie(of: session, usedAt: now)
        return session
    }

    private func session(id: String, isSignedIn: Bool, begunAt: Int64) -> Session {
        Session(
            id: id,
            formToken: signer.signature(of: "form \(id)"),
            isSignedIn: isSignedIn,
            begunAt: begunAt
        )
    }

    private func cookie(of session: Session, usedAt: Int64) -> String {
        let text = "\(session.id).\(session.begunAt).\(usedAt).\(session.isSignedIn ? 1 : 0)"
        return "\(text).\(signer.signature(of: "session \(text)"))"
    }

    /// Ends a session, at this server at once.
    ///
    /// - Returns: whether it has ended at all of them. Where it has not, because the data can't be written, it is written
    ///   down as soon as they can.
    func end(_ session: Session, at now: Int64) async -> Bool {
        let end = session.begunAt + Self.lifeMilliseconds + Self.marginMilliseconds
        note(ended: session, at: now)
        // Without the token said there is nothing to be had with it.
        guard session.isSignedIn else { return true }
        do {
            try await kept.add(session.id, until: end, at: now)
            return true
        } catch {
            let isFirst = state.withLock { state in
                guard state.unwritten.count < Self.mostEnded else { return false }
                state.unwritten[session.id] = end
                return state.unwritten.count == 1
            }
            if isFirst { Task { await writeUnwritten(at: now) } }
            return false
        }
    }

    /// Returns when all is written down.
    private func writeUnwritten(at now: Int64) async {
        while let (id, end) = state.withLock({ $0.unwritten.first }) {
            do {
                try await kept.add(id, until: end, at: now)
                state.withLock { _ = $0.unwritten.removeValue(forKey: id) }
            } catch {
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private func note(ended session: Session, at now: Int64) {
        state.withLock { state in
            state.said[session.id] = nil
            if state.ended.count >= Self.mostEnded {
                state.ended = state.ended.filter { $0.value > now }
                // Whoever has the admin token can do that, and gains nothing.
                if state.ended.count >= Self.mostEnded, let first = state.ended.min(by: { $0.value < $1.value }) {
                    state.ended[first.key] = nil
                }
            }
            state.ended[session.id] = session.begunAt + Self.lifeMilliseconds
        }
    }

    /// Whether a session in use was neither ended nor has lasted too long.
    func isOpen(_ session: Session, at now: Int64) async -> Bool {
        guard abs(now - session.begunAt) < Self.lifeMilliseconds, state.withLock({ $0.ended[session.id] == nil })
        else { return false }
        guard session.isSignedIn, (try? await kept.contains(session.id)) == true else { return true }
        // So it stays over when the data can't be read.
        note(ended: session, at: now)
        return false
    }

    func say(_ words: String?, to session: Session) {
        guard let words else { return }
        state.withLock { state in
            if state.said.count >= Self.most { state.said = [:] }
            state.said[session.id] = words
        }
    }

    /// What is to be shown once.
    func takeSaid(of session: Session) -> String? {
        state.withLock { $0.said.removeValue(forKey: session.id) }
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
}
