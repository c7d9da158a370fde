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
        ConsoleSessions(signer: data.signer(for: "console sessions", with: token), kept: data.endedSessions)
    }

    @Test func `are known to whoever has the same key and the same token`() async throws {
        let data = try DataStore(opening: .memory)
        let (one, other) = (Self.sessions(data), Self.sessions(data))
        for isSignedIn in [true, false] {
            let begun = one.begin(isSignedIn: isSignedIn, at: Self.start)
            let known = try #require(await other.session(begun.cookie, at: Self.start + 1))
            #expect(known.id == begun.id && known.formToken == begun.formToken && known.isSignedIn == isSignedIn)
        }
        let cookie = one.begin(isSignedIn: true, at: Self.start).cookie
        #expect(await Self.sessions(data, token: "tokem").session(cookie, at: Self.start) == nil)
        #expect(await Self.sessions(data, token: "").session(cookie, at: Self.start) == nil)
        // Data in memory have a key of their own.
        let elsewhere = try DataStore(opening: .memory)
        #expect(await Self.sessions(elsewhere).session(cookie, at: Self.start) == nil)
        let others = ConsoleSessions(
            signer: data.signer(for: "another purpose", with: "token"),
            kept: data.endedSessions
        )
        #expect(await others.session(cookie, at: Self.start) == nil)
        try data.close()
        try elsewhere.close()
    }

    @Test func `end twelve hours after their last use, and seven days after their beginning`() async throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let sessions = Self.sessions(data)
        var cookie = try #require(sessions.begin(isSignedIn: true, at: Self.start).cookie)
        #expect(await sessions.session(cookie, at: Self.start + 12 * Self.hour - 1) != nil)
        #expect(await sessions.session(cookie, at: Self.start + 12 * Self.hour) == nil)
        // A clock that is as far behind.
        #expect(await sessions.session(cookie, at: Self.start - 12 * Self.hour) == nil)
        // Used all the time, it is renewed, once an hour.
        #expect(try #require(await sessions.session(cookie, at: Self.start + Self.hour - 1)).cookie == nil)
        var last = Self.start
        for time in stride(from: Self.start, to: Self.start + 8 * 24 * Self.hour, by: 2 * 3_600_000) {
            guard let session = await sessions.session(cookie, at: time) else { break }
            last = time
            cookie = session.cookie ?? cookie
        }
        #expect(last == Self.start + (7 * 24 - 2) * Self.hour)
    }

    @Test func `are over where they were ended, however they are spelled`() async throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let sessions = Self.sessions(data)
        let session = sessions.begin(isSignedIn: true, at: Self.start)
        let renewed = try #require(await sessions.session(session.cookie, at: Self.start + 2 * Self.hour)?.cookie)
        #expect(await sessions.isOpen(session, at: Self.start))
        #expect(await sessions.end(session, at: Self.start))
        #expect(await !sessions.isOpen(session, at: Self.start))
        #expect(await sessions.session(session.cookie, at: Self.start) == nil)
        #expect(await sessions.session(renewed, at: Self.start) == nil)
    }

    @Test func `are nobody's once a single character is another one`() async throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let sessions = Self.sessions(data)
        let cookie = try #require(sessions.begin(at: Self.start).cookie)
        let characters = Array(cookie)
        for position in characters.indices {
            for other in "01afF.-é\u{0}" where other != characters[position] {
                var changed = characters
                changed[position] = other
                #expect(await sessions.session(String(changed), at: Self.start) == nil, "\(position)")
            }
            var shorter = characters
            shorter.remove(at: position)
            #expect(await sessions.session(String(shorter), at: Self.start) == nil, "\(position)")
        }
        for text in ["", ".", "....", cookie + ".", "." + cookie, cookie + "0", String(repeating: "0", count: 64)] {
            #expect(await sessions.session(text, at: Self.start) == nil, "\(text)")
        }
        // Nobody signs in by saying so, and a form's token is no session's signature.
        let session = try #require(await sessions.session(cookie, at: Self.start))
        let end = try #require(cookie.lastIndex(of: "."))
        let claim = "\(session.id).\(Self.start).\(Self.start).1"
        #expect(await sessions.session(claim + cookie[end...], at: Self.start) == nil)
        #expect(await sessions.session("\(claim).\(session.formToken)", at: Self.start) == nil)
    }

    @Test func `are over at every server of the data once they were ended at one, also after a restart`() async throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let (one, other) = (Self.sessions(data), Self.sessions(data))
        let session = one.begin(isSignedIn: true, at: Self.start)
        let another = one.begin(isSignedIn: true, at: Self.start)
        let streamed = try #require(await other.session(session.cookie, at: Self.start))
        #expect(await one.end(session, at: Self.start + Self.hour))
        #expect(await other.session(session.cookie, at: Self.start + Self.hour) == nil)
        #expect(await !other.isOpen(streamed, at: Self.start + Self.hour))
        #expect(await Self.sessions(data).session(session.cookie, at: Self.start) == nil)
        #expect(await other.session(another.cookie, at: Self.start + Self.hour) != nil)
        // What would be over by itself is forgotten, but not too early for a clock that is behind.
        #expect(await one.end(another, at: Self.start + 7 * 24 * Self.hour))
        #expect(try await data.endedSessions.contains(session.id))
        let last = one.begin(isSignedIn: true, at: Self.start + 9 * 24 * Self.hour)
        #expect(await one.end(last, at: Self.start + 9 * 24 * Self.hour))
        #expect(try await !data.endedSessions.contains(session.id))
        #expect(try await data.endedSessions.contains(last.id))
    }

    @Test func `that nobody has signed in to leave nothing in the data`() async throws {
        let data = try DataStore(opening: .memory)
        defer { try? data.close() }
        let sessions = Self.sessions(data)
        let session = sessions.begin(at: Self.start)
        #expect(await sessions.end(session, at: Self.start))
        #expect(await sessions.session(session.cookie, at: Self.start) == nil)
        #expect(try await !data.endedSessions.contains(session.id))
    }
}
