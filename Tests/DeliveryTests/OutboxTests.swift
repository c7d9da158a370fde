import Integrations
import LosslessJSON
import Testing
import TrackAPI

@testable import Delivery

@Suite struct `The outbox` {
    /// Events 1, 2, 3 … each with one operation.
    private func outbox(_ operations: [Operation]) -> Outbox {
        var outbox = Outbox(position: 0)
        for (offset, operation) in operations.enumerated() {
            outbox.add(plan(operation), seq: Int64(offset + 1))
        }
        return outbox
    }

    private func names(_ request: [Outbox.Entry]?) -> [String] {
        (request ?? []).map { $0.operation.body["name"]?.stringValue ?? "" }
    }

    @Test func `a request holds what waits, in log order`() {
        var outbox = outbox([event("a"), event("b"), event("c")])
        let next = names(outbox.nextRequest())
        #expect(next == ["a", "b", "c"])
    }

    @Test func `nothing waits when nothing was planned`() {
        var outbox = Outbox(position: 7)
        let request = outbox.nextRequest()
        let settled = outbox.takeSettled()
        #expect(request == nil)
        #expect(settled.position == 7)
    }

    @Test func `an event that became nothing moves the position`() {
        var outbox = Outbox(position: 7)
        outbox.add(Plan(testing: []), seq: 9)
        let position = outbox.takeSettled().position
        #expect(position == 9)
    }

    @Test func `the position stays below the first event that is not settled`() {
        var outbox = outbox([event("a"), event("b")])
        let before = outbox.takeSettled().position
        #expect(before == 0)
        let request = outbox.nextRequest() ?? []
        _ = outbox.take(.settled([.delivered, .untried]), for: request)
        let position = outbox.takeSettled().position
        #expect(position == 1)
        let next = names(outbox.nextRequest())
        #expect(next == ["b"])
    }

    @Test func `a refused operation is handed over with its words and its neighbours go on`() {
        var outbox = outbox([event("a"), event("bad"), event("c")])
        let request = outbox.nextRequest() ?? []
        _ = outbox.take(.settled([.delivered, .refused("400 bad name"), .delivered]), for: request)
        let settled = outbox.takeSettled()
        #expect(settled.position == 3)
        #expect(settled.failures.map(\.seq) == [2])
        #expect(settled.failures.map(\.words) == ["400 bad name"])
        #expect(settled.failures.map(\.attempts) == [1])
        #expect(outbox.isEmpty)
    }

    @Test func `an unclear answer halves the group until the bad one stands alone`() {
        var outbox = outbox((0..<8).map { event("\($0)") })
        var sizes: [Int] = []
        while let request = outbox.nextRequest() {
            sizes.append(request.count)
            if names(request).contains("5") {
                _ = outbox.take(request.count > 1 ? .unclear(words: "400") : .settled([.refused("400")]), for: request)
            } else {
                _ = outbox.take(.settled(request.map { _ in .delivered }), for: request)
            }
        }
        #expect(sizes == [8, 4, 4, 2, 1, 1, 2])
        let settled = outbox.takeSettled()
        #expect(settled.position == 8)
        #expect(settled.failures.map(\.seq) == [6])
    }

    @Test(arguments: ["delete", "suppress", "merge"])
    func `an operation that takes away is the last of its request`(action: String) {
        let cut = Operation(kind: .entity, body: ["type": "person", "action": .string(action)])
        var outbox = outbox([event("a"), cut, event("b")])
        let request = outbox.nextRequest()
        #expect(request?.count == 2)
    }

    @Test func `an operation that is too large fails without a request`() {
        let large = event(String(repeating: "x", count: 40_000))
        var outbox = outbox([event("a"), large, event("c")])
        let first = outbox.nextRequest() ?? []
        #expect(names(first) == ["a"])
        _ = outbox.take(.settled([.delivered]), for: first)
        let next = names(outbox.nextRequest())
        #expect(next == ["c"])
        let settled = outbox.takeSettled()
        #expect(settled.position == 2)
        #expect(settled.failures.map(\.words) == ["larger than 32 KB"])
        #expect(settled.failures.map(\.attempts) == [0])
    }

    @Test func `a transient answer changes nothing but asks to wait`() {
        var outbox = outbox([event("a"), event("b")])
        let request = outbox.nextRequest() ?? []
        let verdict = outbox.take(.unavailable(words: "503", retryAfter: .seconds(3)), for: request)
        #expect(verdict == .wait(words: "503", atLeast: .seconds(3)))
        let position = outbox.takeSettled().position
        #expect(position == 0)
        let next = names(outbox.nextRequest())
        #expect(next == ["a", "b"])
    }

    @Test func `wrong settings pause and lose nothing`() {
        var outbox = outbox([event("a")])
        let request = outbox.nextRequest() ?? []
        let verdict = outbox.take(.settings(words: "401"), for: request)
        #expect(verdict == .pause(words: "401"))
        let next = names(outbox.nextRequest())
        #expect(next == ["a"])
    }
}

@Suite struct `Waits between tries` {
    @Test func `waits double up to a minute`() {
        var backoff = Backoff()
        let waits = (0..<9).map { _ in backoff.next(atLeast: nil, chance: 1) }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    @Test func `chance takes up to half of a wait away`() {
        var backoff = Backoff()
        let wait = backoff.next(atLeast: nil, chance: 0)
        #expect(wait == .seconds(0.5))
    }

    @Test func `the destination's wish is a lower bound`() {
        var backoff = Backoff()
        let wait = backoff.next(atLeast: .seconds(30), chance: 0.5)
        #expect(wait == .seconds(30))
    }

    @Test func `success begins anew`() {
        var backoff = Backoff()
        for _ in 0..<5 { _ = backoff.next(atLeast: nil, chance: 1) }
        backoff.reset()
        let wait = backoff.next(atLeast: nil, chance: 1)
        #expect(wait == .seconds(1))
    }
}
