import Integrations
import LosslessJSON
import Storage
import Testing
import TrackAPI

@testable import Delivery

/// What the simulation has found once, and finds too seldom to rely on chance.
@Suite struct `What was found once` {
    private let bucket = TokenBucket(perSecond: nil, at: 0)

    private func moment(_ time: Int64) -> Moment { Moment(steady: time, wall: 1_700_000_000_000 + time) }

    private func person(_ action: String, _ id: String) -> Operation {
        Operation(
            kind: .entity,
            body: ["type": "person", "action": .string(action), "identifiers": ["id": .string(id)]]
        )
    }

    private func event(_ seq: Int64, _ operations: [Operation]) -> PlannedEvent {
        let keys = OrderKeys(secret: Array(0..<16))
        return PlannedEvent(
            seq: seq,
            receivedAt: 0,
            verdict: nil,
            operations: operations.enumerated().map { place, operation in
                PlannedEvent.Planned(
                    place: place,
                    action: "action",
                    item: Batch.Item(operation, batchSize: 50, batching: true),
                    claims: operation.claims(keys)
                )
            }
        )
    }

    private func cursor(_ limits: Cursor.Limits = Cursor.Limits()) -> Cursor {
        Cursor(id: 1, share: .live, position: 0, open: [], limits: limits, at: moment(0))
    }

    @Test func `a refused one keeps its place while somebody ahead of it goes once more`() {
        var (cursor, bucket) = (cursor(), bucket)
        let operations = (1...3).map { _ in person("event", "1") }
        cursor.take(
            operations.enumerated().map { event(Int64($0.offset + 1), [$0.element]) },
            through: 3,
            at: moment(0)
        )
        // So that the third is not in the same request.
        cursor.entries[OperationID(seq: 2, place: 0)]?.item?.batchSize = 2
        let first = cursor.orders(at: moment(300), bucket: &bucket).requests
        #expect(first.map(\.operations.count) == [2])
        cursor.take(.settled([.untried, .refused("400")]), status: 400, to: 1, chance: 0, at: moment(400))
        let next = cursor.orders(at: moment(400), bucket: &bucket).requests
        #expect(next.map { $0.operations.map(\.id.seq) } == [[1]])
    }

    @Test func `who follows a cut in the same event does not hold up its record`() {
        var (cursor, bucket) = (cursor(), bucket)
        cursor.take([event(1, [person("delete", "1"), person("event", "1")])], through: 1, at: moment(0))
        _ = cursor.orders(at: moment(0), bucket: &bucket)
        cursor.take(.settled([.delivered]), status: 200, to: 1, chance: 0, at: moment(100))
        let record = cursor.orders(at: moment(100), bucket: &bucket).record
        #expect(record?.position == 1)
        #expect(record?.rows.map(\.place) == [1])
    }

    @Test func `a paused road waits again when its probe fails in another way`() {
        var road = Road(maximumConcurrency: 4, at: 0)
        road.pause("401", at: 0)
        #expect(road.admits(underWay: 0, at: 60_000))
        road.isUnavailable("429", retryAfter: .seconds(300), sentAt: 60_000, chance: 0, at: 60_100)
        #expect(!road.admits(underWay: 0, at: 360_000))
        #expect(road.admits(underWay: 0, at: 360_100))
    }

    @Test func `what is only held back after a time-out is not given up for its room`() {
        var limits = Cursor.Limits()
        limits.operations = 2
        var (cursor, bucket) = (cursor(limits), bucket)
        let operations = [person("delete", "1"), person("delete", "2")]
        cursor.take(
            operations.enumerated().map { event(Int64($0.offset + 1), [$0.element]) },
            through: 2,
            at: moment(0)
        )
        _ = cursor.orders(at: moment(0), bucket: &bucket)
        let timeout = Answer.suspicious(words: "no answer", retryAfter: nil, isTimeout: true)
        cursor.take(timeout, status: nil, to: 1, chance: 0, at: moment(30_000))
        let orders = cursor.orders(at: moment(30_000), bucket: &bucket)
        #expect(orders.notes.isEmpty)
        #expect(cursor.entries.values.allSatisfy { $0.dropped == nil })
    }

    @Test func `one that was given up and still waits does not keep the others from making room`() {
        var limits = Cursor.Limits()
        limits.operations = 2
        var (cursor, bucket) = (cursor(limits), bucket)
        cursor.take([event(1, [person("event", "1")])], through: 1, at: moment(0))
        _ = cursor.orders(at: moment(0), bucket: &bucket)
        cursor.take([event(2, [person("event", "1")])], through: 2, at: moment(0))
        cursor.drop(OperationID(seq: 2, place: 0), "given up", at: moment(0))
        let answer = Answer.suspicious(words: "500", retryAfter: nil, isTimeout: false)
        cursor.take(answer, status: 500, to: 1, chance: 0, at: moment(100))
        _ = cursor.orders(at: moment(100), bucket: &bucket)
        #expect(cursor.entries[OperationID(seq: 1, place: 0)]?.phase == .ended(.failed))
    }

    @Test func `where all wait behind one that fails, its room is made though it has closed the road`() {
        var limits = Cursor.Limits()
        limits.operations = 2
        var (cursor, bucket) = (cursor(limits), bucket)
        cursor.take([event(1, [person("event", "1")])], through: 1, at: moment(0))
        var now: Int64 = 0
        for number in 1...4 {
            let requests = cursor.orders(at: moment(now), bucket: &bucket).requests
            #expect(requests.map(\.number) == [number])
            let answer = Answer.suspicious(words: "500", retryAfter: nil, isTimeout: false)
            cursor.take(answer, status: 500, to: number, chance: 0, at: moment(now))
            now += 60_000
        }
        #expect(!cursor.road.isOpen)
        // Somebody behind it takes the last place.
        cursor.take([event(2, [person("event", "1")])], through: 2, at: moment(180_001))
        _ = cursor.orders(at: moment(180_001), bucket: &bucket)
        #expect(cursor.entries[OperationID(seq: 1, place: 0)]?.phase == .ended(.failed))
    }
}
