import Foundation
import Storage
import Testing

@testable import Server

/// What is known of a session by its cookie alone.
struct `The console's sessions` {
    private static let hour: Int64 = 3_600_000
    private static let start: Int64 = 1_700_000_000_000

    /// Those of servers of one data store with this admin token.
    private static func sessions(_ data: DataStore, token: String = "token") -> ConsoleSessions {
        ConsoleSessions(signer: data.signer(for: "console sessions", with: token))
    }

    @Test func `are known to whoever has the same key and the same token`() throws {
        let data = try DataStore(opening: .memory)
        let (one, other) = (Self.sessions(data), Self.sessions(data))
        for isSignedIn in [true, false] {
            let begun = one.begin(isSignedIn: isSignedIn, at: Self.start)
            let known = try #require(other.session(begun.cookie, at: Self.start + 1))
            #expect(known.id == begun.id && known.formToken == begun.formToken && known.isSignedIn == isSignedIn)
        }
        let cookie = one.begin(isSignedIn: true, at: Self.start).cookie
        #expect(Self.sessions(data, token: "tokem").session(cookie, at: Self.start) == nil)
        #expect(Self.sessions(data, token: "").session(cookie, at: Self.start) == nil)
        // Data in memory have a key of their own.
        let elsewhere = try DataStore(opening: .memory)
        #expect(Self.sessions(elsewhere).session(cookie, at: Self.start) == nil)
        let others = ConsoleSessions(signer: data.signer(for: "another purpose", with: "token"))
        #expect(others.session(cookie, at: Self.start) == nil)
        try data.close()
        try elsewhere.close()
    }

    @Test func `end twelve hours after their last use, and seven days after their beginning`() throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let sessions = Self.sessions(data)
        var cookie = try #require(sessions.begin(isSignedIn: true, at: Self.start).cookie)
        #expect(sessions.session(cookie, at: Self.start + 12 * Self.hour - 1) != nil)
        #expect(sessions.session(cookie, at: Self.start + 12 * Self.hour) == nil)
        // A clock that is as far behind.
        #expect(sessions.session(cookie, at: Self.start - 12 * Self.hour) == nil)
        // Used all the time, it is renewed, once an hour.
        #expect(try #require(sessions.session(cookie, at: Self.start + Self.hour - 1)).cookie == nil)
        var last = Self.start
        for time in stride(from: Self.start, to: Self.start + 8 * 24 * Self.hour, by: 2 * 3_600_000) {
            guard let session = sessions.session(cookie, at: time) else { break }
            last = time
            cookie = session.cookie ?? cookie
        }
        #expect(last == Self.start + (7 * 24 - 2) * Self.hour)
    }

    @Test func `are over where they were ended, however they are spelled`() throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let sessions = Self.sessions(data)
        let session = sessions.begin(isSignedIn: true, at: Self.start)
        let renewed = try #require(sessions.session(session.cookie, at: Self.start + 2 * Self.hour)?.cookie)
        #expect(sessions.isOpen(session, at: Self.start))
        sessions.end(session, at: Self.start)
        #expect(!sessions.isOpen(session, at: Self.start))
        #expect(sessions.session(session.cookie, at: Self.start) == nil)
        #expect(sessions.session(renewed, at: Self.start) == nil)
    }

    @Test func `are nobody's once a single character is another one`() throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let sessions = Self.sessions(data)
        let cookie = try #require(sessions.begin(at: Self.start).cookie)
        let characters = Array(cookie)
        for position in characters.indices {
            for other in "01afF.-é\u{0}" where other != characters[position] {
                var changed = characters
                changed[position] = other
                #expect(sessions.session(String(changed), at: Self.start) == nil, "\(position)")
            }
            var shorter = characters
            shorter.remove(at: position)
            #expect(sessions.session(String(shorter), at: Self.start) == nil, "\(position)")
        }
        for text in ["", ".", "....", cookie + ".", "." + cookie, cookie + "0", String(repeating: "0", count: 64)] {
            #expect(sessions.session(text, at: Self.start) == nil, "\(text)")
        }
        // Nobody signs in by saying so, and a form's token is no session's signature.
        let session = try #require(sessions.session(cookie, at: Self.start))
        let end = try #require(cookie.lastIndex(of: "."))
        let claim = "\(session.id).\(Self.start).\(Self.start).1"
        #expect(sessions.session(claim + cookie[end...], at: Self.start) == nil)
        #expect(sessions.session("\(claim).\(session.formToken)", at: Self.start) == nil)
    }
}
