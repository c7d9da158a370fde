import Events
import LosslessJSON
import Synchronization
import Testing

@testable import Server

/// The clock of the workspaces over a server's clock that the test moves.
@Suite(.timeLimit(.minutes(2))) struct `The workspaces' clock` {
    private final class Seconds: Sendable {
        private let value = Mutex<Int64>(1000)

        var timestamp: Timestamp { Timestamp(milliseconds: value.withLock(\.self) * 1000) }

        func pass(_ seconds: Int64) {
            value.withLock { $0 += seconds }
        }
    }

    private let seconds = Seconds()

    private func clock() -> WorkspaceClock {
        WorkspaceClock { [seconds] in seconds.timestamp }
    }

    @Test func `stands still, goes on from there, and returns to the server's time`() {
        let clock = clock()
        #expect(clock.move(.freeze(true)))
        seconds.pass(60)
        #expect(clock.now.seconds == 1000)
        #expect(clock.reading == (1_000_000, -60_000, true))
        #expect(clock.move(.freeze(true)), "again")
        #expect(clock.now.seconds == 1000)
        #expect(clock.move(.freeze(false)))
        seconds.pass(5)
        #expect(clock.now.seconds == 1005)
        #expect(clock.reading.isFrozen == false && clock.reading.moved == -60_000)
        #expect(clock.move(.reset))
        #expect(clock.now.seconds == 1065)
    }

    @Test func `can be moved while it stands still, and stands still then`() {
        let clock = clock()
        #expect(clock.move(.freeze(true)) && clock.move(.advance(milliseconds: 7000)))
        seconds.pass(60)
        #expect(clock.now.seconds == 1007)
        #expect(clock.move(.set(Timestamp(milliseconds: 5000))))
        seconds.pass(60)
        #expect(clock.now.seconds == 5)
        #expect(!clock.move(.advance(milliseconds: -6000)), "not before 1970")
        #expect(clock.now.seconds == 5)
        #expect(clock.move(.reset) && !clock.reading.isFrozen)
        seconds.pass(1)
        #expect(clock.now.seconds == 1121)
    }

    @Test(arguments: [
        (#"{"frozen":true}"#, WorkspaceClock.Move.freeze(true)), (#"{"frozen":false}"#, .freeze(false)),
        (#"{"advance":"1d12h"}"#, .advance(milliseconds: 129_600_000)), (#"{"reset":true}"#, .reset),
    ])
    func `is asked in JSON`(body: String, move: WorkspaceClock.Move) throws {
        #expect(try WorkspaceClock.Move(JSON(parsing: body)) == move)
    }

    @Test func `that stands still is the time of what happens`() async throws {
        try await PrivateServer.with { workspace async throws in
            _ = try await workspace.ask("clock", #"{"now":"2031-01-02T03:04:05Z"}"#)
            let frozen = try await workspace.ask("clock", #"{"frozen":true}"#).json
            #expect(frozen?["frozen"] == true && frozen?["now"] == "2031-01-02T03:04:05.000Z")
            #expect(try await workspace.read("clock").json == frozen)
            _ = try await workspace.track("/api/v2/entity", `Track API of a workspace`.identify)
            let entry = try await workspace.read("people/u1/activity?type=profile_create").json?["items"]?.arrayValue?
                .first
            #expect(entry?["timestamp"] == 1_925_089_445)
        }
    }
}
