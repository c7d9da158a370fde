import Foundation
import LosslessJSON
import PostgresServer
import Seeding
import Testing

/// Several Ferries over one database: one delivers, the others wait for their turn.
@Suite(.enabled(if: PostgresServer.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(5)))
struct `Taking turns` {
    private struct Trial {
        let destination: HostileDestination
        let folder: ScratchFolder
        let config: String
        let url: String

        init() async throws {
            destination = try await HostileDestination(SeededGenerator(for: "Taking turns"))
            destination.isCalm = true
            folder = try ScratchFolder()
            url = try await PostgresServer.shared().database()
            config = try folder.file(
                "ferry.yaml",
                """
                sources: { web: { write_key: ferry-local } }
                integrations:
                  main:
                    type: customerio
                    sources: [web]
                    settings: { endpoint: "\(destination.url)", site_id: s, api_key: k }
                """
            )
        }

        func start(_ name: String) async throws -> RunningFerry {
            try await RunningFerry(
                data: "env:FERRY_TEST_DATABASE",
                config: config,
                arguments: ["--folder", folder.url.appending(path: name).path],
                environment: ["FERRY_TEST_DATABASE": url]
            )
        }

        func send(_ numbers: ClosedRange<Int64>, to ferry: RunningFerry) async throws {
            for number in numbers {
                let call: JSON = [
                    "userId": "u1", "event": "Counted", "properties": ["n": .number(JSON.Number(number))],
                ]
                #expect(try await ferry.post("/v1/track", call).status == 200)
            }
        }

        func arrive(_ number: Int64) async throws {
            for _ in 0..<2_000 where destination.taken.last?.number != number {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(destination.taken.last?.number == number)
        }
    }

    @Test func `one that is killed is followed by the one that waits`() async throws {
        let trial = try await Trial()
        let first = try await trial.start("first")
        async let waiting = trial.start("second")
        try await trial.send(1...20, to: first)
        try await trial.arrive(20)
        // Delivered or not, they are in the log.
        try await trial.send(21...40, to: first)
        first.kill()
        let second = try await waiting
        try await trial.send(41...50, to: second)
        try await trial.arrive(50)
        let numbers = trial.destination.taken.map(\.number)
        // What was under way may come again; nothing is missing, and nothing is behind what came after it.
        var firsts: [Int64] = []
        for number in numbers where !firsts.contains(number) { firsts.append(number) }
        #expect(firsts == Array(1...50))
        #expect(second.stop() == 0)
    }

    @Test func `one that stood still is followed too, and sends nothing when it wakes up`() async throws {
        let trial = try await Trial()
        let first = try await trial.start("first")
        async let waiting = trial.start("second")
        try await trial.send(1...10, to: first)
        try await trial.arrive(10)
        first.freeze(true)
        let second = try await waiting
        try await trial.send(11...20, to: second)
        try await trial.arrive(20)
        // It would find these in the log, and its own position is before them.
        first.freeze(false)
        #expect(await first.end() != 0)
        let numbers = trial.destination.taken.map(\.number)
        // What it had delivered and not recorded came again, before what came after it.
        let next = try #require(numbers.firstIndex(of: 11))
        #expect(Set(numbers[..<next]) == Set(1...10) && numbers[next...] == [11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
        try await trial.send(21...30, to: second)
        try await trial.arrive(30)
        #expect(second.stop() == 0)
    }
}
